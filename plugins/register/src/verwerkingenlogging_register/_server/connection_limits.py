"""The limits of a connection: time for headers, bodies and answers, and the number of connections.

A client that sends or reads slowly costs nothing but its connection; this takes the connection back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Protocol

from verwerkingenlogging_register._requests.admission import FRESH_SECONDS, Admission

__all__ = ["BYTES_PER_SECOND", "ConnectionLimits", "Watched", "Watchman"]

BYTES_PER_SECOND = 64 * 1024
"""How fast a long body must come, and a long answer must be taken."""
LINGER_SECONDS = 2.0
"""How long what still comes is thrown away after the last answer, so that its sender has time to read that answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Limits on each connection.

    Attributes:
        header_seconds: for the address and the headers of a request, from its first byte; for the first byte of a connection.
        body_seconds: for the whole of a request, and for an answer to be taken; a second more for each ``BYTES_PER_SECOND`` bytes.
        connections: most of them in one process. One more, and the one that waits longest for a request is closed.
    """

    header_seconds: float = 10.0
    body_seconds: float = 30.0
    connections: int = 4096


class Watched(Protocol):
    """A connection, as its watchman sees it."""

    def look(self, now: float) -> Sequence[Admission]:
        """End what takes too long at ``now``, by perf_counter. Gives the admissions under which an answer is still under way."""
        ...

    def waiting_since(self) -> float | None:
        """The moment since which it waits for a request; None while it is working on one."""
        ...

    def cut(self) -> None:
        """Close it at once. What was written and not taken is thrown away."""
        ...


class Watchman:
    """Looks at the connections of one server, every half second, for as long as there are any."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def admit(self, connections: Iterable[Watched], number: int, loop: asyncio.AbstractEventLoop) -> None:
        """Watch one more connection, ``number`` in all. Close one when there are too many."""
        if self._timer is None:
            self._timer = loop.call_later(FRESH_SECONDS, self._look, connections, loop)
        if number > self.limits.connections:
            waiting = [(since, each) for each in connections if (since := each.waiting_since()) is not None]
            if waiting:
                min(waiting, key=itemgetter(0))[1].cut()

    def _look(self, connections: Iterable[Watched], loop: asyncio.AbstractEventLoop) -> None:
        now = time.perf_counter()
        under_way: dict[Admission, list[Watched]] = {}
        found = list(connections)
        for connection in found:
            for admission in connection.look(now):
                under_way.setdefault(admission, []).append(connection)
        if under_way:
            task = loop.create_task(_cut_revoked(under_way))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._timer = loop.call_later(FRESH_SECONDS, self._look, connections, loop) if found else None


async def _cut_revoked(under_way: dict[Admission, list[Watched]]) -> None:
    """A client that was revoked gets no more of what it had asked."""
    for admission, connections in under_way.items():
        if not await admission.stands():
            for connection in connections:
                connection.cut()
