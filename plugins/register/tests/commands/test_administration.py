"""The commands check, migrate and reveal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import URL
from typer.testing import Result

from verwerkingenlogging_register import Settings
from verwerkingenlogging_register._commands import check as check_module
from verwerkingenlogging_register._commands.check import check
from verwerkingenlogging_register._database.schema import HEAD

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api, Place

Run = Callable[..., Result]


def at(place: Place, *, owner: bool = False) -> dict[str, str]:
    """The settings of the environment that name this database."""
    location = place.owner if owner else place.location
    database = location.render_as_string(hide_password=False) if isinstance(location, URL) else str(location)
    return {"VERWERKINGENLOG_DATABASE": database, "VERWERKINGENLOG_KEYS": str(place.keys)}


async def test_check_finds_nothing_amiss_in_a_register_that_serves(api: Api, place: Place, verwerkingenlog: Run) -> None:
    await api.posted()
    done = verwerkingenlog("check", **at(place))
    assert done.exit_code == 0, done.output
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["ok    database", "ok    keys", "ok    rights", "ok    clock"]


async def test_check_names_what_is_amiss(
    api: Api, place: Place, settings: Settings, verwerkingenlog: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.posted()
    monkeypatch.setattr(check_module, "_BUILT", datetime.now(UTC) + timedelta(days=1))
    assert "synchronise it with a time server" in next(finding.text for finding in check(settings) if not finding.well)
    place.keys.chmod(0o644)
    done = verwerkingenlog("check", **at(place))
    assert done.exit_code == 1
    assert f"FAIL  keys: setting keys: {place.keys} has mode 0644, so others can read it; run: chmod 600 {place.keys}" in done.stdout


async def test_check_sees_a_clock_that_runs_behind(api: Api, place: Place, settings: Settings) -> None:
    await api.posted()
    later = int((datetime.now(UTC) + timedelta(days=1)).timestamp() * 1_000_000)
    names = ["actie_id", "vervallen", "ooit_vertrouwelijk", "vertrouwelijkheid", "tijdstip", "tijdstip_instant"]
    place.execute(
        f"INSERT INTO verwerkingsactie (versie, registratie_instant, {', '.join(names)}) "
        f"SELECT versie + 1000000, {later}, {', '.join(names)} FROM verwerkingsactie"
    )
    assert "after this clock; synchronise it" in next(finding.text for finding in check(settings) if not finding.well)


@pytest.mark.parametrize("place", ["postgresql-18"], indirect=True)
def test_check_refuses_the_owner_as_the_role_of_the_server(place: Place, verwerkingenlog: Run) -> None:
    done = verwerkingenlog("check", **at(place, owner=True))
    assert done.exit_code == 1
    assert "FAIL  rights: setting database: the role eigenaar has UPDATE on verwerkingsactie" in done.stdout


def test_check_of_a_database_that_is_not_there(verwerkingenlog: Run) -> None:
    done = verwerkingenlog("check")
    assert done.exit_code == 1
    assert "FAIL  database: setting database: verwerkingenlog.sqlite does not exist; serve makes it" in done.stdout
    assert "FAIL  keys: " in done.stdout


def test_migrate_makes_the_tables_and_may_be_repeated(verwerkingenlog: Run, place: Place, tmp_path: Path) -> None:
    for _ in range(2):
        done = verwerkingenlog("migrate", "--since", f"{datetime.now(UTC):%Y-%m}", **at(place, owner=True))
        assert done.exit_code == 0, done.output
        assert f"has tables of version {HEAD}" in done.stderr
    assert verwerkingenlog("migrate", "--database", str(tmp_path / "nieuw.sqlite")).exit_code == 0


@pytest.mark.parametrize("since", ["1019-01", "2199-01"])
def test_months_are_made_of_the_past_hundred_years_only(verwerkingenlog: Run, tmp_path: Path, since: str) -> None:
    done = verwerkingenlog("migrate", "--since", since, "--database", str(tmp_path / "nieuw.sqlite"))
    assert done.exit_code == 1
    assert done.stderr.startswith("verwerkingenlog: setting since: give a month of the last 99 years, such as ")


@pytest.mark.parametrize("place", ["postgresql-18"], indirect=True)
def test_a_command_of_the_owner_says_so_to_the_server(place: Place, verwerkingenlog: Run) -> None:
    done = verwerkingenlog("client", "add", "nieuw", **at(place))
    message = "verwerkingenlog: the database refused: permission denied for table client; run this as the role that owns the tables\n"
    assert done.stderr == message


async def test_reveal_gives_the_numbers_and_is_itself_logged(
    api: Api, place: Place, verwerkingenlog: Run, stored: Callable[[], int]
) -> None:
    objecten: list[dict[str, Any]] = [
        {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "999990019"},
        {"objecttype": "persoon", "soortObjectId": "Personeelsnummer", "objectId": "77"},
    ]
    answer = await api.posted(verwerkteObjecten=objecten)
    await api.correct(answer, verwerkteObjecten=objecten)
    ids = [verwerkt["verwerktObjectId"] for verwerkt in answer["verwerkteObjecten"]]
    done = verwerkingenlog("reveal", answer["actieId"], **at(place))
    assert [line.split("\t") for line in done.stdout.splitlines()] == [
        [answer["actieId"], ids[0], "BSN", "999990019"],
        [answer["actieId"], ids[1], "Personeelsnummer", "77"],
    ]
    assert stored() == 3
    pseudonym = bytes(place.query("SELECT pseudonym FROM verwerkt_object ORDER BY versie, volgnummer")[0][0]).hex()
    assert verwerkingenlog("reveal", pseudonym, **at(place)).stdout.split("\t")[2:] == ["BSN", "999990019\n"]
    found = (await api.search(objectId="999990019")).json()["results"]
    assert [actie["actieNaam"] for actie in found].count("Onthullen persoonsnummers") == 2


async def test_reveal_of_what_is_not_there_logs_nothing(api: Api, place: Place, verwerkingenlog: Run, stored: Callable[[], int]) -> None:
    await api.posted()
    assert verwerkingenlog("reveal", "0" * 32, **at(place)).exit_code == 1
    assert "give actieIds" in verwerkingenlog("reveal", "2308572", **at(place)).stderr
    place.keys.rename(place.keys.with_name("weg"))
    assert verwerkingenlog("reveal", "0" * 32, **at(place)).exit_code == 1
    assert stored() == 1


@pytest.mark.parametrize("arguments", [("serve", "--workers", "2"), ("serve", "--keys", "a", "--keys-command", "b")])
def test_a_setting_that_cannot_be_is_refused(verwerkingenlog: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = verwerkingenlog(*arguments)
    assert done.exit_code == 1
    assert done.stderr.startswith("verwerkingenlog: setting ")
    assert not list(tmp_path.iterdir())
