"""The outbox: what it keeps, in what order it is delivered, and what becomes of the files."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import logging
import os
import re
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest
import trio
from tests.outbox import BSN, DOWN, Keeper, actie, delivered, wait_until

from verwerkingenlogging import ConfigurationError, LogRefused, LogUnavailable, MemoryLog, Recorder, persoon, recording, verwerkingsactie
from verwerkingenlogging.logs.delivery import backoff
from verwerkingenlogging.logs.outbox import OutboxLog
from verwerkingenlogging.logs.outbox._relay import relay
from verwerkingenlogging.logs.outbox._storage import frame_reader
from verwerkingenlogging.logs.outbox._storage.damage import settle
from verwerkingenlogging.logs.outbox._storage.dead_letters import dead_letters, put_back
from verwerkingenlogging.logs.outbox._storage.folder import Folder, Waiting
from verwerkingenlogging.logs.outbox._storage.frames import encode, parse
from verwerkingenlogging.logs.outbox._writer import active_segment
from verwerkingenlogging.logs.outbox._writer.segment import Segment
from verwerkingenlogging.logs.protocol import Entry, Verwerkingenlog
from verwerkingenlogging.model import filled, wire_form
from verwerkingenlogging.model.trace import Span
from verwerkingenlogging.steps import alog_actie, log_actie
from verwerkingenlogging.support import process

Make = Callable[..., OutboxLog]
SYNCED = "verwerkingenlogging.logs.outbox._writer.segment.synced"


@pytest.fixture
def make(tmp_path: Path, keeper: Keeper) -> Iterator[Make]:
    """Makes outboxes on one folder, as processes would, and closes them."""
    made: list[OutboxLog] = []

    def make(deliver_to: Verwerkingenlog | None = None, **settings: Any) -> OutboxLog:
        made.append(OutboxLog(tmp_path / "outbox", deliver_to or keeper, **settings))
        return made[-1]

    yield make
    for one in made:
        one.close(timeout=0)


def files(folder: Path) -> set[str]:
    """The kinds of files that lie in an outbox."""
    return {path.suffix for path in (folder / "outbox").iterdir() if path.is_file()} - {".lock"}


@pytest.mark.parametrize("safety", ["power", "process"])
def test_what_is_logged_is_delivered_in_order_and_leaves_nothing_behind(make: Make, keeper: Keeper, tmp_path: Path, safety: str) -> None:
    span = Span(trace_id=bytes(range(16)), span_id=bytes(range(8)), parent_span_id=bytes(range(8, 16)))
    acties = [actie(1), filled(actie(2), span=span), filled(actie(3), span=Span(trace_id=bytes(16), span_id=bytes(8)))]
    with make(safety=safety) as outbox:
        outbox.log(acties[:1])
        outbox.log(acties[1:])
        outbox.log([])
        delivered(outbox)
    assert [entry.actie for entry in keeper.entries.values()] == acties
    assert files(tmp_path) == set()


async def test_so_is_what_is_logged_on_an_event_loop(make: Make, keeper: Keeper) -> None:
    outbox = make()
    await asyncio.gather(*(outbox.alog([actie(number)]) for number in range(20)))
    await outbox.process_safe.alog([actie(20)])
    await outbox.power_safe.alog([actie(21)])
    await outbox.alog([])
    await outbox.power_safe.alog([])
    outbox.power_safe.log([])
    await outbox.aclose(timeout=60)
    assert sorted(map(int, keeper.namen)) == list(range(22))


def test_so_is_what_is_logged_on_another_event_loop(make: Make, keeper: Keeper) -> None:
    outbox = make()

    async def main() -> None:
        await outbox.alog([actie(1)])
        await outbox.aclose(timeout=60)

    trio.run(main)
    assert keeper.namen == ["1"]


def test_it_is_kept_though_nobody_takes_it_and_delivered_by_the_next_process(make: Make, keeper: Keeper) -> None:
    keeper.down = DOWN
    first = make()
    first.log([actie(1)])
    assert not first.flush(0.1)
    first.close(timeout=0.1)
    assert first.status().waiting == 1
    keeper.down = None
    second = make()
    second.start()
    wait_until(lambda: keeper.namen == ["1"])
    wait_until(lambda: second.status().waiting == 0)


def test_each_record_has_one_key_through_every_attempt(make: Make, keeper: Keeper) -> None:
    outbox = make(batch=2)
    seen: list[list[str]] = []
    deliver = keeper.deliver

    def note(entries: Any) -> Any:
        seen.append([entry.key for entry in entries])
        if len(seen) < 4:
            raise DOWN
        return deliver(entries)

    keeper.deliver = note  # type: ignore[method-assign]
    outbox.log([actie(number) for number in range(4)])
    delivered(outbox)
    assert seen[0][0] == seen[1][0] == seen[3][0]
    assert len({key for batch in seen for key in batch}) == 4
    assert all(0 < len(key) <= 255 and key.isascii() and key.isprintable() and " " not in key for batch in seen for key in batch)


def test_a_batch_is_bounded_in_records_and_in_bytes(make: Make, keeper: Keeper) -> None:
    keeper.down = DOWN
    outbox = make(batch=10)
    outbox.log([actie(number) for number in range(25)])
    many = actie("x").verwerkte_objecten * 2_500
    outbox.log([filled(actie("x"), verwerkte_objecten=many)] * 8)
    keeper.down = None
    delivered(outbox)
    assert keeper.batches == [10, 10, 9, 4]


def test_records_of_several_processes_are_delivered_in_the_order_in_which_they_were_made(make: Make, keeper: Keeper) -> None:
    keeper.down = DOWN
    outboxes = [make(segment_bytes=2_000) for _ in range(3)]
    for number in range(60):
        outboxes[number % 3].process_safe.log([actie(number)])
    keeper.down = None
    delivered(outboxes[0])
    assert keeper.namen == [str(number) for number in range(60)]


def test_what_was_appended_before_the_clock_was_set_back_is_delivered(make: Make, keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = make()
    monkeypatch.setattr("verwerkingenlogging.logs.outbox._storage.frames.time_ns", lambda: time.time_ns() + 3600 * 10**9)
    outbox.log([actie(1)])
    monkeypatch.undo()
    wait_until(lambda: keeper.namen == ["1"])


def test_a_flush_waits_for_those_too(make: Make, keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper.down = DOWN
    outbox = make()
    monkeypatch.setattr("verwerkingenlogging.logs.outbox._storage.frames.time_ns", lambda: time.time_ns() + 3600 * 10**9)
    outbox.log([actie(1)])
    monkeypatch.undo()
    outbox.log([actie(2)])
    assert not outbox.flush(0)
    keeper.down = None
    delivered(outbox)
    assert keeper.namen == ["1", "2"]


def test_a_segment_is_followed_by_the_next_and_removed_when_it_was_delivered(make: Make, keeper: Keeper, tmp_path: Path) -> None:
    outbox = make(segment_bytes=1_000)
    for number in range(30):
        outbox.log([actie(number)])
    delivered(outbox)
    wait_until(lambda: len(list((tmp_path / "outbox").glob("*.log"))) == 1)  # the one that it holds
    assert keeper.namen == [str(number) for number in range(30)]


def test_what_was_delivered_is_removed_though_the_rest_fails_or_takes_long(make: Make, keeper: Keeper, tmp_path: Path) -> None:
    """A full disk needs the room, and no person stays on it for longer than need be."""
    keeper.down = DOWN
    names: list[str] = []
    for number in range(3):
        outbox = make()
        outbox.log([actie(number)])
        outbox.close(timeout=0)
        (name,) = {path.name for path in (tmp_path / "outbox").glob("*.log")} - set(names)
        names.append(name)
    left: list[set[str]] = []

    class OneOfThem(Keeper):
        def deliver(self, entries: Sequence[Entry]) -> list[LogRefused | None]:
            left.append({path.name for path in (tmp_path / "outbox").glob("*.log")})
            if entries[0].actie.actie_naam == "2":
                raise DOWN
            return [None for _ in entries]

    heir = make(OneOfThem(), batch=1)
    heir.start()
    wait_until(lambda: len(left) > 3)
    assert left[:3] == [set(names), set(names[1:]), set(names[2:])]


def test_an_idle_outbox_lets_go_of_its_segment_so_that_no_person_stays_on_the_disk(
    make: Make, keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(active_segment, "_LINGER_SECONDS", 0.1)
    outbox = make()
    outbox.log([actie(1)])
    wait_until(lambda: files(tmp_path) == set())
    outbox.log([actie(2)])
    delivered(outbox)
    assert keeper.namen == ["1", "2"]


def test_many_threads_share_their_waits_for_the_disk(make: Make, keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs: list[int] = []

    def synced(descriptor: int) -> None:
        syncs.append(descriptor)
        os.fdatasync(descriptor)

    def log_some() -> None:
        for number in range(20):
            outbox.log([actie(number)])

    monkeypatch.setattr(SYNCED, synced)
    outbox = make()
    threads = [threading.Thread(target=log_some) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    delivered(outbox)
    assert len(keeper.entries) == 320
    assert len(syncs) < 320


@pytest.mark.parametrize(("view", "waits"), [("power_safe", True), ("process_safe", False)])
def test_what_a_record_must_survive_can_be_chosen(make: Make, monkeypatch: pytest.MonkeyPatch, view: str, waits: bool) -> None:
    outbox = make()
    outbox.log([actie(1)])
    syncs: list[int] = []
    monkeypatch.setattr(SYNCED, syncs.append)
    getattr(outbox, view).log([actie(2)])
    assert bool(syncs) is waits


async def test_a_route_says_what_its_record_must_survive(make: Make, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = make()
    taken: list[bool] = []
    append = Segment.append

    def appended(segment: Segment, frames: bytes, *, to_sync: bool) -> int:
        taken.append(to_sync)
        return append(segment, frames, to_sync=to_sync)

    monkeypatch.setattr(Segment, "append", appended)

    @verwerkingsactie("Ophalen", activiteit="brp-registratie", objecten=persoon("bsn"), safety="process")
    def read(bsn: str) -> None:
        log_actie("Verder", objecten=bsn, safety="power")

    @verwerkingsactie("Ophalen", activiteit="brp-registratie", objecten=persoon("bsn"), safety="process")
    async def aread(bsn: str) -> None:
        await alog_actie("Verder", objecten=bsn)

    recorder.log = outbox
    with recording(recorder):
        read(BSN)
        await aread(BSN)
    assert taken == [False, True, False, True]
    recorder.log = MemoryLog()  # knows no levels
    with recording(recorder):
        read(BSN)
    with pytest.raises(ConfigurationError, match="safety must be"):
        verwerkingsactie("Ophalen", activiteit="brp-registratie", objecten=persoon("bsn"), safety=cast("Any", "disk"))(lambda bsn: bsn)


def test_a_recorder_begins_what_its_log_does_by_itself(make: Make, keeper: Keeper, recorder: Recorder) -> None:
    recorder.start()  # a log in memory does nothing by itself
    keeper.down = DOWN
    first = make()
    first.log([actie(1)])
    first.close(timeout=0)
    keeper.down = None
    recorder.log = make()
    recorder.start()
    wait_until(lambda: keeper.namen == ["1"])


def test_a_plain_log_gets_one_record_at_a_time_and_none_twice(make: Make) -> None:
    memory = MemoryLog()
    taken = memory.log

    def fail_now_and_then(acties: Any) -> None:
        if len(memory.acties) == 2 and memory.failure is None:
            memory.failure = LogUnavailable("once")
            raise memory.failure
        memory.failure = None
        taken(acties)

    memory.log = fail_now_and_then  # type: ignore[method-assign]
    outbox = make(memory)
    outbox.log([actie(number) for number in range(5)])
    delivered(outbox)
    assert [one.actie_naam for one in memory.acties] == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(("status", "kept_apart"), [(400, 1), (401, 0)])
def test_a_plain_log_that_refuses_does_so_once_or_until_it_is_mended(make: Make, status: int, kept_apart: int) -> None:
    memory = MemoryLog()
    memory.failure = LogRefused(f"the register answered {status}", status=status)
    outbox = make(memory)
    outbox.log([actie(1)])
    if kept_apart:
        delivered(outbox)
    else:
        assert not outbox.flush(0.3)
    assert outbox.status().refused == kept_apart
    assert memory.acties == []


def test_a_record_that_a_plain_log_cannot_read_is_kept_apart(make: Make) -> None:
    from verwerkingenlogging.logs.delivery import receivers
    from verwerkingenlogging.logs.protocol import Entry

    (result,) = receivers.OneByOne(MemoryLog()).deliver([Entry(key="1", body=b'{"tijdstip":"gisteren"}')])
    assert result is not None
    assert str(result) == "it cannot be read as a verwerkingsactie"


@pytest.mark.parametrize("error", [RuntimeError(BSN), OSError(5, "Input/output error"), OSError(BSN)])
def test_whatever_a_receiver_raises_is_told_without_its_message_and_tried_again(
    make: Make, keeper: Keeper, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    keeper.down = error
    outbox = make()
    outbox.log([actie(1)])
    wait_until(lambda: keeper.attempts > 0)
    wait_until(lambda: "nothing is delivered" in caplog.text)
    keeper.down = None
    delivered(outbox)
    assert BSN not in caplog.text
    assert keeper.namen == ["1"]


def test_a_receiver_that_does_not_say_what_became_of_each_is_not_believed(make: Make, keeper: Keeper) -> None:
    keeper.deliver = lambda entries: []  # type: ignore[method-assign]
    outbox = make()
    outbox.log([actie(1)])
    assert not outbox.flush(0.3)
    assert outbox.status().waiting == 1


def test_trouble_is_told_once_a_minute_and_its_end_once(
    make: Make, keeper: Keeper, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "SECONDS", (0.001, 0.01))
    caplog.set_level(logging.INFO, "verwerkingenlogging.outbox")
    keeper.down = DOWN
    outbox = make()
    outbox.log([actie(1)])
    wait_until(lambda: keeper.attempts > 5)
    assert caplog.text.count("nothing is delivered: down") == 1
    keeper.down = None
    delivered(outbox)
    wait_until(lambda: "delivering again" in caplog.text)
    monkeypatch.setattr(relay, "ALARM_SECONDS", 0)
    keeper.down = LogUnavailable("down once more")
    outbox.log([actie(2)])
    wait_until(lambda: caplog.text.count("down once more") > 1)


def test_a_record_that_waits_too_long_is_an_alarm(make: Make, keeper: Keeper, caplog: pytest.LogCaptureFixture, monkeypatch: Any) -> None:
    keeper.down = DOWN
    first = make()
    first.log([actie(1)])
    first.close(timeout=0)
    gate = threading.Event()
    keeper.deliver = lambda entries: gate.wait()  # type: ignore[method-assign,assignment,return-value]  # it hangs
    outbox, other = make(max_age=0.001), make(max_age=0.001)
    outbox.start()
    wait_until(lambda: outbox._relay is not None and outbox._relay._lock is not None)
    other.start()  # only looks on
    wait_until(lambda: "longer than max_age" in caplog.text)
    assert "longer than max_age" in " ".join(other.status().alarms)
    gate.set()


def test_no_more_is_taken_than_may_wait_and_nothing_is_dropped(make: Make, keeper: Keeper) -> None:
    keeper.down = DOWN
    outbox = make(max_bytes=5_000)
    taken = 0
    with contextlib.suppress(LogUnavailable):
        while True:
            outbox.process_safe.log([actie(taken)])
            taken += 1
    assert 5 < taken < 30
    with pytest.raises(LogUnavailable, match="max_bytes wait"):
        outbox.log([actie("x")])
    assert outbox.status().waiting == taken
    keeper.down = None
    delivered(outbox)
    wait_until(lambda: logs(outbox, taken))  # there is room again
    delivered(outbox)
    assert keeper.namen == [str(number) for number in range(taken + 1)]


def logs(outbox: OutboxLog, naam: str | int) -> bool:
    try:
        outbox.log([actie(naam)])
    except LogUnavailable:
        return False
    return True


def test_looking_for_room_takes_little_of_the_time_however_many_segments_there_are(
    make: Make, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that takes 30 seconds, by a clock that stands still otherwise."""
    clock, looks = [1000.0], []
    monkeypatch.setattr("verwerkingenlogging.logs.outbox._writer.quota.time", SimpleNamespace(monotonic=lambda: clock[0]))
    real = Folder.waiting

    def waiting(self: Folder) -> Any:
        if threading.current_thread() is threading.main_thread():
            clock[0] += 30
            looks.append(clock[0])
        return real(self)

    monkeypatch.setattr(Folder, "waiting", waiting)
    keeper.down = DOWN
    outbox = make(max_bytes=3_000)
    outcomes = [logs(outbox, number) for number in range(100)]
    assert True in outcomes
    assert False in outcomes  # those without a look each
    assert len(looks) == 1
    clock[0] += 30 * 49
    assert not logs(outbox, 0)
    assert len(looks) == 1
    clock[0] += 30
    assert not logs(outbox, 0)
    assert len(looks) == 2


def test_thousands_of_segments_are_delivered_in_little_memory(make: Make, keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verwerkingenlogging.logs.outbox._relay.delivery._STRETCHES", 20_000)
    keeper.down = DOWN
    outbox = make(segment_bytes=20_000)
    for number in range(400):
        outbox.process_safe.log([actie(number)])
    stretches: list[int] = []
    real = frame_reader.frames_in

    def frames_in(*arguments: Any, stretch: int) -> Any:
        stretches.append(stretch)
        return real(*arguments, stretch=stretch)

    monkeypatch.setattr("verwerkingenlogging.logs.outbox._relay.delivery.frames_in", frames_in)
    keeper.down = None
    delivered(outbox)
    assert keeper.namen == [str(number) for number in range(400)]
    assert max(stretches[:5]) == 4096  # never less, or each record would be read by itself


def test_without_a_thread_to_deliver_nothing_is_taken(make: Make, keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = make()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", _no_thread)
        with pytest.raises(LogUnavailable, match="could not be started"):
            outbox.log([actie("x")])
        with pytest.raises(LogUnavailable, match="could not be started"):
            outbox.start()
    outbox.log([actie(1)])
    delivered(outbox)
    assert keeper.namen == ["1"]


def test_nothing_watches_where_there_is_no_thread_to_deliver(make: Make, keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = make()
    start = threading.Thread.start

    def all_but_the_last(self: threading.Thread) -> None:
        if self.name == "verwerkingenlogging-outbox":
            _no_thread(self)
        start(self)

    before = set(threading.enumerate())
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", all_but_the_last)
        with pytest.raises(LogUnavailable, match="could not be started"):
            outbox.log([actie("x")])
    wait_until(lambda: set(threading.enumerate()) <= before)
    outbox.log([actie(1)])
    delivered(outbox)
    assert keeper.namen == ["1"]


async def test_without_a_thread_to_wait_for_the_disk_the_event_loop_does(
    make: Make, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = make()
    outbox.start()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", _no_thread)
        await asyncio.wait_for(outbox.alog([actie(1)]), 60)
    await asyncio.wait_for(outbox.alog([actie(2)]), 60)
    delivered(outbox)
    assert keeper.namen == ["1", "2"]


async def test_loops_that_come_first_at_the_same_time_share_one_thread(make: Make, keeper: Keeper) -> None:
    outbox = make()
    await outbox.alog([actie(1)])
    first = outbox._async_group_commit._thread
    outbox._async_group_commit._start()  # the other one saw no thread either
    assert outbox._async_group_commit._thread is first
    assert await asyncio.to_thread(outbox.flush, 60)
    assert keeper.namen == ["1"]


def _no_thread(self: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


@pytest.mark.parametrize("reason", ["x" * 70_000, "\ud800"])
def test_whatever_the_reason_of_a_refusal_is_it_is_kept(make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture, reason: str) -> None:
    class Refusing(Keeper):
        def deliver(self, entries: Sequence[Entry]) -> list[LogRefused | None]:
            return [LogRefused(reason, status=400) for _ in entries]

    outbox = make(Refusing())
    outbox.log([actie(1)])
    delivered(outbox)
    (frame,) = dead_letters(Folder(tmp_path / "outbox"))
    assert frame.reason[0] == reason[0].encode(errors="replace").decode()
    assert len(caplog.text) < 3_000


def test_what_no_register_takes_is_not_taken(make: Make, keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("outbox._storage.frames", "parts"):
        monkeypatch.setattr(f"verwerkingenlogging.logs.{module}.RECORD_MAX", 1000)
    outbox = make()
    for acties in ([actie("x" * 200 + str(number)) for number in range(2)], [actie("x" * 200)]):
        large = filled(acties[0], actie_naam="x" * 1000)
        with pytest.raises(LogRefused, match="more than a register takes") as caught:
            outbox.log([large, *acties[1:]])
        assert caught.value.status == 413
        assert BSN not in str(caught.value)
    outbox.log([actie(1)])
    delivered(outbox)
    assert keeper.namen == ["1"]


@pytest.fixture
def nobody_can_read_what_is_here() -> Iterator[Path]:
    """A folder with an outbox in which there is a segment of another user."""
    with tempfile.TemporaryDirectory(dir="/tmp") as place:  # where others may come
        Path(place).chmod(0o711)
        folder = Path(place) / "outbox"
        keeper = Keeper()
        keeper.down = DOWN
        with OutboxLog(folder, keeper) as outbox:
            outbox.log([actie("another's")])
            outbox.close(timeout=0)
        (segment,) = folder.glob("*.log")
        segment.chmod(0)
        root = os.geteuid() == 0  # whom no mode keeps out
        if root:
            for path in (folder, folder / "refused", folder / "held", folder / "damaged", folder / "deliver.lock"):
                os.chown(path, 65534, 65534)
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)


def test_a_segment_of_another_user_holds_up_nobody_and_is_told(
    nobody_can_read_what_is_here: Path, keeper: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as one that a command left that was run as root."""
    with OutboxLog(nobody_can_read_what_is_here, keeper) as outbox:
        for number in range(2):
            outbox.log([actie(number)])
            delivered(outbox)
        ((name, reason),) = outbox.status().stuck.items()
        assert (name, reason.partition(";")[0]) == (min(nobody_can_read_what_is_here.glob("*.log")).name, "may not be read")
        assert outbox.status().alarms == (f"{name} {reason}",)
    assert keeper.namen == ["0", "1"]
    assert caplog.text.count("may not be read; give it to the user that the application runs as") == 1
    assert len(list(nobody_can_read_what_is_here.glob("*.log"))) == 1


def test_what_is_on_its_way_shows_nobody() -> None:
    assert BSN not in repr(Entry(key="key", body=wire_form(actie(1))))
    assert BSN not in repr(parse(encode([actie(1)]), 0, "segment", 0))


FORK_IN_C = """
import ctypes, os, sys
sys.path.insert(0, os.getcwd())
from tests.outbox import Keeper, actie, delivered
from verwerkingenlogging.logs.outbox import OutboxLog

keeper = Keeper()
outbox = OutboxLog(sys.argv[1], keeper)
child = ctypes.PyDLL(None).fork()  # as a server in C forks: it tells Python afterwards, and only the child
if child == 0:
    ctypes.pythonapi.PyOS_AfterFork_Child()
    outbox.log([actie("child")])
    delivered(outbox)
    outbox.close()
    os._exit(keeper.namen != ["child"])
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_server_that_forks_in_c_gets_an_outbox_of_its_own_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORK_IN_C, str(tmp_path / "outbox")], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_disk_that_takes_a_part_after_an_interruption_loses_nothing_that_was_acknowledged(
    make: Make, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal, such as the time limit of a task, may raise between a write and its being counted."""
    keeper.down = DOWN
    outbox = make()
    outbox.log([actie(1)])
    write = os.pwrite

    def interrupted(descriptor: int, content: bytes, at: int) -> int:
        write(descriptor, content, at)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("os.pwrite", interrupted)
        with pytest.raises(KeyboardInterrupt):
            outbox.log([actie("interrupted")])
    outbox.log([actie(2)])
    with monkeypatch.context() as patch:
        patch.setattr("os.pwrite", lambda descriptor, content, at: write(descriptor, content[:10], at))
        with pytest.raises(LogUnavailable, match="took a part"):
            outbox.log([actie("x")])
    keeper.down = None
    delivered(outbox)
    assert keeper.namen == ["1", "interrupted", "2"]


def test_nothing_is_taken_that_would_leave_less_than_min_free(make: Make) -> None:
    outbox = make(min_free=1 << 60)
    with pytest.raises(LogUnavailable, match="less free than min_free"):
        outbox.log([actie(1)])
    assert outbox.status().alarms == ("the file system has less free than min_free",)


def test_a_closed_outbox_takes_nothing(make: Make) -> None:
    outbox = make(MemoryLog())  # which has nothing to close
    outbox.log([actie(1)])
    outbox.close()
    outbox.close()
    with pytest.raises(LogUnavailable, match="it was closed"):
        outbox.log([actie(2)])


class Disk:
    """Stands between a segment and the disk: a gate before each sync, and a failure after it, when there is one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(SYNCED, self.synced)
        self.reached, self.gate = threading.Event(), threading.Event()
        self.gate.set()
        self.failure: BaseException | None = None

    def synced(self, descriptor: int) -> None:
        self.reached.set()
        assert self.gate.wait(60)
        if self.failure is not None:
            raise self.failure
        os.fdatasync(descriptor)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def test_a_disk_that_fails_fails_everybody_who_waits_for_it_and_is_not_trusted_again(
    make: Make, keeper: Keeper, disk: Disk, tmp_path: Path
) -> None:
    outbox = make()
    outbox.log([actie("safe")])
    disk.failure = OSError(5, "Input/output error")
    disk.gate.clear()
    disk.reached.clear()
    outcomes: list[str] = []

    def log() -> None:
        try:
            outbox.log([actie("unsafe")])
        except LogUnavailable as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=log) for _ in range(4)]
    threads[0].start()
    assert disk.reached.wait(60)
    segment = outbox._active_segment._segment
    assert segment is not None
    for thread in threads[1:]:
        thread.start()
    wait_until(lambda: len(outbox._group_commit._queue) == 3)
    disk.gate.set()
    for thread in threads:
        thread.join()
    assert outcomes == ["outbox: the disk did not take it (Input/output error)"] * 4
    disk.failure = None
    outbox.log([actie("safe again")])
    delivered(outbox)
    assert segment is not outbox._active_segment._segment
    assert {"safe", "safe again"} <= set(keeper.namen)
    wait_until((tmp_path / "outbox" / "damaged" / f"{segment.name}.log").exists)


@pytest.mark.parametrize("failure", [OSError(5, "Input/output error"), ValueError(BSN)])
async def test_so_does_it_on_an_event_loop(make: Make, keeper: Keeper, disk: Disk, failure: Exception) -> None:
    outbox = make()
    await outbox.alog([actie(1)])
    disk.failure = failure
    with pytest.raises(LogUnavailable) as caught:
        await outbox.alog([actie(2)])
    assert BSN not in str(caught.value)
    disk.failure = None
    await outbox.alog([actie(3)])


def test_what_goes_to_a_file_that_somebody_removed_is_not_safe(make: Make, keeper: Keeper, tmp_path: Path) -> None:
    keeper.down = DOWN
    outbox = make()
    outbox.log([actie("lost")])
    (segment,) = (tmp_path / "outbox").glob("*.log")
    with outbox._active_segment._lock:  # or else the housekeeping finds it first
        segment.unlink()
        with pytest.raises(LogUnavailable, match="its file was removed"):
            outbox._active_segment._segment.sync(outbox._active_segment._segment.append(encode([actie("x")]), to_sync=True))  # type: ignore[union-attr]  # it has one
    outbox.log([actie(1)])
    keeper.down = None
    delivered(outbox)
    assert keeper.namen == ["1"]
    assert "1 segments are damaged" in outbox.status().alarms


def test_that_is_found_out_where_nobody_waits_for_the_disk_too(make: Make, keeper: Keeper, tmp_path: Path) -> None:
    outbox = make(safety="process")
    outbox.log([actie(0)])
    delivered(outbox)
    (segment,) = (tmp_path / "outbox").glob("*.log")
    segment.unlink()
    wait_until(lambda: "1 segments are damaged" in outbox.status().alarms)
    outbox.log([actie(1)])
    delivered(outbox)
    assert keeper.namen == ["0", "1"]


def test_who_is_interrupted_while_all_wait_for_the_disk_holds_up_nobody(make: Make, keeper: Keeper, disk: Disk) -> None:
    outbox = make()
    disk.failure = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        outbox.log([actie(1)])
    disk.failure = None
    outbox.log([actie(2)])
    delivered(outbox)
    assert keeper.namen == ["1", "2"]


def test_a_segment_is_not_closed_under_who_waits_for_the_disk(make: Make, keeper: Keeper, disk: Disk) -> None:
    outbox = make()
    outbox.log([actie(1)])
    disk.gate.clear()
    disk.reached.clear()
    logging_ = threading.Thread(target=outbox.log, args=([actie(2)],))
    logging_.start()
    assert disk.reached.wait(60)
    segment = outbox._active_segment._segment
    assert segment is not None
    closing = threading.Thread(target=segment.close)
    closing.start()
    abandoning = threading.Thread(target=segment.abandon)
    abandoning.start()
    wait_until(lambda: len(segment._changed._waiters) == 2)  # type: ignore[attr-defined]
    disk.gate.set()
    for thread in (logging_, closing, abandoning):
        thread.join()
    outbox.log([actie(3)])
    delivered(outbox)
    assert keeper.namen == ["1", "2", "3"]


def test_a_rotation_waits_for_the_disk_on_behalf_of_who_still_wants_it(make: Make, keeper: Keeper, disk: Disk) -> None:
    outbox = make(segment_bytes=100)
    segment, end = outbox._active_segment.append(encode([actie(1)]), to_sync=True)
    disk.reached.clear()
    outbox.process_safe.log([actie(2)])
    assert disk.reached.is_set()
    segment.sync(end)
    segment, end = outbox._active_segment.append(encode([actie(3)]), to_sync=True)
    disk.failure = OSError(5, "Input/output error")
    outbox.process_safe.log([actie(4)])
    with pytest.raises(LogUnavailable):
        segment.sync(end)


async def test_what_waits_for_the_disk_may_be_cancelled(make: Make, keeper: Keeper) -> None:
    outbox = make()
    tasks = [asyncio.ensure_future(outbox.alog([actie(number)])) for number in range(10)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await outbox.alog([actie(10)])
    assert await asyncio.to_thread(outbox.flush, 60)
    assert set(keeper.namen) >= {str(number) for number in (1, 3, 5, 7, 9, 10)}


def test_an_event_loop_that_ends_while_it_waits_harms_nobody(make: Make, keeper: Keeper, disk: Disk) -> None:
    outbox = make()
    outbox.log([actie(0)])
    disk.gate.clear()
    disk.reached.clear()
    loop = asyncio.new_event_loop()
    task = loop.create_task(outbox.alog([actie(1)]))
    while not disk.reached.is_set():
        loop.run_until_complete(asyncio.sleep(0.001))
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    disk.gate.set()
    asyncio.run(outbox.alog([actie(2)]))
    delivered(outbox)
    assert keeper.namen == ["0", "1", "2"]


def test_files_are_for_their_owner_only(make: Make, keeper: Keeper, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keeper.refuses = {"1"}
    outbox = make()
    outbox.log([actie(1), actie(2)])
    delivered(outbox)
    for path in (tmp_path / "outbox").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert "others can look" not in caplog.text
    (tmp_path / "outbox").chmod(0o755)
    make()
    assert "others can look into it; run: chmod 700" in caplog.text


def test_what_dead_processes_left_half_done_is_swept_away(make: Make, keeper: Keeper, tmp_path: Path) -> None:
    folder = tmp_path / "outbox"
    folder.mkdir(mode=0o700)
    old, new = (folder / f"{uuid4()}.new" for _ in range(2))
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    make().start()
    wait_until(lambda: not old.exists())
    assert new.exists()


def test_a_segment_that_is_being_made_is_nobody_elses(make: Make, keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may look at any moment, also between its making and its lock."""
    outbox = make()
    looked: list[int] = []
    lock = fcntl.flock

    def look_first(descriptor: int, operation: int) -> None:
        if not looked:
            looked.append(descriptor)
            folder = Folder(tmp_path / "outbox")
            for name in folder.segments():
                settle(folder, name)
        lock(descriptor, operation)

    monkeypatch.setattr("fcntl.flock", look_first)
    outbox.log([actie(1)])
    assert looked
    delivered(outbox)
    assert keeper.namen == ["1"]


def test_a_lost_place_means_delivering_again_under_the_same_keys(make: Make, keeper: Keeper, tmp_path: Path) -> None:
    outbox = make()
    outbox.log([actie(1), actie(2)])
    delivered(outbox)
    (segment,) = (tmp_path / "outbox").glob("*.log")
    for content in (bytes(12), b"nonsense 012", b"\xff" * 12):
        batches = len(keeper.batches)
        with segment.open("r+b") as file:
            file.seek(20)
            file.write(content)
        wait_until(lambda batches=batches: len(keeper.batches) > batches)  # type: ignore[misc]  # bound now
        delivered(outbox)
    assert keeper.namen == ["1", "2"]


def test_a_forked_child_has_a_segment_and_a_relay_of_its_own(make: Make, keeper: Keeper, tmp_path: Path) -> None:
    keeper.down = DOWN
    outbox = make()
    outbox.log([actie("parent")])
    wait_until(lambda: outbox._relay is not None and outbox._relay._lock is not None)
    child = os.fork()
    if child == 0:
        failed = 1
        with contextlib.suppress(BaseException):
            outbox.log([actie("child")])
            failed = 0
        os._exit(failed)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(list((tmp_path / "outbox").glob("*.log"))) == 2
    keeper.down = None
    delivered(outbox)
    assert keeper.namen == ["parent", "child"]


def test_so_has_one_whose_server_did_not_tell_python_that_it_forked(
    make: Make, keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if this were the child. A real one may hang in Python itself, when another thread wanted its lock at that moment."""
    keeper.down = DOWN
    outbox = make()
    outbox.log([actie("parent")])
    monkeypatch.setattr(process, "known", 0)
    outbox.process_safe.log([actie("child")])
    assert process.known == os.getpid()
    assert len(list((tmp_path / "outbox").glob("*.log"))) == 2
    keeper.down = None
    delivered(outbox)
    assert keeper.namen == ["parent", "child"]


@pytest.mark.parametrize("first", ["start", "flush", "close"])
def test_a_child_does_not_take_the_thread_of_its_parent_for_its_own(make: Make, first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As above. That thread is not there: nothing would be delivered, and it cannot be waited for."""
    outbox = make()
    outbox.start()
    inherited = outbox._relay
    assert inherited is not None
    inherited.stop(60)
    monkeypatch.setattr(process, "known", 0)
    getattr(outbox, first)()
    assert outbox._relay is not inherited
    assert (outbox._relay is None) == (first == "close")


def test_what_is_recorded_while_uwsgi_loads_is_safe_and_starts_no_thread(make: Make, keeper: Keeper, uwsgi: ModuleType) -> None:
    before = threading.active_count()
    outbox = make()
    outbox.start()
    outbox.log([actie(1)])
    outbox.process_safe.log([actie(2)])
    asyncio.run(outbox.alog([actie(3)]))
    assert threading.active_count() == before
    with pytest.raises(LogUnavailable, match="no thread"):
        outbox.flush()
    outbox.close()
    vars(uwsgi)["worker_id"] = lambda: 1  # a worker, which it has forked
    delivered(make())
    assert keeper.namen == ["1", "2", "3"]


def test_where_uwsgi_holds_threads_still_an_error_says_so_once(make: Make, uwsgi: ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    """A thread that is stopped anywhere would hold the lock on delivery, and nobody else could deliver."""
    vars(uwsgi).update(has_threads=0, worker_id=lambda: 1)
    outbox = make()
    outbox.log([actie(1)])
    outbox.start()
    (message,) = [record.message for record in caplog.records]
    assert re.search(r"outbox /.*: nothing is delivered by this process: uWSGI .*--enable-threads, or .*outbox flush", message)


def test_so_has_one_of_which_python_was_told_only_afterwards(make: Make, keeper: Keeper) -> None:
    outbox = make()
    process._forked()  # as if this were the child
    outbox.log([actie(1)])
    delivered(outbox)
    assert keeper.namen == ["1"]


def test_a_child_does_not_hold_on_to_what_its_parent_held(tmp_path: Path) -> None:
    """Otherwise nobody would deliver once the parent is gone."""
    ready, go = os.pipe(), os.pipe()
    parent = os.fork()
    if parent == 0:
        with contextlib.suppress(BaseException):
            keeper = Keeper()
            keeper.down = DOWN
            outbox = OutboxLog(tmp_path / "outbox", keeper)
            outbox.log([actie("parent")])
            wait_until(lambda: outbox._relay is not None and outbox._relay._lock is not None)
            if os.fork() == 0:
                os.write(ready[1], b"x")
                os.read(go[0], 1)  # lives on
        os._exit(0)
    os.waitpid(parent, 0)
    os.read(ready[0], 1)
    heir = Keeper()
    try:
        with OutboxLog(tmp_path / "outbox", heir) as outbox:
            outbox.start()
            delivered(outbox)
        assert heir.namen == ["parent"]
        assert files(tmp_path) == set()
    finally:
        os.write(go[1], b"x")


def test_an_outbox_that_nobody_needs_any_more_can_go(tmp_path: Path) -> None:
    OutboxLog(tmp_path / "outbox", MemoryLog())
    gc.collect()
    child = os.fork()
    if child == 0:
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"safety": "disk"}, "safety must be"),
        ({"max_bytes": 0}, "max_bytes"),
        ({"max_age": 0}, "max_age"),
        ({"max_age": float("nan")}, "max_age"),
        ({"segment_bytes": 0}, "segment_bytes"),
        ({"batch": 0}, "batch"),
        ({"min_free": -1}, "min_free"),
    ],
)
def test_a_wrong_setting_stops_the_start(make: Make, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make(**settings)


def test_a_folder_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be made"):
        OutboxLog(tmp_path / "file" / "outbox", MemoryLog())


def test_the_environment_can_say_it_all(tmp_path: Path) -> None:
    environ = {
        "VERWERKINGENLOGGING_OUTBOX": str(tmp_path / "outbox"),
        "VERWERKINGENLOGGING_OUTBOX_SAFETY": "process",
        "VERWERKINGENLOGGING_OUTBOX_MAX_BYTES": "5000",
        "VERWERKINGENLOGGING_OUTBOX_MIN_FREE": "0",
        "VERWERKINGENLOGGING_OUTBOX_MAX_AGE": "60",
        "VERWERKINGENLOGGING_REGISTER": "http://127.0.0.1:1/api/v1",
        "VERWERKINGENLOGGING_CLIENT_ID": "app",
        "VERWERKINGENLOGGING_CLIENT_SECRET": "x" * 32,
    }
    outbox = OutboxLog.from_env(environ=environ)
    assert outbox._power is False
    with pytest.raises(LogUnavailable, match="max_bytes"):
        outbox.log([actie(number) for number in range(100)])
    outbox.close(timeout=0)
    OutboxLog.from_env(MemoryLog(), environ).close()
    with pytest.raises(ConfigurationError, match="VERWERKINGENLOGGING_OUTBOX is missing"):
        OutboxLog.from_env(environ={})
    for name, text, what in (
        ("MAX_AGE", "an hour", "a number"),
        ("MIN_FREE", "1.5", "a whole number"),
        ("SAFETY", "disk", "power or process"),
    ):
        with pytest.raises(ConfigurationError, match=f"OUTBOX_{name} must be {what}"):
            OutboxLog.from_env(environ={**environ, f"VERWERKINGENLOGGING_OUTBOX_{name}": text})


def test_a_folder_that_is_not_writable_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *given: False)  # the user who runs the tests may do anything
    with pytest.raises(ConfigurationError, match="is not writable; let the application own it"):
        OutboxLog(tmp_path / "outbox", MemoryLog())


def test_a_file_system_without_locks_is_told_and_leaks_nothing(
    make: Make, keeper: Keeper, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = make()
    outbox.log([actie(1)])
    delivered(outbox)
    outbox.close()

    def no_locks(*given: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    outbox = make()
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(LogUnavailable, match="No locks available"):
        outbox.log([actie(2)])
    outbox.start()
    wait_until(lambda: "nothing is delivered: No locks available" in caplog.text)
    outbox.close(timeout=0)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_refusal_that_cannot_be_kept_apart_is_delivered_again(make: Make, keeper: Keeper, tmp_path: Path) -> None:
    keeper.refuses = {"1"}
    outbox = make()
    refused = tmp_path / "outbox" / "refused"
    refused.rmdir()
    outbox.log([actie(1), actie(2)])
    wait_until(lambda: keeper.attempts > 1)
    refused.mkdir()
    delivered(outbox)
    assert outbox.status().refused == 1
    assert keeper.namen == ["2"]


def test_a_record_that_was_kept_apart_twice_is_delivered_once(make: Make, keeper: Keeper, tmp_path: Path) -> None:
    """A process that is killed before it wrote down how far it came will keep the same record apart again."""
    keeper.refuses = {"1"}
    outbox = make()
    outbox.log([actie(1), actie(2)])
    delivered(outbox)
    (kept,) = (tmp_path / "outbox" / "refused").glob("*.log")
    kept.with_name(f"{uuid4()}.log").write_bytes(kept.read_bytes())
    keeper.refuses = set()
    keeper.batches.clear()
    assert put_back(Folder(tmp_path / "outbox")) == 2
    delivered(outbox)
    assert keeper.namen == ["2", "1"]
    assert keeper.batches == [1, 1]


def test_a_refusal_of_which_only_a_part_was_written_is_not_kept(make: Make, keeper: Keeper, tmp_path: Path, monkeypatch: Any) -> None:

    keeper.refuses = {"1"}
    outbox = make()

    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("verwerkingenlogging.logs.outbox._storage.dead_letters.synced", fail)
    outbox.log([actie(1)])
    wait_until(lambda: keeper.attempts > 1)
    wait_until(lambda: list((tmp_path / "outbox" / "refused").iterdir()) == [])
    monkeypatch.undo()
    delivered(outbox)
    assert outbox.status().refused == 1


def test_a_refusal_that_is_put_back_or_breaks_while_somebody_looks_hides_no_other(make: Make, keeper: Keeper, tmp_path: Path) -> None:
    outbox = make()
    keeper.refuses = {"0", "1", "2", "3"}
    for number in range(4):
        outbox.log([actie(number)])
        delivered(outbox)
    _, back, broken, _ = sorted((tmp_path / "outbox" / "refused").glob("*.log"))
    damaged: list[str] = []
    found = dead_letters(Folder(tmp_path / "outbox"), damaged.append)
    first = next(found)
    back.unlink()
    broken.unlink()
    broken.mkdir()  # reading it is an error of the file system
    last = next(found)
    assert list(found) == []
    assert [b'"actieNaam":"0"' in first.body, b'"actieNaam":"3"' in last.body] == [True, True]
    assert damaged == [broken.name]


def test_who_stops_ends_after_the_batch_under_way(make: Make, keeper: Keeper) -> None:
    keeper.down = DOWN
    outbox = make(batch=1)
    outbox.log([actie(number) for number in range(5)])
    wait_until(lambda: keeper.attempts > 0)
    under_way, gate = threading.Event(), threading.Event()
    deliver = keeper.deliver

    def slow(entries: Any) -> Any:
        under_way.set()
        assert gate.wait(60)
        return deliver(entries)

    keeper.deliver = slow  # type: ignore[method-assign]
    keeper.down = None
    assert outbox._relay is not None
    outbox._relay.wake()
    assert under_way.wait(60)
    threading.Timer(0.05, gate.set).start()
    outbox.close(timeout=0)
    assert keeper.namen == ["0"]
    assert outbox.status().waiting == 4


def test_a_folder_that_is_gone_when_it_stops_is_no_trouble(make: Make, keeper: Keeper, tmp_path: Path) -> None:
    outbox = make()
    outbox.log([actie(1)])
    delivered(outbox)
    (tmp_path / "outbox").rename(tmp_path / "elsewhere")
    outbox.close(timeout=0)
    assert keeper.namen == ["1"]


def test_nor_is_one_that_cannot_be_read_then(make: Make, keeper: Keeper, tmp_path: Path) -> None:
    folder = tmp_path / "outbox"
    outbox = make()
    outbox.log([actie(1)])
    delivered(outbox)
    folder.rename(tmp_path / "elsewhere")
    folder.write_bytes(b"")
    outbox.close(timeout=0)
    folder.unlink()
    (tmp_path / "elsewhere").rename(folder)
    second = make()
    second.log([actie(2)])
    delivered(second)  # nobody holds the lock
    assert keeper.namen == ["1", "2"]


def test_a_child_of_a_process_that_does_not_deliver_has_nothing_to_let_go_of(make: Make, keeper: Keeper) -> None:
    first, second = make(), make()
    first.start()
    wait_until(lambda: first._relay is not None and first._relay._lock is not None)
    second.start()
    child = os.fork()
    if child == 0:
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    second.log([actie(1)])
    delivered(second)
    assert keeper.namen == ["1"]


class _DeliveredMeanwhile(Folder):
    """A folder in which another process delivers each segment at the moment at which this one looks at it."""

    def _waiting(self, name: str) -> Waiting:
        self.segment(name).unlink()
        return super()._waiting(name)


def test_a_segment_that_is_delivered_while_one_looks_does_not_wait(make: Make, keeper: Keeper, tmp_path: Path) -> None:
    keeper.down = DOWN
    with make() as outbox:
        outbox.log([actie()])
    folder = _DeliveredMeanwhile(tmp_path / "outbox")
    assert len(folder.segments()) == 1
    assert folder.waiting() == []
    assert folder.unreadable == {}
