"""``POST /verwerkingsacties/_bevestig``: who sends through others can ask whether it is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from plugins.register.tests.otlp_requests import Receiver, an_actie, logregels

from verwerkingenlogging import Vertrouwelijkheid
from verwerkingenlogging.ldv import key_of
from verwerkingenlogging_register._requests.recent_refusals import RecentRefusals, Refused

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api

BSN = "2308572"
MINIMAL: dict[str, Any] = {
    "vertrouwelijkheid": "normaal",
    "tijdstip": "2024-04-05T14:35:42Z",
    "verwerkteObjecten": [{"objecttype": "persoon", "soortObjectId": "BSN", "objectId": BSN}],
}


async def ask(api: Api, *keys: Any, authorization: str | None = None, **question: Any) -> Any:
    """The answer to a question that is well put."""
    headers = {"Authorization": authorization} if authorization else api.auth()
    response = await api.http.post("/verwerkingsacties/_bevestig", json={"idempotencyKeys": keys, **question}, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


async def test_says_of_each_span_whether_it_is_stored(api: Api, receiver: Receiver) -> None:
    keys = [key_of(logregels(an_actie(BSN), number)[0]) for number in range(1, 901)]
    await receiver.export(*[logregels(an_actie(BSN), number)[0] for number in range(1, 900)])
    assert await ask(api, *keys) == {"missing": [keys[-1]], "refused": []}


async def test_says_once_why_one_was_refused(api: Api, receiver: Receiver) -> None:
    span, *_ = logregels(an_actie(BSN, vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK))
    await receiver.export(span, scope="create:normal")
    status, reason = 403, "Hiervoor is de scope create:confidential nodig."
    assert await ask(api, key_of(span)) == {
        "missing": [],
        "refused": [{"idempotencyKey": key_of(span), "status": status, "reason": reason}],
    }
    assert await ask(api, key_of(span)) == {"missing": [key_of(span)], "refused": []}
    await receiver.export(span, scope="create:normal")
    await receiver.export(span)
    assert await ask(api, key_of(span)) == {"missing": [], "refused": []}
    await receiver.export(*logregels(an_actie("333")))
    status, reason = 422, "trace_id en span_id zijn al gebruikt voor een andere verwerkingsactie"
    assert await ask(api, key_of(span)) == {
        "missing": [],
        "refused": [{"idempotencyKey": key_of(span), "status": status, "reason": reason}],
    }


async def test_says_so_of_what_was_posted_with_a_key_too(api: Api) -> None:
    for key in ("sleutel-1", "sleutel-2"):
        response = await api.http.post("/verwerkingsacties", json=MINIMAL, headers={**api.auth(), "Idempotency-Key": key})
        assert response.status_code == 201
    assert await ask(api, "sleutel-3", "sleutel-2", "sleutel-1") == {"missing": ["sleutel-3"], "refused": []}


async def test_only_who_sent_them_may_ask_and_hears_of_a_refusal_whoever_asked_before(
    api: Api, receiver: Receiver, token: Callable[..., str]
) -> None:
    span, *_ = logregels(an_actie(BSN, vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK))
    await receiver.export(span, scope="create:normal")
    key = key_of(span)
    stranger = {"Authorization": f"Bearer {token('gemeente')}"}
    told = []
    for client in ("alles", "onbekend"):
        question = {"client": client, "idempotencyKeys": [key]}
        response = await api.http.post("/verwerkingsacties/_bevestig", json=question, headers=stranger)
        assert response.status_code == 403
        told.append({**response.json(), "instance": None})
    assert told[0] == told[1]  # nor is it told which clients there are
    assert await ask(api, key, authorization=stranger["Authorization"]) == {"missing": [key], "refused": []}
    assert [refusal["status"] for refusal in (await ask(api, key, client="alles"))["refused"]] == [403]


async def test_whether_another_stored_something_is_not_told(api: Api, receiver: Receiver, token: Callable[..., str]) -> None:
    span, *_ = logregels(an_actie(BSN))
    await receiver.export(span)
    authorization = f"Bearer {token('gemeente')}"
    assert await ask(api, key_of(span), authorization=authorization) == {"missing": [key_of(span)], "refused": []}
    assert await ask(api, key_of(span), client="alles") == {"missing": [], "refused": []}


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_a_key_that_is_asked_for_twice_is_not_both_refused_and_missing(api: Api, receiver: Receiver) -> None:
    span, *_ = logregels(an_actie(BSN, vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK))
    await receiver.export(span, scope="create:normal")
    answer = await ask(api, key_of(span), "een", key_of(span), "een")
    assert [refusal["idempotencyKey"] for refusal in answer["refused"]] == [key_of(span)]
    assert answer["missing"] == ["een"]


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("question", "status", "name"),
    [
        ({"idempotencyKeys": []}, 400, "idempotencyKeys"),
        ({}, 400, "idempotencyKeys"),
        ({"idempotencyKeys": "x"}, 400, "idempotencyKeys"),
        ({"idempotencyKeys": ["2308572 met spaties"]}, 400, "idempotencyKeys.0"),
        ({"idempotencyKeys": [""]}, 400, "idempotencyKeys.0"),
        ({"idempotencyKeys": ["x"] * 1001}, 400, "idempotencyKeys"),
        ({"idempotencyKeys": ["x"], "bsn": 1}, 400, "bsn"),
    ],
)
async def test_another_question_is_refused_by_its_fault(api: Api, question: Any, status: int, name: str) -> None:
    response = await api.http.post("/verwerkingsacties/_bevestig", json=question, headers=api.auth())
    assert response.status_code == status
    assert [fault["name"] for fault in response.json()["invalidParams"]] == [name]
    assert BSN not in response.text


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_a_stranger_is_told_nothing(api: Api) -> None:
    assert (await api.http.post("/verwerkingsacties/_bevestig", json={"idempotencyKeys": ["x"]})).status_code == 401


def test_only_so_many_refusals_are_remembered() -> None:
    recent, refused = RecentRefusals(2), Refused(400, "reden")
    for key in ("a", "b", "c"):
        recent.add("client", key, refused)
    assert [recent.take("client", key) for key in ("a", "b", "c")] == [None, refused, refused]
    assert recent.take("ander", "c") is None


def test_a_client_that_is_refused_much_makes_no_other_forget() -> None:
    recent, refused = RecentRefusals(2), Refused(400, "reden")
    recent.add("een", "a", refused)
    for key in range(10):
        recent.add("ander", str(key), refused)
    assert recent.take("een", "a") == refused
