"""A relay in a thread of the application itself, for applications without a separate relay process."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable

from verwerkingenlogging.support import process
from verwerkingenlogging_django._log.relay import Relay
from verwerkingenlogging_django._requests.server_start import cancel_start, start_with_server

__all__ = ["Worker"]

logger = logging.getLogger("verwerkingenlogging.django")


class Worker:
    """Runs the relay that ``make`` makes. It begins with the first request that a server hands to this process after ``watch``."""

    def __init__(self, make: Callable[[], Relay]) -> None:
        self._make = make
        self.after_fork()
        process.register(self)

    _running: tuple[Relay, threading.Thread] | None

    def watch(self) -> None:
        """Begin with the next request."""
        start_with_server(self)

    def start(self) -> None:
        """Begin, unless it already runs in this process, or this process may have no background thread."""
        with self._lock:
            if self._running is not None:
                return
            why_not = process.no_threads()
            if why_not is not None:
                logger.error("DjangoLog: nothing is delivered by this process: %s, or run: manage.py verwerkingen_deliver", why_not.value)
                return
            relay = self._make()
            # An empty context: whatever request started the thread, deliveries are not part of it.
            thread = threading.Thread(target=contextvars.Context().run, args=(relay.run,), name="verwerkingenlogging-django", daemon=True)
            self._running = (relay, thread)
            thread.start()

    def stop(self, timeout: float) -> None:
        """Stop after the current batch; wait at most ``timeout`` seconds for it."""
        process.check()
        cancel_start(self)
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            running[0].stopping.set()
            running[1].join(timeout)

    def after_fork(self) -> None:
        """In a forked child, which has no such thread: begin anew, with a new lock."""
        self._lock = threading.Lock()
        self._running = None
