"""Whose outbox it is: what one client of a register left is not delivered as another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.http_server import Server, answer, http_server
from tests.outbox import DOWN, Keeper, actie, delivered, wait_until

from verwerkingenlogging import ConfigurationError, LogUnavailable
from verwerkingenlogging.commands.main import main
from verwerkingenlogging.logs.api import ApiLog, ClientToken
from verwerkingenlogging.logs.confirmed import ConfirmedLog
from verwerkingenlogging.logs.outbox import OutboxLog
from verwerkingenlogging.logs.outbox.encryption import Keys, add_key

SECRET = "a secret of more than thirty-two bytes"


class Client(Keeper):
    """A Receiver that is a client of a register."""

    def __init__(self, client_id: str) -> None:
        super().__init__()
        self.client_id = client_id


def leave(folder: Path, client: str) -> None:
    """A record of ``client`` that waits."""
    keeper = Client(client)
    keeper.down = DOWN
    with OutboxLog(folder, keeper) as outbox:
        outbox.log([actie(client)])
        outbox.close(timeout=0)


def test_what_one_client_left_another_does_not_deliver(folder: Path) -> None:
    leave(folder, "a")
    with pytest.raises(ConfigurationError, match=r"is that of client 'a', and this is 'b'; give each application a folder .* outbox owner"):
        OutboxLog(folder, Client("b"))
    again = Client("a")
    with OutboxLog(folder, again) as outbox:
        outbox.start()
        delivered(outbox)
    assert again.namen == ["a"]


@pytest.mark.parametrize("where", ["refused", "held"])
def test_nor_what_was_set_apart(folder: Path, where: str) -> None:
    keeper = Client("a")
    keeper.refuses = {"1"} if where == "refused" else set()
    deliver = keeper.deliver

    def fussy(entries: list[object]) -> list[object]:
        if where == "held" and any(entry.actie.actie_naam == "1" for entry in entries):  # type: ignore[attr-defined]  # an Entry
            raise LogUnavailable("500")
        return list(deliver(entries))  # type: ignore[arg-type]

    keeper.deliver = fussy  # type: ignore[assignment,method-assign]
    with OutboxLog(folder, keeper) as outbox:
        outbox.log([actie(1), actie(2)])
        wait_until(lambda: getattr(outbox.status(), where) == 1)
        outbox.close(timeout=0)
    with pytest.raises(ConfigurationError, match="is that of client 'a'"):
        OutboxLog(folder, Client("b"))


def test_a_folder_in_which_nothing_is_left_can_become_anothers(folder: Path) -> None:
    with OutboxLog(folder, Client("a")) as outbox:
        outbox.log([actie(1)])
        delivered(outbox)
    with OutboxLog(folder, Client("b")) as outbox:
        outbox.log([actie(2)])
        delivered(outbox)
    leave(folder, "b")
    with pytest.raises(ConfigurationError, match="is that of client 'b'"):
        OutboxLog(folder, Client("a"))


def test_of_two_that_share_a_folder_and_have_logged_nothing_yet_one_is_refused_when_it_logs(folder: Path) -> None:
    first, second = OutboxLog(folder, Client("a")), OutboxLog(folder, Client("b"))
    second.log([actie(1)])
    with pytest.raises(LogUnavailable, match="is that of client 'b'"):
        first.log([actie(2)])
    first.close(timeout=0)
    second.close()


def test_while_one_delivers_nobody_takes_its_folder(folder: Path) -> None:
    with OutboxLog(folder, Client("a")) as outbox:
        outbox.start()
        wait_until(lambda: outbox._relay is not None and outbox._relay._lock is not None)
        with pytest.raises(ConfigurationError, match="is that of client 'a'"):
            OutboxLog(folder, Client("b"))


def test_a_client_that_has_another_name_is_told_and_can_take_it_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    leave(folder, "old")
    assert main(["outbox", "owner", str(folder)]) == 0
    assert main(["outbox", "owner", str(folder), "new"]) == 0
    assert capsys.readouterr().out == "old\nnew\n"
    new = Client("new")
    with OutboxLog(folder, new) as outbox:
        outbox.start()
        delivered(outbox)
    assert new.namen == ["old"]


def test_an_outbox_of_nobody_is_said_to_be(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    OutboxLog(folder, Keeper()).close()
    assert main(["outbox", "owner", str(folder)]) == 0
    assert capsys.readouterr().out == "nobody's\n"


def test_a_name_that_cannot_be_read_stops_the_start(folder: Path) -> None:
    leave(folder, "a")
    (folder / "owner").unlink()
    (folder / "owner").mkdir()
    with pytest.raises(ConfigurationError, match=r"whose it is cannot be read \(Is a directory\)"):
        OutboxLog(folder, Client("a"))


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server() as running:
        running.answer = answer(200, {"results": [{"status": 201, "actieId": "x"}]})
        yield running


def test_the_log_behind_says_who_it_is() -> None:
    by = ApiLog("https://log.example/api/v1", token=ClientToken("app", SECRET))
    assert by.client_id == "app"
    assert ApiLog("https://log.example/api/v1", token="t").client_id is None
    assert ConfirmedLog(Keeper(), by=by).client_id == "app"
    assert ConfirmedLog(Keeper(), by=by, client="collector").client_id == "collector"


def test_flush_as_another_client_says_so(
    folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    leave(folder, "a")
    for name, value in {"REGISTER": server.url, "CLIENT_ID": "b", "CLIENT_SECRET": SECRET}.items():
        monkeypatch.setenv(f"VERWERKINGENLOGGING_{name}", value)
    assert main(["outbox", "flush", str(folder)]) != 0
    assert "is that of client 'a'" in capsys.readouterr().err
    assert server.requests == []
    monkeypatch.setenv("VERWERKINGENLOGGING_CLIENT_ID", "a")
    assert main(["outbox", "flush", str(folder)]) == 0


# What stops for no reason.


def test_an_outbox_closes_though_its_folder_is_gone(folder: Path) -> None:
    closed: list[str] = []
    keeper = Keeper()
    keeper.close = lambda: closed.append("the log behind it")  # type: ignore[attr-defined]
    outbox = OutboxLog(folder, keeper)
    outbox.log([actie(1)])
    folder.rename(folder.with_name("elsewhere"))
    outbox.close()
    assert closed == ["the log behind it"]
    assert outbox._relay is None


@pytest.mark.parametrize("left", [lambda path: path.write_bytes(b"half"), lambda path: path.mkdir()], ids=["a file", "a folder"])
def test_a_key_can_be_added_though_somebody_was_killed_while_he_did(tmp_path: Path, left: Callable[[Path], object]) -> None:
    path = tmp_path / "keys"
    left(tmp_path / "keys.new")
    add_key(path)
    add_key(path)
    Keys(path)
    assert len(path.read_text().split()) == 2
    assert {each.name for each in tmp_path.iterdir()} == {"keys", "keys.new"}


def test_one_that_cannot_be_put_there_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        add_key(tmp_path / "keys")
    assert list(tmp_path.iterdir()) == []
