"""The part ``purge``: what a purge costs, beside what is there and beside what is past its term."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

from sqlalchemy import Engine, text

from bench.budget import PURGED
from bench.harness.plan import Plan
from bench.harness.result import Figure, Ratio, Result
from bench.harness.spread import Spread
from bench.harness.work import NotDoneError
from bench.register.places import Kind, Place, absent, kinds
from bench.register.record import actie
from bench.register.rows import filled
from verwerkingenlogging.model.limits import bewaartermijn_end
from verwerkingenlogging_register._database.engines import open_reader, open_writer
from verwerkingenlogging_register._keys.key_file import KeySource
from verwerkingenlogging_register._keys.protection import Keys
from verwerkingenlogging_register._retention.purge import Purged, purge
from verwerkingenlogging_register._rules.terms import Terms

__all__ = ["measure"]

_DUE = 100
"""One in so many records is past its term."""
_INDEX = "verwerkingsactie_term"


def measure(plan: Plan) -> Result:
    """Among ``plan.rows`` records and a tenth of those, on each database that can run here. Raises NotDoneError."""
    missing = absent()
    with kinds() as found:
        outcome = [each for kind in found for each in _measure(kind, plan)]
    return Result(
        part="purge",
        title="The purge: what it costs, beside what is there and what is past its term",
        figures=tuple(each for each in outcome if isinstance(each, Figure)),
        ratios=tuple(each for each in outcome if isinstance(each, Ratio)),
        settings={"rows": plan.rows},
        notes=(
            "A copy of the databases of the part register: records of one activiteit and term, their tijdstippen spread over two years.",
            f"Due: one in {_DUE}. Removed with their objecten and indexes, in transactions of a thousand that each reach the disk.",
            "Looked at: versies that the purge read, beside those that it removed.",
            "Index: what finding them takes on the disk.",
            *([missing] if missing else []),
        ),
    )


def _measure(kind: Kind, plan: Plan) -> Iterator[Figure | Ratio]:
    costs = []
    for rows in (plan.rows // 10, plan.rows):
        source = filled(kind, rows)
        place = kind.copy(source.place)
        group = f"{kind.name}, {source.rows:,} records"
        with_keys = Keys(KeySource(file=place.keys))
        reader, writer = open_reader(place.owner, with_keys), open_writer(place.owner, with_keys)
        try:
            yield _figure(group, "index, per record", "bytes", _index_bytes(kind, place) / source.rows)
            before, due = _moments(reader, source.rows)
            none, seconds = _timed(reader, writer, before)
            if none.versies:
                raise NotDoneError(f"{group}: {none.versies} removed before any was due")
            yield _figure(group, "nothing due", "s", seconds)
            some, seconds = _timed(reader, writer, due)
            if not 0 < some.acties <= source.rows // _DUE + 1:
                raise NotDoneError(f"{group}: {some.acties} removed where one in {_DUE} was due")
            costs.append(seconds / some.acties)
            yield _figure(group, "due", "records", some.acties)
            yield _figure(group, "due are removed in", "s", seconds)
            yield _figure(group, "removed", "records/s", some.acties / seconds)
            yield Ratio(group=group, name="looked at / removed", spread=_once(some.looked_at / some.versies), budget=PURGED)
        finally:
            reader.dispose()
            writer.dispose()
            _drop(kind, place)
    name = f"seconds for each that is removed, among {plan.rows:,} / {plan.rows // 10:,} records"
    yield Ratio(group=kind.name, name=name, spread=_once(costs[1] / costs[0]))


def _timed(reader: Engine, writer: Engine, now: datetime) -> tuple[Purged, float]:
    started = perf_counter()
    purged = purge(reader, writer, Terms(), now)
    return purged, perf_counter() - started


def _moments(reader: Engine, rows: int) -> tuple[datetime, datetime]:
    """A moment at which nothing is due, and one at which one in a hundred is."""
    with reader.begin() as connection:
        first, due = (
            connection.execute(
                text("SELECT tijdstip_instant FROM verwerkingsactie WHERE versie = :versie"), {"versie": versie}
            ).scalar_one()
            for versie in (1, max(1, rows // _DUE))
        )
    term = str(actie().bewaartermijn)
    moments = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant) for instant in (first, due)]
    before, after = [end for moment in moments if (end := bewaartermijn_end(moment.isoformat(), term)) is not None]
    return before - timedelta(days=1), after + timedelta(seconds=1)


def _index_bytes(kind: Kind, place: Place) -> int:
    if kind.cluster is None:
        statement = text(f"SELECT sum(pgsize) FROM dbstat WHERE name = '{_INDEX}'")  # noqa: S608  # a name of ours
    else:
        statement = text(
            f"SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree('{_INDEX}') WHERE isleaf"  # noqa: S608  # a name of ours
        )
    reader = open_reader(place.owner)
    try:
        with reader.begin() as connection:
            return int(connection.execute(statement).scalar_one())
    finally:
        reader.dispose()


def _figure(group: str, name: str, unit: str, value: float) -> Figure:
    return Figure(group=group, name=name, unit=unit, spread=_once(value))


def _once(value: float) -> Spread:
    """Of what can be done once only: afterwards it is done."""
    return Spread.of([value, value])


def _drop(kind: Kind, place: Place) -> None:
    """The copy is as large as what it was made of."""
    if isinstance(place.owner, Path):
        for file in place.owner.parent.glob(f"{place.owner.name}*"):
            file.unlink()
    elif kind.cluster is not None:
        kind.cluster.execute(f"DROP DATABASE {place.owner.database} WITH (FORCE)")
