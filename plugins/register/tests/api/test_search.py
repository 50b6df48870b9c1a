"""GET /verwerkingsacties and GET /verwerkingsacties/{actieId} (gemma.md 4.2 and 4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def person(number: str, **more: Any) -> dict[str, Any]:
    return {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": number, **more}


def names(response: httpx2.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [actie["actieNaam"] for actie in response.json()["results"]]


async def test_other_persons_vanish_from_the_acties_that_are_found(api: Api, full: dict[str, Any]) -> None:
    objecten = [person("1"), person("2308572", betrokkenheid="Partner"), person("3"), person("2308572", betrokkenheid="Getuige")]
    await api.posted(**{**full, "verwerkteObjecten": objecten})
    await api.posted(verwerkteObjecten=[person("1")])
    answer = (await api.search()).json()
    assert answer["count"] == 1
    (actie,) = answer["results"]
    assert [(verwerkt["objectId"], verwerkt["betrokkenheid"]) for verwerkt in actie["verwerkteObjecten"]] == [
        ("2308572", "Partner"),
        ("2308572", "Getuige"),
    ]
    assert (actie["systeem"], actie["gebruiker"], actie["gegevensbron"]) == (full["systeem"], full["gebruiker"], full["gegevensbron"])


async def test_by_id_everybody_is_there(api: Api) -> None:
    answer = await api.posted(verwerkteObjecten=[person("1"), person("2308572"), person("3")])
    response = await api.actie(answer["actieId"])
    assert response.json() == answer
    assert [verwerkt["objectId"] for verwerkt in response.json()["verwerkteObjecten"]] == ["1", "2308572", "3"]


async def test_an_identifier_is_compared_exactly(api: Api) -> None:
    await api.posted(verwerkteObjecten=[person("012"), {**person("12"), "soortObjectId": "Personeelsnummer"}])
    assert (await api.search(objectId="12")).json()["count"] == 0
    assert (await api.search(objectId="012")).json()["count"] == 1
    assert (await api.search(objectId="12", soortObjectId="Personeelsnummer")).json()["count"] == 1
    assert (await api.search(objectId="%")).json()["count"] == 0


async def test_objecttype_and_vertrouwelijkheid_are_taken_in_any_letter_case(api: Api) -> None:
    await api.posted()
    assert (await api.search(objecttype="Persoon", vertrouwelijkheid="Normaal", scope="read:normal")).json()["count"] == 1


@pytest.mark.parametrize(
    "query",
    [
        {"vertrouwelijkheid": ["normaal", "vertrouwelijk"]},
        {"vertrouwelijkheid": "normaal,vertrouwelijk"},
        {"vertrouwelijkheid__in": "normaal,vertrouwelijk"},
        {"vertrouwelijkheid": "Normaal", "vertrouwelijkheid__in": "vertrouwelijk"},
        {},
        {"vertrouwelijkheid": ""},
    ],
)
async def test_the_vertrouwelijkheid_filter_has_three_spellings(api: Api, query: dict[str, Any]) -> None:
    await api.posted(actieNaam="a", tijdstip="2024-01-02T00:00:00Z")
    await api.posted(actieNaam="b", vertrouwelijkheid="vertrouwelijk", tijdstip="2024-01-01T00:00:00Z")
    assert names(await api.search(**query)) == ["a", "b"]


async def test_verwerkingsactiviteit_filters(api: Api) -> None:
    activiteit = "5f0bef4c-f66f-4311-84a5-19e8bf359eaf"
    await api.posted(actieNaam="met", verwerkingsactiviteitId=activiteit)
    await api.posted(actieNaam="zonder")
    assert names(await api.search(verwerkingsactiviteitId=activiteit.upper())) == ["met"]
    assert names(await api.search(verwerkingsactiviteitId=UNKNOWN)) == []


@pytest.mark.parametrize(
    ("tijdstip", "found"),
    [
        ("2024-04-04T23:59:59.999999+02:00", False),
        ("2024-04-05T00:00:00+02:00", True),
        ("2024-04-04T22:00:00Z", True),
        ("2024-04-04T23:30:00+01:00", True),
        ("2024-04-05T23:59:59+02:00", True),
        ("2024-04-05T22:00:00Z", False),
        ("2024-04-06T00:00:00+02:00", False),
    ],
)
async def test_a_day_is_a_day_in_the_netherlands_and_the_last_is_left_out(api: Api, tijdstip: str, *, found: bool) -> None:
    await api.posted(tijdstip=tijdstip)
    assert (await api.search(beginDatum="2024-04-05", eindDatum="2024-04-06")).json()["count"] == found


async def test_an_empty_period_gives_an_empty_answer(api: Api) -> None:
    await api.posted()
    response = await api.search(beginDatum="2024-04-05", eindDatum="2024-04-05")
    assert (response.status_code, response.json()) == (200, {"count": 0, "next": None, "previous": None, "results": []})


@pytest.mark.parametrize("period", [{"beginDatum": "0001-01-01"}, {"eindDatum": "9999-12-31"}])
async def test_the_ends_of_the_calendar_are_days_too(api: Api, period: dict[str, Any]) -> None:
    await api.posted()
    assert (await api.search(**period)).json()["count"] == 1


async def test_results_are_ordered_by_instant_whatever_their_offset(api: Api) -> None:
    for tijdstip in ("2024-04-05T12:00:00+02:00", "2024-04-05T11:30:00Z", "2024-04-05T12:30:00+01:00", "1901-01-01T00:00:00Z"):
        await api.posted(tijdstip=tijdstip, actieNaam=tijdstip)
    # The two at 11:30 UTC: what was registered last comes first (D5).
    assert names(await api.search()) == [
        "2024-04-05T12:30:00+01:00",
        "2024-04-05T11:30:00Z",
        "2024-04-05T12:00:00+02:00",
        "1901-01-01T00:00:00Z",
    ]


async def test_pages_follow_each_other_and_miss_nothing(api: Api) -> None:
    for number in range(7):
        await api.posted(actieNaam=str(number), tijdstip=f"2024-04-05T14:35:4{number}Z")
    response = await api.search(pageSize=3, beginDatum="2024-01-01", vertrouwelijkheid="normaal")
    seen = names(response)
    assert response.json()["previous"] is None
    while address := response.json()["next"]:
        assert address.startswith("https://log.example.nl/api/v1/verwerkingsacties?")
        assert list(parse_qs(urlsplit(address).query)) == ["cursor"]
        previous, response = response, await api.http.get(address, headers=api.auth())
        back = await api.http.get(response.json()["previous"], headers=api.auth())
        assert back.json()["results"] == previous.json()["results"]
        seen += names(response)
        assert response.json()["count"] == 7
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


@pytest.mark.parametrize("of_inzage", [False, True])
async def test_what_fits_on_one_page_comes_as_it_does_on_many(api: Api, *, of_inzage: bool) -> None:
    """That is another statement: same order, also of what has one tijdstip and of somebody who occurs twice, and same count."""
    for number in range(5):
        twice = [person("2308572", betrokkenheid="Partner"), person("1"), person("2308572", betrokkenheid="Getuige")]
        moment = "2024-04-05T14:35:42Z" if number < 3 else f"2024-04-0{number}T14:35:42+02:00"
        await api.posted(tijdstip=moment, verwerkteObjecten=twice if number % 2 else twice[:2])
    search = api.inzage if of_inzage else api.search

    async def page(number: int, size: int) -> Any:
        response = await search(beginDatum="2024-01-01", eindDatum="2025-01-01", page=number, pageSize=size)
        assert response.status_code == 200, response.text
        return response.json()

    whole = await page(1, 100)
    for size in (1, 2, len(whole["results"])):
        pages = [await page(number, size) for number in range(1, -(-whole["count"] // size) + 1)]
        assert [each for part in pages for each in part["results"]] == whole["results"]
        assert {part["count"] for part in pages} == {whole["count"]} == {len(whole["results"])}


@pytest.mark.parametrize("page", [2, 999_999_999])
async def test_a_page_beyond_the_end_does_not_exist(api: Api, page: int) -> None:
    await api.posted()
    assert (await api.search(page=page)).status_code == 404


async def test_only_the_newest_version_is_read(api: Api) -> None:
    answer = await api.posted(actieNaam="eerst", verwerkteObjecten=[person("2308572"), person("1")])
    await api.correct(answer, actieNaam="toen", verwerkteObjecten=[person("2308572")])
    await api.correct(answer, actieNaam="nu", verwerkteObjecten=[person("2308572")])
    assert names(await api.search()) == ["nu"]
    assert (await api.search(objectId="1")).json()["count"] == 0
    newest = (await api.actie(answer["actieId"])).json()
    assert (newest["actieNaam"], newest["actieId"], newest["url"]) == ("nu", answer["actieId"], answer["url"])
    assert newest["verwerkteObjecten"] == answer["verwerkteObjecten"][:1]


async def test_what_is_vervallen_appears_nowhere(api: Api) -> None:
    answer = await api.posted()
    await api.correct(answer, vervallen=True)
    assert (await api.search()).json()["count"] == 0
    assert (await api.inzage()).json()["count"] == 0
    gone = await api.actie(answer["actieId"])
    unknown = await api.actie(UNKNOWN)
    assert (gone.status_code, unknown.status_code) == (404, 404)
    assert {**gone.json(), "instance": ""} == {**unknown.json(), "instance": ""}
    assert (await api.verwerkt_object(answer["verwerkteObjecten"][0]["verwerktObjectId"])).status_code == 404
