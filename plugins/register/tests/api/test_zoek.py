"""The searches by body: the same rules as by query string, and no number of a persoon in an address (X57)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pytest

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api

# Decided in Python: one kind of database is enough.
SQLITE = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

PERSON = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "2308572"}
PERIOD = {"beginDatum": "2000-01-01", "eindDatum": "2100-01-01"}
DOELBINDING = {
    "OIN": "00000099123456780000",
    "VerwerkingsactiviteitId": "5f0bef4c-f66f-4311-84a5-19e8bf359eaf",
    "VerwerkingsactiviteitUrl": "urn:uuid:5f0bef4c-f66f-4311-84a5-19e8bf359eaf",
}


async def zoek(
    api: Api, where: str, body: Any, *, scope: str | None = None, headers: dict[str, str] | None = None, **query: Any
) -> httpx2.Response:
    given = DOELBINDING if headers is None else headers
    return await api.http.post(f"/{where}/_zoek", json=body, params=query, headers={**api.auth(scope), **given})


@pytest.mark.parametrize(
    "criteria",
    [
        {},
        {"beginDatum": "2024-04-05", "eindDatum": "2024-04-06"},
        {"beginDatum": "2025-01-01"},
        {"verwerkingsactiviteitId": "5f0bef4c-f66f-4311-84a5-19e8bf359eaf"},
        {"vertrouwelijkheid": "normaal"},
        {"vertrouwelijkheid": "Vertrouwelijk,opgeheven"},
        {"objectId": "1"},
    ],
)
async def test_both_ways_of_asking_give_the_same(api: Api, full: dict[str, Any], criteria: dict[str, Any]) -> None:
    await api.posted(**full)
    await api.posted(vertrouwelijkheid="vertrouwelijk")
    by_query, by_body = await api.search(**criteria), await zoek(api, "verwerkingsacties", {**PERSON, **criteria})
    assert (by_body.status_code, by_body.json()) == (by_query.status_code, by_query.json())
    if "vertrouwelijkheid" not in criteria:
        asked = {**PERIOD, **criteria}
        by_query, by_body = await api.inzage(**asked), await zoek(api, "verwerkte-objecten", {**PERSON, **asked})
        assert (by_body.status_code, by_body.json()) == (by_query.status_code, by_query.json())


async def test_vertrouwelijkheid_may_be_a_list_and_a_verwerking_needs_no_persoon(api: Api) -> None:
    verwerking = "89aa7a9a-1f79-44de-b32e-8e38e07138f3"
    await api.posted(verwerkingId=verwerking, vertrouwelijkheid="vertrouwelijk")
    body = {**PERSON, "vertrouwelijkheid": ["normaal", "vertrouwelijk"]}
    assert (await zoek(api, "verwerkingsacties", body)).json()["count"] == 1
    assert (await zoek(api, "verwerkingsacties", {"verwerkingId": verwerking, "objectId": None})).json()["count"] == 1


@pytest.mark.parametrize(("where", "more"), [("verwerkingsacties", {}), ("verwerkte-objecten", PERIOD)])
async def test_pages_are_named_in_the_address_and_nobody_else_is(api: Api, where: str, more: dict[str, str]) -> None:
    for number in range(5):
        await api.posted(tijdstip=f"2024-04-05T14:35:4{number}Z")
    response = await zoek(api, where, {**PERSON, **more}, pageSize=2)
    seen = [result["url"] for result in response.json()["results"]]
    while address := response.json()["next"]:
        assert "2308572" not in address
        response = await api.http.post(address, json={**PERSON, **more}, headers={**api.auth(), **DOELBINDING})
        seen += [result["url"] for result in response.json()["results"]]
    assert len(set(seen)) == 5
    assert "2308572" not in response.json()["previous"]
    assert (await zoek(api, where, {**PERSON, **more}, page=9)).status_code == 404


@SQLITE
@pytest.mark.parametrize(
    ("where", "body", "query", "expected"),
    [
        ("verwerkingsacties", {}, {}, [("objecttype", "required"), ("soortObjectId", "required"), ("objectId", "required")]),
        ("verwerkte-objecten", PERSON, {}, [("beginDatum", "required"), ("eindDatum", "required")]),
        ("verwerkingsacties", {**PERSON, "eindDatm": "2024-01-01"}, {}, [("eindDatm", "unknown")]),
        ("verwerkingsacties", {**PERSON, "page": 2}, {}, [("page", "unknown")]),
        ("verwerkingsacties", {**PERSON, "objectId": 999990019}, {"page": "x"}, [("page", "invalid"), ("objectId", "invalid")]),
        ("verwerkingsacties", {**PERSON, "vertrouwelijkheid": [1]}, {}, [("vertrouwelijkheid", "invalid")]),
        ("verwerkingsacties", {**PERSON, "vertrouwelijkheid": "geheim"}, {}, [("vertrouwelijkheid", "invalid-choice")]),
        ("verwerkingsacties", {**PERSON, "beginDatum": "2024-02-30"}, {}, [("beginDatum", "invalid")]),
        ("verwerkingsacties", [], {}, [("body", "invalid")]),
        ("verwerkte-objecten", {**PERSON, **PERIOD, "vertrouwelijkheid": "normaal"}, {}, [("vertrouwelijkheid", "unknown")]),
    ],
)
async def test_what_is_wrong_is_named_all_at_once(
    api: Api, where: str, body: Any, query: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    response = await zoek(api, where, body, **query)
    assert response.status_code == 400
    assert [(fault["name"], fault["code"]) for fault in response.json()["invalidParams"]] == expected
    assert "999990019" not in response.text


async def test_the_headers_are_as_mandatory_as_with_a_get(api: Api) -> None:
    response = await zoek(api, "verwerkte-objecten", {**PERSON, **PERIOD}, headers={})
    assert [fault["name"] for fault in response.json()["invalidParams"]] == ["OIN", "VerwerkingsactiviteitId", "VerwerkingsactiviteitUrl"]
    assert (await zoek(api, "verwerkingsacties", PERSON, headers={})).status_code == 200
    assert (await zoek(api, "verwerkingsacties", PERSON, headers={"OIN": "1"})).status_code == 400


async def test_scopes_are_the_same(api: Api) -> None:
    for scope, body, status in (
        ("read:normal", PERSON, 403),
        ("read:normal", {**PERSON, "vertrouwelijkheid": "normaal"}, 200),
        ("create:confidential", PERSON, 403),
        ("read:normal", {"verwerkingId": "89aa7a9a-1f79-44de-b32e-8e38e07138f3", "vertrouwelijkheid": ["normaal"]}, 403),
    ):
        assert (await zoek(api, "verwerkingsacties", body, scope=scope)).status_code == status
    assert (await zoek(api, "verwerkte-objecten", {**PERSON, **PERIOD}, scope="")).status_code == 403
