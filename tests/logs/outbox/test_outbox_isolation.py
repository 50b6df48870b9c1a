"""One bad entry stops nothing else: whatever lies in the folder, and whichever record it is that a register never takes."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from crash.receivers import Sink
from tests.outbox import BSN, DOWN, Keeper, actie, delivered, wait_until
from tests.proxy import proxying

from verwerkingenlogging import LogRefused, LogUnavailable, MemoryLog, Verwerkingsactie
from verwerkingenlogging.commands.main import main
from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging.logs.delivery import backoff
from verwerkingenlogging.logs.delivery.isolation import Isolation
from verwerkingenlogging.logs.outbox import OutboxLog
from verwerkingenlogging.logs.outbox._storage import retry_queue
from verwerkingenlogging.logs.outbox._storage.folder import Folder
from verwerkingenlogging.logs.outbox._storage.frames import frame
from verwerkingenlogging.logs.outbox._storage.segment_files import header
from verwerkingenlogging.logs.outbox.encryption import add_key
from verwerkingenlogging.logs.protocol import Entry
from verwerkingenlogging.model import wire_form

NAME = "019a0000-0000-7000-8000-00000000000"


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "SECONDS", (0.01, 0.05))
    monkeypatch.setattr(retry_queue, "SECONDS", (0.01, 0.05))


class Fussy(Keeper):
    """A Receiver that never takes some records, in a way of its own.

    Attributes:
        fails: actie_namen that it does not take.
        how: ``raises`` for a batch with one of them, ``says`` so of each, or raises something ``odd``.
    """

    def __init__(self, *fails: int, how: str = "raises") -> None:
        super().__init__()
        self.fails = {str(number) for number in fails}
        self.how = how

    def deliver(self, entries: Sequence[Entry]) -> list[Any]:
        bad = [entry.actie.actie_naam in self.fails for entry in entries]
        if not any(bad):
            return super().deliver(entries)
        self.attempts += 1
        if self.how == "raises":
            raise LogUnavailable("the register answered 500")
        if self.how == "odd":
            raise KeyError(BSN)
        good = iter(super().deliver([entry for entry, fails in zip(entries, bad, strict=True) if not fails]))
        return [LogUnavailable("the register answered 409") if fails else next(good) for fails in bad]


def left(folder: Path, *acties: Verwerkingsactie, **settings: Any) -> Path:
    """A segment of a process that is gone."""
    keeper = Keeper()
    keeper.down = DOWN
    before = set(folder.glob("*.log"))
    with OutboxLog(folder, keeper, **settings) as outbox:
        outbox.log(acties)
        outbox.close(timeout=0)
    (path,) = set(folder.glob("*.log")) - before
    return path


# What may lie in a folder.


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))  # a path may be too long for one


ENTRIES: dict[str, Callable[[Path], object]] = {
    "a folder": lambda path: path.mkdir(),
    "a folder that is not empty": lambda path: (path / "a.log").mkdir(parents=True),
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to a folder": lambda path: path.symlink_to("/"),
    "a link to a device without end": lambda path: path.symlink_to("/dev/zero"),
    "a pipe": _fifo,
    "a socket": _socket,
    "an empty file": lambda path: path.touch(),
    "nonsense": lambda path: path.write_bytes(b"nonsense\n" * 1000),
    "a terabyte of nothing": lambda path: _sparse(path, 0),
    "a terabyte, and something": lambda path: _sparse(path, 100),
}


def _sparse(path: Path, size: int) -> None:
    path.write_bytes(b"x" * size)
    os.truncate(path, 2**40)


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("place", [f"{NAME}1.log", f"{NAME}1.new", "backup.log", f"refused/{NAME}1.log", f"held/{NAME}1.log", "delivery"])
def test_whatever_lies_in_the_folder_records_are_taken_and_delivered(
    folder: Path, keeper: Keeper, entry: str, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with OutboxLog(folder, keeper) as outbox:
        try:
            ENTRIES[entry](folder / place)
        except OSError:
            pytest.skip("this file system has no such entry")
        os.utime(folder / place, (0, 0), follow_symlinks=False)
        for number in range(3):
            outbox.log([actie(number)])
            delivered(outbox)
        status = outbox.status()
    assert keeper.namen == ["0", "1", "2"]
    assert main(["outbox", "status", str(folder)]) == (1 if status.alarms else 0)
    if place == "backup.log":
        assert status.stuck == {"backup.log": "has not the name of a segment; move it away, or give it back its name"}
        assert "backup.log: has not the name of a segment" in capsys.readouterr().out
    elif place == f"{NAME}1.log":
        whole = entry in {"an empty file", "nonsense", "a terabyte of nothing", "a terabyte, and something"}
        wait_until(lambda: bool(OutboxLog(folder, keeper).status().damaged) if whole else True)
        assert whole or list(status.stuck) == [place]


def test_a_copy_of_a_segment_under_another_name_is_not_delivered_twice(folder: Path, keeper: Keeper) -> None:
    path = left(folder, actie(1))
    (folder / f"{path.stem} (copy).log").write_bytes(path.read_bytes())
    with OutboxLog(folder, keeper) as outbox:
        outbox.start()
        delivered(outbox)
        assert len(outbox.status().stuck) == 1
    assert keeper.namen == ["1"]


def test_without_the_key_of_one_segment_all_others_are_delivered(
    folder: Path, keeper: Keeper, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    add_key(first)
    add_key(second)
    sealed = left(folder, actie(1), actie(2), keys=first)
    left(folder, actie(3))
    with OutboxLog(folder, keeper, keys=second) as outbox:
        outbox.log([actie(4)])
        wait_until(lambda: keeper.namen == ["3", "4"])
        outbox.log([actie(5)])
        wait_until(lambda: keeper.namen == ["3", "4", "5"])
        assert not outbox.flush(0.1)
        wait_until(lambda: outbox.status().stuck)
        ((name, reason),) = outbox.status().stuck.items()
        assert name == sealed.name
        assert "lacks a key that records were sealed with; put it back, as a further line" in reason
        assert caplog.text.count("lacks a key") == 1
        second.write_text(second.read_text() + first.read_text())
        delivered(outbox)
        assert outbox.status().stuck == {}
    assert keeper.namen == ["3", "4", "5", "1", "2"]


# A record that is never taken.


@pytest.mark.parametrize("how", ["raises", "says", "odd"])
@pytest.mark.parametrize("fails", [[0], [7], [19], [0, 1], [6, 7], [18, 19], [3, 9, 15], list(range(0, 20, 2)), list(range(19))])
def test_a_record_that_is_never_taken_holds_up_only_its_verwerking(
    folder: Path, how: str, fails: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    fussy = Fussy(*fails, how=how)
    verwerkingen = [uuid4() for _ in range(10)]
    acties = [actie(number, verwerkingen[number % 10]) for number in range(20)]
    with OutboxLog(folder, fussy) as outbox:
        for one in acties:
            outbox.log([one])
        # Some of them may be taken: by who "says" so, in the batch in which it does not take the first.
        behind = {number for number in range(20) if any(bad <= number and (number - bad) % 10 == 0 for bad in fails)}
        wait_until(lambda: {int(naam) for naam in fussy.namen} >= set(range(20)) - behind)
        wait_until(lambda: outbox.status().held >= len(fails) or len(fails) >= 19)
        assert not outbox.flush(0.05)
        outbox.log([actie(100), actie(101, verwerkingen[fails[0] % 10])])
        wait_until(lambda: "100" in fussy.namen or len(fails) >= 19)
        assert "101" not in fussy.namen
        fussy.fails = set()
        delivered(outbox)
        assert outbox.status().held == 0
        assert outbox.status().alarms == ()
    assert sorted(fussy.namen, key=int) == [*map(str, range(20)), "100", "101"]
    order = [fussy.entries[key].actie for key in fussy.entries]
    if how != "says":
        for verwerking in verwerkingen:
            numbers = [int(one.actie_naam or "") for one in order if one.verwerking_id == verwerking]
            assert numbers == sorted(numbers)
    assert BSN not in caplog.text


def test_so_it_does_in_a_log_that_knows_no_batches(folder: Path) -> None:
    memory = MemoryLog()
    taken = memory.log

    def fussy(acties: Sequence[Verwerkingsactie]) -> None:
        if acties[0].actie_naam == "1":
            raise LogUnavailable("500")
        taken(acties)

    memory.log = fussy  # type: ignore[method-assign]
    verwerking = uuid4()
    with OutboxLog(folder, memory) as outbox:
        outbox.log([actie(0), actie(1, verwerking), actie(2, verwerking), actie(3)])
        wait_until(lambda: [one.actie_naam for one in memory.acties] == ["0", "3"])
        wait_until(lambda: outbox.status().held == 2)
        memory.log = taken  # type: ignore[method-assign]
        delivered(outbox)
    assert [one.actie_naam for one in memory.acties] == ["0", "3", "1", "2"]


def test_what_is_set_apart_outlives_the_process_and_is_sealed(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = tmp_path / "keys"
    add_key(keys)
    fussy = Fussy(0)
    with OutboxLog(folder, fussy, keys=keys) as outbox:
        outbox.log([actie(0), actie(1)])
        wait_until(lambda: outbox.status().held == 1)
        outbox.close(timeout=0)
    (path,) = (folder / "held").glob("*.log")
    assert BSN.encode() not in path.read_bytes()
    assert main(["outbox", "status", str(folder)]) == 1
    told = capsys.readouterr()
    assert "held      1 records" in told.out
    assert "1 records are set apart, for the register fails for them alone" in told.err
    assert main(["outbox", "export", str(folder), "--with-personal-data", "--keys", str(keys)]) == 0
    assert msgspec.json.decode(capsys.readouterr().out)["state"] == "held"
    fussy.fails = set()
    with OutboxLog(folder, fussy, keys=keys) as outbox:
        outbox.start()
        delivered(outbox)
    assert fussy.namen == ["1", "0"]


def test_retry_tries_what_is_set_apart_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(retry_queue, "SECONDS", (3600.0, 3600.0))
    fussy = Fussy(0)
    with OutboxLog(folder, fussy) as outbox:
        outbox.log([actie(0), actie(1)])
        wait_until(lambda: outbox.status().held == 1)
        fussy.fails = set()
        assert not outbox.flush(0.3)
        assert main(["outbox", "retry", str(folder)]) == 0
        assert capsys.readouterr().out == "1 records will be delivered again\n"
        delivered(outbox)
    assert fussy.namen == ["1", "0"]


def test_what_is_set_apart_and_then_refused_is_kept_with_the_refused(folder: Path) -> None:
    fussy = Fussy(0)
    with OutboxLog(folder, fussy) as outbox:
        outbox.log([actie(0), actie(1)])
        wait_until(lambda: outbox.status().held == 1)
        fussy.refuses, fussy.fails = {"0"}, set()
        delivered(outbox)
        assert (outbox.status().held, outbox.status().refused) == (0, 1)


def test_a_process_that_is_killed_while_it_sets_apart_leaves_nothing_double(folder: Path) -> None:
    """It wrote the record down, or a part of it, and not yet that it had."""
    fussy = Fussy(0)
    verwerking = uuid4()
    with OutboxLog(folder, fussy) as outbox:
        outbox.log([actie(0, verwerking), actie(1)])
        wait_until(lambda: outbox.status().held == 1)
        outbox.close(timeout=0)
    (path,) = (folder / "held").glob("*.log")
    whole = path.read_bytes()
    waiting = left(folder, actie(5, verwerking))
    content = waiting.read_bytes()
    for torn in (whole + whole[32:], whole + b"\xf7"):
        path.write_bytes(torn)
        with OutboxLog(folder, fussy) as outbox:
            outbox.start()
            wait_until(lambda: outbox.status().held >= 2)
            outbox.close(timeout=0)
        path.write_bytes(whole)
        waiting.write_bytes(content)
    fussy.fails = set()
    with OutboxLog(folder, fussy) as outbox:
        outbox.start()
        delivered(outbox)
    assert fussy.namen == ["1", "0", "5"]


def test_what_is_set_apart_and_taken_away_by_somebody_is_looked_for_no_more(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_queue, "SECONDS", (0.0, 0.0))
    fussy = Fussy(0)
    with OutboxLog(folder, fussy) as outbox:
        outbox.log([actie(0), actie(1)])
        wait_until(lambda: outbox.status().held == 1)
        (path,) = (folder / "held").glob("*.log")
        deliver = fussy.deliver

        def takes_away(entries: Sequence[Entry]) -> list[Any]:
            if entries[0].actie.actie_naam == "2":
                path.unlink()
            return deliver(entries)

        fussy.deliver = takes_away  # type: ignore[method-assign]
        outbox.log([actie(2)])
        delivered(outbox)
        wait_until(lambda: not outbox._delivery._retry_queue)
        assert outbox.status().stuck == {}
    assert fussy.namen == ["1", "2"]


def test_who_stops_tries_no_more_of_what_is_set_apart(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_queue, "SECONDS", (0.0, 0.0))
    fussy = Fussy(0, 1)
    asked: list[str | None] = []
    under_way, gate = threading.Event(), threading.Event()
    deliver = fussy.deliver

    def slow(entries: Sequence[Entry]) -> list[Any]:
        asked.append(entries[0].actie.actie_naam)
        if asked[-1] == "0":
            under_way.set()
            assert gate.wait(60)
        return deliver(entries)

    with OutboxLog(folder, fussy) as outbox:
        outbox.log([actie(0), actie(1), actie(2)])
        wait_until(lambda: outbox.status().held == 2 and outbox.status().waiting == 2)
        fussy.deliver = slow  # type: ignore[method-assign]
        assert under_way.wait(60)
        relay = outbox._relay
        assert relay is not None
        closing = threading.Thread(target=outbox.close, kwargs={"timeout": 0})
        closing.start()
        wait_until(lambda: relay._stopping)
        gate.set()
        closing.join(60)
        assert asked[-1] == "0"
        assert outbox.status().held == 2


def test_a_disk_without_room_for_what_is_to_be_set_apart_leaves_it_where_it_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fussy = Fussy(0)

    def full(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().suffix == ".log":
            raise OSError(28, "No space left on device")

    with OutboxLog(folder, fussy) as outbox, monkeypatch.context() as patch:
        patch.setattr(retry_queue, "synced", full)
        outbox.log([actie(0), actie(1)])
        wait_until(lambda: "a record in it cannot be set apart: No space left on device" in caplog.text)
        assert outbox.status().held == 0
        assert fussy.namen == ["1"]
        outbox.log([actie(7)])
        wait_until(lambda: "7" in fussy.namen)  # what comes later goes on, though the disk is still full
        patch.undo()
        wait_until(lambda: outbox.status().held == 1)
        fussy.fails = set()
        delivered(outbox)
    assert set(fussy.namen) == {"1", "7", "0"}
    assert fussy.namen[-1] == "0"


def test_a_record_that_names_no_verwerking_is_set_apart_by_itself(folder: Path) -> None:
    bodies = [msgspec.json.encode({**msgspec.json.decode(wire_form(actie(number))), "verwerkingId": None}) for number in range(2)]
    fussy = Fussy(0)
    with OutboxLog(folder, fussy) as outbox:
        Folder(folder).segment(f"{NAME}1").write_bytes(header() + b"".join(frame(body, time=1) for body in bodies))
        outbox.start()
        wait_until(lambda: outbox.status().held == 1)
        assert fussy.namen == ["1"]
        fussy.fails = set()
        delivered(outbox)
    assert fussy.namen == ["1", "0"]


def test_where_what_is_set_apart_cannot_be_looked_at_the_rest_goes_on(
    folder: Path, keeper: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    with OutboxLog(folder, keeper) as outbox:
        (folder / "held").rmdir()
        (folder / "held").write_bytes(b"")
        outbox.log([actie(1)])
        wait_until(lambda: keeper.namen == ["1"])
        wait_until(lambda: "segment held cannot be delivered: Not a directory" in caplog.text)
        (folder / "held").unlink()
        (folder / "held").mkdir()
        delivered(outbox)


def test_a_register_that_is_away_in_batches_of_one_sets_nothing_apart(folder: Path, keeper: Keeper) -> None:
    keeper.down = DOWN
    with OutboxLog(folder, keeper, batch=1) as outbox:
        outbox.log([actie(number) for number in range(3)])
        wait_until(lambda: keeper.attempts > 5)
        assert outbox.status().held == 0
        keeper.down = None
        delivered(outbox)
    assert sorted(keeper.namen) == ["0", "1", "2"]


def test_when_too_many_fail_it_is_not_the_records_that_are_at_fault(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_queue, "MOST", 2)
    fussy = Fussy(0, 1, 2, 3)
    with OutboxLog(folder, fussy) as outbox:
        outbox.log([actie(number) for number in range(6)])
        wait_until(lambda: {"4", "5"} <= set(fussy.namen))
        assert outbox.status().held <= 2
        fussy.fails = set()
        delivered(outbox)
    assert sorted(fussy.namen) == [str(number) for number in range(6)]


def test_a_log_that_is_away_is_not_looked_for_through_all_of_a_long_verwerking(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verwerkingenlogging.logs.outbox._relay.delivery._IN_DOUBT_MAX", 20)
    keeper = Keeper()
    keeper.down = DOWN
    verwerking = uuid4()
    with OutboxLog(folder, keeper, batch=10) as outbox:
        outbox.log([actie(number, verwerking) for number in range(100)])
        wait_until(lambda: keeper.attempts > 5)
        assert len(outbox._delivery._in_doubt) < 40
        keeper.down = None
        delivered(outbox)
    assert keeper.namen == [str(number) for number in range(100)]


def test_a_register_that_is_away_sets_nothing_apart_and_is_asked_for_little(folder: Path) -> None:
    keeper = Keeper()
    keeper.down = DOWN
    sizes: list[int] = []
    deliver = keeper.deliver
    keeper.deliver = lambda entries: sizes.append(len(entries)) or deliver(entries)  # type: ignore[method-assign,func-returns-value]
    with OutboxLog(folder, keeper) as outbox:
        outbox.log([actie(number) for number in range(500)])
        wait_until(lambda: keeper.attempts > 30)
        assert outbox.status().held == 0
        assert set(sizes[1:]) <= {1, 500}
        assert sizes[1:].count(500) == 0
        keeper.down = None
        delivered(outbox)
    assert [int(naam) for naam in keeper.namen] == sorted(int(naam) for naam in keeper.namen) or len(keeper.namen) == 500


@pytest.mark.parametrize("status", [500, 409, 502])
@pytest.mark.parametrize("within", [True, False], ids=["in a batch", "of the batch"])
def test_a_real_register_behind_what_fails_for_one_record_has_all_others_in_order(
    sink: Sink, folder: Path, status: int, within: bool
) -> None:
    def instead(path: str, body: bytes) -> tuple[int, bytes] | None:
        bad = body.count(b'"actieNaam":"bad"')
        if not bad:
            return None
        if within and path.endswith("_batch") and len(msgspec.json.decode(body)["acties"]) == 1:
            return 200, msgspec.json.encode({"results": [{"status": status}]})
        return status, b""

    verwerkingen = [uuid4() for _ in range(3)]
    with proxying(sink.address) as proxy, OutboxLog(folder, ApiLog(proxy.address, token=sink.token, timeout=60)) as outbox:
        proxy.instead = instead
        for number in range(9):
            outbox.log([actie("bad" if number == 4 else number, verwerkingen[number % 3])])
        wait_until(lambda: outbox.status().held == 2)
        assert _namen(sink, verwerkingen) == [["0", "3", "6"], ["1"], ["2", "5", "8"]]
        proxy.instead = lambda path, body: None
        delivered(outbox)
    assert _namen(sink, verwerkingen) == [["0", "3", "6"], ["1", "bad", "7"], ["2", "5", "8"]]


def _namen(sink: Sink, verwerkingen: Sequence[UUID]) -> list[list[str]]:
    found = sink.recorded()
    return [[naam for its, naam in found if its == str(verwerking)] for verwerking in verwerkingen]


# The rule itself.


def entry(number: int, verwerking: UUID | None = None) -> Entry:
    return Entry(key=str(number), body=wire_form(actie(number, verwerking)))


def test_what_is_known_to_be_nobodys_fault_is_not_looked_for() -> None:
    keeper = Keeper()
    isolation = Isolation(keeper)
    for error in (LogUnavailable("no connection", for_all=True), LogRefused("401", status=401)):
        keeper.down = error
        for _ in range(3):
            with pytest.raises(type(error)):
                isolation.deliver([entry(number) for number in range(10)])
    assert keeper.attempts == 6


def test_a_body_that_says_nothing_of_a_verwerking_is_one_of_its_own() -> None:
    fussy = Fussy()
    isolation = Isolation(fussy)
    assert isolation.deliver([]) == []
    entries = [entry(0), Entry(key="1", body=b"nonsense"), entry(2), Entry(key="3", body=b'{"verwerkingId":"\xff"}'), entry(4)]
    with pytest.raises((msgspec.MsgspecError, UnicodeError)):
        isolation.deliver(entries)
    outcomes = isolation.deliver(entries)
    assert [type(outcome) for outcome in outcomes] == [type(None), LogUnavailable, type(None), LogUnavailable, type(None)]
    assert fussy.namen == ["0", "2", "4"]


def test_a_log_that_goes_away_while_the_culprit_is_looked_for_condemns_nobody_else() -> None:
    fussy = Fussy(3)
    isolation = Isolation(fussy)
    with pytest.raises(LogUnavailable):
        isolation.deliver([entry(number) for number in range(100)])
    deliver = fussy.deliver

    def goes(entries: Sequence[Entry]) -> list[Any]:
        if fussy.batches:
            raise LogUnavailable("gone")
        return deliver(entries)

    fussy.deliver = goes  # type: ignore[method-assign]
    with pytest.raises(LogUnavailable, match="gone"):
        isolation.deliver([entry(number) for number in range(100)])
    assert fussy.attempts < 40
