"""Threads that share a wait for the disk: whatever happens to one of them, the others are told the truth, and soon."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from typing import NoReturn

import pytest
from tests.outbox import wait_until

from verwerkingenlogging import LogUnavailable
from verwerkingenlogging.logs.outbox._writer import group_commit
from verwerkingenlogging.logs.outbox._writer.group_commit import GroupCommit, _Ticket


class Disk:
    """Takes what is written when its gate is open, or fails with what it was given."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.gate = threading.Semaphore(0)
        self.failure: BaseException | None = None

    def write(self, frames: bytes) -> None:
        self.writes.append(frames)
        assert self.gate.acquire(timeout=60)
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure


class Threads:
    """Threads that commit, each what it is called."""

    def __init__(self) -> None:
        self.disk = Disk()
        self.group_commit = GroupCommit(self.disk.write)
        self.outcomes: dict[str, str] = {}
        self._threads: dict[str, threading.Thread] = {}

    def start(self, *names: str) -> None:
        """Start one for each name, one after the other, until it waits: for the disk, or for who waits for that."""
        for name in names:
            queued, writing = len(self.group_commit._queue), len(self.disk.writes)
            self._threads[name] = threading.Thread(target=self._commit, args=(name,), daemon=True)
            self._threads[name].start()
            wait_until(lambda: (len(self.group_commit._queue), len(self.disk.writes)) != (queued, writing))  # noqa: B023  # used at once

    def end(self, writes: int) -> dict[str, str]:
        """Let the disk take so many writes; gives what became of each thread."""
        self.disk.gate.release(writes)
        for thread in self._threads.values():
            thread.join(60)
            assert not thread.is_alive()
        return self.outcomes

    def _commit(self, name: str) -> None:
        try:
            self.group_commit.commit(name.encode())
            self.outcomes[name] = "safe"
        except BaseException as error:
            self.outcomes[name] = str(error) or type(error).__name__


@pytest.fixture
def threads() -> Threads:
    return Threads()


class _Interrupted:
    """A lock that wakes who waits for it with an exception, as the time limit of a task does.

    Not by ``PyThreadState_SetAsyncExc``: Python itself may then turn in circles while coverage is measured.
    """

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self.release = lock.release

    def acquire(self) -> NoReturn:
        self._lock.acquire()
        raise KeyboardInterrupt


@pytest.fixture
def b_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def ticket(frames: bytes) -> object:
        made = _Ticket(frames)
        if frames == b"b":
            made.turn = _Interrupted(made.turn)  # type: ignore[assignment]  # it stands for one
        return made

    monkeypatch.setattr(group_commit, "_Ticket", ticket)


def test_who_comes_while_one_waits_for_the_disk_goes_together_in_order(threads: Threads) -> None:
    threads.start("a", "b", "c", "d")
    assert threads.end(2) == dict.fromkeys("abcd", "safe")
    assert threads.disk.writes == [b"a", b"bcd"]
    threads.start("e")  # and nobody is left who would have led
    assert threads.end(1)["e"] == "safe"


def test_a_failure_is_of_all_that_went_together_and_of_nobody_else(threads: Threads) -> None:
    threads.start("a", "b", "c")
    threads.disk.gate.release()
    wait_until(lambda: len(threads.disk.writes) == 2)
    threads.start("d")
    threads.disk.failure = LogUnavailable("no room")
    assert threads.end(2) == {"a": "safe", "b": "no room", "c": "no room", "d": "safe"}


def test_who_is_interrupted_at_the_disk_fails_those_that_went_along(threads: Threads) -> None:
    """Nobody knows whether the disk has it, so nobody is told that it has."""
    threads.start("a", "b", "c")
    threads.disk.gate.release()
    wait_until(lambda: len(threads.disk.writes) == 2)
    threads.start("d")
    threads.disk.failure = KeyboardInterrupt()
    outcomes = threads.end(2)
    assert (outcomes["a"], outcomes["d"]) == ("safe", "safe")
    assert sorted((outcomes["b"], outcomes["c"])) == ["KeyboardInterrupt", "outbox: the wait for the disk was interrupted"]


@pytest.mark.usefixtures("b_is_interrupted")
def test_who_is_interrupted_when_it_is_to_lead_lets_the_next_one(threads: Threads) -> None:
    threads.start("a", "b", "c", "d")
    assert threads.end(2) == {"a": "safe", "b": "KeyboardInterrupt", "c": "safe", "d": "safe"}
    assert threads.disk.writes == [b"a", b"cd"]


@pytest.mark.usefixtures("b_is_interrupted")
def test_who_is_interrupted_and_is_the_last_leaves_nobody_to_lead(threads: Threads) -> None:
    threads.start("a", "b")
    assert threads.end(1) == {"a": "safe", "b": "KeyboardInterrupt"}
    threads.start("c")
    assert threads.end(1)["c"] == "safe"


class _Alarm(Exception):
    pass


@pytest.fixture
def alarm() -> Iterator[None]:
    """A signal that raises in the main thread."""

    def rings(*_: object) -> NoReturn:
        raise _Alarm

    before = signal.signal(signal.SIGUSR1, rings)
    yield
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.usefixtures("alarm")
def test_a_signal_ends_a_wait_and_what_was_not_written_is_not(threads: Threads) -> None:
    threads.start("a")

    def ring() -> None:
        wait_until(lambda: len(threads.group_commit._queue) == 1)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    ringing = threading.Thread(target=ring)
    ringing.start()
    with pytest.raises(_Alarm):
        threads.group_commit.commit(b"main")
    ringing.join()
    threads.start("b")
    assert threads.end(2) == {"a": "safe", "b": "safe"}
    assert threads.disk.writes == [b"a", b"b"]


@pytest.mark.usefixtures("alarm")
def test_a_signal_ends_a_wait_for_what_is_being_written_too(threads: Threads) -> None:
    threads.start("a", "b")

    def ring() -> None:
        wait_until(lambda: len(threads.group_commit._queue) == 2)
        threads.disk.gate.release()  # b leads, and takes the main thread's along
        wait_until(lambda: len(threads.disk.writes) == 2)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    ringing = threading.Thread(target=ring)
    ringing.start()
    with pytest.raises(_Alarm):
        threads.group_commit.commit(b"main")
    ringing.join()
    threads.start("c")
    assert threads.end(2) == {"a": "safe", "b": "safe", "c": "safe"}
    assert threads.disk.writes == [b"a", b"bmain", b"c"]
