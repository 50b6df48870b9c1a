"""What waits in one database is brought to the log behind it, in order, and deleted there; what that log refuses stays, with the reason."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models.functions import Now

from verwerkingenlogging.errors import ConfigurationError, LogRefused, LogUnavailable
from verwerkingenlogging.logs.outbox.sealing import Keys, SealBroken
from verwerkingenlogging.logs.protocol import Entry, Receiver
from verwerkingenlogging.logs.untraced import untraced
from verwerkingenlogging_django.models import Record
from verwerkingenlogging_django.rows import entry_of, opened

__all__ = ["Delivery", "waits"]

logger = logging.getLogger("verwerkingenlogging.django")

_BATCH_BYTES = 768 * 1024
"""With keys and the like still less than the megabyte that proxies let through when nobody tells them otherwise."""
_OVERHEAD = 80
"""Bytes that a receiver may add to each record, for its key."""


_REASON_MAX = 1000


class _Waiting(NamedTuple):
    id: int
    key: UUID
    body: bytes
    sealed: bool
    place: bytes | None


class Delivery:
    """Brings records of the database ``alias`` to ``receiver``, at most ``limit`` at a time.

    In order: a record that was committed before another was written goes before it, for it has a lower id, and who sees the one
    sees the other. Of two transactions at the same time, either may be first; their records never wait for one another.
    """

    def __init__(self, alias: str, receiver: Receiver, *, limit: int, keys: Keys | None) -> None:
        self.alias = alias
        self._receiver = receiver
        self._limit = limit
        self._keys = keys
        self._delivered: list[int] = []  # and not deleted yet, for the database failed in between
        self._refused: list[tuple[int, LogRefused]] = []

    def some(self) -> bool:
        """Deliver the next records, if any wait; gives whether any did.

        Raises NotRecorded when the receiver did not take them, ConfigurationError when a key is missing, what Django does.
        """
        self._settle()
        batch = self._next()
        if not batch:
            return False
        entries, kept = self._entries(batch)
        with untraced():
            results = self._receiver.deliver(entries) if entries else []
        if len(results) != len(entries):
            raise LogUnavailable(f"{type(self._receiver).__name__} did not say of each record what became of it")
        for id_, result in zip(kept, results, strict=True):
            if result is None:
                self._delivered.append(id_)
            elif isinstance(result, LogRefused):
                self._refused.append((id_, result))
        self._settle()
        for result in results:
            if isinstance(result, LogUnavailable):
                raise result
        return True

    def _next(self) -> list[_Waiting]:
        records = Record.objects.using(self.alias).filter(refused__isnull=True).order_by("id")
        batch: list[_Waiting] = []
        size = 0
        for id_, key, body, sealed, place in records.values_list("id", "key", "body", "sealed", "place")[: self._limit]:
            waiting = _Waiting(id_, key, bytes(body), sealed, None if place is None else bytes(place))
            size += len(waiting.body) + _OVERHEAD
            if batch and size > _BATCH_BYTES:
                break
            batch.append(waiting)
        return batch

    def _entries(self, batch: Sequence[_Waiting]) -> tuple[list[Entry], list[int]]:
        entries, kept = [], []
        for row in batch:
            try:
                body = self._opened(row)
            except SealBroken:
                self._refused.append((row.id, LogRefused("its seal is broken: it is not what was written", status=422)))
                continue
            entries.append(entry_of(row.key, body, row.place))
            kept.append(row.id)
        return entries, kept

    def _opened(self, row: _Waiting) -> bytes:
        if not row.sealed:
            return row.body
        if self._keys is None:
            raise ConfigurationError("DjangoLog: records are sealed; give the key file that they were sealed with as keys")
        return opened(row.key, row.body, row.place, self._keys)

    def _settle(self) -> None:
        """Write down what became of what was delivered. What was already, is not again: who knows no keys would have it twice."""
        records = Record.objects.using(self.alias)
        if self._delivered:
            records.filter(id__in=self._delivered).delete()
            self._delivered = []
        while self._refused:
            id_, error = self._refused[-1]
            records.filter(id=id_).update(refused=Now(), reason=str(error)[:_REASON_MAX], status=error.status)
            self._refused.pop()
            logger.error(
                "DjangoLog: a record in database %r was refused and is kept: %s; mend the cause, then run: manage.py verwerkingen_retry",
                self.alias,
                error,
            )


def waits(alias: str, until: datetime) -> bool:
    """Whether anything that was written before ``until`` still waits there. Raises what Django does."""
    return Record.objects.using(alias).filter(refused__isnull=True, moment__lte=until).exists()
