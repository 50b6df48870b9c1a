"""POST /verwerkingsacties/_batch: many acties, a result for each (X59). An extension."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api

GOOD: dict[str, Any] = {
    "vertrouwelijkheid": "normaal",
    "tijdstip": "2024-04-05T14:35:42Z",
    "verwerkteObjecten": [{"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "2308572"}],
}


async def test_each_actie_is_stored_as_a_post_would(api: Api, full: dict[str, Any], stored: Callable[[], int]) -> None:
    response = await api.batch([full, GOOD])
    results = response.json()["results"]
    assert response.status_code == 200
    assert [set(result) for result in results] == [{"status", "actieId", "url"}] * 2
    assert [result["status"] for result in results] == [201, 201]
    first = (await api.http.get(results[0]["url"], headers=api.auth())).json()
    assert {name: first[name] for name in full if name != "verwerkteObjecten"} == {
        name: value for name, value in full.items() if name != "verwerkteObjecten"
    }
    assert first["actieId"] == results[0]["actieId"]
    assert stored() == 2


async def test_what_is_wrong_with_one_does_not_refuse_the_others(api: Api, stored: Callable[[], int]) -> None:
    acties = [
        GOOD,
        {**GOOD, "tijdstip": "999990019", "uitvoerder": "1"},
        {**GOOD, "vertrouwelijkheid": "vertrouwelijk"},
        {**GOOD, "vertrouwelijkheid": "opgeheven"},
        "999990019",
        {**GOOD, "idempotencyKey": "met spatie"},
        {**GOOD, "verwerkteObjecten": []},
    ]
    response = await api.batch(acties, scope="create:normal")
    results = response.json()["results"]
    assert [result["status"] for result in results] == [201, 400, 403, 403, 400, 400, 201]
    assert [fault["name"] for fault in results[1]["problem"]["invalidParams"]] == ["uitvoerder", "tijdstip"]
    assert [fault["name"] for fault in results[4]["problem"]["invalidParams"]] == ["acties.4"]
    assert [fault["name"] for fault in results[5]["problem"]["invalidParams"]] == ["idempotencyKey"]
    assert {"type", "code", "title", "status", "detail", "instance"} == set(results[2]["problem"])
    assert all(result["problem"]["status"] == result["status"] for result in results if "problem" in result)
    assert "999990019" not in response.text
    assert stored() == 2


async def test_a_batch_of_wrong_acties_stores_nothing(api: Api, stored: Callable[[], int]) -> None:
    response = await api.batch([{}, {}])
    assert [result["status"] for result in response.json()["results"]] == [400, 400]
    assert stored() == 0


async def test_a_thousand_are_taken_in_the_order_of_the_batch(api: Api, stored: Callable[[], int]) -> None:
    response = await api.batch([{**GOOD, "actieNaam": str(number)} for number in range(1000)])
    urls = [result["url"] for result in response.json()["results"]]
    assert (len(set(urls)), stored()) == (1000, 1000)
    for number in (0, 500, 999):
        assert (await api.http.get(urls[number], headers=api.auth())).json()["actieNaam"] == str(number)


@pytest.mark.parametrize("body", ["5", "true", "null", '"tekst"', "[]", "[[{}]]"])
async def test_what_is_no_object_is_no_batch(api: Api, stored: Callable[[], int], body: str) -> None:
    headers = {**api.auth(), "Content-Type": "application/json"}
    response = await api.http.post("/verwerkingsacties/_batch", content=body, headers=headers)
    assert response.status_code == 400
    assert stored() == 0


@pytest.mark.parametrize(
    ("body", "name", "code"),
    [
        ({}, "acties", "required"),
        ({"acties": None}, "acties", "required"),
        ({"acties": []}, "acties", "required"),
        ({"acties": {}}, "acties", "invalid"),
        ({"acties": [GOOD] * 1001}, "acties", "max-length"),
        ([GOOD], "body", "invalid"),
    ],
)
async def test_what_is_no_batch_is_refused_whole(api: Api, stored: Callable[[], int], body: Any, name: str, code: str) -> None:
    response = await api.http.post("/verwerkingsacties/_batch", json=body, headers=api.auth())
    assert response.status_code == 400, response.text
    assert [(fault["name"], fault["code"]) for fault in response.json()["invalidParams"]] == [(name, code)]
    assert stored() == 0


async def test_a_batch_may_be_larger_than_one_body(api: Api) -> None:
    assert (await api.batch([{**GOOD, "systeem": "x" * 240, "vulling": "x" * 3000}] * 1000)).status_code == 200
    assert (await api.batch([{**GOOD, "vulling": "x" * 20_000}] * 1000)).status_code == 413


async def test_a_client_with_an_oin_sends_no_batch_under_another(api: Api, token: Callable[..., str], stored: Callable[[], int]) -> None:
    headers = {"Authorization": f"Bearer {token('gemeente')}", "OIN": "00000001821002193000"}
    assert (await api.batch([GOOD], headers=headers)).status_code == 403
    assert stored() == 0
