"""The relay: a thread in each process, of which one at a time delivers for the whole folder."""

from __future__ import annotations

import contextvars
import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from verwerkingenlogging.logs.delivery.backoff import ALARM_SECONDS, Backoff, told
from verwerkingenlogging.logs.outbox._relay.delivery import Delivery
from verwerkingenlogging.logs.outbox._relay.watchdog import Watchdog
from verwerkingenlogging.logs.outbox._storage.disk import try_lock
from verwerkingenlogging.logs.outbox._storage.folder import Folder
from verwerkingenlogging.logs.outbox._storage.fork_lock import fork_lock
from verwerkingenlogging.logs.outbox.status import heads

__all__ = ["Relay"]

logger = logging.getLogger("verwerkingenlogging.outbox")

POLL_SECONDS = 0.2
"""How long records gather before they are delivered together."""
_WAKE_SECONDS = 0.5
_LOOK_SECONDS = 0.01
_SWEEP_SECONDS = 600.0


class Relay:
    """Delivers in the background until it is stopped, however long that takes.

    Args:
        folder: of the outbox.
        delivery: what one round is.
        max_age: seconds that a record may wait before that is an alarm.
        housekeeping: called now and then, in every process.
    """

    def __init__(self, folder: Folder, delivery: Delivery, *, max_age: float, housekeeping: Callable[[], None]) -> None:
        self._folder = folder
        self._delivery = delivery
        self._lock: int | None = None
        self._awake = threading.Event()
        self._stopping = False
        self._backoff = Backoff()
        self._alarmed = self._swept = -_SWEEP_SECONDS
        # An empty context: whatever request started the thread, deliveries are not part of it.
        self._thread = threading.Thread(target=contextvars.Context().run, args=(self._run,), name="verwerkingenlogging-outbox", daemon=True)
        self._watchdog = Watchdog(folder, max_age=max_age, housekeeping=housekeeping, delivering_since=lambda: delivery.asking_since)
        try:
            self._thread.start()
        except RuntimeError:
            self._watchdog.stop(0)
            raise

    def wake(self) -> None:
        """Deliver now instead of at the next turn, also after a failure."""
        self._awake.set()

    def flush(self, timeout: float) -> bool:
        """Wait until everything in the folder that was appended before now is delivered, here or by another process.

        Gives whether that came about within ``timeout`` seconds. Raises OSError.
        """
        before = time.time_ns()
        deadline = time.monotonic() + timeout
        wake_at = 0.0
        while True:
            now = time.monotonic()
            if now >= wake_at:  # now and then, not at each look: that would be hard on a register in trouble
                self.wake()
                wake_at = now + _WAKE_SECONDS
            first = [head.time for head in heads(self._folder)]
            moment = time.time_ns()
            # One of a later moment than now was appended before somebody set the clock back.
            if all(before <= appended <= moment for appended in first):
                return True
            if now >= deadline:
                return False
            time.sleep(max(_LOOK_SECONDS, time.monotonic() - now))  # to look at thousands of segments takes long

    def stop(self, timeout: float) -> None:
        """Stop after the current batch; wait at most ``timeout`` seconds for it."""
        self._stopping = True
        self._awake.set()
        self._watchdog.stop(timeout)
        self._thread.join(timeout)

    def disown(self) -> None:
        """In a forked child, which has no such thread: release the lock of the parent."""
        if self._lock is not None:
            with suppress(OSError):
                os.close(self._lock)

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._awake.clear()
                self._awake.wait(self._turn())
            if self._lock is not None:
                self._delivery.settle()
        except OSError:
            pass  # the next process does it
        finally:
            self._unlock()

    def _turn(self) -> float:
        """Do what there is to do; gives the seconds until the next turn. Whatever goes wrong, there is one."""
        try:
            if self._is_ours():
                self._deliver()
        except Exception as error:
            return self._failed(error)
        if self._backoff.succeeded():
            logger.info("outbox: delivering again")
        return POLL_SECONDS

    def _is_ours(self) -> bool:
        """Whether this process delivers. When the one that did is gone, the kernel gives its lock to who asks first."""
        if self._lock is None:
            with fork_lock:
                self._lock = try_lock(self._folder.lock, make=True)
        return self._lock is not None

    def _unlock(self) -> None:
        with fork_lock:
            lock, self._lock = self._lock, None
            if lock is not None:
                os.close(lock)

    def _deliver(self) -> None:
        now = time.monotonic()
        if now - self._swept > _SWEEP_SECONDS:
            self._swept = now
            self._folder.sweep()
        self._delivery.round(lambda: self._stopping)

    def _failed(self, error: Exception) -> float:
        now = time.monotonic()
        if now - self._alarmed >= ALARM_SECONDS:
            self._alarmed = now
            logger.error("outbox %s: nothing is delivered: %s; tried again for as long as it takes", self._folder.path, told(error))
        return self._backoff.failed(error)
