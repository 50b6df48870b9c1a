"""Inserts versions: gives their numbers, encrypts the numbers of persons, and uses the fastest statement of each database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table

from verwerkingenlogging_register._database.driver import bare_driver
from verwerkingenlogging_register._keys.key_file import Key
from verwerkingenlogging_register._keys.protection import keys_of, sealed_actie, sealed_object
from verwerkingenlogging_register._model.tables import UuidText, successor, verwerkingsactie, verwerkt_object
from verwerkingenlogging_register._model.versions import Row, VersionRows

__all__ = ["insert_versions"]

_ROWS_AT_ONCE = 5_000


def insert_versions(connection: Connection, versions: Sequence[VersionRows]) -> Sequence[int]:
    """Insert ``versions`` in their order, and give the number of each. The numbers of persons are encrypted here and only here."""
    if not versions:
        return []
    if not connection.in_transaction():
        connection.begin()  # as SQLAlchemy does; the bare driver would commit each statement
    keys = keys_of(connection)
    key = keys.active()
    keys.register(connection, key)
    numbers = _next_versies(connection, len(versions))
    first = 0
    for until in _ends_of_slices(versions):
        _insert(connection, numbers[first:until], versions[first:until], key)
        first = until
    return numbers


def _ends_of_slices(versions: Sequence[VersionRows]) -> Iterator[int]:
    """Where to part them so that no slice has many rows: to let go of a hundred thousand rows at once holds up every other thread."""
    rows = 0
    for place, version in enumerate(versions, start=1):
        rows += 1 + len(version.objecten)
        if rows > _ROWS_AT_ONCE:
            rows = 0
            yield place
    if rows:
        yield len(versions)


def _insert(connection: Connection, numbers: Sequence[int], versions: Sequence[VersionRows], key: Key) -> None:
    added: dict[Table, list[Row]] = {verwerkingsactie: [], verwerkt_object: [], successor: []}
    for versie, version in zip(numbers, versions, strict=True):
        actie = sealed_actie(version.actie, key)
        actie["versie"] = versie
        added[verwerkingsactie].append(actie)
        for row in version.objecten:
            verwerkt = sealed_object(row, key)
            verwerkt["versie"], verwerkt["tijdstip_instant"] = versie, actie["tijdstip_instant"]
            added[verwerkt_object].append(verwerkt)
        if not version.is_first:
            added[successor].append({"versie": versie, "actie_id": actie["actie_id"]})
    for table, rows in added.items():
        if rows:
            _add(connection, table, rows)


# A number is never given out again, also when the purge took its version away.
_LAST_VERSIE = "SELECT max(coalesce((SELECT max(versie) FROM verwerkingsactie), 0), coalesce((SELECT max(last_versie) FROM purge), 0))"
_TAKE_VERSIES = "SELECT max(versie) FROM (SELECT nextval('versie') AS versie FROM generate_series(1, %s)) AS taken"


def _next_versies(connection: Connection, count: int) -> Sequence[int]:
    """As many numbers, higher than all before. The write lock is held, so nobody else is given one meanwhile."""
    if connection.dialect.name == "postgresql":
        with bare_driver(connection, _TAKE_VERSIES) as driver:
            last: int = driver.execute(_TAKE_VERSIES, (count,)).fetchone()[0]
    else:
        with bare_driver(connection, _LAST_VERSIE) as driver:
            last = driver.execute(_LAST_VERSIE).fetchone()[0] + count
    return range(last - count + 1, last + 1)


def _add(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Through the bare driver: what SQLAlchemy would do for each row takes longer than the row."""
    names = ", ".join(table.columns.keys())
    values = map(itemgetter(*table.columns.keys()), rows)
    if connection.dialect.name == "postgresql":  # COPY is its quickest way in, also for a single row
        statement = f"COPY {table.name} ({names}) FROM STDIN"
        with bare_driver(connection, statement) as driver, driver.cursor() as cursor, cursor.copy(statement) as copy:
            for each in values:
                copy.write_row(each)
    else:
        statement = f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' * len(table.columns))})"  # noqa: S608  # our own names
        with bare_driver(connection, statement) as driver:
            driver.executemany(statement, _with_bytes(table, values)).close()


def _with_bytes(table: Table, rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    """The rows with their UUIDs as SQLite keeps them."""
    places = [place for place, column in enumerate(table.columns) if isinstance(column.type, UuidText)]
    for row in rows:
        values = list(row)
        for place in places:
            if values[place] is not None:
                values[place] = bytes.fromhex(values[place].replace("-", ""))
        yield values
