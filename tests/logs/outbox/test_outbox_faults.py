"""Disks that fail, for real: no data without a record, and what was safe stays safe."""

from __future__ import annotations

import contextlib
import http.client
import resource
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from crash.receivers import SECRET, Sink
from tests.outbox import BSN, DOWN, Keeper, actie, delivered, wait_until
from tests.servers import BIN, free_port, serving

from verwerkingenlogging import LogUnavailable
from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging.logs.outbox import OutboxLog

ROOT = Path(__file__).parents[3]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of a megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    if shutil.which("mount") is None or _mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)):
        pytest.skip("this machine does not let us mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*arguments: str) -> int:
    return subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode


def fill(outbox: OutboxLog, start: int = 0) -> int:
    """Log until it takes no more; gives how many it took."""
    with contextlib.suppress(LogUnavailable):
        while True:
            outbox.process_safe.log([actie(start)])
            start += 1
    return start


def test_a_full_disk_takes_no_more_and_keeps_what_it_took(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verwerkingenlogging.logs.outbox._writer.active_segment._LINGER_SECONDS", 3600)  # not because it was idle
    keeper = Keeper()
    keeper.down = DOWN
    with OutboxLog(small / "outbox", keeper, min_free=0) as outbox:
        taken = fill(outbox)
        with pytest.raises(LogUnavailable, match="less free than min_free"):
            outbox.log([actie("x")] * 20)
        taken = fill(outbox, taken)  # what is smaller may still go in
        assert taken > 100
        keeper.down = None
        delivered(outbox)
        wait_until(lambda: _logs(outbox, taken))  # there is room again
        delivered(outbox)
    assert keeper.namen == [str(number) for number in range(taken + 1)]


def test_so_does_one_that_something_else_filled(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verwerkingenlogging.logs.outbox._writer.quota._FRESH_SECONDS", 3600)  # not to look, but to learn it from the disk
    keeper = Keeper()
    keeper.down = DOWN
    with OutboxLog(small / "outbox", keeper, min_free=0) as outbox:
        outbox.log([actie(0)])
        with (small / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while filler.write(bytes(4096)):
                pass
        taken = fill(outbox, 1)
        with pytest.raises(LogUnavailable, match=r"No space left|took a part"):
            outbox.log([actie("x")] * 20)
        (small / "filler").unlink()
        outbox.log([actie(taken)])
        keeper.down = None
        delivered(outbox)
        assert outbox.status().damaged == 0
    assert keeper.namen == [str(number) for number in range(taken + 1)]


def test_a_small_disk_is_not_filled_with_zeros_for_the_records_to_come(small: Path) -> None:
    keeper = Keeper()
    with OutboxLog(small / "outbox", keeper, min_free=900_000) as outbox:
        before = outbox.status().free_bytes
        outbox.log([actie(0)])
        assert outbox.status().free_bytes > before - 40_000
        delivered(outbox)
        assert outbox.status().free_bytes > 900_000


def test_a_disk_that_has_no_room_for_those_takes_the_record_all_the_same(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = Keeper()
    monkeypatch.setattr("verwerkingenlogging.logs.outbox._writer.quota._FRESH_SECONDS", 3600)  # not to look, but to learn it from the disk
    keeper.down = DOWN
    with OutboxLog(small / "outbox", keeper, min_free=0) as outbox:
        outbox.log([actie(0)])
        with (small / "filler").open("wb", buffering=0) as filler:
            while filler.write(bytes(4096)) == 4096 and outbox.status().free_bytes > 8192:
                pass
        taken = fill(outbox, 1)
        (path,) = (small / "outbox").glob("*.log")
        assert path.stat().st_size > 128 * 1024  # more than was written ahead at first
        with pytest.raises(LogUnavailable, match=r"No space left|took a part"):
            outbox.log([actie("x")] * 40)
        (small / "filler").unlink()
        keeper.down = None
        delivered(outbox)
        assert outbox.status().damaged == 0
    assert keeper.namen == [str(number) for number in range(taken)]


def _logs(outbox: OutboxLog, number: int) -> bool:
    try:
        outbox.log([actie(number)])
    except LogUnavailable:
        return False
    return True


def test_a_disk_that_takes_a_part_of_a_record_has_not_taken_it(tmp_path: Path) -> None:
    """A limit on the size of files cuts a write short, as a full disk may."""
    keeper = Keeper()
    keeper.down = DOWN
    with OutboxLog(tmp_path / "outbox", keeper) as outbox:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, hard))
        try:
            outcome = [_logs(outbox, number) for number in range(100)]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert outcome.count(False) > 5
        keeper.down = None
        delivered(outbox)
        assert outbox.status().damaged == 0
    assert keeper.namen == [str(number) for number, taken in enumerate(outcome) if taken]
    assert not list((tmp_path / "outbox").glob("*.log"))


def test_a_file_system_that_became_read_only_takes_nothing(small: Path) -> None:
    keeper = Keeper()
    with OutboxLog(small / "outbox", keeper, min_free=0) as outbox:
        assert _mount("-o", "remount,ro", str(small)) == 0
        with pytest.raises(LogUnavailable, match="Read-only file system"):
            outbox.log([actie(1)])
        assert _mount("-o", "remount,rw", str(small)) == 0
        outbox.log([actie(2)])
        delivered(outbox)
    assert keeper.namen == ["2"]


# Under a server.


@dataclass
class Application:
    """An application under uvicorn, on a disk that fails as it is told."""

    port: int
    folder: Path
    answered: list[str] = field(default_factory=list)

    def disk(self, fault: str) -> None:
        new = self.folder / "faults.new"
        new.write_text(fault)
        new.replace(self.folder / "faults")

    def ask(self) -> int:
        verwerking = str(uuid4())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", f"/{BSN}/{verwerking}")
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        if response.status == 200:
            assert body == verwerking
            self.answered.append(verwerking)
        else:
            assert verwerking not in body
        return response.status

    @property
    def processed(self) -> list[str]:
        return (self.folder / "notes").read_text().split()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is loaded before the C library, and fails in its place."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler here to make the failing disk with")
    made = tmp_path_factory.mktemp("faults") / "faults.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(made), str(Path(__file__).parents[2].joinpath("faults.c"))], check=True)
    return made


@pytest.fixture
def application(tmp_path: Path, library: Path, sink: Sink) -> Iterator[Application]:
    application = Application(free_port(), tmp_path)
    application.disk("")
    environ = {
        "VERWERKINGENLOGGING_OUTBOX": str(tmp_path / "outbox"),
        "VERWERKINGENLOGGING_REGISTER": sink.address,
        "VERWERKINGENLOGGING_CLIENT_ID": "lading",
        "VERWERKINGENLOGGING_CLIENT_SECRET": SECRET,
        "PYTHONPATH": str(ROOT),
        "NOTES": str(tmp_path / "notes"),
        "LD_PRELOAD": str(library),
        "FAULTS": str(tmp_path / "faults"),
    }
    command = [str(BIN / "uvicorn"), "tests.outbox_app:app", "--port", str(application.port)]
    with serving(command, application.port, folder=tmp_path, environ=environ):
        yield application


@pytest.mark.parametrize("fault", ["write 28", "write 5", "write 30", "write short", "fdatasync 5"])
def test_a_failing_disk_means_503_and_nothing_read_until_it_is_mended(
    application: Application, fault: str, tmp_path: Path, sink: Sink
) -> None:
    assert [application.ask() for _ in range(5)] == [200] * 5
    application.disk(fault)
    assert [application.ask() for _ in range(5)] == [503] * 5
    application.disk("")
    assert [application.ask() for _ in range(5)] == [200] * 5
    assert application.processed == application.answered
    with OutboxLog(tmp_path / "outbox", ApiLog(sink.address, token=sink.token, timeout=60)) as outbox:
        delivered(outbox)
        if fault.startswith("fdatasync"):
            wait_until(lambda: outbox.status().damaged > 0)
            assert "the disk failed to take them" in "".join(path.read_text() for path in (tmp_path / "outbox" / "damaged").glob("*.txt"))
        else:
            assert outbox.status().damaged == 0
    recorded = Counter(verwerking for verwerking, _ in sink.recorded())
    assert [recorded[verwerking] for verwerking in application.answered] == [1] * 10


def test_a_folder_that_is_taken_away_means_503(application: Application, tmp_path: Path) -> None:
    assert application.ask() == 200
    (tmp_path / "outbox").rename(tmp_path / "elsewhere")
    application.disk("write 5")
    assert application.ask() == 503  # ends the segment that it had open
    application.disk("")
    assert application.ask() == 503
    (tmp_path / "elsewhere").rename(tmp_path / "outbox")
    assert application.ask() == 200


def left_by_another(folder: Path, *numbers: int) -> Path:
    """A segment of a process that is gone, with records that nobody had yet."""
    keeper = Keeper()
    keeper.down = DOWN
    before = set(folder.glob("*.log"))
    with OutboxLog(folder, keeper) as outbox:
        outbox.log([actie(number) for number in numbers])
        outbox.close(timeout=0)
    (path,) = set(folder.glob("*.log")) - before
    return path


@pytest.mark.parametrize("call", ["pread", "write"])
def test_a_disk_that_fails_under_one_segment_stops_neither_requests_nor_the_delivery_of_others(
    application: Application, call: str, tmp_path: Path, sink: Sink
) -> None:
    broken, whole = left_by_another(tmp_path / "outbox", 1), left_by_another(tmp_path / "outbox", 2)
    application.disk(f"{call} 5 {broken.name}")
    assert [application.ask() for _ in range(5)] == [200] * 5
    wait_until(lambda: not whole.exists())
    wait_until(lambda: set(application.answered) <= {verwerking for verwerking, _ in sink.recorded()})
    assert [application.ask() for _ in range(5)] == [200] * 5
    assert application.processed == application.answered
    if call == "pread":
        assert broken.exists()
        from verwerkingenlogging.commands.main import main

        assert main(["outbox", "status", str(tmp_path / "outbox")]) == 1
    application.disk("")
    wait_until(lambda: not broken.exists())
    recorded = Counter(verwerking for verwerking, _ in sink.recorded())
    wait_until(lambda: all(Counter(verwerking for verwerking, _ in sink.recorded())[each] == 1 for each in application.answered))
    assert set(recorded.values()) == {1}
