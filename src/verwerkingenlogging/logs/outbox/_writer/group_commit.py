"""Group commit for threads: one caller writes and waits for the disk, for all callers that came meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable

from verwerkingenlogging.errors import LogUnavailable

__all__ = ["GroupCommit"]


class _Ticket:
    """What one thread wants on the disk, and what becomes of it."""

    __slots__ = ("failure", "frames", "leads", "turn")

    def __init__(self, frames: bytes) -> None:
        self.frames = frames
        self.failure: str | None = None
        self.leads = False
        self.turn = threading.Lock()  # is let go when this ticket is done, or is to lead
        self.turn.acquire()


class GroupCommit:
    """Shares one write and one wait for the disk between the threads that come at the same time.

    Who comes while nobody is at it leads: it takes with it what waits, and at the end hands over to the first that came
    meanwhile. Each thread that waits has a lock of its own to wait for, so that it is woken once and meets nobody: what wakes a
    thread, and what hands on Python's lock, is most of the cost.

    Args:
        write: writes and waits for the disk. Raises LogUnavailable.
    """

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self.after_fork()

    _queue: list[_Ticket]

    def after_fork(self) -> None:
        """In a forked child: begin anew. The threads that waited are not here."""
        self._lock = threading.Lock()
        self._queue = []
        self._led = False

    def commit(self, frames: bytes) -> None:
        """Return when ``frames`` are on the disk. Raises LogUnavailable when they are not, and then none counts of all that went along."""
        ticket = _Ticket(frames)
        try:
            with self._lock:
                self._queue.append(ticket)
                if not self._led:
                    self._led = ticket.leads = True
            if not ticket.leads:
                ticket.turn.acquire()
            if ticket.leads:
                self._lead()
        except BaseException:  # a signal may raise in any of these, and the others must not wait for ever
            self._give_up(ticket)
            raise
        if ticket.failure is not None:
            raise LogUnavailable(ticket.failure)

    def _lead(self) -> None:
        batch: list[_Ticket] = []
        failure: str | None = "outbox: the wait for the disk was interrupted"
        try:
            with self._lock:
                batch, self._queue = self._queue, []
            self._write(batch[0].frames if len(batch) == 1 else b"".join([ticket.frames for ticket in batch]))
            failure = None
        except LogUnavailable as error:
            failure = str(error)
        finally:
            for ticket in batch:
                ticket.failure = failure
                ticket.leads = False
            self._hand_over()  # first: the disk works while the others wake
            for ticket in batch:
                ticket.turn.release()

    def _hand_over(self) -> None:
        """Let the first that waits lead, if any does."""
        with self._lock:
            self._led = bool(self._queue)
            if self._led:
                self._queue[0].leads = True
                self._queue[0].turn.release()

    def _give_up(self, ticket: _Ticket) -> None:
        """Nobody waits for ``ticket`` any more: let it not be the one that leads."""
        with self._lock:
            leads = ticket.leads
            if ticket in self._queue:
                self._queue.remove(ticket)
        if leads:
            self._hand_over()
