"""The one thread that writes. Requests that arrive while it commits share the next commit (group commit)."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging_register.database import reason_of
from verwerkingenlogging_register.insertion import insert_versions
from verwerkingenlogging_register.versions import VersionRows

__all__ = ["Writer"]

logger = logging.getLogger(__name__)

_SHARE_COMMIT = 512
"""Most versions in one commit: enough to amortise it, few enough to keep the wait short."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    version: VersionRows
    loop: asyncio.AbstractEventLoop
    stored: asyncio.Future[None]


class Writer:
    """Stores versions through one connection of its own, in the order in which they were given.

    A version is stored whole or not at all, and ``append`` returns only after the commit that holds it has reached the
    disk. A commit that fails refuses everything that waited for it; the next one starts afresh.
    """

    def __init__(self, engine: Engine, *, limit: int) -> None:
        self._engine = engine
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(limit)
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="verwerkingenlog-writer", daemon=True)
        self._thread.start()

    async def append(self, version: VersionRows) -> None:
        """Store ``version``. Raises LogUnavailable when it is not stored: too many wait already, or the commit failed."""
        loop = asyncio.get_running_loop()
        stored: asyncio.Future[None] = loop.create_future()
        if self._closed:
            raise LogUnavailable("the register is stopping")
        try:
            self._queue.put_nowait(_Waiting(version, loop, stored))
        except queue.Full:
            raise LogUnavailable("too many verwerkingsacties wait to be stored") from None
        await stored

    def close(self) -> None:
        """Store what still waits, then stop."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()
        self._engine.dispose()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            batch, stopping = self._next_batch()
            if batch:
                failure = self._commit([waiting.version for waiting in batch])
                _answer(batch, failure)

    def _next_batch(self) -> tuple[list[_Waiting], bool]:
        """Wait for one version and take along what has come since. Says whether ``close`` was reached."""
        batch: list[_Waiting] = []
        item = self._queue.get()
        while item is not None:
            batch.append(item)
            if len(batch) == _SHARE_COMMIT:
                break
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
        return batch, item is None

    def _commit(self, versions: Sequence[VersionRows]) -> LogUnavailable | None:
        try:
            with self._engine.begin() as connection:
                insert_versions(connection, versions)
        except Exception as error:  # disk full, I/O error: nothing of this transaction is kept, and this thread lives on
            logger.error("a commit failed, %d verwerkingsacties refused: %s", len(versions), reason_of(error))  # noqa: TRY400  # see reason_of
            self._engine.dispose()
            return LogUnavailable("the verwerkingsactie could not be stored")
        return None


def _answer(batch: Sequence[_Waiting], failure: LogUnavailable | None) -> None:
    """Wake all that wait, with one call per event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for waiting in batch:
        by_loop.setdefault(waiting.loop, []).append(waiting.stored)
    for loop, futures in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, futures, failure)
        except RuntimeError:  # that loop has been closed: nobody waits there any more
            continue


def _resolve(futures: Sequence[asyncio.Future[None]], failure: LogUnavailable | None) -> None:
    for future in futures:
        if future.done():  # the client went away
            continue
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)
