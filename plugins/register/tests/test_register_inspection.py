"""Reading the log is itself a verwerking, and is logged (C3677, C5953, X15, X18, X19, D8)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from verwerkingenlogging_register import Settings
from verwerkingenlogging_register.inspection import SYSTEEM

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugins.register.tests.conftest import Api

ACTIVITEIT = "4f6db294-830d-4d14-b9bd-3c6d17c40d65"
HEADERS = {
    "OIN": "00000099123456780000",
    "VerwerkingsactiviteitId": "5f0bef4c-f66f-4311-84a5-19e8bf359eaf",
    "VerwerkingsactiviteitUrl": "https://var.example.nl/5f0bef4c",
    "VerwerkingId": "89aa7a9a-1f79-44de-b32e-8e38e07138f3",
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return dataclasses.replace(settings, log_inzage=True, inzage_activiteit=UUID(ACTIVITEIT))


async def logged(api: Api, **query: Any) -> list[dict[str, Any]]:
    """The inspections, as an inspection finds them."""
    results = (await api.search(**query)).json()["results"]
    return [actie for actie in results if actie["actieNaam"] == "Inzien verwerkingenlog"]


async def test_an_inspection_is_logged_with_the_caller_as_afnemer(api: Api) -> None:
    await api.posted()
    await api.inzage(headers=HEADERS)
    (actie,) = await logged(api)
    assert UUID(actie["verwerkingId"]).version == 4
    assert actie["verwerkingId"] != HEADERS["VerwerkingId"]
    expected = {
        "verwerkingsactiviteitId": ACTIVITEIT,
        "vertrouwelijkheid": "normaal",
        "systeem": SYSTEEM,
        "soortAfnemerId": "OIN",
        "afnemerId": HEADERS["OIN"],
        "verwerkingsactiviteitIdAfnemer": HEADERS["VerwerkingsactiviteitId"],
        "verwerkingsactiviteitUrlAfnemer": HEADERS["VerwerkingsactiviteitUrl"],
        "verwerkingIdAfnemer": HEADERS["VerwerkingId"],
        "bewaartermijn": "",
    }
    assert {name: actie[name] for name in expected} == expected
    assert [verwerkt["objectId"] for verwerkt in actie["verwerkteObjecten"]] == ["2308572"]


async def test_an_answer_never_holds_the_inspection_it_causes(api: Api) -> None:
    assert [(await api.search()).json()["count"] for _ in range(3)] == [0, 1, 2]


async def test_all_four_reads_are_logged_once_and_a_post_is_not(api: Api, stored: Callable[[], int]) -> None:
    answer = await api.posted()
    assert stored() == 1
    await api.search()
    await api.actie(answer["actieId"])
    await api.inzage()
    await api.verwerkt_object(answer["verwerkteObjecten"][0]["verwerktObjectId"])
    assert stored() == 5


async def test_a_read_by_id_concerns_everybody_it_shows(api: Api) -> None:
    objecten = [{"objecttype": "persoon", "soortObjectId": "BSN", "objectId": number} for number in ("1", "2", "1")]
    answer = await api.posted(verwerkteObjecten=objecten)
    await api.actie(answer["actieId"])
    for number in ("1", "2"):
        (actie,) = await logged(api, objectId=number)
        assert len(actie["verwerkteObjecten"]) == 1


async def test_a_citizen_sees_who_looked(api: Api) -> None:
    await api.search(headers={"OIN": "00000001821002193000"})
    (result,) = (await api.inzage(scope="read:normal")).json()["results"]
    assert result["verwerkingsactie"]["actieNaam"] == "Inzien verwerkingenlog"
    assert result["verwerkingsactie"]["afnemerId"] == "00000001821002193000"
    assert "systeem" not in result["verwerkingsactie"]


@pytest.mark.parametrize("vertrouwelijkheid", ["Vertrouwelijk", "opgeheven"])
async def test_a_confidential_inspection_does_not_surface_to_the_citizen(api: Api, vertrouwelijkheid: str) -> None:
    await api.search(headers={"Vertrouwelijkheid": vertrouwelijkheid, "Bewaartermijn": "P5Y"})
    assert (await api.inzage()).json()["count"] == 0
    actie = next(actie for actie in await logged(api) if actie["vertrouwelijkheid"] == "vertrouwelijk")
    assert actie["bewaartermijn"] == "P5Y"


async def test_what_is_refused_is_not_logged(api: Api, stored: Callable[[], int]) -> None:
    for response in (
        await api.search(objecttype="auto"),
        await api.search(scope=""),
        await api.search(page=2),
        await api.inzage(headers={}),
        await api.actie("00000000-0000-4000-8000-000000000000"),
    ):
        assert response.status_code >= 400
    assert stored() == 0


async def test_nothing_is_shown_when_the_inspection_cannot_be_logged(api: Api) -> None:
    answer = await api.posted()
    api.register.store.close()
    response = await api.search()
    assert response.status_code == 503
    assert answer["actieId"] not in response.text
