"""Offload: large work is done in one thread beside the event loop, one client after the other.

Python runs one thread at a time, and takes the lock from one only between two steps of Python code. So what is done here must be
made of short steps: no call of C that works through megabytes. What reads a body sees to that (``json_shape``, ``otlp_binary``).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from verwerkingenlogging_register._errors import Problem
from verwerkingenlogging_register._model.versions import VersionRows

__all__ = ["LARGE_BODY", "LARGE_NUMBER", "Offload", "are_many", "emptied"]

T = TypeVar("T")

LARGE_BODY = 8 * 1024
"""Bytes of a body beyond which it is read and judged aside: the worst that fits takes some milliseconds."""
LARGE_NUMBER = 100
"""Acties and objecten beyond which they are made, or answered, off the event loop."""
_WAITING_MAX = 64
"""Most jobs of one client that wait or are done. What it sends beside them has to come again. Many machines may deliver for one client."""
_SWITCH_SECONDS = 0.0005
"""How long this thread keeps Python's lock once another wants it, a tenth of what is usual: those that serve others want it often."""


@dataclass(slots=True)
class _Turn:
    """The jobs of one client: how many there are, and whose turn it is."""

    waiting: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Offload:
    """The thread for large work. Close it when done."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "verwerkingenlog-offload")
        self._turns: dict[str, _Turn] = {}

    async def run(self, client: str | None, work: Callable[[], T]) -> T:
        """The result of ``work``. Raises what it raises, and Problem 429 when ``client`` has too much work waiting."""
        if client is None:
            return await self._run(work)
        turn = self._turns.setdefault(client, _Turn())
        if turn.waiting >= _WAITING_MAX:
            raise Problem(429, headers={"Retry-After": "1"})
        turn.waiting += 1
        try:
            async with turn.lock:  # one job of each client stands in the queue of the thread, so that who sends many lets others go before
                return await self._run(work)
        finally:
            turn.waiting -= 1
            if not turn.waiting:
                del self._turns[client]

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, _often_interrupted, work)

    def close(self) -> None:
        """Wait for the current work, and end the thread."""
        self._thread.shutdown()


def are_many(versions: Iterable[VersionRows]) -> bool:
    """Whether to answer with ``versions``, or to record that they were seen, is work to be offloaded."""
    return sum(1 + len(rows.objecten) for rows in versions) > LARGE_NUMBER


def emptied(document: Any) -> None:
    """Let go of what is in ``document``, lists and dicts within it included, one by one: all at once is one step, and a long one.

    Nobody may need it any more. What was frozen, such as a tuple or a struct, goes as a whole.
    """
    waiting: list[Any] = [[document]]  # which may also be a number or a text
    while waiting:
        container = waiting[-1]
        if not container:
            waiting.pop()
            continue
        last = container.popitem()[1] if isinstance(container, dict) else container.pop()
        if isinstance(last, (list, dict)):
            waiting.append(last)


def _often_interrupted(work: Callable[[], T]) -> T:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(min(usual, _SWITCH_SECONDS))
    try:
        return work()
    finally:
        sys.setswitchinterval(usual)
