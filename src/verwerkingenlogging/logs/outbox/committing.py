"""Waiting for the disk from event loops: a thread waits, on behalf of all of them at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from contextlib import suppress
from itertools import chain

from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging.logs.outbox.segment import Segment

__all__ = ["Committing"]

_Waiter = tuple["asyncio.Future[None]", Segment, int]


class Committing:
    """Lets callers on event loops wait for the disk without holding up their loop.

    Who comes in one turn of a loop waits together: the thread hears of them at the end of that turn. If it began with the first
    of them, the others would wait for the disk twice, and it would take turns with them for Python's lock.
    """

    def __init__(self) -> None:
        self._waiters: dict[asyncio.AbstractEventLoop, list[_Waiter]] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    async def sync(self, segment: Segment, end: int) -> None:
        """As ``Segment.sync``. Event loops other than asyncio, and those without a thread, are held up while the disk works."""
        future = self._waits(segment, end)
        if future is None:
            segment.sync(end)
        else:
            await future

    def _waits(self, segment: Segment, end: int) -> asyncio.Future[None] | None:
        """What is done when the disk has it; None when nobody can wait for that in this one's place."""
        with self._changed:
            try:  # no event loop of asyncio, or the machine has no thread left
                loop = asyncio.get_running_loop()
                self._thread = self._thread or self._started()
            except RuntimeError:
                return None
            future: asyncio.Future[None] = loop.create_future()
            waiters = self._waiters.get(loop)
            if waiters is None:
                waiters = self._waiters[loop] = []
                loop.call_soon(self._turn_ended)
            waiters.append((future, segment, end))
        return future

    def _turn_ended(self) -> None:
        with self._changed:
            self._changed.notify()

    def _started(self) -> threading.Thread:
        thread = threading.Thread(target=self._run, name="verwerkingenlogging-disk", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiters:
                    self._changed.wait()
                waiters, self._waiters = self._waiters, {}
            ends: dict[Segment, int] = {}
            for _, segment, end in chain.from_iterable(waiters.values()):
                ends[segment] = max(end, ends.get(segment, 0))
            outcome = {segment: _outcome(segment, end) for segment, end in ends.items()}
            for loop, its in waiters.items():
                with suppress(RuntimeError):  # that loop was closed; nobody waits there any more
                    loop.call_soon_threadsafe(_tell, [(future, outcome[segment]) for future, segment, _ in its])


def _outcome(segment: Segment, end: int) -> LogUnavailable | None:
    try:
        segment.sync(end)
    except Exception as error:  # this thread must not end: everybody would wait for ever
        return error if isinstance(error, LogUnavailable) else LogUnavailable(f"outbox: {type(error).__name__} was raised")
    return None


def _tell(waiting: Iterable[tuple[asyncio.Future[None], LogUnavailable | None]]) -> None:
    for future, failure in waiting:
        if future.done():  # its request was cancelled
            continue
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(LogUnavailable(str(failure)))
