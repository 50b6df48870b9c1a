"""Starts background work when a process begins to serve: with the first request that a server hands to it.

Not before, for a server may load the application first and fork then, and a thread does not come along. Nor in commands of
``manage.py`` and tests, where no server is.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Protocol
from weakref import WeakSet

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_started

from verwerkingenlogging import NotRecorded
from verwerkingenlogging.support import process

__all__ = ["Startable", "cancel_start", "start_with_server"]


class Startable(Protocol):
    """An object that works in the background once it is started."""

    def start(self) -> None:
        """Begin, unless it has already begun in this process."""


_known: WeakSet[Startable] = WeakSet()
_due: WeakSet[Startable] = WeakSet()
_waits = False


def start_with_server(one: Startable) -> None:
    """Start ``one`` with the next request that a server hands to this process. The same goes for every forked child."""
    global _waits  # noqa: PLW0603  # there is one process
    _known.add(one)
    _due.add(one)
    _waits = True


def cancel_start(one: Startable) -> None:
    """Do not start ``one`` any more."""
    _known.discard(one)
    _due.discard(one)


@process.in_child
def _again() -> None:
    global _waits  # noqa: PLW0603  # as above
    _due.update(_known)
    _waits = True


def _request_started(sender: type[Any], **_: Any) -> None:
    if _waits and issubclass(sender, WSGIHandler | ASGIHandler):
        _start()


def _start() -> None:
    global _waits  # noqa: PLW0603  # as above
    process.check()
    while waiting := list(_due):  # one may name another
        for one in waiting:
            with suppress(NotRecorded):  # the first record says it
                one.start()
            _due.discard(one)
    _waits = False


request_started.connect(_request_started, dispatch_uid="verwerkingenlogging_django._requests.server_start")
