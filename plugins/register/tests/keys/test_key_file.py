"""The numbers of persons at rest: unreadable in a dump, findable, bound to their row, and rotated while the register runs (B2042)."""

from __future__ import annotations

import base64
import json
import os
import re
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from plugins.register.tests.clusters import Cluster
from sqlalchemy import URL
from typer.testing import Result

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register import Settings
from verwerkingenlogging_register._acties.repository import prepare_to_serve
from verwerkingenlogging_register._keys import key_file, protection
from verwerkingenlogging_register._keys.key_file import KeySource, active, init_keys, load_keys, rotate_keys
from verwerkingenlogging_register._keys.protection import Keys, seal

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api, Place

Run = Callable[..., Result]
CANARY = "999990019"
OTHER = "999990020"
AFNEMER = "999990032"


def person(number: str, soort: str = "BSN") -> dict[str, Any]:
    return {"objecttype": "persoon", "soortObjectId": soort, "objectId": number}


def dump(place: Place) -> str:
    """The whole database as text, as its own tool writes it."""
    if isinstance(place.owner, URL):
        folder = Path(str(place.owner.query["host"]))
        programs = Cluster.programs_of[folder]
        done = subprocess.run(
            [programs / "pg_dump", "-h", folder, "-U", "postgres", str(place.owner.database)], capture_output=True, text=True, check=True
        )
        return done.stdout
    with closing(sqlite3.connect(place.owner)) as database:
        return "\n".join(database.iterdump())


def occurs(number: str, text: str) -> bool:
    """In clear, or as the bytes of it in hexadecimal or base64."""
    encoded = number.encode()
    return any(form in text for form in (number, encoded.hex(), encoded.hex().upper(), base64.b64encode(encoded).decode().rstrip("=")))


async def test_no_dump_holds_a_number_of_a_person(api: Api, place: Place) -> None:
    await api.posted(verwerkteObjecten=[person(CANARY), person(OTHER, "Personeelsnummer")], soortAfnemerId="BSN", afnemerId=AFNEMER)
    await api.posted(afnemerId=AFNEMER)
    await api.posted(soortAfnemerId="OIN", afnemerId="00000099123456780000")
    text = dump(place)
    assert not [number for number in (CANARY, OTHER, AFNEMER) if occurs(number, text)]
    assert "00000099123456780000" in text
    found = (await api.search(objectId=CANARY)).json()["results"][0]
    answer = (await api.actie(found["actieId"])).json()  # an answer about one person hides the number of another
    assert (answer["afnemerId"], answer["verwerkteObjecten"][0]["objectId"]) == (AFNEMER, CANARY)


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_the_files_themselves_hold_no_number_of_a_person(api: Api, place: Place) -> None:
    await api.posted(verwerkteObjecten=[person(CANARY)], soortAfnemerId="BSN", afnemerId=AFNEMER)
    assert isinstance(place.owner, Path)
    for path in place.owner.parent.glob(f"{place.owner.name}*"):
        assert not [number for number in (CANARY, AFNEMER) if number.encode() in path.read_bytes()]


async def test_the_same_number_looks_different_in_every_record(api: Api, place: Place) -> None:
    for _ in range(3):
        await api.posted(verwerkteObjecten=[person(CANARY)])
    assert len({bytes(row[0]) for row in place.query("SELECT object_id_sealed FROM verwerkt_object")}) == 3
    assert len({bytes(row[0]) for row in place.query("SELECT pseudonym FROM verwerkt_object")}) == 1


async def test_rotation_needs_no_restart_and_old_rows_stay_readable(api: Api, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protection, "_FRESH_SECONDS", 0)
    monkeypatch.setattr(key_file, "_IN_USE_AFTER", timedelta(0))
    for name in ("een", "twee", "drie"):
        await api.posted(actieNaam=name, verwerkteObjecten=[person(CANARY)], soortAfnemerId="BSN", afnemerId=AFNEMER)
        if name != "drie":
            rotate_keys(place.keys)
    ids = [actie["actieId"] for actie in (await api.search(objectId=CANARY)).json()["results"]]
    found = [(await api.actie(actie_id)).json() for actie_id in ids]
    assert {actie["actieNaam"] for actie in found} == {"een", "twee", "drie"}
    assert {actie["verwerkteObjecten"][0]["objectId"] for actie in found} == {CANARY}
    assert {actie["afnemerId"] for actie in found} == {AFNEMER}
    assert [row[0] for row in place.query("SELECT key_id FROM protection_key ORDER BY key_id")] == [1, 2, 3]
    assert len({bytes(row[0]) for row in place.query("SELECT pseudonym FROM verwerkt_object")}) == 3
    # A correction of an old row is a new row under the new key.
    answer = next(actie for actie in found if actie["actieNaam"] == "een")
    await api.correct(answer, actieNaam="nieuw", verwerkteObjecten=[person(CANARY)])
    assert (await api.search(objectId=CANARY)).json()["count"] == 3


def test_a_new_key_is_known_everywhere_before_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    init_keys(path)
    before = datetime.now(UTC).replace(microsecond=0)  # a key knows whole seconds
    new = rotate_keys(path)
    both = load_keys(KeySource(file=path))
    assert (active(both, new.since - timedelta(seconds=1)).key_id, active(both, new.since).key_id) == (1, 2)
    assert before <= new.since - timedelta(seconds=30) <= datetime.now(UTC)
    with pytest.raises(ConfigurationError, match="key 2 is not in use yet; rotate again after"):
        rotate_keys(path)


def test_a_number_cannot_be_moved_to_another_row(tmp_path: Path) -> None:
    init_keys(tmp_path / "keys")
    known = Keys(KeySource(file=tmp_path / "keys"))
    here, there = "6bb6ae1f-1d7b-4e5e-9f21-0a8a2b7a5b10", "6bb6ae1f-1d7b-4e5e-9f21-0a8a2b7a5b11"
    sealed = seal(known.active(), CANARY, here)
    assert known.open(sealed, here) == CANARY
    for changed, row in ((sealed, there), (sealed[:-1] + bytes([sealed[-1] ^ 1]), here)):
        with pytest.raises(ConfigurationError, match="does not belong to its row: the database was changed"):
            known.open(changed, row)


def test_a_person_of_another_kind_has_another_pseudonym(tmp_path: Path) -> None:
    init_keys(tmp_path / "keys")
    known = Keys(KeySource(file=tmp_path / "keys"))
    given = [("persoon", "BSN", "1"), ("persoon", "BSN", "01"), ("persoon", "BSN1", ""), ("persoonBSN", "", "1"), ("persoon", "Nr", "1")]
    assert len({known.pseudonyms(*parts)[0] for parts in given}) == len(given)


async def test_a_database_of_other_keys_is_refused(api: Api, settings: Settings, place: Place) -> None:
    await api.posted()
    saved = place.keys.read_text()
    place.keys.unlink()
    with pytest.raises(ConfigurationError, match=r"does not exist; restore it from its backup"):
        prepare_to_serve(settings)
    init_keys(place.keys)
    with pytest.raises(ConfigurationError, match=r"was written with key 1 of fingerprint [0-9a-f]{16}, which is another"):
        prepare_to_serve(settings)
    renumbered = json.loads(saved)
    renumbered["keys"][0]["id"] = 2
    place.keys.write_text(json.dumps(renumbered))
    with pytest.raises(ConfigurationError, match=r"was written with key 1 .* is missing"):
        prepare_to_serve(settings)


def test_a_new_sqlite_database_gets_a_key_file_of_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(database=tmp_path / "log.sqlite")
    prepare_to_serve(settings)
    assert stat.S_IMODE((tmp_path / "log.sqlite.keys").stat().st_mode) == 0o600


def test_a_key_file_that_is_named_is_never_made_by_the_server(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist; restore it"):
        prepare_to_serve(Settings(database=tmp_path / "log.sqlite", keys=tmp_path / "keys"))


def test_postgresql_needs_a_key_file_that_is_named() -> None:
    with pytest.raises(ConfigurationError, match="verwerkingenlog keys init --keys FILE"):
        Settings(database=URL.create("postgresql+psycopg", database="x"))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o700])
def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    init_keys(tmp_path / "keys")
    (tmp_path / "keys").chmod(mode)
    with pytest.raises(ConfigurationError, match=rf"has mode {mode:04o}, so others can read it; run: chmod 600"):
        load_keys(KeySource(file=tmp_path / "keys"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"keys": []}',
        '{"keys": [{"id": 1}]}',
        '{"keys": 1}',
        "[]",
        '{"keys": [{"id": 0, "secret": "", "made": "", "since": ""}]}',
    ],
)
def test_a_file_that_is_no_key_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="setting keys: "):
        load_keys(KeySource(file=path))


def test_keys_can_come_from_a_command(tmp_path: Path) -> None:
    init_keys(tmp_path / "keys")
    (key,) = load_keys(KeySource(command=f"cat {tmp_path / 'keys'}"))
    assert (
        key == load_keys(KeySource(file=tmp_path / "keys"))[0]
        or key.fingerprint == load_keys(KeySource(file=tmp_path / "keys"))[0].fingerprint
    )
    for command in ("false", "er-is-geen-opdracht-die-zo-heet", "echo niets", "'"):
        with pytest.raises(ConfigurationError, match="setting keys"):
            load_keys(KeySource(command=command))


def test_the_commands_make_rotate_and_show_keys(verwerkingenlog: Run, tmp_path: Path) -> None:
    assert verwerkingenlog("client", "add", "een", "--issuer", "https://idp.example.nl").exit_code == 0
    made = verwerkingenlog("keys", "init")
    assert (made.exit_code, made.stdout) == (0, "")
    assert "verwerkingenlog.sqlite.keys; keep a copy of it apart" in made.stderr
    assert "exists already; add a key to it with: verwerkingenlog keys rotate" in verwerkingenlog("keys", "init").stderr
    assert "added key 2" in verwerkingenlog("keys", "rotate").stderr
    lines = [line.split("\t") for line in verwerkingenlog("keys", "status").stdout.splitlines()]
    assert [(line[0], line[3][:6], line[4]) for line in lines] == [("1", "in use", "0"), ("2", "from 2", "0")]
    secrets = [item["secret"] for item in json.loads((tmp_path / "verwerkingenlog.sqlite.keys").read_text())["keys"]]
    assert not [secret for secret in secrets if secret in verwerkingenlog("keys", "status").output]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_a_key_that_root_adds_can_be_read_by_the_server_still(tmp_path: Path) -> None:
    path, link = tmp_path / "keys", tmp_path / "link"
    init_keys(path)
    os.chown(path, 65534, -1)
    link.symlink_to(path)
    rotate_keys(link)
    status = path.stat()
    assert (status.st_uid, stat.S_IMODE(status.st_mode), link.is_symlink()) == (65534, 0o600, True)
    assert len(load_keys(KeySource(file=path))) == 2


def test_a_secret_is_in_no_text_of_a_key(tmp_path: Path) -> None:
    init_keys(tmp_path / "keys")
    (key,) = load_keys(KeySource(file=tmp_path / "keys"))
    assert re.fullmatch(r"Key\(key_id=1, fingerprint='[0-9a-f]{16}'\)", repr(key))


async def test_a_key_file_that_breaks_while_the_register_runs_leaves_the_known_keys(
    api: Api, place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(protection, "_FRESH_SECONDS", 0)
    await api.posted()
    place.keys.write_text("stuk")
    response: httpx2.Response = await api.search()
    assert response.json()["count"] == 1
    assert "the keys could not be read again" in caplog.text
