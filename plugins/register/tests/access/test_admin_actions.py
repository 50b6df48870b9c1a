"""Who ran a command of administration, and why: recorded with what it changes, never changed, and without a number or a secret."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from plugins.register.tests.commands.test_administration import at
from sqlalchemy.exc import DBAPIError
from typer.testing import Result

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register._access.administration import checked_reason, operator_of

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api, Place

Run = Callable[..., Result]
BSN = "999990019"
ACTIVITEIT = "5f0bef4c-f66f-4311-84a5-19e8bf359eaf"


def lines(place: Place) -> list[list[Any]]:
    """What was recorded, without the moment."""
    return [list(row) for row in place.query("SELECT operator, command, subject, reason FROM admin_action ORDER BY volgnummer")]


async def test_each_command_says_who_ran_it_about_what_and_why(api: Api, place: Place, verwerkingenlog: Run) -> None:
    answer = await api.posted(verwerkteObjecten=[{"objecttype": "persoon", "soortObjectId": "BSN", "objectId": BSN}])
    as_jan = {**at(place, owner=True), "VERWERKINGENLOG_OPERATOR": "jan"}

    def run(*arguments: str, given: str | None = None) -> str:
        done = verwerkingenlog(*arguments, given=given, **as_jan)
        assert done.exit_code == 0, done.output
        return done.stdout.strip()

    secret = run("client", "add", "een", "--reason", "nieuwe toepassing")
    run("token", "een")
    run("client", "rotate", "een", "--operator", "piet")
    run("client", "revoke", "een", "--reason", "gelekt")
    run("keys", "rotate")
    hold = run("hold", "add", "--verwerking", answer["actieId"], "--reason", "rechtbank")
    of_person = run("hold", "add", "--person", "--reason", "onderzoek", given=BSN)
    run("hold", "release", hold, "--reason", "klaar")
    run("reveal", answer["actieId"], "--reason", "verhuizing")
    run("purge")
    run("purge", "--execute", "--bewaartermijn", "P100Y")
    assert lines(place) == [
        ["jan", "client add", "een", "nieuwe toepassing"],
        ["jan", "token", "een", None],
        ["piet", "client rotate", "een", None],
        ["jan", "client revoke", "een", "gelekt"],
        ["jan", "keys rotate", str(place.keys), None],
        ["jan", "hold add", hold, "rechtbank"],
        ["jan", "hold add", of_person, "onderzoek"],
        ["jan", "hold release", hold, "klaar"],
        ["jan", "reveal", "1 objecten", "verhuizing"],
        ["jan", "purge", "terms of -, else P100Y", None],
    ]
    shown = [line.split("\t") for line in run("administration").splitlines()]
    assert [line[1:] for line in shown] == [[column or "-" for column in line] for line in lines(place)]
    assert BSN not in str(shown)
    assert secret not in str(shown)


async def test_what_touches_a_person_is_a_verwerkingsactie_of_the_operator_as_well(api: Api, place: Place, verwerkingenlog: Run) -> None:
    answer = await api.posted(verwerkteObjecten=[{"objecttype": "persoon", "soortObjectId": "BSN", "objectId": BSN}])
    settings = {**at(place, owner=True), "VERWERKINGENLOG_OPERATOR": "jan", "VERWERKINGENLOG_INZAGE_BEWAARTERMIJN": "P7Y"}
    verwerkingenlog("reveal", answer["actieId"], "--activiteit", ACTIVITEIT, **settings)
    held = verwerkingenlog("hold", "add", "--person", "--reason", "x", given=BSN, VERWERKINGENLOG_HOLD_ACTIVITEIT=ACTIVITEIT, **settings)
    assert held.stderr == "verwerkingenlog: holds 2 acties now\n"  # not the record of the hold itself
    found = (await api.search(objectId=BSN)).json()["results"]
    own = {actie["actieNaam"]: actie for actie in found if actie["gebruiker"] == "jan"}
    kept = ("bewaartermijn", "verwerkingsactiviteitId", "vertrouwelijkheid")
    assert {name: [actie[one] for one in kept] for name, actie in own.items()} == {
        "Onthullen persoonsnummers": ["P7Y", ACTIVITEIT, "normaal"],
        "Vasthouden verwerkingsacties": ["P7Y", ACTIVITEIT, "vertrouwelijk"],
    }


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_command_that_changes_nothing_leaves_no_line(place: Place, verwerkingenlog: Run, tmp_path: Path) -> None:
    for arguments in (("client", "add", "alles"), ("client", "revoke", "niemand"), ("token", "niemand"), ("purge",)):
        verwerkingenlog(*arguments, **at(place))
    place.keys.unlink()
    assert verwerkingenlog("keys", "rotate", **at(place)).exit_code == 1
    assert verwerkingenlog("hold", "release", ACTIVITEIT, "--reason", "x", **at(place)).exit_code == 1
    assert lines(place) == []
    assert verwerkingenlog("keys", "init", **at(place)).exit_code == 0
    assert [line[1] for line in lines(place)] == ["keys init"]
    assert verwerkingenlog("keys", "init", "--database", "nieuw.sqlite").exit_code == 0  # before there is a register
    assert not (tmp_path / "nieuw.sqlite").exists()


def test_a_line_can_be_neither_changed_nor_removed(place: Place, verwerkingenlog: Run) -> None:
    verwerkingenlog("token", "alles", **at(place))  # also as the role of the server, which may add
    before = lines(place)
    assert len(before) == 1
    for statement in (
        "UPDATE admin_action SET operator = 'een ander'",
        "DELETE FROM admin_action",
        "INSERT OR REPLACE INTO admin_action SELECT * FROM admin_action" if isinstance(place.owner, Path) else "TRUNCATE admin_action",
    ):
        with pytest.raises(DBAPIError, match="admin_action is append-only"):
            place.execute(statement)
    assert lines(place) == before


def test_the_operator_is_who_is_logged_in_and_behind_sudo_who_called_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    assert operator_of(None) == pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setenv("SUDO_USER", "beheerder")
    assert operator_of(None) == "beheerder"
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    monkeypatch.setenv("LOGNAME", "iemand anders")  # what anybody can set is not asked
    monkeypatch.setattr(pwd, "getpwuid", lambda _: pwd.struct_passwd(("jan", "x", 1000, 1000, "", "", "")))
    assert operator_of(None) == "jan"


def test_an_operator_without_a_name_is_told_to_give_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: int) -> pwd.struct_passwd:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    for given in (None, "", "  "):
        with pytest.raises(ConfigurationError, match=r"setting operator: is empty; say who runs this, with --operator NAME"):
            operator_of(given)


@pytest.mark.parametrize("text", [BSN, f"jan {BSN}", f"zaak-{BSN}.pdf"])
def test_a_number_of_a_person_is_neither_an_operator_nor_a_reason_and_is_not_repeated(text: str) -> None:
    for check, setting in ((operator_of, "operator"), (checked_reason, "reason")):
        with pytest.raises(ConfigurationError, match=f"setting {setting}: holds what can be a BSN; leave it out") as raised:
            check(text)
        assert BSN not in str(raised.value)


@pytest.mark.parametrize(("setting", "arguments"), [("operator", ("--operator", "x" * 41)), ("reason", ("--reason", "een\ntwee"))])
def test_a_name_or_reason_that_fits_no_line_is_refused_before_anything_is_done(
    verwerkingenlog: Run, tmp_path: Path, setting: str, arguments: tuple[str, ...]
) -> None:
    done = verwerkingenlog("client", "add", "een", *arguments)
    assert done.stderr.startswith(f"verwerkingenlog: setting {setting}: ")
    assert not list(tmp_path.iterdir())
