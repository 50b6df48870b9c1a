"""Adding versions: their numbers, their protection, and the quickest way in that each database has."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Table, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from verwerkingenlogging_register.protection import keys_of, sealed_actie, sealed_object
from verwerkingenlogging_register.tables import purge, successor, verwerkingsactie, verwerkt_object
from verwerkingenlogging_register.versions import Row, VersionRows

__all__ = ["insert_versions"]


def insert_versions(connection: Connection, versions: Sequence[VersionRows]) -> Sequence[int]:
    """Add ``versions`` in their order; gives the number of each. The numbers of persons are sealed here and nowhere else."""
    if not versions:
        return []
    keys = keys_of(connection)
    key = keys.active()
    keys.register(connection, key)
    numbers = _next_versies(connection, len(versions))
    acties: list[Row] = []
    objecten: list[Row] = []
    successors: list[Row] = []
    for versie, version in zip(numbers, versions, strict=True):
        acties.append({"versie": versie, **sealed_actie(version.actie, key)})
        instant = version.actie["tijdstip_instant"]
        objecten.extend([{"versie": versie, "tijdstip_instant": instant, **sealed_object(row, key)} for row in version.objecten])
        if not version.is_first:
            successors.append({"versie": versie, "actie_id": version.actie["actie_id"]})
    for table, rows in ((verwerkingsactie, acties), (verwerkt_object, objecten), (successor, successors)):
        if rows:
            _add(connection, table, rows)
    return numbers


_LAST_VERSIE = select(
    func.max(
        select(func.coalesce(func.max(verwerkingsactie.c.versie), 0)).scalar_subquery(),
        select(func.coalesce(func.max(purge.c.last_versie), 0)).scalar_subquery(),  # a number is never given out again
    )
)
_NEXT_VERSIES = text("SELECT nextval('versie') FROM generate_series(1, :count)")
_INSERT = {table: insert(table) for table in (verwerkingsactie, verwerkt_object, successor)}


def _next_versies(connection: Connection, count: int) -> Sequence[int]:
    """As many numbers, higher than all before. The write lock is held, so nobody else is given one meanwhile."""
    if connection.dialect.name == "postgresql":
        return connection.execute(_NEXT_VERSIES, {"count": count}).scalars().all()
    last = connection.execute(_LAST_VERSIE).scalar_one()
    return range(last + 1, last + 1 + count)


def _add(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    if connection.dialect.name == "postgresql":
        _copy(connection, table, rows)
    else:
        connection.execute(_INSERT[table], rows)


def _copy(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """COPY: on PostgreSQL the quickest way in, also for a single row."""
    names = [column.name for column in table.columns]
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101  # the connection is open
    driver_error = connection.dialect.loaded_dbapi.Error
    statement = f"COPY {table.name} ({', '.join(names)}) FROM STDIN"
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row([row[name] for name in names])
    except driver_error as error:  # as SQLAlchemy raises every other error of the database
        raise DBAPIError.instance(statement, None, error, driver_error, hide_parameters=True, dialect=connection.dialect) from None
