"""The relay: delivers from each database of which it has the lease, until it is told to stop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from datetime import datetime

from django.db import Error as DatabaseError
from django.db import connections
from django.utils import timezone

from verwerkingenlogging.logs.delivery.backoff import ALARM_SECONDS, Backoff, told
from verwerkingenlogging_django._log.delivery import Delivery
from verwerkingenlogging_django._log.lease import DeliveryLease
from verwerkingenlogging_django._log.repository import has_waiting
from verwerkingenlogging_django._log.writer import describe_error

__all__ = ["Relay"]

logger = logging.getLogger("verwerkingenlogging.django")

_BATCHES = 20
"""Batches of one database before the others have their turn."""


class Relay:
    """Delivers from several databases in turn, in one thread.

    Args:
        deliveries: one for each database.
        lease: seconds that another waits when this process dies.
        poll: seconds between looks when nothing waits.
    """

    def __init__(self, deliveries: Sequence[Delivery], *, lease: float, poll: float) -> None:
        self._rounds = [_Round(delivery, lease, poll) for delivery in deliveries]
        self.stopping = threading.Event()

    def run(self) -> None:
        """Deliver until ``stopping`` is set, and finish the current batch. No error ends it."""
        try:
            while not self.stopping.is_set():
                self.stopping.wait(self.turn())
        finally:
            for each in self._rounds:
                each.end()

    def turn(self) -> float:
        """Deliver once from each database; gives the seconds until the next turn."""
        for each in self._rounds:
            if time.monotonic() >= each.next:
                each.run(self.stopping)
        return max(0.0, min(each.next for each in self._rounds) - time.monotonic())

    def flush(self, timeout: float) -> bool:
        """Deliver until everything that was written before now is gone, by this or another relay. False when that took too long."""
        until, deadline = timezone.now(), time.monotonic() + timeout
        try:
            while True:
                wait = self.turn()
                if not any(each.has_waiting(until) for each in self._rounds):
                    return True
                left = deadline - time.monotonic()
                if left <= 0 or self.stopping.wait(min(wait, left)):
                    return False
        finally:
            for each in self._rounds:
                each.end()


class _Round:
    """The turns of one database: they fail, and wait, apart from those of others."""

    def __init__(self, delivery: Delivery, lease: float, poll: float) -> None:
        self.next = 0.0
        self._delivery = delivery
        self._lease = DeliveryLease(delivery.alias, lease)
        self._poll = poll
        self._backoff = Backoff()
        self._alarmed = -ALARM_SECONDS

    def run(self, stopping: threading.Event) -> None:
        try:
            wait = self._poll
            for _ in range(_BATCHES):
                if stopping.is_set() or not self._lease.acquire() or not self._delivery.deliver_batch():
                    break
            else:
                wait = 0.0  # there is more
        except Exception as error:
            wait = self._failed(error)
        else:
            if self._backoff.succeeded():
                logger.info("DjangoLog: delivering again from database %r", self._delivery.alias)
        self.next = time.monotonic() + wait

    def has_waiting(self, until: datetime) -> bool:
        """Whether anything of before ``until`` does; when the database does not say so, yes."""
        try:
            return has_waiting(self._delivery.alias, until)
        except DatabaseError:
            connections[self._delivery.alias].close()
            return True

    def end(self) -> None:
        """Let another relay have it, and close the connection of this thread."""
        try:
            self._lease.release()
        except Exception as error:  # it runs out by itself
            logger.warning("DjangoLog: the lease of database %r was not given back: %s", self._delivery.alias, type(error).__name__)
        connections[self._delivery.alias].close()

    def _failed(self, error: Exception) -> float:
        alias, now = self._delivery.alias, time.monotonic()
        if now - self._alarmed >= ALARM_SECONDS:
            self._alarmed = now
            what = describe_error(error, alias) if isinstance(error, DatabaseError) else told(error)
            logger.error("DjangoLog: nothing is delivered from database %r: %s; tried again for as long as it takes", alias, what)
        if isinstance(error, DatabaseError):
            connections[alias].close()  # it may be lost
        return self._backoff.failed(error)
