"""Group commit: one thread writes, and the requests that arrive while it commits share the next commit."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging_register._acties.append import Append, append_all
from verwerkingenlogging_register._database.engines import reason_of
from verwerkingenlogging_register._metrics import Metrics

__all__ = ["Writer"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

_SHARE_COMMIT = 512
"""Most writes in one commit: enough to amortise it, few enough to keep the wait short."""
_FAILING_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    work: Append | Callable[[Connection], Any]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Outcome:
    result: Any = None
    error: Exception | None = None


class Writer:
    """Writes through one connection of its own, in the order of the requests.

    What is written is written whole or not at all, and ``append`` and ``write`` return only after the commit that holds it has
    reached the disk. A commit that fails refuses everything that waited for it; the next one starts afresh.
    """

    def __init__(self, engine: Engine, *, limit: int, metrics: Metrics | None = None) -> None:
        self._engine = engine
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._limit = limit
        self._pending: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
        self._metrics = metrics or Metrics()
        self._metrics.watch_queue(self._queue.qsize)
        self._closed = False
        self._failed_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name="verwerkingenlog-writer", daemon=True)
        self._thread.start()

    @property
    def failing(self) -> bool:
        """Whether the last commit failed a moment ago. After that only a new commit can tell."""
        return time.monotonic() - self._failed_at < _FAILING_SECONDS

    async def append(self, append: Append) -> int | None:
        """Store a version. Gives None, or the number of the version that has its key already.

        Raises LogUnavailable when it is not stored: too many wait already, or the commit failed.
        """
        versie: int | None = await self._turn(append)
        return versie

    async def write(self, job: Callable[[Connection], T]) -> T:
        """Run ``job`` at its turn inside the transaction, and give its result once that is on disk.

        What the job raises undoes what it wrote, and nobody else's, and is raised here unchanged. Where the database refuses
        a write that shares its commit, the job is undone and runs again. Raises LogUnavailable when the commit fails.
        """
        result: T = await self._turn(job)
        return result

    async def _turn(self, work: Append | Callable[[Connection], Any]) -> Any:
        loop = asyncio.get_running_loop()
        if self._closed:
            self._metrics.refused("stopping")
            raise LogUnavailable("the register is stopping")
        if loop not in self._pending:
            self._pending[loop] = []
            loop.call_soon(self._hand_over, loop)
        pending = self._pending[loop]
        if self._queue.qsize() + len(pending) >= self._limit:
            self._metrics.refused("queue-full")
            raise LogUnavailable("too many verwerkingsacties wait to be stored")
        done: asyncio.Future[Any] = loop.create_future()
        pending.append(_Waiting(work, loop, done))
        return await done

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """Everything that was asked for in one turn of the loop at once: woken for the first, the thread would stand in its way."""
        for waiting in self._pending.pop(loop, ()):
            self._queue.put(waiting)

    def close(self) -> None:
        """Store the writes that still wait, and stop."""
        if not self._closed:
            self._closed = True
            for loop in list(self._pending):
                self._hand_over(loop)
            self._queue.put(None)
            self._thread.join()
        self._engine.dispose()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            batch, stopping = self._next_batch()
            if batch:
                _answer(batch, self._commit(batch))

    def _next_batch(self) -> tuple[list[_Waiting], bool]:
        """Wait for one write and take along what has come since. Says whether ``close`` was reached."""
        batch: list[_Waiting] = []
        item = self._queue.get()
        while item is not None:
            batch.append(item)
            if len(batch) == _SHARE_COMMIT or self._queue.empty():
                return batch, False
            item = self._queue.get()
        return batch, True

    def _commit(self, batch: Sequence[_Waiting]) -> Sequence[_Outcome]:
        started = time.perf_counter()
        try:
            outcomes = self._done(batch)
        except Exception as error:  # disk full, I/O error: nothing of this transaction is kept, and this thread lives on
            logger.error("a commit failed, %d writes refused: %s", len(batch), reason_of(error))  # noqa: TRY400  # see reason_of
            self._engine.dispose()
            self._failed_at = time.monotonic()
            self._metrics.refused("commit-failed", len(batch))
            return [_Outcome(error=LogUnavailable("the verwerkingsactie could not be stored"))] * len(batch)
        self._failed_at = float("-inf")
        self._metrics.commit(len(batch), time.perf_counter() - started)
        return outcomes

    def _done(self, batch: Sequence[_Waiting]) -> list[_Outcome]:
        """All of ``batch``, committed. What the database refuses of one of them is refused to that one alone."""
        try:
            with self._engine.begin() as connection:
                return _do(connection, batch)
        except (IntegrityError, DataError):
            with self._engine.begin() as connection:
                outcomes = _do_apart(connection, batch)
        self._metrics.refused("commit-failed", sum(isinstance(outcome.error, LogUnavailable) for outcome in outcomes))
        return outcomes


def _do_apart(connection: Connection, batch: Sequence[_Waiting]) -> list[_Outcome]:
    """The same, each in a savepoint of its own: what one writes wrongly undoes nothing of the others."""
    outcomes: list[_Outcome] = []
    for work in [waiting.work for waiting in batch]:
        if not isinstance(work, Append):
            outcomes.append(_do_job(connection, work))
            continue
        outcome = _do_job(connection, partial(append_all, appends=[work]))
        if outcome.error is None:
            outcomes.append(_Outcome(outcome.result[0]))
        else:
            logger.error("the database refused a version, 1 writes refused: %s", reason_of(outcome.error))
            outcomes.append(_Outcome(error=LogUnavailable("the verwerkingsactie could not be stored")))
    return outcomes


def _do(connection: Connection, batch: Sequence[_Waiting]) -> list[_Outcome]:
    """Everything in ``batch`` in its order; neighbouring versions go in together."""
    outcomes: list[_Outcome] = []
    for appends, group in groupby((waiting.work for waiting in batch), key=_is_append):
        if appends:
            outcomes += [_Outcome(versie) for versie in append_all(connection, list(group))]  # type: ignore[arg-type]  # see _is_append
        else:
            outcomes += [_do_job(connection, job) for job in group]  # type: ignore[arg-type]  # see _is_append
    return outcomes


def _is_append(work: object) -> bool:
    return isinstance(work, Append)


def _do_job(connection: Connection, job: Callable[[Connection], Any]) -> _Outcome:
    try:
        with connection.begin_nested():
            return _Outcome(job(connection))
    except (IntegrityError, DataError) as error:  # what this job wrote was wrong
        return _Outcome(error=error)
    except DBAPIError:  # the database itself fails: so does the commit
        raise
    except Exception as error:
        return _Outcome(error=error)


def _answer(batch: Sequence[_Waiting], outcomes: Sequence[_Outcome]) -> None:
    """Wake all that wait, with one call per event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], _Outcome]]] = {}
    for waiting, outcome in zip(batch, outcomes, strict=True):
        by_loop.setdefault(waiting.loop, []).append((waiting.done, outcome))
    for loop, results in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, results)
        except RuntimeError:  # that loop has been closed: nobody waits there any more
            continue


def _resolve(results: Sequence[tuple[asyncio.Future[Any], _Outcome]]) -> None:
    for future, outcome in results:
        if future.done():  # the client went away
            continue
        if outcome.error is None:
            future.set_result(outcome.result)
        else:
            future.set_exception(outcome.error)
