"""Delivers the records of one database in order, and deletes them. A record that the log refuses stays, with the reason."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from verwerkingenlogging.errors import ConfigurationError, LogRefused, LogUnavailable
from verwerkingenlogging.logs.delivery.backoff import told
from verwerkingenlogging.logs.delivery.isolation import Isolation, Outcome, delivered, verwerking_of
from verwerkingenlogging.logs.delivery.untraced import untraced
from verwerkingenlogging.logs.outbox.encryption import Keys, SealBroken
from verwerkingenlogging.logs.protocol import Entry, Receiver
from verwerkingenlogging_django._log.repository import WaitingRow, delete_rows, refuse_row, waiting_rows
from verwerkingenlogging_django._log.retry_queue import RetryQueue
from verwerkingenlogging_django._log.rows import entry_of, opened

__all__ = ["Delivery"]

logger = logging.getLogger("verwerkingenlogging.django")

_BATCH_BYTES = 768 * 1024
"""With keys and the like still less than the megabyte that proxies let through when nobody tells them otherwise."""
_OVERHEAD = 80
"""Bytes that a receiver may add to each record, for its key."""
_REASON_MAX = 1000


class _Waiting(NamedTuple):
    """A record that can be delivered, and the name by which others wait behind it: its verwerking, or its own key."""

    id: int
    entry: Entry
    name: str


class Delivery:
    """Delivers the records of the database ``alias`` to ``receiver``, at most ``limit`` at a time.

    In order: a record that was committed before another was written goes before it, for it has a lower id, and who sees the one
    sees the other. Of two transactions at the same time, either may be first; their records never wait for one another. After a
    failure that order is kept within a verwerking: one that the receiver does not take, though it takes others, holds up that only.
    """

    def __init__(self, alias: str, receiver: Receiver, *, limit: int, keys: Keys | None) -> None:
        self.alias = alias
        self._receiver = receiver
        self._isolation = Isolation(receiver)
        self._limit = limit
        self._keys = keys
        self._retry_queue = RetryQueue()
        self._alone = False  # the last attempt had records of one verwerking only, and no other to compare them with
        self._delivered: list[int] = []  # and not deleted yet, for the database failed in between
        self._refused: list[tuple[int, LogRefused]] = []

    def deliver_batch(self) -> bool:
        """Deliver the next records. False when none waited.

        Raises NotRecorded when the receiver took nothing, ConfigurationError when the keys are missing, what Django does.
        """
        self._settle()
        tried = self._retry()
        batch = self._next()
        if not batch:
            self._settle()
            return tried
        try:
            with untraced():
                outcomes = self._isolation.deliver([one.entry for one in batch])
        finally:
            for place, refusal in self._isolation.judged():  # also where it failed halfway: who knows no keys would have it twice
                self._came(batch[place].id, refusal)
            self._settle()
        failures = [(one, outcome) for one, outcome in zip(batch, outcomes, strict=True) if isinstance(outcome, LogUnavailable)]
        self._alone = len(failures) == len(batch)
        if self._alone:
            raise failures[0][1]
        for one, outcome in failures:
            if one.name not in self._retry_queue:
                self._set_apart(one.name, one.id, str(outcome))
        return True

    def _came(self, id_: int, refusal: LogRefused | None) -> None:
        if refusal is None:
            self._delivered.append(id_)
        else:
            self._refused.append((id_, refusal))

    def _set_apart(self, name: str, id_: int, reason: str) -> None:
        self._retry_queue.put(name, id_, reason)
        logger.error(
            "DjangoLog: a record in database %r is set apart, with what follows of its verwerking, while others are delivered: %s",
            self.alias,
            reason[:_REASON_MAX],
        )

    def _retry(self) -> bool:
        """Try one of those that are set apart, if its time has come; gives whether anything became of it."""
        due = self._retry_queue.due()
        if due is None:
            return False
        name, id_ = due
        found = next(waiting_rows(self.alias, limit=self._limit, after=id_ - 1), None)
        if found is None or found.id != id_:
            self._retry_queue.done(name)  # somebody else has delivered it, or took it away
            return True
        outcome: Outcome = None
        try:
            entry = self._entry(found)
            if entry is not None:
                with untraced():
                    (outcome,) = delivered(self._receiver, [entry])
        except (LogUnavailable, ConfigurationError) as error:
            outcome = LogUnavailable(told(error))
        if isinstance(outcome, LogUnavailable):
            self._retry_queue.failed(name)
            return False
        self._retry_queue.done(name)
        if entry is not None:
            self._came(id_, outcome)
        self._settle()
        return True

    def _next(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        for one in self._deliverable():
            size += len(one.entry.body) + _OVERHEAD
            if batch and (size > _BATCH_BYTES or len(batch) >= self._limit):
                if not self._needs_another(batch):
                    break
                if one.name == batch[0].name:
                    continue
            batch.append(one)
            if len(batch) >= self._limit and not self._needs_another(batch):
                break
        return batch

    def _needs_another(self, batch: Sequence[_Waiting]) -> bool:
        """Whether one of another verwerking must be among them, so that a failure of this one can be told from that of the receiver."""
        return self._alone and len({one.name for one in batch}) == 1

    def _deliverable(self) -> Iterator[_Waiting]:
        """What waits behind nothing that is set apart."""
        for row in waiting_rows(self.alias, limit=self._limit):
            if str(row.key) in self._retry_queue:
                continue
            try:
                entry = self._entry(row)
            except ConfigurationError as error:
                if self._keys is None:
                    raise
                self._set_apart(str(row.key), row.id, str(error))
                continue
            if entry is None:
                continue
            name = verwerking_of(entry) or entry.key
            if name not in self._retry_queue:
                yield _Waiting(row.id, entry, name)

    def _entry(self, row: WaitingRow) -> Entry | None:
        """What is delivered of it; None where its seal is broken, which is a refusal. Raises ConfigurationError when its key is missing."""
        try:
            return entry_of(row.key, self._opened(row), row.place)
        except SealBroken:
            self._refused.append((row.id, LogRefused("its seal is broken: it is not what was written", status=422)))
            return None

    def _opened(self, row: WaitingRow) -> bytes:
        if not row.sealed:
            return row.body
        if self._keys is None:
            raise ConfigurationError("DjangoLog: records are sealed; give the key file that they were sealed with as keys")
        return opened(row.key, row.body, row.place, self._keys)

    def _settle(self) -> None:
        """Write down what became of what was delivered. What was already, is not again: who knows no keys would have it twice."""
        if self._delivered:
            delete_rows(self.alias, self._delivered)
            self._delivered = []
        while self._refused:
            id_, error = self._refused[-1]
            refuse_row(self.alias, id_, str(error), error.status)
            self._refused.pop()
            logger.error(
                "DjangoLog: a record in database %r was refused and is kept: %s; mend the cause, then run: manage.py verwerkingen_retry",
                self.alias,
                error,
            )
