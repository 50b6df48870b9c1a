"""Zeros that are written ahead of the records: nobody takes them for a record or for damage, nor damage for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.logs.outbox.test_outbox_damage import change, delivering, gone, places
from tests.outbox import DOWN, Keeper, actie, delivered, wait_until

from verwerkingenlogging.logs.outbox import OutboxLog
from verwerkingenlogging.logs.outbox._storage.folder import Folder
from verwerkingenlogging.logs.outbox._storage.frame_reader import frames_in
from verwerkingenlogging.logs.outbox._storage.frames import HEADER_SIZE, encode, frame
from verwerkingenlogging.logs.outbox._storage.segment_files import header
from verwerkingenlogging.logs.outbox._writer.segment import Segment

NAME = "0192a000-0000-7000-8000-000000000000"
ZEROS = bytes(70_000)
KILLED = """
import os, signal, sys
from tests.outbox import DOWN, Keeper, actie
from verwerkingenlogging.logs.outbox import OutboxLog
keeper = Keeper()
keeper.down = DOWN
outbox = OutboxLog(sys.argv[1], keeper)
for number in range(3):
    outbox.log([actie(number)])
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def segment(folder: Path) -> Callable[[bytes], Path]:
    """A segment of a process that is gone, with that in it behind its header."""

    def segment(content: bytes) -> Path:
        path = Folder(folder).segment(NAME)
        path.write_bytes(header() + content)
        return path

    return segment


def record(naam: str | int = 0, *, body: int = 0) -> bytes:
    """The frame of an actie, with so many characters more in it."""
    return encode([actie(f"{naam}{'x' * body}")])


def test_what_a_killed_process_wrote_ahead_is_no_record_and_no_damage(
    folder: Path, keeper: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    (path,) = folder.glob("*.log")
    end = places(path)[-1].end
    assert path.stat().st_size > end + 10_000
    assert not any(path.read_bytes()[end:])
    with delivering(folder, keeper) as outbox:
        wait_until(lambda: gone(folder))
        assert outbox.status().damaged == 0
    assert keeper.namen == ["0", "1", "2"]
    assert not [entry for entry in caplog.records if entry.levelname in {"WARNING", "ERROR"}]


@pytest.mark.parametrize("behind", [1, 2, 7, 20])
def test_a_write_that_was_cut_off_where_a_sector_ends_is_dropped_and_told(
    segment: Callable[[bytes], Path], folder: Path, keeper: Keeper, caplog: pytest.LogCaptureFixture, behind: int
) -> None:
    whole, cut = record(0), encode([actie("lost")] * 40)
    sectors = (HEADER_SIZE + len(whole)) // 512 + behind
    segment(whole + cut[: sectors * 512 - HEADER_SIZE - len(whole)] + ZEROS)
    with delivering(folder, keeper) as outbox:
        wait_until(lambda: gone(folder))
        assert outbox.status().damaged == 0
    assert keeper.namen == ["0"] + ["lost"] * (len(keeper.namen) - 1)
    assert caplog.text.count("cut off and never acknowledged") == 1


@pytest.mark.parametrize("body", [b"{}" * 300, b"{}" * 300 + bytes(5)], ids=["text", "sealed"])
def test_a_damaged_record_before_zeros_is_damage(segment: Callable[[bytes], Path], folder: Path, keeper: Keeper, body: bytes) -> None:
    """Also one that ends in zeros itself, as one that is sealed may: they do not begin where a sector does."""
    whole = record(0)
    damaged = bytearray(frame(body, time=1))
    damaged[30] ^= 1
    segment(whole + bytes(damaged) + ZEROS)
    assert (HEADER_SIZE + len(whole) + len(damaged)) % 512 > 5
    with delivering(folder, keeper) as outbox:
        wait_until(lambda: gone(folder))
        assert outbox.status().damaged == 1
    assert keeper.namen == ["0"]


@pytest.mark.parametrize("zeros", [1, 600, 70_000, 1_200_000])
def test_zeros_with_a_record_behind_them_are_damage(segment: Callable[[bytes], Path], folder: Path, keeper: Keeper, zeros: int) -> None:
    first = record(0)
    segment(first + bytes(zeros) + record(1) + ZEROS)
    with delivering(folder, keeper) as outbox:
        wait_until(lambda: gone(folder))
        assert outbox.status().damaged == 1
    assert keeper.namen == ["0", "1"]
    start = HEADER_SIZE + len(first)
    assert f"bytes {start} to {start + zeros}: not a record" in (folder / "damaged" / f"{NAME}.txt").read_text()


def test_what_waits_is_counted_without_them(folder: Path, keeper: Keeper) -> None:
    keeper.down = DOWN
    with delivering(folder, keeper) as outbox:
        for number in range(3):
            outbox.log([actie(number)])
        (path,) = folder.glob("*.log")
        size = places(path)[-1].end - HEADER_SIZE
        assert path.stat().st_size > size + 10_000
        assert (outbox.status().waiting, outbox.status().waiting_bytes) == (3, size)
        keeper.down = None
        delivered(outbox)
        assert (outbox.status().waiting, outbox.status().waiting_bytes) == (0, 0)
        outbox.log([actie(3)])  # where zeros were
        delivered(outbox)
        assert list(folder.glob("*.log")) == [path]
    assert keeper.namen == ["0", "1", "2", "3"]


def test_records_of_any_size_follow_one_another_into_them_and_behind_them(folder: Path, keeper: Keeper) -> None:
    keeper.down = DOWN
    sizes = [0, 100, 130_000, 50_000, 300_000, 10, 131_072, *range(0, 40_000, 997)]
    with delivering(folder, keeper) as outbox:
        for number, size in enumerate(sizes):
            (outbox if number % 2 else outbox.process_safe).log([actie(f"{number} ")] * (1 + size // 300))
        (path,) = folder.glob("*.log")
        keeper.down = None
        delivered(outbox)
        assert outbox.status().damaged == 0
        assert path.stat().st_size - Folder(folder).cursor(path.stem) < 200_000
    assert keeper.namen == [f"{number} " for number, size in enumerate(sizes) for _ in range(1 + size // 300)]


def test_a_segment_that_is_let_go_gives_them_back(folder: Path, keeper: Keeper) -> None:
    keeper.down = DOWN
    outbox = OutboxLog(folder, keeper)
    outbox.log([actie(0)])
    outbox.close(timeout=0)
    (path,) = folder.glob("*.log")
    assert path.stat().st_size == places(path)[-1].end


def test_a_disk_that_does_not_take_them_back_keeps_them(folder: Path, keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError(5, "Input/output error")

    outbox = OutboxLog(folder, keeper)
    outbox.log([actie(0)])
    monkeypatch.setattr("os.ftruncate", fails)
    outbox.close()
    assert keeper.namen == ["0"]
    assert gone(folder)


def test_nothing_takes_the_place_of_a_write_that_was_interrupted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader may have had it already, and known it by its place."""
    segment = Segment(Folder(folder), lambda: 10_000)
    segment.append(record("first"), to_sync=False)
    real = os.pwrite

    def interrupted(*given: int | bytes) -> int:
        real(*given)  # type: ignore[arg-type]  # as they came
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("os.pwrite", interrupted)
        with pytest.raises(KeyboardInterrupt):
            segment.append(record("interrupted"), to_sync=False)
    segment.append(record("second"), to_sync=False)
    path = Folder(folder).segment(segment.name)
    segment.close()
    bodies = [each.body for each in frames_in(path, segment.name, HEADER_SIZE, lambda *_: None)]
    assert [naam in body for naam, body in zip((b"first", b"interrupted", b"second"), bodies, strict=True)] == [True] * 3


def test_an_outbox_of_zeros_only_is_one_of_nothing(segment: Callable[[bytes], Path], folder: Path, keeper: Keeper) -> None:
    """A process that was killed before its first record was whole on the disk."""
    path = segment(ZEROS)
    with delivering(folder, keeper) as outbox:
        wait_until(lambda: gone(folder))
        assert outbox.status().damaged == 0
    assert keeper.attempts == 0
    assert not path.exists()


def test_damage_that_was_zeros_ends_where_the_damage_does(segment: Callable[[bytes], Path], folder: Path, keeper: Keeper) -> None:
    first, second = record(0), record(1)
    path = segment(first + second + ZEROS)
    change(path, HEADER_SIZE + 40, bytes(8))
    with delivering(folder, keeper) as outbox:
        wait_until(lambda: gone(folder))
        assert outbox.status().damaged == 1
    assert keeper.namen == ["1"]
