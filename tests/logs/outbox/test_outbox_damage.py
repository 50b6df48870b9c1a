"""Files that are not what was written: what was safe is delivered, what cannot be read is set aside and told, never passed over."""

from __future__ import annotations

import base64
import contextlib
import os
import stat
import struct
import tempfile
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from zlib import crc32

import pytest
from tests.outbox import BSN, DOWN, Keeper, actie, delivered, wait_until

from verwerkingenlogging import ConfigurationError, Verwerkingsactie
from verwerkingenlogging.logs.outbox import OutboxLog
from verwerkingenlogging.logs.outbox._relay.delivery import Delivery
from verwerkingenlogging.logs.outbox._storage.folder import Folder
from verwerkingenlogging.logs.outbox._storage.frame_reader import frames_in, next_frame, whole_frame
from verwerkingenlogging.logs.outbox._storage.frames import HEADER_SIZE, MARKER, OLD_VERSION, VERSION, Frame, NoFrame, frame, parse
from verwerkingenlogging.logs.outbox.encryption import Keys, add_key
from verwerkingenlogging.logs.protocol import Receiver
from verwerkingenlogging.model import filled
from verwerkingenlogging.model.trace import Span


@pytest.fixture
def left(folder: Path) -> Callable[..., Path]:
    """Leaves a segment of a process that is gone, with so many records in it; gives its path."""

    def left(count: int = 5, *, last: Verwerkingsactie | None = None, **settings: Any) -> Path:
        keeper = Keeper()
        keeper.down = DOWN
        outbox = OutboxLog(folder, keeper, **settings)
        for number in range(count):
            outbox.log([actie(number)])
        if last is not None:
            outbox.log([last])
        outbox.close(timeout=0)
        (path,) = folder.glob("*.log")
        return path

    return left


@contextlib.contextmanager
def delivering(folder: Path, keeper: Keeper, **settings: Any) -> Iterator[OutboxLog]:
    outbox = OutboxLog(folder, keeper, **settings)
    outbox.start()
    try:
        yield outbox
    finally:
        outbox.close(timeout=0)


def places(path: Path) -> list[Frame]:
    return list(frames_in(path, path.stem, HEADER_SIZE, lambda *_: None))


def change(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def gone(folder: Path) -> bool:
    return not list(folder.glob("*.log"))


SECTOR = 512
long = filled(actie("long"), verwerkte_objecten=actie().verwerkte_objecten * 60)


def cut_in(path: Path, kept: int, *, zeros: bool) -> None:
    """Take away all of the last record but its first ``kept`` bytes: a file that ends there, or zeros, which were written ahead."""
    last = places(path)[-1]
    content = path.read_bytes()[: last.offset + kept]
    path.write_bytes(content + bytes(3 * SECTOR + -len(content) % SECTOR) if zeros else content)


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("sector", range(6))
def test_a_write_that_was_cut_off_is_dropped_and_told(
    left: Callable[..., Path], folder: Path, keeper: Keeper, caplog: pytest.LogCaptureFixture, sector: int, zeros: bool
) -> None:
    """A killed process leaves whole pages of a write, and a power failure whole sectors."""
    path = left(2, last=long)
    last = places(path)[-1]
    cut = -(-last.offset // SECTOR) * SECTOR + sector * SECTOR
    assert cut < last.end
    cut_in(path, cut - last.offset, zeros=zeros)
    with delivering(folder, keeper) as outbox:
        wait_until(lambda: gone(folder))
        assert outbox.status().damaged == 0
    assert keeper.namen == ["0", "1"]
    assert "cut off and never acknowledged" in caplog.text


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("kept", [1, 2, 3, 7, 14, 15, 30, 100, 700, 1_000])
def test_what_was_cut_off_anywhere_else_was_whole_once_and_is_told(
    left: Callable[..., Path], folder: Path, keeper: Keeper, kept: int, zeros: bool
) -> None:
    path = left(2, last=long)
    last = places(path)[-1]
    if -(last.offset + kept) % SECTOR < 20:
        kept += 20  # or else it might be a sector that ends in zeros of its own
    cut_in(path, kept, zeros=zeros)
    with delivering(folder, keeper) as outbox:
        wait_until(lambda: gone(folder))
        assert outbox.status().damaged == 1
    assert keeper.namen == ["0", "1"]


def test_so_are_the_zeros_that_a_power_failure_leaves(left: Callable[..., Path], folder: Path, keeper: Keeper) -> None:
    path = left(1, last=long)
    last = places(path)[-1]
    change(path, last.offset, bytes(9_000))
    with delivering(folder, keeper) as outbox:
        wait_until(lambda: gone(folder))
        assert outbox.status().damaged == 0
    assert keeper.namen == ["0"]


@pytest.mark.parametrize("where", [0, 2, 6, 12, 60])
def test_a_damaged_record_is_set_aside_and_all_others_are_delivered(
    left: Callable[..., Path], folder: Path, keeper: Keeper, caplog: pytest.LogCaptureFixture, where: int
) -> None:
    path = left()
    before = places(path)
    damaged = before[2]
    change(path, damaged.offset + where, b"\x13\x13\x13")
    content = path.read_bytes()
    with delivering(folder, keeper) as outbox:
        wait_until(lambda: gone(folder))
        status = outbox.status()
    assert keeper.namen == ["0", "1", "3", "4"]
    assert [entry.key for entry in keeper.entries.values()] == [one.key for one in before if one is not damaged]
    assert (folder / "damaged" / path.name).read_bytes()[HEADER_SIZE:] == content[HEADER_SIZE:]
    report = (folder / "damaged" / f"{path.stem}.txt").read_text()
    assert f"bytes {damaged.offset} to {damaged.end}: not a record" in report
    assert caplog.text.count("is damaged") == 1
    assert status.alarms == ("1 segments are damaged",)
    assert BSN not in report + caplog.text


def test_damage_at_the_end_is_told_too(left: Callable[..., Path], folder: Path, keeper: Keeper) -> None:
    path = left(2)
    change(path, places(path)[-1].end - 3, b"\x13")
    with delivering(folder, keeper) as outbox:
        wait_until(lambda: gone(folder))
        assert outbox.status().damaged == 1
    assert keeper.namen == ["0"]


def test_damage_is_told_once_though_delivery_fails_and_comes_by_again(
    left: Callable[..., Path], folder: Path, keeper: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    path = left()
    change(path, places(path)[2].offset, b"\x13")
    keeper.down = DOWN
    with delivering(folder, keeper) as outbox:
        wait_until(lambda: keeper.attempts > 1)
        keeper.down = None
        delivered(outbox)
    assert keeper.namen == ["0", "1", "3", "4"]
    assert caplog.text.count("is damaged") == 1


def test_damage_in_a_segment_that_is_appended_to_does_not_hold_up_the_rest(folder: Path, keeper: Keeper) -> None:
    keeper.down = DOWN
    with delivering(folder, keeper) as outbox:
        for number in range(5):
            outbox.log([actie(number)])
        (path,) = folder.glob("*.log")
        change(path, places(path)[1].offset + 30, b"\x13")
        keeper.down = None
        delivered(outbox)
        outbox.log([actie(5)])
        delivered(outbox)
        assert path.exists()
        outbox.close()
    assert keeper.namen == ["0", "2", "3", "4", "5"]
    assert (folder / "damaged" / path.name).exists()


def test_a_header_that_means_nothing_is_damage_and_one_of_another_version_is_left_alone(
    left: Callable[..., Path], folder: Path, keeper: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    path = left(2)
    change(path, 16, b"\x03\x00\xfc\xff")
    with delivering(folder, keeper) as outbox:
        wait_until(lambda: "made by another version" in caplog.text)
        change(path, places(path)[-1].end - 3, b"\x13")  # nothing in it need mean anything to this version
        outbox.log([actie(2)])
        wait_until(lambda: keeper.namen == ["2"])
        outbox.log([actie(3)])
        wait_until(lambda: keeper.namen == ["2", "3"])
        assert outbox.status().damaged == 0
    assert caplog.text.count("made by another version") == 1
    assert path.exists()
    change(path, 0, b"nonsense")
    with delivering(folder, keeper) as outbox:
        wait_until(lambda: gone(folder))
        assert outbox.status().damaged == 1
    assert keeper.namen == ["2", "3", "0"]


@pytest.mark.parametrize("size", [0, 1, 16, 31])
def test_a_segment_that_is_shorter_than_its_header_is_told(left: Callable[..., Path], folder: Path, keeper: Keeper, size: int) -> None:
    """It gets its name only when its header is on the disk, so no process left it so."""
    path = left(2)
    path.write_bytes(path.read_bytes()[:size])
    with delivering(folder, keeper) as outbox:
        wait_until(lambda: gone(folder))
        assert outbox.status().alarms == ("1 segments are damaged",)
    assert keeper.namen == []
    assert f"its {size} bytes are less than a header" in (folder / "damaged" / f"{path.stem}.txt").read_text()


def test_a_segment_that_ends_before_the_place_that_delivery_reached_is_told(
    left: Callable[..., Path], folder: Path, keeper: Keeper
) -> None:
    path = left(3)
    second = places(path)[1]
    Folder(folder).advance(path.stem, second.end)
    path.write_bytes(path.read_bytes()[: second.offset])
    with delivering(folder, keeper) as outbox:
        wait_until(lambda: gone(folder))
        assert outbox.status().damaged == 1
    assert keeper.namen == []


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: what is done ten thousand times should not wait for a disk."""
    memory = Path("/dev/shm")  # of this machine, not of the code
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as place:
        yield Path(place)


def old_frame(body: bytes, time: int) -> bytes:
    """A record as version 1 wrote it."""
    rest = struct.pack("<QB", time, 0) + body
    return struct.pack("<2sII", b"\xf7V", len(rest), crc32(rest)) + rest


BODIES = [b'{"tijdstip":"2024-04-05T12:00:00Z","actieNaam":"%d","verwerkteObjecten":[]}' % number for number in range(3)]
VERSIONS = {
    "this version": (VERSION, [frame(body, time=number + 1) for number, body in enumerate(BODIES)]),
    "version 1": (OLD_VERSION, [old_frame(body, number + 1) for number, body in enumerate(BODIES)]),
    "sealed": (
        VERSION,
        [frame(body, time=number + 1, seal=lambda body, bound: b"0123" + body[::-1]) for number, body in enumerate(BODIES)],
    ),
}


class Unsealing:
    """Keys that seal what nobody need hide."""

    def seal(self, body: bytes, bound: bytes) -> bytes:
        return b"0123" + body[::-1]

    def open(self, sealed: bytes, bound: bytes) -> bytes:
        return sealed[4:][::-1]


@pytest.mark.parametrize("state", ["open", "closed"])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("part", range(4))
def test_whichever_bit_is_flipped_no_record_goes_without_a_word(quick: Path, version: str, state: str, part: int) -> None:
    """Of a segment with three records: as a process leaves it that closes it, and with zeros ahead, as one that was killed."""
    begin, frames = VERSIONS[version]
    content = begin + bytes(HEADER_SIZE - len(begin)) + b"".join(frames)
    if state == "open":
        content += bytes(-len(content) % SECTOR + SECTOR)
    folder = Folder(quick / "outbox")
    name = "019a0000-0000-7000-8000-000000000000"
    flipped = bytearray(content)
    for bit in range(part, len(content) * 8, 4):
        flipped[bit // 8] ^= 1 << bit % 8
        folder.segment(name).write_bytes(flipped)
        flipped[bit // 8] ^= 1 << bit % 8
        keeper: list[bytes] = []
        receiver = SimpleNamespace(deliver=lambda entries, keeper=keeper: [keeper.append(entry.body) for entry in entries])
        keys = cast("Keys", Unsealing()) if version == "sealed" else None
        Delivery(folder, cast("Receiver", receiver), limit=100, limit_bytes=10**6, keys=keys).round(lambda: False)
        apart = folder.report(name)
        assert not folder.segment(name).exists(), bit
        assert [body for body in keeper if body in BODIES] == keeper, bit  # nothing was made up
        if apart.exists():
            assert (folder.damaged / f"{name}.log").read_bytes()[HEADER_SIZE:] != b"", bit
            apart.unlink()
            (folder.damaged / f"{name}.log").unlink()
        else:
            assert keeper == BODIES, bit


@pytest.mark.parametrize("where", ["kind", "version", "place"])
def test_a_damaged_header_is_told_and_what_follows_it_delivered(
    left: Callable[..., Path], folder: Path, keeper: Keeper, where: str
) -> None:
    path = left(3)
    at = {"kind": 3, "version": 16, "place": 25}[where]
    change(path, at, bytes([path.read_bytes()[at] ^ 1]))
    with delivering(folder, keeper) as outbox:
        wait_until(lambda: gone(folder))
        assert outbox.status().damaged == 1
    assert keeper.namen == ["0", "1", "2"]


def test_what_the_version_before_left_is_delivered_under_the_keys_that_it_had(folder: Path, keeper: Keeper) -> None:
    begin, frames = VERSIONS["version 1"]
    name = "019a0000-0000-7000-8000-000000000000"
    Folder(folder).segment(name).write_bytes(begin + bytes(12) + b"".join(frames) + bytes(5_000))
    with delivering(folder, keeper) as outbox:
        outbox.log([actie("new")])
        delivered(outbox)
        wait_until(lambda: not Folder(folder).segment(name).exists())
        assert outbox.status().damaged == 0
    ends = list(accumulate(map(len, frames), initial=HEADER_SIZE))
    assert [entry.body for entry in keeper.entries.values()][:3] == BODIES
    assert list(keeper.entries)[:3] == [f"{name}-{place}" for place in ends[:3]]


@pytest.mark.parametrize("padding", [0, 200, 433])
def test_a_length_of_version_1_that_was_damaged_is_told_from_a_write_that_was_cut_off(folder: Path, keeper: Keeper, padding: int) -> None:
    """Also where the record happens to end with a sector."""
    begin, frames = VERSIONS["version 1"]
    body = BODIES[0][:-1] + b" " * padding + b"}"
    last = bytearray(old_frame(body, 9))
    last[4] ^= 0x40
    content = begin + bytes(12) + frames[0]
    spare = -(len(content) + len(last)) % SECTOR
    body = body[:-1] + b" " * spare + b"}"
    last = bytearray(old_frame(body, 9))
    last[4] ^= 0x40
    name = "019a0000-0000-7000-8000-000000000000"
    Folder(folder).segment(name).write_bytes(content + last + bytes(SECTOR))
    with delivering(folder, keeper) as outbox:
        wait_until(lambda: gone(folder))
        assert outbox.status().damaged == 1
    assert [entry.body for entry in keeper.entries.values()] == BODIES[:1]


@pytest.mark.parametrize("damaged", [False, True])
def test_a_record_that_ends_with_a_sector_is_told_from_a_write_that_was_cut_off_there(
    folder: Path, keeper: Keeper, caplog: pytest.LogCaptureFixture, damaged: bool
) -> None:
    """Of version 1, whose length nothing vouches for, where it was cut off."""
    begin, frames = VERSIONS["this version" if damaged else "version 1"]
    make = frame if damaged else old_frame
    content = (begin + bytes(12) + frames[0]).ljust(HEADER_SIZE, b"\0")
    spare = -(len(content) + len(make(BODIES[1], time=2))) % SECTOR
    last = make(BODIES[1][:-1] + b" " * (spare + 2 * SECTOR) + b"}", time=2)
    assert (len(content) + len(last)) % SECTOR == 0
    last = last[:-2] + b"!}" if damaged else last[:-SECTOR]
    name = "019a0000-0000-7000-8000-000000000000"
    Folder(folder).segment(name).write_bytes(content + last + bytes(SECTOR))
    with delivering(folder, keeper) as outbox:
        wait_until(lambda: gone(folder))
        assert outbox.status().damaged == damaged
    assert [entry.body for entry in keeper.entries.values()] == BODIES[:1]
    assert caplog.text.count("cut off and never acknowledged") == (not damaged)


def test_a_record_longer_than_a_stretch_is_read_and_found(tmp_path: Path) -> None:
    long = frame(b"x" * 700_000, time=1)
    path = tmp_path / "segment.log"
    path.write_bytes(bytes(HEADER_SIZE) + frame(b"a", time=1) + long + b"\xf7" + frame(b"b", time=2))
    gaps: list[tuple[str, int, int]] = []
    found = list(frames_in(path, "segment", HEADER_SIZE, lambda *gap: gaps.append(gap)))
    assert [len(one.body) for one in found] == [1, 700_000, 1]
    assert [stop - start for _, start, stop in gaps] == [1]
    assert whole_frame(path, "segment", found[1].offset) == found[1]
    assert whole_frame(path, "segment", found[1].offset + 1) is None
    path.write_bytes(MARKER * 2_000 + bytes(400_000) + long)
    assert next_frame(path, "segment", 0) == 404_000
    path.write_bytes(b"x" * 300_000 + b"\xf7")
    assert next_frame(path, "segment", 0) is None
    assert next_frame(path, "segment", 300_001) is None


def test_a_write_that_came_to_its_end_while_it_was_looked_at_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from verwerkingenlogging.logs.outbox._storage import frame_reader

    first, second = frame(b"first", time=1), frame(b"second", time=2)
    path = tmp_path / "segment.log"
    path.write_bytes(first[:-2])

    def look_on(*given: Any) -> int | None:
        path.write_bytes(first + second)  # as another process does, just now
        return next_frame(*given)

    monkeypatch.setattr(frame_reader, "next_frame", look_on)
    gaps: list[Any] = []
    assert [one.body for one in frames_in(path, "segment", 0, lambda *gap: gaps.append(gap))] == [b"first", b"second"]
    assert gaps == []


def test_a_frame_holds_all_that_is_known_of_a_record() -> None:
    span = Span(trace_id=bytes(range(16)), span_id=bytes(8), parent_span_id=None)
    whole = frame(b"{}", time=7, key="kéy", span=span, reason="het mag niet")
    found = parse(b"xx" + whole, 2, "segment", 100)
    assert (found.time, found.key, found.span, found.reason, found.body) == (7, "kéy", span, "het mag niet", b"{}")
    assert (found.offset, found.end) == (102, 102 + len(whole))
    for cut in range(len(whole)):
        with pytest.raises(NoFrame) as caught:
            parse(whole[:cut], 0, "segment", 0)
        assert caught.value.needed > cut
    for at in range(len(whole)):
        flipped = bytearray(whole)
        flipped[at] ^= 0x10
        with pytest.raises(NoFrame):
            parse(bytes(flipped), 0, "segment", 0)
    with pytest.raises(NoFrame) as caught:
        parse(b"{", 0, "segment", 0)
    assert caught.value.needed == 0


def test_a_broken_disk_under_one_segment_does_not_end_delivery(
    left: Callable[..., Path], folder: Path, keeper: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    path = left(1)
    path.rename(folder / "elsewhere")
    path.mkdir()  # reading it is an error of the file system
    with delivering(folder, keeper) as outbox:
        wait_until(lambda: "is delivered by nobody: it is a folder" in caplog.text)
        path.rmdir()
        (folder / "elsewhere").rename(path)
        delivered(outbox)
    assert keeper.namen == ["0"]


@pytest.mark.parametrize(("least", "message"), [(0, "is delivered by nobody: it "), (64 * 1024, "cannot be delivered: ")])
def test_a_disk_that_does_not_read_one_segment_holds_up_no_other(
    left: Callable[..., Path], folder: Path, keeper: Keeper, caplog: pytest.LogCaptureFixture, monkeypatch: Any, least: int, message: str
) -> None:
    """Not at all, or not where its records are."""
    path = left(1)
    pread = os.pread

    def fails(descriptor: int, length: int, offset: int) -> bytes:
        if length >= least and Path(f"/proc/self/fd/{descriptor}").readlink() == path:
            raise OSError(5, "Input/output error")
        return pread(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", fails)
    with delivering(folder, keeper) as outbox:
        outbox.log([actie("other")])
        wait_until(lambda: f"{message}Input/output error" in caplog.text and keeper.namen)
        assert keeper.namen == ["other"]
        monkeypatch.undo()
        delivered(outbox)
    assert keeper.namen == ["other", "0"]


def test_where_the_disk_does_not_say_where_bytes_were_written_nothing_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "segment.log"
    path.write_bytes(bytes(70_000) + frame(b"{}", time=1))

    def fails(*given: int) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "lseek", fails)
    with pytest.raises(OSError, match="Input/output error"):
        next_frame(path, "segment", 0)
    monkeypatch.undo()
    assert next_frame(path, "segment", 0) == 70_000


# Sealed.


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    add_key(tmp_path / "keys")
    return tmp_path / "keys"


def test_a_sealed_outbox_shows_nobody_and_delivers_the_same(folder: Path, keeper: Keeper, key_file: Path) -> None:
    keeper.down = DOWN
    keeper.refuses = {"2"}
    acties = [actie(1), filled(actie(2), span=Span(trace_id=bytes(range(16)), span_id=bytes(range(8)))), actie(3)]
    with delivering(folder, keeper, keys=key_file) as outbox:
        outbox.log(acties[:1])
        outbox.log(acties[1:])
        assert BSN.encode() not in next(folder.glob("*.log")).read_bytes()
        keeper.down = None
        delivered(outbox)
        assert BSN.encode() not in next((folder / "refused").glob("*.log")).read_bytes()
    assert [entry.actie for entry in keeper.entries.values()] == [acties[0], acties[2]]


def test_what_was_kept_in_clear_goes_with_what_is_sealed(left: Callable[..., Path], folder: Path, keeper: Keeper, key_file: Path) -> None:
    left(1)
    keeper.down = DOWN
    with delivering(folder, keeper, keys=key_file) as outbox:
        outbox.log([actie(1)])
        keeper.down = None
        delivered(outbox)
    assert keeper.namen == ["0", "1"]


def test_a_new_key_seals_and_the_old_one_still_opens(left: Callable[..., Path], folder: Path, keeper: Keeper, key_file: Path) -> None:
    left(1, keys=key_file)
    old = key_file.read_text().split()
    add_key(key_file)
    assert key_file.read_text().split()[1:] == old
    with delivering(folder, keeper, keys=key_file) as outbox:
        outbox.log([actie(1)])
        delivered(outbox)
    assert keeper.namen == ["0", "1"]


def test_a_process_that_was_started_before_the_new_key_delivers_what_later_ones_seal_with_it(
    folder: Path, keeper: Keeper, key_file: Path
) -> None:
    """Servers replace their workers one at a time, and one that stays may be the one that delivers."""
    with delivering(folder, keeper, keys=key_file) as outbox:
        add_key(key_file)
        keeper.down = DOWN
        with OutboxLog(folder, keeper, keys=key_file) as later:
            later.log([actie(1)])
            later.close(timeout=0)
        keeper.down = None
        delivered(outbox)
    assert keeper.namen == ["1"]


def test_without_its_key_a_record_waits_loudly_until_the_key_is_back(
    left: Callable[..., Path], folder: Path, keeper: Keeper, key_file: Path, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    left(1, keys=key_file)
    add_key(tmp_path / "others")
    with delivering(folder, keeper, keys=tmp_path / "others"):
        wait_until(lambda: "lacks a key that records were sealed with" in caplog.text)
    with delivering(folder, keeper):
        wait_until(lambda: "records are sealed; give the key file" in caplog.text)
    assert keeper.namen == []
    with delivering(folder, keeper, keys=key_file) as outbox:
        delivered(outbox)
    assert keeper.namen == ["0"]


def test_a_record_whose_seal_is_broken_is_set_aside(left: Callable[..., Path], folder: Path, keeper: Keeper, key_file: Path) -> None:
    path = left(3, keys=key_file)
    frames = places(path)
    seal = Keys(key_file).seal
    other = frame(frames[1].body[:4] + bytes(len(frames[1].body) - 4), time=frames[1].time)
    sealed = bytearray(frame(b"", time=frames[1].time, seal=lambda body, bound: frames[1].body[:-1] + b"\x00"))
    assert len(sealed) == frames[1].end - frames[1].offset == len(other)
    change(path, frames[1].offset, bytes(sealed))
    with delivering(folder, keeper, keys=key_file) as outbox:
        wait_until(lambda: gone(folder))
        assert outbox.status().damaged == 1
    assert keeper.namen == ["0", "2"]
    assert "the seal is broken" in (folder / "damaged" / f"{path.stem}.txt").read_text()
    assert seal(b"x", b"y") != seal(b"x", b"y")


def test_a_batch_of_nothing_but_broken_seals_is_passed(left: Callable[..., Path], folder: Path, keeper: Keeper, key_file: Path) -> None:
    path = left(1, keys=key_file)
    (one,) = places(path)
    change(path, one.offset, frame(b"", time=one.time, seal=lambda body, bound: one.body[:-1] + b"\x00"))
    with delivering(folder, keeper, keys=key_file):
        wait_until(lambda: gone(folder))
    assert keeper.attempts == 0


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (None, 0o600, "cannot be read .*make a key file with: verwerkingenlogging outbox key"),
        (base64.b64encode(bytes(32)), 0o640, r"others can read it \(mode 0640\); run: chmod 600"),
        (b"", 0o600, "is not a key file"),
        (b"%%%", 0o600, "is not a key file"),
        (base64.b64encode(bytes(31)), 0o600, "is not a key file"),
    ],
)
def test_a_key_file_that_cannot_be_used_stops_the_start(tmp_path: Path, content: bytes | None, mode: int, message: str) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises(ConfigurationError, match=message):
        OutboxLog(tmp_path / "outbox", Keeper(), keys=path)


def test_a_key_file_is_for_its_owner_and_its_keys_are_shown_to_nobody(key_file: Path) -> None:
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert key_file.read_text().strip() not in repr(Keys(key_file))
