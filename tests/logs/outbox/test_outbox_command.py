"""``verwerkingenlogging outbox``: from outside, while the application runs or when it is gone."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from crash.receivers import SECRET, Sink
from tests.outbox import BSN, DOWN, Keeper, actie, delivered, wait_until

from verwerkingenlogging.commands.main import main
from verwerkingenlogging.logs.outbox import OutboxLog
from verwerkingenlogging.logs.outbox._storage.frames import HEADER_SIZE
from verwerkingenlogging.model import filled
from verwerkingenlogging.model.trace import Span


@pytest.fixture
def left(folder: Path) -> Callable[..., None]:
    """Leaves records in the outbox; those of ``refused`` were refused."""

    def left(*waiting: str, refused: tuple[str, ...] = (), keys: Path | None = None) -> None:
        keeper = Keeper()
        keeper.refuses = set(refused)
        with OutboxLog(folder, keeper, keys=keys) as outbox:
            for naam in refused:
                outbox.log([actie(naam)])
            if refused:
                delivered(outbox)
            keeper.down = DOWN
            for naam in waiting:
                outbox.log([actie(naam)])
            outbox.close(timeout=0)

    return left


@pytest.fixture(autouse=True)
def environ(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("VERWERKINGENLOGGING_"):
            monkeypatch.delenv(name)


def test_status_says_that_all_is_well(folder: Path, left: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    left()
    assert main(["outbox", "status", str(folder), "--min-free", "0"]) == 0
    assert "waiting   0 records (0 bytes)\nrefused   0 records\ndamaged   0 segments\n" in capsys.readouterr().out


def test_status_says_what_somebody_must_look_at(
    folder: Path, left: Callable[..., None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    left("1", "2", refused=("3",))
    monkeypatch.setenv("VERWERKINGENLOGGING_OUTBOX", str(folder))
    monkeypatch.setenv("VERWERKINGENLOGGING_OUTBOX_MAX_AGE", "0")
    assert main(["outbox", "status", "--max-bytes", "10"]) == 1
    told = capsys.readouterr()
    assert "waiting   2 records" in told.out
    assert "refused   1 records" in told.out
    assert "longer than max_age" in told.err
    assert "1 records were refused" in told.err
    assert "more waits than max_bytes" in told.err
    assert main(["outbox", "status", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["waiting"], found["refused"], found["damaged"]) == (2, 1, 0)
    assert found["oldest_seconds"] > 0


def test_flush_delivers_what_it_can(
    folder: Path, left: Callable[..., None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, sink: Sink
) -> None:
    naam = str(uuid4())
    left(naam)
    monkeypatch.setenv("VERWERKINGENLOGGING_REGISTER", "http://127.0.0.1:9/api/v1")
    monkeypatch.setenv("VERWERKINGENLOGGING_CLIENT_ID", "lading")
    monkeypatch.setenv("VERWERKINGENLOGGING_CLIENT_SECRET", SECRET)
    assert main(["outbox", "flush", str(folder), "--timeout", "0.1"]) == 1
    assert capsys.readouterr().out == "1 records still wait\n"
    monkeypatch.setenv("VERWERKINGENLOGGING_REGISTER", sink.address)
    assert main(["outbox", "flush", str(folder)]) == 0
    assert capsys.readouterr().out == "all delivered\n"
    assert [one for _, one in sink.recorded()].count(naam) == 1


def test_flush_leaves_to_the_application_what_leaves_as_spans(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, sink: Sink
) -> None:
    """A register that has it already, through a Collector, would keep it twice: it knows it by its place in a trace."""
    keeper = Keeper()
    keeper.down = DOWN
    naam = str(uuid4())
    with OutboxLog(folder, keeper) as outbox:
        outbox.log([filled(actie(naam), span=Span(trace_id=bytes(range(16)), span_id=bytes(range(8))))])
        outbox.close(timeout=0)
    monkeypatch.setenv("VERWERKINGENLOGGING_REGISTER", sink.address)
    monkeypatch.setenv("VERWERKINGENLOGGING_CLIENT_ID", "lading")
    monkeypatch.setenv("VERWERKINGENLOGGING_CLIENT_SECRET", SECRET)
    assert main(["outbox", "flush", str(folder)]) != 0
    assert "its records leave as spans; only the application can deliver them" in capsys.readouterr().err
    assert naam not in {one for _, one in sink.recorded()}
    assert outbox.status().waiting == 1


def test_retry_puts_back_what_was_refused_while_the_application_runs(
    folder: Path, left: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    left(refused=("1", "2"))
    keeper = Keeper()
    with OutboxLog(folder, keeper) as outbox:
        outbox.start()
        assert main(["outbox", "retry", str(folder)]) == 0
        assert capsys.readouterr().out == "2 records will be delivered again\n"
        wait_until(lambda: keeper.namen == ["1", "2"])
    assert outbox.status().refused == 0


def test_export_prints_all_of_it_when_it_is_asked_to_print_personal_data(
    folder: Path, left: Callable[..., None], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["outbox", "key", str(tmp_path / "keys")]) == 0
    assert len(base64.b64decode((tmp_path / "keys").read_text())) == 32
    assert "restart the applications" in capsys.readouterr().out
    left("1", refused=("2",), keys=tmp_path / "keys")
    with pytest.raises(SystemExit):
        main(["outbox", "export", str(folder)])
    assert "--with-personal-data" in capsys.readouterr().err
    assert main(["outbox", "export", str(folder), "--with-personal-data", "--keys", str(tmp_path / "keys")]) == 0
    waiting, refused = map(json.loads, capsys.readouterr().out.splitlines())
    assert (waiting["state"], waiting["verwerkingsactie"]["actieNaam"]) == ("waiting", "1")
    assert waiting["verwerkingsactie"]["verwerkteObjecten"][0]["objectId"] == BSN
    assert (refused["state"], refused["reason"]) == ("refused", "the register answered 400 (actieNaam: invalid)")
    assert waiting["key"] != refused["key"]
    assert main(["outbox", "export", str(folder), "--with-personal-data"]) == 1
    assert "records are sealed; give the key file" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_not_made(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for action in (["status"], ["flush"], ["retry"], ["export", "--with-personal-data"]):
        assert main(["outbox", action[0], str(folder), *action[1:]]) == 1
        assert "is no folder" in capsys.readouterr().err
    assert not folder.exists()


def test_a_disk_that_fails_is_told_without_a_traceback(folder: Path, left: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    left("1")
    (segment,) = folder.glob("*.log")
    segment.unlink()
    segment.mkdir()
    assert main(["outbox", "status", str(folder)]) == 1
    assert f"{segment.name} is a folder; move it away" in capsys.readouterr().err


def test_an_error_of_the_system_is_told_with_the_file_it_is_about(
    folder: Path, left: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    left("1")
    (folder / "owner").mkdir()
    assert main(["outbox", "owner", str(folder), "app"]) == 1
    assert capsys.readouterr().err.startswith(f"verwerkingenlogging: Is a directory: {folder}/owner")


def test_export_says_where_it_cannot_print_everything(folder: Path, left: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    left("1", "2")
    (segment,) = folder.glob("*.log")
    with segment.open("r+b") as file:
        file.seek(HEADER_SIZE)
        file.write(b"\x13\x13\x13")
    assert main(["outbox", "export", str(folder), "--with-personal-data"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["verwerkingsactie"]["actieNaam"] == "2"
    assert told.err == f"verwerkingenlogging: {segment.name.removesuffix('.log')}: not all of it can be read\n"
