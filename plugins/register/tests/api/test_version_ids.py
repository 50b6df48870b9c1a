"""An actieId for each version, as the letter of the standard has it, for who wants that (X01). By default the actieId stays."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import Result

from verwerkingenlogging_register import Settings

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api, Place

VERWERKING = "89aa7a9a-1f79-44de-b32e-8e38e07138f3"
OTHER = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return dataclasses.replace(settings, actie_id_per_versie=True)


async def corrected(api: Api, full: dict[str, Any]) -> list[dict[str, Any]]:
    """An actie as it was answered after a POST, a PUT, a PATCH and another PUT, each to the id of the version before."""
    answers = [(await api.post(full)).json()]
    answers.append((await api.put(answers[0], actieNaam="Gecorrigeerd")).json())
    assert (await api.patch({"verwerkingId": VERWERKING}, {"bewaartermijn": "P5Y"})).status_code == 204
    answers.append((await api.actie(answers[1]["actieId"])).json())
    answers.append((await api.put(answers[2], systeem="")).json())
    return answers


async def test_each_correction_gives_another_id_and_address(api: Api, full: dict[str, Any]) -> None:
    answers = await corrected(api, full)
    ids = [answer["actieId"] for answer in answers]
    assert len(set(ids)) == 4
    for answer in answers:
        assert answer["url"] == f"https://log.example.nl/api/v1/verwerkingsacties/{answer['actieId']}"
    assert [answer["bewaartermijn"] for answer in answers] == ["P150Y", "P150Y", "P5Y", "P5Y"]
    assert len({answer["verwerkteObjecten"][0]["verwerktObjectId"] for answer in answers}) == 1


async def test_every_id_that_was_ever_given_out_leads_to_the_actie_as_it_is_now(api: Api, full: dict[str, Any]) -> None:
    answers = await corrected(api, full)
    for answer in answers:
        assert (await api.actie(answer["actieId"])).json() == answers[-1]
    assert (await api.actie(OTHER)).status_code == 404
    assert (await api.delete(OTHER)).status_code == 400
    # Also for a correction: who holds an old id did not miss what came between.
    again = (await api.put({**answers[-1], "actieId": answers[0]["actieId"]}, handelingNaam="x")).json()
    assert (again["handelingNaam"], again["systeem"], again["bewaartermijn"]) == ("x", "", "P5Y")
    assert (await api.actie(answers[2]["actieId"])).json() == again


async def test_it_is_one_actie_still(api: Api, full: dict[str, Any], stored: Callable[[], int]) -> None:
    answers = await corrected(api, full)
    found = (await api.search()).json()
    assert (found["count"], found["results"]) == (1, [answers[-1]])
    seen = (await api.inzage()).json()["results"]
    assert [(one["verwerkingsactie"]["actieId"], one["verwerkingsactie"]["url"]) for one in seen] == [
        (answers[-1]["actieId"], answers[-1]["url"])
    ]
    for answer in answers:
        history = (await api.history(answer["actieId"])).json()
        assert [version["actieId"] for version in history["results"]] == [one["actieId"] for one in reversed(answers)]
    assert (await api.delete(answers[1]["actieId"])).status_code == 204
    assert {(await api.actie(answer["actieId"])).status_code for answer in answers} == {404}
    assert (await api.delete(answers[0]["actieId"])).json()["invalidParams"][0]["code"] == "vervallen"
    last = (await api.history(answers[0]["actieId"])).json()["results"][0]
    assert last["vervallen"] == "Ja"
    assert last["actieId"] not in {answer["actieId"] for answer in answers}
    assert stored() == 5


async def test_an_object_of_before_may_be_named_whatever_the_id(api: Api, full: dict[str, Any]) -> None:
    first, second, *_ = await corrected(api, full)
    changed = await api.put({**second, "actieId": first["actieId"]}, verwerkteObjecten=first["verwerkteObjecten"])
    assert changed.json()["verwerkteObjecten"] == first["verwerkteObjecten"]
    fault = (await api.put(second, verwerkteObjecten=[{**first["verwerkteObjecten"][0], "verwerktObjectId": OTHER}])).json()
    assert fault["invalidParams"][0]["code"] == "unknown"


async def test_commands_take_any_of_its_ids(api: Api, full: dict[str, Any], place: Place, verwerkingenlog: Callable[..., Result]) -> None:
    answers = await corrected(api, full)
    database = str(place.owner) if not hasattr(place.owner, "render_as_string") else place.owner.render_as_string(hide_password=False)
    where = {"VERWERKINGENLOG_DATABASE": database, "VERWERKINGENLOG_KEYS": str(place.keys)}
    revealed = {verwerkingenlog("reveal", answer["actieId"], **where).stdout.split("\t", 1)[1] for answer in (answers[0], answers[2])}
    assert len(revealed) == 1
    assert "2308572" in revealed.pop()
    verwerkingenlog("hold", "add", "--actie", answers[2]["actieId"], "--reason", "zaak", **where)
    assert f"actie {answers[0]['actieId']}\tzaak" in verwerkingenlog("hold", "list", **where).stdout


async def test_what_was_given_out_stays_when_the_switch_is_turned_back(api: Api, full: dict[str, Any]) -> None:
    answers = await corrected(api, full)
    object.__setattr__(api.register.settings, "actie_id_per_versie", False)
    assert (await api.actie(answers[0]["actieId"])).json() == answers[-1]
    after = (await api.put(answers[-1], systeem="daarna")).json()
    assert after["actieId"] == answers[0]["actieId"]
    assert (await api.actie(answers[1]["actieId"])).json() == after
