"""``Idempotency-Key``: what is sent again is not done again (X58, D12)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api

# Decided in Python: one kind of database is enough.
SQLITE = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

GOOD: dict[str, Any] = {
    "vertrouwelijkheid": "normaal",
    "tijdstip": "2024-04-05T14:35:42Z",
    "verwerkteObjecten": [{"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "2308572"}],
}
KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"


async def post(api: Api, body: Any = GOOD, key: str = KEY, *, client: str = "alles", scope: str | None = None) -> httpx2.Response:
    token = api.auth(scope)["Authorization"] if client == "alles" else f"Bearer {_token(client)}"
    return await api.http.post("/verwerkingsacties", json=body, headers={"Authorization": token, "Idempotency-Key": key})


def _token(client: str) -> str:
    from plugins.register.tests.conftest import make_token

    return make_token(client)


async def test_the_same_key_and_body_give_the_same_answer_and_one_actie(api: Api, full: dict[str, Any], stored: Callable[[], int]) -> None:
    first = await post(api, full)
    again = await post(api, full)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["Location"] == first.headers["Location"]
    assert stored() == 1


async def test_the_same_body_is_one_that_says_the_same(api: Api, stored: Callable[[], int]) -> None:
    first = await post(api)
    again = await post(api, {**dict(reversed(GOOD.items())), "vertrouwelijkheid": "Normaal", "actieNaam": None, "onbekend": 1})
    assert (again.json(), stored()) == (first.json(), 1)


@pytest.mark.parametrize(
    "change",
    [
        {"tijdstip": "2024-04-05T14:35:43Z"},
        {"actieNaam": "x"},
        {"verwerkteObjecten": []},
        {"verwerkteObjecten": [{**GOOD["verwerkteObjecten"][0], "betrokkenheid": "Getuige"}]},
        {"verwerkteObjecten": GOOD["verwerkteObjecten"] * 2},
    ],
)
async def test_another_body_under_a_used_key_is_refused(api: Api, stored: Callable[[], int], change: dict[str, Any]) -> None:
    await post(api)
    response = await post(api, {**GOOD, **change})
    assert (response.status_code, response.json()["code"]) == (422, "idempotency-key-used")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert stored() == 1


async def test_the_answer_stays_the_first_one_when_the_actie_was_corrected_since(api: Api, stored: Callable[[], int]) -> None:
    first = (await post(api)).json()
    await api.put(first, actieNaam="Gecorrigeerd")
    await api.delete(first["actieId"])
    assert (await post(api)).json() == first
    assert stored() == 3


async def test_a_key_is_one_clients_own(api: Api, stored: Callable[[], int]) -> None:
    assert (await post(api)).json()["actieId"] != (await post(api, client="gemeente")).json()["actieId"]
    assert stored() == 2


@pytest.mark.parametrize(("body", "scope"), [({}, None), ({**GOOD, "vertrouwelijkheid": "vertrouwelijk"}, "create:normal")])
async def test_only_success_uses_a_key_up(api: Api, stored: Callable[[], int], body: Any, scope: str | None) -> None:
    assert (await post(api, body, scope=scope)).status_code in {400, 403}
    assert (await post(api)).status_code == 201
    assert stored() == 1


async def test_a_scope_that_was_lost_since_refuses_the_repetition_too(api: Api) -> None:
    body = {**GOOD, "vertrouwelijkheid": "vertrouwelijk"}
    assert (await post(api, body)).status_code == 201
    assert (await post(api, body, scope="create:normal")).status_code == 403


async def test_two_at_the_same_time_are_one_and_a_conflict(api: Api, stored: Callable[[], int]) -> None:
    responses = await asyncio.gather(*[post(api) for _ in range(10)])
    statuses = [response.status_code for response in responses]
    assert set(statuses) <= {201, 409}
    assert len({response.json()["actieId"] for response in responses if response.status_code == 201}) == 1
    assert all(response.headers["Retry-After"] == "1" for response in responses if response.status_code == 409)
    assert stored() == 1
    assert (await post(api)).status_code == 201


async def test_many_keys_at_once_are_kept_apart(api: Api, stored: Callable[[], int]) -> None:
    for _ in range(2):
        responses = await asyncio.gather(*[post(api, {**GOOD, "actieNaam": str(number)}, f"key-{number}") for number in range(100)])
        assert [response.json()["actieNaam"] for response in responses] == [str(number) for number in range(100)]
    assert stored() == 100


@SQLITE
@pytest.mark.parametrize("key", ["", "met spatie", "x" * 256, "é"])
async def test_a_malformed_key_is_a_fault_beside_the_others(api: Api, stored: Callable[[], int], key: str) -> None:
    headers = {**{name.encode(): value.encode() for name, value in api.auth().items()}, b"Idempotency-Key": key.encode()}
    response = await api.http.post("/verwerkingsacties", json={**GOOD, "tijdstip": ""}, headers=headers)
    assert [(fault["name"], fault["code"]) for fault in response.json()["invalidParams"]] == [
        ("Idempotency-Key", "invalid"),
        ("tijdstip", "required"),
    ]
    assert stored() == 0


@SQLITE
async def test_a_key_that_is_sent_twice_is_refused(api: Api) -> None:
    headers = [*api.auth().items(), ("Idempotency-Key", "a"), ("idempotency-key", "a")]
    assert (await api.http.post("/verwerkingsacties", json=GOOD, headers=headers)).status_code == 400


class TestBatch:
    """The same for a batch, by its header and by the key of each actie."""

    async def test_a_batch_that_is_sent_again_stores_nothing_new(self, api: Api, stored: Callable[[], int]) -> None:
        acties = [{**GOOD, "actieNaam": str(number)} for number in range(3)]
        first = await api.batch(acties, headers={"Idempotency-Key": KEY})
        again = await api.batch(acties, headers={"Idempotency-Key": KEY})
        assert again.json() == first.json()
        assert stored() == 3

    async def test_another_batch_under_its_key_is_refused_whole(self, api: Api, stored: Callable[[], int]) -> None:
        acties = [{**GOOD, "actieNaam": str(number)} for number in range(3)]
        await api.batch(acties, headers={"Idempotency-Key": KEY})
        for other in (acties[:2], [*acties, GOOD], [*acties[:2], GOOD], acties[::-1]):
            response = await api.batch(other, headers={"Idempotency-Key": KEY})
            assert (response.status_code, response.json()["code"]) == (422, "idempotency-key-used")
        assert (await post(api)).status_code == 422
        assert stored() == 3

    async def test_what_failed_may_be_put_right_under_the_same_key(self, api: Api, stored: Callable[[], int]) -> None:
        first = await api.batch([GOOD, {}], headers={"Idempotency-Key": KEY})
        assert [result["status"] for result in first.json()["results"]] == [201, 400]
        again = await api.batch([GOOD, GOOD], headers={"Idempotency-Key": KEY})
        assert [result["status"] for result in again.json()["results"]] == [201, 201]
        assert again.json()["results"][0] == first.json()["results"][0]
        assert stored() == 2

    async def test_each_actie_may_have_a_key_of_its_own(self, api: Api, stored: Callable[[], int]) -> None:
        single = (await post(api, GOOD, "een")).json()
        acties = [{**GOOD, "idempotencyKey": "een"}, {**GOOD, "idempotencyKey": "twee"}, {**GOOD, "idempotencyKey": "twee"}]
        first = (await api.batch(acties)).json()["results"]
        assert [result["status"] for result in first] == [201, 201, 400]
        assert first[0]["actieId"] == single["actieId"]
        acties = [{**GOOD, "idempotencyKey": "drie"}, {**GOOD, "idempotencyKey": "twee", "actieNaam": "anders"}]
        second = (await api.batch(acties)).json()["results"]
        assert [result["status"] for result in second] == [201, 422]
        assert stored() == 3
