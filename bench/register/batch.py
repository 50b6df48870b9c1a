"""Batches of a hundred records beside the database as it is; and the disk that a record takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from sqlalchemy import Engine, Table

from bench.budget import BATCHES, DISK
from bench.harness.plan import Plan
from bench.harness.result import Figure, Ratio
from bench.harness.spread import Spread
from bench.register.places import Kind, Place
from bench.register.record import BODY, actie
from verwerkingenlogging_register._acties.insertion import insert_versions
from verwerkingenlogging_register._database.engines import open_writer
from verwerkingenlogging_register._keys.key_file import Key
from verwerkingenlogging_register._keys.protection import Keys, sealed_actie, sealed_object
from verwerkingenlogging_register._model.tables import verwerkingsactie, verwerkt_object
from verwerkingenlogging_register._model.versions import ActieVersie, VersionRows

__all__ = ["measure_batches"]

_BATCH = 100
_MICRO = 1e6

Tuples = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    rounds: int
    batches: int


_FULL = _Size(rounds=25, batches=20)
_QUICK = _Size(rounds=2, batches=2)


def measure_batches(kind: Kind, plan: Plan) -> Iterator[Figure | Ratio]:
    """The register's own way in, sealing included, beside the quickest way in of rows that are ready, in interleaved rounds."""
    size = _QUICK if plan.quick else _FULL
    ours, raw = kind.new(), kind.new()
    keys = Keys(ours.settings.key_source)
    empty = _disk(kind, ours)
    rates: dict[str, list[float]] = {"ours": [], "raw": []}
    busy: dict[str, list[float]] = {"ours": [], "raw": []}
    with ExitStack() as stack:
        writer, other = open_writer(ours.location, keys), open_writer(raw.location)
        for engine in (writer, other):
            stack.callback(engine.dispose)
        add_raw = _raw(other)
        for number in range(size.rounds + 1):  # the first warms up
            first = number * size.batches * _BATCH
            batches = [[_version(first + batch * _BATCH + each) for each in range(_BATCH)] for batch in range(size.batches)]
            ready = [_ready(other, batch, keys.active(), first + index * _BATCH + 1) for index, batch in enumerate(batches)]
            turns: list[tuple[str, Callable[[], None]]] = [
                ("ours", lambda batches=batches: _add_ours(writer, batches)),  # type: ignore[misc]
                ("raw", lambda ready=ready: add_raw(ready)),  # type: ignore[misc]
            ]
            for name, turn in turns[:: 1 if number % 2 else -1]:
                started, busy_before = perf_counter(), process_time()
                turn()
                if number:
                    rates[name].append(size.batches * _BATCH / (perf_counter() - started))
                    busy[name].append((process_time() - busy_before) / size.batches / _BATCH)
    group = f"{kind.name}, batches of {_BATCH}"
    for name, many in rates.items():
        yield Figure(group=group, name=name, unit="records/s", spread=Spread.of(many))
    for name, many in busy.items():
        yield Figure(group=group, name=name, unit="µs processor", spread=Spread.of(each * _MICRO for each in many))
    yield Ratio(
        group=group,
        name=f"records/s, ours / raw {'COPY' if kind.cluster else 'executemany'}",
        spread=Spread.of(one / other for one, other in zip(rates["ours"], rates["raw"], strict=True)),
        budget=BATCHES[kind.cluster is not None],
    )
    records = (size.rounds + 1) * size.batches * _BATCH
    disk = (_disk(kind, ours) - empty) / records
    group = f"{kind.name}, disk"
    yield Figure(group=group, name="a record", unit="bytes", spread=Spread.of([disk, disk]))
    yield Figure(group=group, name="its JSON", unit="bytes", spread=Spread.of([len(BODY), len(BODY)]))
    yield Ratio(group=group, name="a record / its JSON", spread=Spread.of([disk / len(BODY)] * 2), budget=DISK)


def _version(person: int) -> VersionRows:
    return ActieVersie.first(actie(person)).rows()


def _add_ours(engine: Engine, batches: Sequence[Sequence[VersionRows]]) -> None:
    for batch in batches:
        with engine.begin() as connection:
            insert_versions(connection, batch)


def _ready(engine: Engine, batch: Sequence[VersionRows], key: Key, first: int) -> dict[Table, Tuples]:
    """The rows of a batch, sealed and numbered, as the driver takes them."""
    rows: dict[Table, Tuples] = {verwerkingsactie: [], verwerkt_object: []}
    for versie, version in enumerate(batch, first):
        stored = {"versie": versie, **sealed_actie(version.actie, key)}
        rows[verwerkingsactie].append(_bound(engine, verwerkingsactie, stored))
        for row in version.objecten:
            stored = {"versie": versie, "tijdstip_instant": version.actie["tijdstip_instant"], **sealed_object(row, key)}
            rows[verwerkt_object].append(_bound(engine, verwerkt_object, stored))
    return rows


def _bound(engine: Engine, table: Table, row: dict[str, Any]) -> tuple[Any, ...]:
    processors = [column.type.dialect_impl(engine.dialect).bind_processor(engine.dialect) for column in table.columns]
    return tuple(
        process(row[column.name]) if process else row[column.name] for column, process in zip(table.columns, processors, strict=True)
    )


def _raw(engine: Engine) -> Callable[[Sequence[dict[Table, Tuples]]], None]:
    """Adds ready rows through the bare driver: same tables, same settings of the connection, one commit for each batch."""
    driver: Any = engine.raw_connection().driver_connection

    def many(batches: Sequence[dict[Table, Tuples]]) -> None:
        for batch in batches:
            driver.execute("BEGIN IMMEDIATE")
            for table, rows in batch.items():
                names = table.columns.keys()
                driver.executemany(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", rows)  # noqa: S608  # our own names
            driver.execute("COMMIT")

    def copy(batches: Sequence[dict[Table, Tuples]]) -> None:
        for batch in batches:
            with driver.cursor() as cursor:
                for table, rows in batch.items():
                    with cursor.copy(f"COPY {table.name} ({', '.join(table.columns.keys())}) FROM STDIN") as into:
                        for row in rows:
                            into.write_row(row)
            driver.commit()

    return many if engine.dialect.name == "sqlite" else copy


def _disk(kind: Kind, place: Place) -> int:
    """Bytes of the tables with their indexes. What waits in a write-ahead log is brought into its place first."""
    if kind.cluster is None:
        engine = open_writer(place.location)
        with engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
        engine.dispose()
        return Path(str(place.location)).stat().st_size
    with closing(kind.cluster.connect(str(place.owner.database))) as superuser:  # type: ignore[union-attr]
        sizes = "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(%s::regclass) WHERE isleaf"
        return sum(int(superuser.execute(sizes, [table.name]).fetchall()[0][0]) for table in (verwerkingsactie, verwerkt_object))
