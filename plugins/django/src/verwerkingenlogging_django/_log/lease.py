"""The lease: the right to deliver, which one process at a time has for each database."""

from __future__ import annotations

import os
import socket
import time
from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now

from verwerkingenlogging.support.ids import new_id
from verwerkingenlogging_django.models import Lease

__all__ = ["DeliveryLease"]

_ROW = 1


class DeliveryLease:
    """The lease on delivery from the database ``alias``, for one process: take it, renew it, give it back.

    It is compared with the clock of the database, so those of machines need not agree. It keeps order and spares work; that nothing
    is doubled hangs on the keys of the records, for a process may be stopped for longer than its lease and then go on.

    Args:
        seconds: how long it runs. When a process dies that has it, the next one waits for that.
    """

    def __init__(self, alias: str, seconds: float) -> None:
        self._alias = alias
        self._seconds = seconds
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._owner = new_id().hex
        self._renew_at = 0.0

    def acquire(self) -> bool:
        """Take or renew the lease; gives whether this process has it. Raises what Django does."""
        if self._pid != os.getpid():  # what a parent has, its child has not
            self._begin()
        now = time.monotonic()
        if now < self._renew_at:
            return True
        leases = Lease.objects.using(self._alias)
        # Asked before it is written: on SQLite a write that changes nothing still waits for the lock.
        if leases.filter(~Q(owner=self._owner), id=_ROW, until__gt=Now()).exists():
            return False
        if not self._written():
            leases.bulk_create([Lease(id=_ROW, owner=self._owner, name=_name(), until=Now())], ignore_conflicts=True)
            if not self._written():
                return False  # another was first
        self._renew_at = now + self._seconds / 2
        return True

    def release(self) -> None:
        """Give the lease back, so that another process can take it at once. Raises what Django does."""
        self._renew_at = 0.0
        Lease.objects.using(self._alias).filter(id=_ROW, owner=self._owner).update(until=Now())

    def _written(self) -> bool:
        mine_or_free = Lease.objects.using(self._alias).filter(Q(owner=self._owner) | Q(until__lte=Now()), id=_ROW)
        return bool(mine_or_free.update(owner=self._owner, name=_name(), until=Now() + timedelta(seconds=self._seconds)))


def _name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"[:255]
