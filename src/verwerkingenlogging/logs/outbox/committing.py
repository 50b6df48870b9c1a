"""Records that must be on the disk before their callers go on: one of these writes and waits, on behalf of all who came meanwhile."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import cast

from verwerkingenlogging.errors import LogUnavailable

__all__ = ["Committing"]


class _Bell:
    """A pipe that many threads wait at, so that one call wakes as many as are meant. Raises OSError when there is none to be had.

    The kernel wakes them, one after the other, while the thread that rings goes on; with a lock for each it would take turns for
    Python's lock with every one of them. Each takes a byte; what nobody takes any more goes with the pipe.
    """

    _open = False

    def __init__(self) -> None:
        self._waits, self._rings = os.pipe()
        self._open = True

    def wait(self) -> None:
        os.read(self._waits, 1)

    def ring(self, times: int) -> None:
        os.write(self._rings, bytes(times))

    def close(self) -> None:
        """Nobody waits at it: once the last of those has gone, or in a forked child, where none of them is."""
        if self._open:
            self._open = False
            os.close(self._waits)
            os.close(self._rings)

    __del__ = close


class _Ticket:
    """What one thread wants on the disk, and what becomes of it.

    Attributes:
        turn: is let go when it is to lead; only who comes first has one.
        bell: rings when it is done, or somebody is to lead; who comes later waits for that.
    """

    __slots__ = ("bell", "done", "failure", "frames", "leads", "turn")

    def __init__(self, frames: bytes) -> None:
        self.frames = frames
        self.failure: str | None = None
        self.done = False
        self.leads = False
        self.turn: threading.Lock | None = None
        self.bell: _Bell | None = None


class Committing:
    """Shares one write and one wait for the disk between the threads that come at the same time.

    Who comes while nobody is at it leads: it takes with it what waits, and at the end hands over to the first that came
    meanwhile, before it wakes those that went along.

    Args:
        write: writes and waits for the disk. Raises LogUnavailable.
    """

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._bell: _Bell | None = None
        self._rung: _Bell | None = None
        self.after_fork()

    _queue: list[_Ticket]

    def after_fork(self) -> None:
        """In a forked child: begin anew. The threads that waited are not here."""
        for bell in (self._bell, self._rung):
            if bell is not None:
                bell.close()
        self._lock = threading.Lock()
        self._queue = []
        self._bell = None  # of those in the queue but the first
        self._rung = None  # of those that were taken from it last
        self._led = False
        self._called = False  # somebody at the bell is to lead

    def commit(self, frames: bytes) -> None:
        """Return when ``frames`` are on the disk. Raises LogUnavailable when they are not, and then none counts of all that went along."""
        ticket = _Ticket(frames)
        try:
            with self._lock:
                self._join(ticket)
            if not ticket.leads:
                self._wait(ticket)
            if ticket.leads:
                self._lead()
        except BaseException:  # a signal may raise in any of these, and the others must not wait for ever
            self._give_up(ticket)
            raise
        if ticket.failure is not None:
            raise LogUnavailable(ticket.failure)

    def _join(self, ticket: _Ticket) -> None:
        if not self._queue:
            ticket.turn = threading.Lock()
            ticket.turn.acquire()
        else:
            if self._bell is None:
                try:
                    self._bell = _Bell()
                except OSError as error:  # as many files as this process may have open
                    raise LogUnavailable(f"outbox: {error.strerror}") from None
            ticket.bell = self._bell
        self._queue.append(ticket)
        if not self._led:
            self._led = ticket.leads = True

    def _wait(self, ticket: _Ticket) -> None:
        """Until ``ticket`` is done, or leads."""
        if ticket.bell is None:
            cast("threading.Lock", ticket.turn).acquire()
            return
        while not (ticket.done or ticket.leads):
            ticket.bell.wait()
            if not ticket.done:
                with self._lock:
                    ticket.leads, self._called = self._called, False

    def _lead(self) -> None:
        batch: list[_Ticket] = []
        bell: _Bell | None = None
        failure: str | None = "outbox: the wait for the disk was interrupted"
        try:
            with self._lock:
                batch, self._queue = self._queue, []
                self._rung = bell = self._bell
                self._bell = None
            self._write(batch[0].frames if len(batch) == 1 else b"".join([ticket.frames for ticket in batch]))
            failure = None
        except LogUnavailable as error:
            failure = str(error)
        finally:
            for ticket in batch:
                ticket.failure = failure
                ticket.leads = False
                ticket.done = True
            self._hand_over()  # first: the disk works while the others wake
            if bell is not None:
                bell.ring(len(batch))
                self._rung = None

    def _hand_over(self) -> None:
        """Let the first that waits lead, if any does."""
        with self._lock:
            self._led = bool(self._queue)
            self._called = False
            if self._led:
                first = self._queue[0]
                if first.turn is not None:
                    first.leads = True
                    first.turn.release()
                else:
                    self._call()

    def _call(self) -> None:
        """Let whoever hears it first at the bell lead."""
        self._called = True
        cast("_Bell", self._bell).ring(1)

    def _give_up(self, ticket: _Ticket) -> None:
        """Nobody waits for ``ticket`` any more: let it not be the one that leads."""
        with self._lock:
            leads = ticket.leads
            if ticket in self._queue:
                self._queue.remove(ticket)
            if self._called and self._queue:
                self._call()  # it may have heard the bell, and gone
            elif self._called:
                self._called = self._led = False
        if leads:
            self._hand_over()
