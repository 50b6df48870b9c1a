"""The retention purge, and the holds that stop it (C1697, X30, X31)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from plugins.register.tests import engines
from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError
from typer.testing import Result

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register._keys import key_file, protection
from verwerkingenlogging_register._keys.key_file import KeySource
from verwerkingenlogging_register._keys.protection import Keys
from verwerkingenlogging_register._model import tables
from verwerkingenlogging_register._model.subjects import Persoon
from verwerkingenlogging_register._retention import expiry
from verwerkingenlogging_register._retention.holds import add_hold, count_held, holds, release_hold
from verwerkingenlogging_register._retention.purge import Purged, purge
from verwerkingenlogging_register._rules.terms import Terms, read_terms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugins.register.tests.conftest import Api, Place

Run = Callable[..., Result]
ACTIVITEIT = "5f0bef4c-f66f-4311-84a5-19e8bf359eaf"
VERWERKING = "89aa7a9a-1f79-44de-b32e-8e38e07138f3"
BSN = Persoon("persoon", "BSN", "2308572")
OLD: dict[str, Any] = {"tijdstip": "2024-01-01T00:00:00Z", "bewaartermijn": "P1Y"}
LATER = "2026-01-01T00:00:00Z"
TABLES = (tables.verwerkingsactie, tables.verwerkt_object, tables.successor, tables.purge)


def purged(place: Place, now: str, terms: Terms | None = None, *, execute: bool = True) -> Purged:
    known = Keys(KeySource(file=place.keys))
    with engines.reader(place.owner, known) as reader, engines.writer(place.owner, known) as writer:
        return purge(reader, writer if execute else None, terms or Terms(), datetime.fromisoformat(now).astimezone(UTC))


@contextmanager
def writing(place: Place) -> Iterator[Connection]:
    with engines.writer(place.owner, Keys(KeySource(file=place.keys))) as writer, writer.begin() as connection:
        yield connection


def counts(place: Place) -> list[int]:
    return [len(place.query(select(table))) for table in TABLES]


@pytest.mark.parametrize(
    ("tijdstip", "term", "kept", "gone"),
    [
        ("2024-02-29T12:00:00+00:00", "P1Y", "2025-02-28T12:00:00Z", "2025-02-28T12:00:01Z"),
        ("2024-02-29T12:00:00+00:00", "P4Y", "2028-02-29T12:00:00Z", "2028-02-29T12:00:01Z"),
        ("2024-01-31T00:00:00+00:00", "P1M", "2024-02-29T00:00:00Z", "2024-02-29T00:00:01Z"),
        ("2023-01-31T00:00:00+00:00", "P1M", "2023-02-28T00:00:00Z", "2023-02-28T00:00:01Z"),
        ("2024-04-05T14:35:42+02:00", "P10Y", "2034-04-05T12:35:42Z", "2034-04-05T12:35:43Z"),
        ("2024-04-05T14:35:42+02:00", "PT1H", "2024-04-05T13:35:42Z", "2024-04-05T13:35:43Z"),
        ("2024-04-05T14:35:42+02:00", "P9999Y", "9998-01-01T00:00:00Z", None),
    ],
)
async def test_an_actie_goes_when_its_term_is_over_by_the_calendar(
    api: Api, place: Place, tijdstip: str, term: str, kept: str, gone: str | None
) -> None:
    await api.posted(tijdstip=tijdstip, bewaartermijn=term)
    assert purged(place, kept).acties == 0
    assert counts(place) == [1, 1, 0, 0]
    if gone is not None:
        assert purged(place, gone).acties == 1
        assert counts(place) == [0, 0, 0, 1]


async def test_the_newest_version_decides_and_all_versions_go(api: Api, place: Place) -> None:
    answer = await api.posted(**OLD)
    await api.correct(answer, tijdstip="2024-01-02T00:00:00Z", bewaartermijn="P5Y")
    await api.correct(answer, tijdstip="2024-01-02T00:00:00Z", bewaartermijn="P2Y")
    other = await api.posted(bewaartermijn="P50Y")
    assert purged(place, "2025-06-01T00:00:00Z").acties == 0
    result = purged(place, "2026-06-01T00:00:00Z")
    assert (result.acties, result.versies, result.objecten) == (1, 3, 3)
    assert result.period() == "2024-01-01T00:00:00.000000Z to 2024-01-02T00:00:00.000000Z"
    assert place.ids() == [other["actieId"]]
    assert counts(place) == [1, 1, 0, 1]
    assert (await api.actie(answer["actieId"])).status_code == 404


async def test_what_is_vervallen_goes_too(api: Api, place: Place) -> None:
    answer = await api.posted(**OLD)
    await api.correct(answer, vervallen=True, **OLD)
    assert purged(place, LATER).versies == 2


async def test_a_dry_run_counts_the_same_and_changes_nothing(api: Api, place: Place) -> None:
    for _ in range(3):
        await api.posted(**OLD)
    before = [place.query(select(table)) for table in TABLES]
    dry = purged(place, LATER, execute=False)
    assert [place.query(select(table)) for table in TABLES] == before
    assert dry == purged(place, LATER)
    assert (dry.acties, counts(place)) == (3, [0, 0, 0, 1])


async def test_what_is_left_behind_is_a_count_and_a_range(api: Api, place: Place) -> None:
    await api.posted(**OLD)
    await api.posted(tijdstip="2024-03-01T00:00:00Z", bewaartermijn="P1Y", verwerkteObjecten=[])
    purged(place, LATER)
    (line,) = place.query(select(tables.purge))
    assert (line.acties, line.versies, line.objecten, line.executed) == (2, 2, 1, "2026-01-01T00:00:00+00:00")
    assert (line.first_tijdstip_instant, line.last_tijdstip_instant) == (1_704_067_200_000_000, 1_709_251_200_000_000)
    for statement in ("UPDATE purge SET acties = 0", "DELETE FROM purge"):
        with pytest.raises(DBAPIError, match="purge is append-only"):
            place.execute(statement)


async def test_a_key_goes_with_the_version_that_it_made_and_is_counted(api: Api, place: Place) -> None:
    def request(number: int, **more: Any) -> Any:
        actie = {"vertrouwelijkheid": "normaal", "verwerkteObjecten": [], "actieNaam": str(number), **OLD, **more}
        headers = {**api.auth(), "Idempotency-Key": f"key-{number}"}
        return api.http.post("/verwerkingsacties", json=actie, headers=headers)

    gone = (await request(1)).json()
    await api.correct(gone, **OLD, verwerkteObjecten=[])  # a version without a key
    kept = (await request(2, bewaartermijn="P50Y")).json()
    assert (await api.batch([{**gone, "idempotencyKey": "key-3"}, gone], headers={"Idempotency-Key": "key-4"})).status_code == 200
    assert purged(place, LATER, execute=False).keys == 3
    with pytest.raises(DBAPIError, match=r"idempotency_key is append-only \(B3891\)"):
        place.execute("DELETE FROM idempotency_key")
    assert purged(place, LATER).keys == 3
    assert [row.key for row in place.query(select(tables.idempotency_key))] == ["key-2"]
    (line,) = place.query(select(tables.purge))
    assert (line.acties, line.versies, line.idempotency_keys) == (3, 4, 3)
    # What it made is there no more: the key is as good as new. Of what is there, the answer is still the first one.
    assert (await request(1)).json()["actieId"] != gone["actieId"]
    assert (await request(2, bewaartermijn="P50Y")).json()["actieId"] == kept["actieId"]


async def test_more_than_one_chunk_leaves_more_than_one_line(api: Api, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        await api.posted(**OLD)
    monkeypatch.setattr(expiry, "AT_ONCE", 2)
    assert purged(place, LATER).acties == 5
    lines = place.query(select(tables.purge))
    assert sorted(line.acties for line in lines) == [1, 2, 2]
    assert len({line.run_id for line in lines}) == 1


async def test_the_terms_of_the_var_and_of_the_organisation_fill_in(api: Api, place: Place, tmp_path: Path) -> None:
    for more in ({"bewaartermijn": "P10Y", "verwerkingsactiviteitId": ACTIVITEIT}, {"verwerkingsactiviteitId": ACTIVITEIT}, {}):
        await api.posted(tijdstip="2024-01-01T00:00:00Z", **more)
    assert purged(place, "2030-01-01T00:00:00Z", execute=False).without_term == 2
    (tmp_path / "var.toml").write_text(f'[bewaartermijn]\n"{ACTIVITEIT.upper()}" = "P1Y"\n')
    terms = read_terms(tmp_path / "var.toml", "P5Y")
    for now, left in (("2024-12-31", 3), ("2025-01-02", 2), ("2028-12-31", 2), ("2029-01-02", 1), ("2033-12-31", 1), ("2034-01-02", 0)):
        purged(place, f"{now}T00:00:00Z", terms)
        assert len(place.ids()) == left


async def test_a_number_of_a_version_is_never_given_out_again(api: Api, place: Place) -> None:
    await api.posted(**OLD)
    ((before,),) = place.query(select(tables.verwerkingsactie.c.versie))
    purged(place, LATER)
    await api.posted()
    ((after,),) = place.query(select(tables.verwerkingsactie.c.versie))
    assert after > before


@pytest.mark.parametrize("kind", ["actie", "verwerking", "persoon"])
async def test_what_is_held_stays_until_it_is_released(api: Api, place: Place, kind: str) -> None:
    answer = await api.posted(**OLD, verwerkingId=VERWERKING)
    # The newest version no longer shows it; an older one does.
    await api.correct(answer, **OLD, verwerkteObjecten=[])
    await api.posted(**OLD, verwerkteObjecten=[{"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "1"}])
    what: UUID | Persoon = BSN if kind == "persoon" else UUID(VERWERKING if kind == "verwerking" else answer["actieId"])
    with writing(place) as connection:
        hold_id = add_hold(connection, what, "onderzoek", verwerking=kind == "verwerking")
        assert count_held(connection, what, verwerking=kind == "verwerking") == 1
        assert count_held(connection, UUID(ACTIVITEIT), verwerking=kind == "verwerking") == 0
    result = purged(place, LATER)
    assert (result.acties, result.held) == (1, 1)
    assert set(place.ids()) == {answer["actieId"]}
    with writing(place) as connection:
        release_hold(connection, UUID(hold_id), "afgerond")
        (row,) = holds(connection)
        assert row["released"] is not None
        with pytest.raises(ConfigurationError, match="was released before"):
            release_hold(connection, UUID(hold_id), "nogmaals")
    assert purged(place, LATER).acties == 1
    assert place.ids() == []


async def test_a_hold_on_a_person_outlives_a_rotation_and_holds_no_number(api: Api, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_file, "_IN_USE_AFTER", timedelta(0))
    monkeypatch.setattr(protection, "_FRESH_SECONDS", 0)
    with writing(place) as connection:
        add_hold(connection, BSN, "onderzoek")
    key_file.rotate_keys(place.keys)
    await api.posted(**OLD)
    assert purged(place, LATER).held == 1
    assert "2308572" not in str(place.query("SELECT * FROM hold"))


async def test_nothing_but_the_purge_deletes(api: Api, place: Place) -> None:
    await api.posted(**OLD)
    purged(place, "2024-02-01T00:00:00Z")
    assert place.query(select(tables.purging)) == []
    for table in ("verwerkt_object", "verwerkingsactie"):
        with pytest.raises(DBAPIError, match="is append-only"):
            place.execute(f"DELETE FROM {table}")


async def test_a_purge_that_fails_leaves_everything(api: Api, place: Place) -> None:
    await api.posted(**OLD)
    place.execute("ALTER TABLE purge RENAME TO weg")
    with pytest.raises(DBAPIError):
        purged(place, LATER)
    place.execute("ALTER TABLE weg RENAME TO purge")
    assert counts(place) == [1, 1, 0, 0]
    assert place.query(select(tables.purging)) == []


@pytest.mark.parametrize("place", ["postgresql-18"], indirect=True)
async def test_the_role_of_the_server_cannot_purge(api: Api, place: Place) -> None:
    await api.posted(**OLD)
    with (
        engines.reader(place.location) as reader,
        engines.writer(place.location) as writer,
        pytest.raises(DBAPIError, match="permission denied"),
    ):
        purge(reader, writer, Terms())


def test_the_commands_purge_and_hold(verwerkingenlog: Run) -> None:
    assert verwerkingenlog("client", "add", "een", "--issuer", "https://idp.example.nl").exit_code == 0  # which needs no key file
    dry = verwerkingenlog("purge", "--bewaartermijn", "P1Y")
    assert dry.stdout.splitlines()[0] == "would remove (dry run): 0 acties in 0 versies with 0 objecten and 0 idempotency keys"
    assert verwerkingenlog("purge", "--execute").stdout.startswith("removed: 0 acties")
    assert verwerkingenlog("hold", "add", "--reason", "zaak").stderr.startswith("verwerkingenlog: hold: say what to hold")
    assert "setting reason: must not" in verwerkingenlog("hold", "add", "--actie", ACTIVITEIT, "--reason", "twee\nregels").stderr
    added = verwerkingenlog("hold", "add", "--actie", ACTIVITEIT, "--reason", "zaak")
    assert added.stderr.startswith("verwerkingenlog: holds 0 acties now; if it should be more, look at what you gave")
    hold_id = added.stdout.strip()
    assert "this needs the keys of the register" in verwerkingenlog("hold", "add", "--person", "--reason", "x", given="1\n").stderr
    verwerkingenlog("keys", "init")
    assert verwerkingenlog("hold", "add", "--person", "--reason", "x", given="999990019\n").exit_code == 0
    assert verwerkingenlog("hold", "add", "--person", "--reason", "x", given="\n").stderr.startswith(
        "verwerkingenlog: hold: object_id: must"
    )
    assert verwerkingenlog("hold", "release", hold_id, "--reason", "klaar").exit_code == 0
    assert verwerkingenlog("hold", "release", ACTIVITEIT, "--reason", "x").stderr.startswith(f"verwerkingenlog: hold {ACTIVITEIT}: is not")
    listed = verwerkingenlog("hold", "list").stdout
    assert f"actie {ACTIVITEIT}\tzaak" in listed
    assert "a persoon by BSN" in listed
    assert "999990019" not in listed
