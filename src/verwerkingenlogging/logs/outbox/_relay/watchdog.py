"""The watchdog: a thread that cleans up and raises alarms. It is not the relay, because the relay may hang."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from verwerkingenlogging.logs.delivery.backoff import ALARM_SECONDS
from verwerkingenlogging.logs.outbox._storage.folder import Folder
from verwerkingenlogging.logs.outbox.status import oldest_waiting

__all__ = ["Watchdog"]

logger = logging.getLogger("verwerkingenlogging.outbox")

_SECONDS = 0.2


class Watchdog:
    """Looks at the outbox in ``folder`` at intervals, in every process, until it is stopped.

    Args:
        folder: of the outbox.
        max_age: seconds that a record may wait before that is an alarm.
        housekeeping: called at each look.
        delivering_since: gives since when this process waits for the log behind the outbox, in the time of ``time.monotonic``.

    Raises RuntimeError when there is no thread for it.
    """

    def __init__(
        self, folder: Folder, *, max_age: float, housekeeping: Callable[[], None], delivering_since: Callable[[], float | None]
    ) -> None:
        self._folder = folder
        self._max_age = max_age
        self._housekeeping = housekeeping
        self._delivering_since = delivering_since
        self._alarmed = float("-inf")
        self._stopping = threading.Event()
        # An empty context: whatever request started the thread, this is no part of it.
        self._thread = threading.Thread(
            target=contextvars.Context().run, args=(self._run,), name="verwerkingenlogging-outbox-watch", daemon=True
        )
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Stop; wait at most ``timeout`` seconds for it."""
        self._stopping.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopping.wait(_SECONDS):
            with suppress(Exception):  # of the disk: whoever appends or delivers meets it too, and says so
                self._housekeeping()
                self._look()

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._alarmed < ALARM_SECONDS:
            return
        self._alarmed = now
        since = self._delivering_since()
        if since is not None and now - since > ALARM_SECONDS:
            logger.error("outbox %s: the log behind it has not answered for %d s", self._folder.path, now - since)
        oldest = oldest_waiting(self._folder)
        age = 0.0 if oldest is None else time.time() - oldest.time / 1e9
        if age > self._max_age:
            logger.error("outbox %s: the oldest record waits for %d s, longer than max_age", self._folder.path, age)
