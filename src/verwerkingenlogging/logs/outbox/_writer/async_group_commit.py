"""Group commit for event loops: one thread writes and waits for the disk for all callers of one turn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress

from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging.support import process

__all__ = ["AsyncGroupCommit"]

_Waiting = tuple[bytes, "asyncio.Future[None]"]


class AsyncGroupCommit:
    """Lets callers on event loops wait for the disk without holding up their loop.

    Who comes in one turn of a loop goes together: the thread hears of them at the end of that turn. If it began with the first
    of them, the others would wait for the disk twice, and it would take turns with them for Python's lock.

    Args:
        commit: writes and waits for the disk, holding up the thread that calls. Raises LogUnavailable.
    """

    def __init__(self, commit: Callable[[bytes], None]) -> None:
        self._commit = commit
        self.after_fork()

    _thread: threading.Thread | None

    def after_fork(self) -> None:
        """In a forked child: begin anew. Neither that thread nor those loops are here."""
        self._turns: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}  # of those under way; each is its own loop's alone
        self._ended: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
        self._changed = threading.Condition()
        self._thread = None

    def commit(self, frames: bytes) -> asyncio.Future[None] | None:
        """A future that is done when ``frames`` are on the disk, and raises LogUnavailable when they are not.

        None when they are there already: event loops other than asyncio, and those that get no thread, are held up meanwhile.
        """
        try:
            loop = asyncio.get_running_loop()
            if self._thread is None:
                self._start()
        except RuntimeError:
            self._commit(frames)
            return None
        turn = self._turns.get(loop)
        if turn is None:
            turn = self._turns[loop] = []
            loop.call_soon(self._turn_ended, loop)
        future: asyncio.Future[None] = loop.create_future()
        turn.append((frames, future))
        return future

    def _turn_ended(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._changed:
            self._ended.setdefault(loop, []).extend(self._turns.pop(loop))
            self._changed.notify()

    def _start(self) -> None:
        if process.no_threads() is process.NoThreads.LOADING:
            raise RuntimeError
        with self._changed:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="verwerkingenlogging-disk", daemon=True)
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._ended:
                    self._changed.wait()
                ended, self._ended = self._ended, {}
            failure = self._outcome(b"".join([frames for turn in ended.values() for frames, _ in turn]))
            for loop, turn in ended.items():
                with suppress(RuntimeError):  # that loop was closed; nobody waits there any more
                    loop.call_soon_threadsafe(_tell, [future for _, future in turn], failure)

    def _outcome(self, frames: bytes) -> str | None:
        """What went wrong, if anything."""
        try:
            self._commit(frames)
        except LogUnavailable as error:
            return str(error)
        except Exception as error:  # this thread must not end: everybody would wait for ever
            return f"outbox: {type(error).__name__} was raised"
        return None


def _tell(futures: Iterable[asyncio.Future[None]], failure: str | None) -> None:
    for future in futures:
        if future.done():  # its request was cancelled
            continue
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(LogUnavailable(failure))
