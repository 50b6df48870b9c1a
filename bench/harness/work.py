"""What a variant leaves behind for each request, so that none of them is fast because it does nothing."""

from __future__ import annotations

from typing import Protocol

from bench.harness.undelivered_outbox import Kept
from verwerkingenlogging import MemoryLog, Verwerkingsactie

__all__ = ["KeptRecords", "NotDoneError", "Records", "Work", "check_record", "verify_done"]


class NotDoneError(Exception):
    """A variant did less work than it should have, so its figures mean nothing."""


class Work(Protocol):
    """What a variant leaves behind for each request."""

    def take(self) -> int:
        """How many requests it was done for since the last time, and forget it: memory stays flat. Raises NotDoneError."""
        ...


def verify_done(name: str, *, requests: int, done: int | None, unanswered: int = 0) -> None:
    """Raise NotDoneError unless the variant called ``name`` did its work for each request.

    Args:
        name: of the variant.
        requests: how many it answered.
        done: for how many its work was done; None when it leaves nothing.
        unanswered: how many more may have been under way when the load stopped.
    """
    if done is not None and not requests <= done <= requests + unanswered:
        raise NotDoneError(f"{name}: did its work {done} times in {requests} requests")


class Records:
    """A verwerkingsactie with every field of the full example."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    def take(self) -> int:
        """How many there are."""
        acties, self._log.acties = self._log.acties, []
        for actie in acties:
            check_record(actie)
        return len(acties)


class KeptRecords:
    """The same, found back on the disk."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def take(self) -> int:
        """How many there are."""
        acties = self._kept.take()
        for actie in acties:
            check_record(actie)
        return len(acties)


_FIELDS = (
    "tijdstip",
    "actie_naam",
    "handeling_naam",
    "verwerking_naam",
    "verwerking_id",
    "verwerkingsactiviteit_id",
    "verwerkingsactiviteit_url",
    "vertrouwelijkheid",
    "bewaartermijn",
    "uitvoerder",
    "systeem",
    "gebruiker",
    "gegevensbron",
    "verwerkte_objecten",
)


def check_record(actie: Verwerkingsactie) -> None:
    """Raise NotDoneError unless ``actie`` has every field of the full example."""
    missing = [field for field in _FIELDS if not getattr(actie, field)]
    if missing:
        raise NotDoneError(f"ours: a record without {', '.join(missing)}")
    (betrokkene,) = actie.verwerkte_objecten
    if not (betrokkene.objecttype and betrokkene.soort_object_id and betrokkene.object_id and betrokkene.betrokkenheid):
        raise NotDoneError("ours: a verwerkt object that is not complete")
