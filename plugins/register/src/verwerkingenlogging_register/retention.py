"""The retention purge: the one way in which anything leaves the log, and what it leaves behind (C1697, X30, X31)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, bindparam, delete, func, insert, select

from verwerkingenlogging.limits import bewaartermijn_end
from verwerkingenlogging_register.holds import held_acties
from verwerkingenlogging_register.partitions import drop_emptied
from verwerkingenlogging_register.tables import UuidText, idempotency_key, purging, successor, verwerkingsactie, verwerkt_object
from verwerkingenlogging_register.tables import purge as purge_table
from verwerkingenlogging_register.terms import Terms
from verwerkingenlogging_register.versions import instant_of, moment_of

__all__ = ["Purged", "purge"]

_CHUNK = 1000
"""Acties judged at a time, and so most acties in one transaction: it holds the write lock."""


@dataclass(slots=True)
class Purged:
    """What a purge removed, or in a dry run would remove.

    Attributes:
        acties, versies, objecten: how many.
        keys: Idempotency-Keys under which those versies were asked for; they go too.
        first, last: instants of the earliest and the latest tijdstip among them; None when there are none.
        held: acties that have expired but are under a legal hold.
        without_term: acties for which no term is known; they stay.
        months: partitions by month that were dropped, since nothing is left in them (PostgreSQL).
        months_in_use: those that stay until the next purge, since somebody was reading.
    """

    acties: int = 0
    versies: int = 0
    objecten: int = 0
    keys: int = 0
    first: int | None = None
    last: int | None = None
    held: int = 0
    without_term: int = 0
    months: int = 0
    months_in_use: int = 0

    def add(self, acties: int, versies: Sequence[tuple[int, int]], objecten: int, keys: int) -> None:
        """Count in some acties, with the number and the instant of each of their versions."""
        instants = [instant for _, instant in versies]
        self.acties += acties
        self.versies += len(versies)
        self.objecten += objecten
        self.keys += keys
        self.first = min([*instants, *([] if self.first is None else [self.first])])
        self.last = max([*instants, *([] if self.last is None else [self.last])])

    def period(self) -> str:
        """From when to when, as text; empty when nothing was removed."""
        return "" if self.first is None or self.last is None else f"{moment_of(self.first)} to {moment_of(self.last)}"


def purge(reader: Engine, writer: Engine | None, terms: Terms, now: datetime | None = None) -> Purged:
    """Remove every version of every actie that has expired, with all that belongs to it; without ``writer`` only count them.

    An actie has expired when its newest version is older than its term, or than the maximum, by calendar arithmetic, and its
    first was registered longer ago than the minimum: a tijdstip that is not true shortens nothing. One under a legal hold stays.
    Each transaction leaves a line with counts and range. Raises ConfigurationError when a hold needs keys that are not given.
    """
    now = now or datetime.now(UTC)
    run_id = str(uuid4())
    purged = Purged()
    for expired in _expired(reader, terms, now, purged):
        with (writer or reader).begin() as connection:
            _purge_some(connection, expired, run_id if writer else None, now, purged)
    if writer is not None:
        dropped = drop_emptied(reader, writer, now)
        purged.months, purged.months_in_use = dropped.months, dropped.in_use
    return purged


_newest = ~select(successor.c.versie).where(
    successor.c.actie_id == verwerkingsactie.c.actie_id, successor.c.versie > verwerkingsactie.c.versie
).exists()  # fmt: skip
_NEXT = (
    select(*verwerkingsactie.c["versie", "actie_id", "tijdstip", "bewaartermijn", "verwerkingsactiviteit_id"])
    .where(verwerkingsactie.c.versie > bindparam("after"), verwerkingsactie.c.tijdstip_instant < bindparam("now"), _newest)
    .order_by(verwerkingsactie.c.versie)
    .limit(_CHUNK)
)
_of_acties = verwerkingsactie.c.actie_id.in_(bindparam("acties", expanding=True, type_=UuidText()))
_NEWEST_NOW = (
    select(verwerkingsactie.c.actie_id, func.max(verwerkingsactie.c.versie)).where(_of_acties).group_by(verwerkingsactie.c.actie_id)
)
_VERSIONS = select(*verwerkingsactie.c["versie", "tijdstip_instant"]).where(_of_acties)
_REGISTERED = (
    select(verwerkingsactie.c.actie_id, func.min(verwerkingsactie.c.registratie_instant))
    .where(_of_acties)
    .group_by(verwerkingsactie.c.actie_id)
)
_OBJECTS = select(func.count()).where(
    verwerkt_object.c.versie.in_(bindparam("versies", expanding=True)),
    verwerkt_object.c.tijdstip_instant.between(bindparam("first"), bindparam("last")),
)
_KEYS = select(func.count()).where(idempotency_key.c.versie.in_(bindparam("versies", expanding=True)))


@dataclass(frozen=True, slots=True)
class _Candidate:
    """The newest version of an actie that is past its term, and the minimum of its activiteit."""

    versie: int
    floor: str | None


def _expired(reader: Engine, terms: Terms, now: datetime, purged: Purged) -> Iterator[dict[str, _Candidate]]:
    """The acties that are past their term, by actieId, some at a time."""
    after = -1
    while True:
        with reader.begin() as connection:
            rows = connection.execute(_NEXT, {"after": after, "now": instant_of(now)}).all()
        if not rows:
            return
        after = rows[-1].versie
        found: dict[str, _Candidate] = {}
        for row in rows:
            activiteit = row.verwerkingsactiviteit_id
            ends = [term for term in (terms.of(row.bewaartermijn, activiteit), terms.ceiling(activiteit)) if term is not None]
            if not ends:
                purged.without_term += 1
            elif any(_over(row.tijdstip, term, now) for term in ends):
                found[row.actie_id] = _Candidate(row.versie, terms.floor(activiteit))
        if found:
            yield found


def _over(since: str, term: str, now: datetime) -> bool:
    end = bewaartermijn_end(since, term)
    return end is not None and end < now


def _within_floor(connection: Connection, candidates: Mapping[str, _Candidate], acties: Sequence[str], now: datetime) -> set[str]:
    """Those of ``acties`` that the register took too short a time ago: their first version counts, and its own clock."""
    floors = {actie: floor for actie in acties if (floor := candidates[actie].floor) is not None}
    if not floors:
        return set()
    registered = connection.execute(_REGISTERED, {"acties": list(floors)})
    return {actie for actie, instant in registered if not _over(moment_of(instant), floors[actie], now)}


def _purge_some(connection: Connection, expired: Mapping[str, _Candidate], run_id: str | None, now: datetime, purged: Purged) -> None:
    """Remove those of ``expired`` that are still as they were judged and under no hold; count only, without ``run_id``."""
    current = {row[0]: row[1] for row in connection.execute(_NEWEST_NOW, {"acties": list(expired)})}
    unchanged = [actie for actie, candidate in expired.items() if current.get(actie) == candidate.versie]
    floored = _within_floor(connection, expired, unchanged, now)
    unchanged = [actie for actie in unchanged if actie not in floored]
    held = held_acties(connection, unchanged)
    acties = [actie for actie in unchanged if actie not in held]
    purged.held += len(held)
    if not acties:
        return
    versions = [(row.versie, row.tijdstip_instant) for row in connection.execute(_VERSIONS, {"acties": acties})]
    instants = [instant for _, instant in versions]
    bounds: dict[str, Any] = {"first": min(instants), "last": max(instants)}
    numbers = {"versies": [versie for versie, _ in versions]}
    objecten = connection.execute(_OBJECTS, {**numbers, **bounds}).scalar_one()
    keys = connection.execute(_KEYS, numbers).scalar_one()
    purged.add(len(acties), versions, objecten, keys)
    if run_id is None:
        return
    connection.execute(insert(purging), [{"versie": versie} for versie, _ in versions])
    connection.execute(delete(successor).where(successor.c.actie_id.in_(acties)))
    connection.execute(delete(idempotency_key).where(idempotency_key.c.versie.in_(select(purging.c.versie))))
    for table in (verwerkt_object, verwerkingsactie):
        of_purge = table.c.versie.in_(select(purging.c.versie))
        connection.execute(delete(table).where(of_purge, table.c.tijdstip_instant.between(bounds["first"], bounds["last"])))
    line = {
        "purge_id": str(uuid4()),
        "run_id": run_id,
        "executed": now.isoformat(timespec="seconds"),
        "acties": len(acties),
        "versies": len(versions),
        "objecten": objecten,
        "idempotency_keys": keys,
        "first_tijdstip_instant": bounds["first"],
        "last_tijdstip_instant": bounds["last"],
        "last_versie": max(versie for versie, _ in versions),
    }
    connection.execute(insert(purge_table), line)
    connection.execute(delete(purging))
