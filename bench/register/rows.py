"""A register with many records in it, kept from one run to the next: everybody has eighteen, spread over two years.

Made by bulk, without the register: rows as it would have stored them. Those of the persons that are searched are sealed with
the keys of the bench; in the rows of all others stand random bytes of the same lengths, which nobody ever opens.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from math import gcd
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Table

from bench.register.cluster import Cluster
from bench.register.places import Kind, Place
from bench.register.record import actie, object_id
from verwerkingenlogging_register._database import schema
from verwerkingenlogging_register._keys.key_file import KeySource, active, load_keys
from verwerkingenlogging_register._keys.protection import sealed_actie, sealed_object
from verwerkingenlogging_register._model import tables
from verwerkingenlogging_register._model.tables import successor, verwerkingsactie, verwerkt_object
from verwerkingenlogging_register._model.versions import ActieVersie

__all__ = ["PER_PERSOON", "Filled", "filled"]

PER_PERSOON = 18
_SEARCHED = 2_000
_DAYS = 730
_SUCCEEDED = 50
"""One in so many acties has a newer version, as far as a search must look for one."""
_CHUNK = 20_000

Bulk = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A register with many records.

    Attributes:
        place: where it is.
        rows: how many there are.
        searched: how many persons can be searched: the first so many.
    """

    place: Place
    rows: int
    searched: int


def filled(kind: Kind, rows: int) -> Filled:
    """The register with that many records; made when there is none yet, which takes a minute for each few million."""
    persons = max(1, rows // PER_PERSOON)
    searched = min(persons, _SEARCHED)
    name = f"acties_{rows}_{_fingerprint(kind.keys)}"
    final = name if kind.cluster else str(kind.folder / f"{name}.sqlite")
    if (final not in kind.cluster.databases()) if kind.cluster else not Path(final).exists():
        _make(kind, final, persons, searched)
    return Filled(place=kind.place(final), rows=persons * PER_PERSOON, searched=searched)


def _fingerprint(keys: Path) -> str:
    """Of all that decides what is in it: the tables, this module, the keys."""
    files = [Path(__file__), Path(tables.__file__), *sorted(Path(schema.__file__).with_name("migrations").rglob("*.py")), keys]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:8]


def _make(kind: Kind, final: str, persons: int, searched: int) -> None:
    since = datetime.now(UTC) - timedelta(days=_DAYS)
    if kind.cluster is None:
        building = str(kind.scratch / "building.sqlite")
        place = kind.make(building)
        _fill_sqlite(Path(building), _Rows(place, persons, searched, since))
        Path(building).rename(final)
    else:
        building = f"scratch_{next(kind.numbers)}"
        place = kind.make(building, since)
        _fill_postgresql(kind.cluster, building, _Rows(place, persons, searched, since))
        kind.cluster.execute(f"ALTER DATABASE {building} RENAME TO {final}")


class _Rows:
    """The rows: the columns that differ from row to row, and the values of those that do not."""

    actie_columns = ("versie", "tijdstip_instant", "registratie_instant", "actie_id", "verwerking_id", "tijdstip")
    object_columns = ("versie", "tijdstip_instant", "verwerkt_object_id", "pseudonym", "object_id_sealed")

    def __init__(self, place: Place, persons: int, searched: int, since: datetime) -> None:
        key = active(load_keys(KeySource(file=place.keys)))
        self._key = key
        self._first = ActieVersie.first(actie()).rows()
        self._searched = searched
        self._persons = persons
        # Who comes next is far away, so that those who are searched do not stand together and share their pages.
        self._stride = next(each for each in range(int(persons * 0.618) + 1, 2 * persons + 2) if gcd(each, persons) == 1)
        self._since = since
        self._step = timedelta(days=_DAYS) / (persons * PER_PERSOON)
        self._pseudonyms = [self._sealed(person, bytes(16))["pseudonym"] for person in range(searched)]
        random = os.urandom(16 * (persons - searched))
        self._pseudonyms += [random[start : start + 16] for start in range(0, len(random), 16)]
        self._length = len(self._sealed(0, bytes(16))["object_id_sealed"])
        self.protection_key = (key.key_id, key.fingerprint)

    def constants(self, table: Table) -> dict[str, Any]:
        """The values of the columns that are the same in every row."""
        if table is verwerkingsactie:
            return {name: value for name, value in sealed_actie(self._first.actie, self._key).items() if name not in self.actie_columns}
        return {name: value for name, value in self._sealed(0, bytes(16)).items() if name not in self.object_columns}

    def chunks(self) -> Iterator[tuple[list[Bulk], list[Bulk]]]:
        """The rows of both tables, in the order of storing."""
        rows = self._both()
        while chunk := list(islice(rows, _CHUNK)):
            yield [one for one, _ in chunk], [other for _, other in chunk]

    def successors(self) -> list[Bulk]:
        """Versions that are newer than those of acties nobody asks for."""
        return [(os.urandom(16), versie) for versie in range(1, self._persons * PER_PERSOON, _SUCCEEDED)]

    def _both(self) -> Iterator[tuple[Bulk, Bulk]]:
        epoch, microsecond = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
        for versie in range(1, self._persons * PER_PERSOON + 1):
            person = versie * self._stride % self._persons
            random = os.urandom(48 + self._length)
            moment = self._since + self._step * versie
            instant = (moment - epoch) // microsecond
            own = person < self._searched
            sealed = self._sealed(person, random[32:48])["object_id_sealed"] if own else random[48:]
            yield (
                (versie, instant, instant, random[:16], random[16:32], moment.isoformat(timespec="seconds")),
                (versie, instant, random[32:48], self._pseudonyms[person], sealed),
            )

    def _sealed(self, person: int, occurrence: bytes) -> dict[str, Any]:
        row = {**self._first.objecten[0], "object_id": object_id(person), "verwerkt_object_id": str(UUID(bytes=occurrence))}
        return sealed_object(row, self._key)


def _fill_sqlite(path: Path, rows: _Rows) -> None:
    """Without indexes and triggers, which are put back: what is in the file afterwards is the same."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        later = connection.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL "
            "AND tbl_name IN ('verwerkingsactie', 'verwerkt_object', 'successor') ORDER BY type"
        ).fetchall()
        for kind, name, _ in later:
            connection.execute(f"DROP {kind} {name}")
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000"):
            connection.execute(f"PRAGMA {pragma}").close()
        connection.execute("BEGIN")
        # Registering the client may have added it; the table refuses to be given it again.
        unknown = "SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM protection_key)"
        connection.execute(f"INSERT INTO protection_key {unknown}", rows.protection_key)
        into_acties, into_objecten = (
            _insert(table, columns, rows.constants(table))
            for table, columns in ((verwerkingsactie, rows.actie_columns), (verwerkt_object, rows.object_columns))
        )
        for acties, objecten in rows.chunks():
            connection.executemany(into_acties, acties)
            connection.executemany(into_objecten, objecten)
        connection.executemany("INSERT INTO successor (actie_id, versie) VALUES (?, ?)", rows.successors())
        for _, _, sql in later:
            connection.execute(sql)
        connection.execute("COMMIT")


def _insert(table: Table, columns: tuple[str, ...], constants: dict[str, Any]) -> str:
    types = {column.name: column.type for column in table.columns}
    values = [_sqlite_literal(constant, is_uuid=isinstance(types[name], tables.UuidText)) for name, constant in constants.items()]
    return f"INSERT INTO {table.name} ({', '.join([*columns, *constants])}) VALUES ({', '.join([*['?'] * len(columns), *values])})"  # noqa: S608


def _sqlite_literal(value: object, *, is_uuid: bool) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(int(value))
    return f"x'{UUID(str(value)).hex}'" if is_uuid else f"'{value}'"


def _fill_postgresql(cluster: Cluster, database: str, rows: _Rows) -> None:
    """Likewise; COPY of text that is ready, which spares the driver half of its work."""
    names = ("verwerkingsactie", "verwerkt_object", "successor")
    with closing(cluster.connect(database)) as connection:
        later = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND indexname !~ '_pkey$'", [list(names)]
        ).fetchall()
        for name, _ in later:
            connection.execute(f"DROP INDEX {name}".encode())
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET maintenance_work_mem = '1GB'")
        connection.execute("INSERT INTO protection_key VALUES (%s, %s) ON CONFLICT DO NOTHING", rows.protection_key)
        into_acties, line_of_actie = _copy(verwerkingsactie, rows.actie_columns, rows.constants(verwerkingsactie))
        into_objecten, line_of_object = _copy(verwerkt_object, rows.object_columns, rows.constants(verwerkt_object))
        for acties, objecten in rows.chunks():
            lines = "".join([line_of_actie % tuple([_text(value) for value in one]) for one in acties])
            _copied(connection, into_acties, lines)
            lines = "".join([line_of_object % tuple([_text(value) for value in one]) for one in objecten])
            _copied(connection, into_objecten, lines)
        lines = "".join([f"{actie_id.hex()}\t{versie}\n" for actie_id, versie in rows.successors()])
        _copied(connection, f"COPY {successor.name} (actie_id, versie) FROM STDIN", lines)
        for _, definition in later:
            connection.execute(definition.replace(" ON ONLY ", " ON ").encode())
        connection.execute("SELECT setval('versie', (SELECT max(versie) FROM verwerkingsactie))")
        connection.execute("VACUUM ANALYZE")


def _copy(table: Table, columns: tuple[str, ...], constants: dict[str, Any]) -> tuple[str, str]:
    """The statement, and a line of it with a place for each column that differs."""
    places = [r"\\x%s" if name in {"pseudonym", "object_id_sealed"} else "%s" for name in columns]
    values = [r"\N" if value is None else str(value).replace("%", "%%") for value in constants.values()]
    return f"COPY {table.name} ({', '.join([*columns, *constants])}) FROM STDIN", "\t".join([*places, *values]) + "\n"


def _text(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value


def _copied(connection: Any, statement: str, lines: str) -> None:
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(lines)
