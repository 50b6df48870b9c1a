"""Reading the log is itself a verwerking, and is logged (C3677, C5953, X15, X18, X19, D8)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from plugins.register.tests.conftest import DOELBINDING, OIN, make_token

from verwerkingenlogging_register import Settings
from verwerkingenlogging_register._requests.inspection import SYSTEEM

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugins.register.tests.conftest import Api

ACTIVITEIT = "4f6db294-830d-4d14-b9bd-3c6d17c40d65"
VERWERKING = "89aa7a9a-1f79-44de-b32e-8e38e07138f3"
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
        "bewaartermijn": "P5Y",
    }
    assert {name: actie[name] for name in expected} == expected
    assert [verwerkt["objectId"] for verwerkt in actie["verwerkteObjecten"]] == ["2308572"]


async def test_an_answer_never_holds_the_inspection_it_causes(api: Api) -> None:
    assert [(await api.search()).json()["count"] for _ in range(3)] == [0, 1, 2]


async def test_every_read_is_logged_once_and_no_write_is(api: Api, stored: Callable[[], int]) -> None:
    answer = await api.posted(verwerkingId=VERWERKING)
    await api.put(answer, actieNaam="x")
    await api.patch({"verwerkingId": VERWERKING}, {"bewaartermijn": "P1Y"})
    await api.batch([{**answer, "idempotencyKey": "een"}])
    await api.delete(answer["actieId"])
    assert stored() == 5
    answer = await api.posted()
    person = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "2308572"}
    period = {"beginDatum": "2000-01-01", "eindDatum": "2100-01-01"}
    for number, response in enumerate(
        (
            await api.search(),
            await api.actie(answer["actieId"]),
            await api.inzage(),
            await api.verwerkt_object(answer["verwerkteObjecten"][0]["verwerktObjectId"]),
            await api.history(answer["actieId"]),
            await api.http.post("/verwerkingsacties/_zoek", json=person, headers=api.auth()),
            await api.http.post("/verwerkte-objecten/_zoek", json={**person, **period}, headers={**api.auth(), **HEADERS}),
        )
    ):
        assert response.status_code == 200, number
    assert stored() == 6 + 7
    assert len(await logged(api)) == 7


async def test_an_inspection_by_body_names_its_caller_as_one_by_query_does(api: Api) -> None:
    person = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "2308572"}
    await api.http.post("/verwerkingsacties/_zoek", json=person, headers={**api.auth(), **HEADERS, "Vertrouwelijkheid": "vertrouwelijk"})
    (actie,) = await logged(api)
    assert (actie["afnemerId"], actie["verwerkingIdAfnemer"], actie["vertrouwelijkheid"]) == (
        HEADERS["OIN"],
        HEADERS["VerwerkingId"],
        "vertrouwelijk",
    )


async def test_a_search_of_a_verwerking_and_a_history_concern_everybody_they_show(api: Api) -> None:
    def objecten(*numbers: str) -> list[dict[str, str]]:
        return [{"objecttype": "persoon", "soortObjectId": "BSN", "objectId": number} for number in numbers]

    answer = await api.posted(verwerkingId=VERWERKING, verwerkteObjecten=objecten("1", "2"))
    await api.posted(verwerkingId=VERWERKING, verwerkteObjecten=objecten("2", "3"))
    await api.search(verwerkingId=VERWERKING, objecttype=None, soortObjectId=None, objectId=None)
    assert [len(await logged(api, objectId=number)) for number in "123"] == [1, 1, 1]
    await api.put(answer, verwerkteObjecten=objecten("4"))
    await api.history(answer["actieId"])
    assert [len(await logged(api, objectId=number)) for number in "124"] == [3, 3, 1]


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


async def test_a_client_that_names_no_oin_looked_under_its_own(api: Api) -> None:
    posted = await api.posted()
    gemeente = {"Authorization": f"Bearer {make_token('gemeente')}"}
    await api.search(headers=gemeente)
    await api.actie(posted["actieId"], headers=gemeente)
    await api.inzage(headers=DOELBINDING | gemeente)
    await api.actie(posted["actieId"])
    assert [actie["afnemerId"] for actie in reversed(await logged(api))] == [OIN, OIN, DOELBINDING["OIN"], ""]


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
    api.register.repository._writer.close()
    response = await api.search()
    assert response.status_code == 503
    assert answer["actieId"] not in response.text
