"""A courier in a thread of the application itself, for who runs no process apart for it."""

from __future__ import annotations

import contextvars
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_started

from verwerkingenlogging_django.courier import Courier

__all__ = ["Worker"]


class Worker:
    """Runs what ``make`` makes, from the first request on that a server hands to this process once it was told to ``watch``.

    Not before: a server may load the application first and fork then, and a thread does not come along. Nor in commands of
    ``manage.py`` and tests, where no server is.
    """

    def __init__(self, make: Callable[[], Courier]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._running: tuple[int, Courier, threading.Thread] | None = None

    def watch(self) -> None:
        """Begin with the next request."""
        _waiting.add(self)

    def begin(self) -> None:
        """Begin, unless it runs in this process already."""
        with self._lock:
            running = self._running
            if running is not None and running[0] == os.getpid():
                return
            courier = self._make()
            # An empty context: whatever request started the thread, deliveries are not part of it.
            thread = threading.Thread(target=contextvars.Context().run, args=(courier.run,), name="verwerkingenlogging-django", daemon=True)
            self._running = (os.getpid(), courier, thread)
            thread.start()

    def stop(self, timeout: float) -> None:
        """Stop after the batch under way; wait ``timeout`` seconds for that."""
        _waiting.discard(self)
        running, self._running = self._running, None
        if running is not None and running[0] == os.getpid():
            running[1].stopping.set()
            running[2].join(timeout)

    def after_fork(self) -> None:
        """In a forked child: the thread is not here, and who held the lock may not be either."""
        self._lock = threading.Lock()


_waiting: weakref.WeakSet[Worker] = weakref.WeakSet()


def _request_started(sender: type[Any], **_: Any) -> None:
    if _waiting and issubclass(sender, WSGIHandler | ASGIHandler):
        for worker in list(_waiting):
            worker.begin()


def _in_child() -> None:
    for worker in list(_waiting):
        worker.after_fork()


request_started.connect(_request_started, dispatch_uid="verwerkingenlogging_django.worker")
os.register_at_fork(after_in_child=_in_child)
