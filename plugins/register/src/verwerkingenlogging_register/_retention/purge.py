"""The purge: the only way in which records leave the log, and the line that it leaves behind (C1697, X30, X31)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Engine, Table, bindparam, delete, func, insert, select

from verwerkingenlogging.errors import InvalidValue
from verwerkingenlogging_register._database.empty_partitions import drop_emptied
from verwerkingenlogging_register._model.tables import UuidText, idempotency_key, purging, successor, verwerkingsactie, verwerkt_object
from verwerkingenlogging_register._model.tables import purge as purge_table
from verwerkingenlogging_register._model.versions import moment_of
from verwerkingenlogging_register._retention.cutoffs import registered_before
from verwerkingenlogging_register._retention.expiry import AT_ONCE, Candidate, Group, candidates, groups
from verwerkingenlogging_register._retention.holds import held_acties
from verwerkingenlogging_register._rules.terms import Terms

__all__ = ["Purged", "purge"]


@dataclass(slots=True)
class Purged:
    """The numbers that a purge removed, or in a dry run would remove.

    Attributes:
        acties, versies, objecten: how many.
        keys: Idempotency-Keys under which those versies were asked for; they go too.
        first, last: instants of the earliest and the latest tijdstip among them; None when there are none.
        held: acties that have expired but are under a legal hold.
        looked_at: versies that were read to find these.
        without_term: pairs of verwerkingsactiviteit and bewaartermijn whose acties stay for ever: nobody gave them a term, or
            theirs is none.
        months: partitions by month that were dropped, since nothing is left in them (PostgreSQL).
        months_in_use: those that stay until the next purge, since somebody was reading.
        stopped: whether it was stopped before it had done everything.
    """

    acties: int = 0
    versies: int = 0
    objecten: int = 0
    keys: int = 0
    first: int | None = None
    last: int | None = None
    held: int = 0
    looked_at: int = 0
    without_term: int = 0
    months: int = 0
    months_in_use: int = 0
    stopped: bool = False

    def period(self) -> str:
        """The period of the removed acties, as text; empty when nothing was removed."""
        return "" if self.first is None or self.last is None else f"{moment_of(self.first)} to {moment_of(self.last)}"

    def add(self, removed: _Removed) -> None:
        """Add the numbers of one transaction."""
        self.acties += removed.acties
        self.versies += len(removed.versions)
        self.objecten += removed.objecten
        self.keys += removed.keys
        instants = [version.tijdstip_instant for version in removed.versions]
        self.first = min([*instants, *([] if self.first is None else [self.first])])
        self.last = max([*instants, *([] if self.last is None else [self.last])])


def purge(
    reader: Engine,
    writer: Engine | None,
    terms: Terms,
    now: datetime | None = None,
    *,
    go_on: Callable[[Purged], bool] = lambda _: True,
) -> Purged:
    """Remove all versions of every expired actie, with all that belongs to it. Without ``writer`` only count them.

    An actie has expired when its newest version is older than its term, or than the maximum, by calendar arithmetic, and its
    first was registered longer ago than the minimum: a tijdstip that is not true shortens nothing. One under a legal hold stays.
    It takes as long as what is past its term takes, not as what is there.

    ``go_on`` is asked between two transactions, with what is done until then; where it says no, the purge ends, and another
    finds the rest. Each transaction leaves a line with counts and range, so what is counted is gone, and the other way round.
    Several purges at once each remove what the others have not yet. Raises ConfigurationError when a hold needs keys that are
    not given.
    """
    now = now or datetime.now(UTC)
    run_id = str(uuid4())
    purged = Purged()
    for found in _expired(reader, terms, now, purged):
        if found:
            with (writer or reader).begin() as connection:
                _purge_some(connection, found, run_id if writer else None, now, purged)
        if not go_on(purged):
            purged.stopped = True
            return purged
    if writer is not None:
        dropped = drop_emptied(reader, writer, now)
        purged.months, purged.months_in_use = dropped.months, dropped.in_use
    return purged


def _expired(reader: Engine, terms: Terms, now: datetime, purged: Purged) -> Iterator[dict[str, Candidate]]:
    """What may go, some at a time, of each activiteit and term that occurs."""

    def looked_at(versions: int) -> None:
        purged.looked_at += versions

    with reader.begin() as connection:
        present: list[Group] = list(groups(connection))
    for group in present:
        yield {}  # a moment to stop at: there may be many in which nothing is due
        if not group.ends(terms):
            purged.without_term += 1
            continue
        try:
            yield from candidates(reader, group, terms, now, looked_at)
        except InvalidValue:  # of before such a term was refused; it must not keep the others
            purged.without_term += 1


@dataclass(frozen=True, slots=True)
class _Version:
    """A version that goes, by what its row is found by."""

    versie: int
    tijdstip_instant: int
    actie_id: str
    registratie_instant: int


@dataclass(frozen=True, slots=True)
class _Removed:
    """What one transaction removes: so many acties, with their versions, and so many rows that belong to these."""

    acties: int
    versions: Sequence[_Version]
    objecten: int
    keys: int


def _purge_some(connection: Connection, found: Mapping[str, Candidate], run_id: str | None, now: datetime, purged: Purged) -> None:
    """Remove those of ``found`` that are still as they were judged and under no hold; count only, without ``run_id``."""
    expired = _expired_now(connection, found, now)
    held = held_acties(connection, expired)
    purged.held += len(held)
    acties = [actie for actie in expired if actie not in held]
    if not acties:
        return
    versions = [version for actie in acties for version in expired[actie]]
    if run_id is None:
        objecten = sum(connection.execute(_COUNT_OBJECTS, part).scalar_one() for part in _parts(versions))
        keys = sum(connection.execute(_COUNT_KEYS, part).scalar_one() for part in _parts(versions))
        purged.add(_Removed(len(acties), versions, objecten, keys))
    else:
        purged.add(_remove(connection, acties, versions, run_id, now))


_of_acties = bindparam("acties", expanding=True, type_=UuidText())
_NEWEST = (
    select(successor.c.actie_id, func.max(successor.c.versie)).where(successor.c.actie_id.in_(_of_acties)).group_by(successor.c.actie_id)
)
_VERSIONS = select(*verwerkingsactie.c["versie", "tijdstip_instant", "actie_id", "registratie_instant"])
_ALL_OF_ACTIES = _VERSIONS.where(verwerkingsactie.c.actie_id.in_(_of_acties))


def _expired_now(connection: Connection, found: Mapping[str, Candidate], now: datetime) -> dict[str, list[_Version]]:
    """Of those of ``found`` that are still there, have no newer version and are past their minimum: all their versions.

    Most have one, which is looked for where it was found. Only for the others every month is asked.
    """
    newest = {row[0]: row[1] for row in connection.execute(_NEWEST, {"acties": list(found)})}
    rows: list[_Version] = []
    for part in _parts([candidate for actie, candidate in found.items() if actie not in newest]):
        rows += [_Version(*row) for row in connection.execute(_VERSIONS.where(*_these(verwerkingsactie)), part)]
    corrected = [actie for actie, candidate in found.items() if newest.get(actie) == candidate.versie]
    if corrected:
        rows += [_Version(*row) for row in connection.execute(_ALL_OF_ACTIES, {"acties": corrected})]
    versions: dict[str, list[_Version]] = {}
    for version in rows:
        versions.setdefault(version.actie_id, []).append(version)
    return {
        actie: its
        for actie, its in versions.items()
        if (floor := found[actie].floor) is None or registered_before(min(one.registratie_instant for one in its), floor, now)
    }


def _these(table: Table) -> tuple[ColumnElement[bool], ...]:
    """The rows of a part. The range lets PostgreSQL look into the months of it only."""
    of_versies = table.c.versie.in_(bindparam("versies", expanding=True))
    if "tijdstip_instant" not in table.c:
        return (of_versies,)
    return of_versies, table.c.tijdstip_instant.between(bindparam("first"), bindparam("last"))


_COUNT_OBJECTS = select(func.count()).where(*_these(verwerkt_object))
_COUNT_KEYS = select(func.count()).where(*_these(idempotency_key))
_DELETE_KEYS, _DELETE_OBJECTS, _DELETE_ACTIES = (
    delete(table).where(*_these(table)) for table in (idempotency_key, verwerkt_object, verwerkingsactie)
)
_DELETE_SUCCESSORS = delete(successor).where(successor.c.actie_id.in_(_of_acties))


def _parts(versions: Sequence[_Version | Candidate]) -> Iterator[dict[str, Any]]:
    """Their numbers and their range, as many at a time as a statement can name: an actie may have any number of versions."""
    ordered = sorted(versions, key=attrgetter("tijdstip_instant"))
    for start in range(0, len(ordered), AT_ONCE):
        part = ordered[start : start + AT_ONCE]
        yield {
            "versies": [version.versie for version in part],
            "first": part[0].tijdstip_instant,
            "last": part[-1].tijdstip_instant,
        }


def _remove(connection: Connection, acties: Sequence[str], versions: Sequence[_Version], run_id: str, now: datetime) -> _Removed:
    """Remove those versions and all that belongs to them, and leave a line that says how much that was."""
    connection.execute(insert(purging), [{"versie": version.versie} for version in versions])
    connection.execute(_DELETE_SUCCESSORS, {"acties": acties})
    keys = objecten = 0
    for part in _parts(versions):
        keys += connection.execute(_DELETE_KEYS, part).rowcount
        objecten += connection.execute(_DELETE_OBJECTS, part).rowcount
        connection.execute(_DELETE_ACTIES, part)
    instants = [version.tijdstip_instant for version in versions]
    line = {
        "purge_id": str(uuid4()),
        "run_id": run_id,
        "executed": now.isoformat(timespec="seconds"),
        "acties": len(acties),
        "versies": len(versions),
        "objecten": objecten,
        "idempotency_keys": keys,
        "first_tijdstip_instant": min(instants),
        "last_tijdstip_instant": max(instants),
        "last_versie": max(version.versie for version in versions),
    }
    connection.execute(insert(purge_table), line)
    connection.execute(delete(purging))
    return _Removed(len(acties), versions, objecten, keys)
