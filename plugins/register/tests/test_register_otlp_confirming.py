"""``POST /v1/traces/_bevestig``: who sends spans through others can ask whether they are stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from plugins.register.tests.otlp_requests import OTLP_URL, Receiver, an_actie, logregels

from verwerkingenlogging import Vertrouwelijkheid
from verwerkingenlogging.ldv import key_of
from verwerkingenlogging_register.refusals import RecentRefusals

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api

BSN = "2308572"


async def ask(api: Api, *spans: Any, authorization: str | None = None, **question: Any) -> Any:
    """The answer to a question that is well put."""
    headers = {"Authorization": authorization} if authorization else api.auth()
    response = await api.http.post(f"{OTLP_URL}/_bevestig", json={"spans": spans, **question}, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


async def test_says_of_each_span_whether_it_is_stored(api: Api, receiver: Receiver) -> None:
    keys = [key_of(logregels(an_actie(BSN), number)[0]) for number in range(1, 1502)]
    await receiver.export(*[logregels(an_actie(BSN), number)[0] for number in range(1, 1501)])
    assert await ask(api, *keys) == {"ontbreekt": [keys[-1]], "geweigerd": []}


async def test_says_why_one_was_refused_until_it_is_stored(api: Api, receiver: Receiver) -> None:
    span, *_ = logregels(an_actie(BSN, vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK))
    await receiver.export(span, scope="create:normal")
    reason = "Hiervoor is de scope create:confidential nodig."
    assert await ask(api, key_of(span)) == {"ontbreekt": [], "geweigerd": [{"span": key_of(span), "reden": reason}]}
    await receiver.export(span)
    assert await ask(api, key_of(span)) == {"ontbreekt": [], "geweigerd": []}
    await receiver.export(*logregels(an_actie("333")))
    reason = "trace_id en span_id zijn al gebruikt voor een andere verwerkingsactie"
    assert await ask(api, key_of(span)) == {"ontbreekt": [], "geweigerd": [{"span": key_of(span), "reden": reason}]}


async def test_another_client_asks_by_the_name_of_the_one_that_sent_them(api: Api, receiver: Receiver, token: Callable[..., str]) -> None:
    span, *_ = logregels(an_actie(BSN))
    await receiver.export(span)
    authorization = f"Bearer {token('gemeente')}"
    assert await ask(api, key_of(span), authorization=authorization) == {"ontbreekt": [key_of(span)], "geweigerd": []}
    assert await ask(api, key_of(span), authorization=authorization, client="alles") == {"ontbreekt": [], "geweigerd": []}


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("question", "status", "name"),
    [
        ({"spans": []}, 400, "spans"),
        ({}, 400, "spans"),
        ({"spans": "x"}, 400, "spans"),
        ({"spans": ["2308572"]}, 400, "spans.0"),
        ({"spans": [f"{'0' * 32}-{'A' * 16}"]}, 400, "spans.0"),
        ({"spans": [f"{'0' * 32}-{'0' * 16}"] * 10_001}, 400, "spans"),
        ({"spans": [f"{'0' * 32}-{'0' * 16}"], "bsn": 1}, 400, "bsn"),
    ],
)
async def test_another_question_is_refused_by_its_fault(api: Api, question: Any, status: int, name: str) -> None:
    response = await api.http.post(f"{OTLP_URL}/_bevestig", json=question, headers=api.auth())
    assert response.status_code == status
    assert [fault["name"] for fault in response.json()["invalidParams"]] == [name]
    assert BSN not in response.text


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_a_stranger_is_told_nothing(api: Api) -> None:
    assert (await api.http.post(f"{OTLP_URL}/_bevestig", json={"spans": []})).status_code == 401


def test_only_so_many_refusals_are_remembered() -> None:
    recent = RecentRefusals(2)
    for key in ("a", "b", "c"):
        recent.add("client", key, "reden")
    assert [recent.reason("client", key) for key in ("a", "b", "c")] == [None, "reden", "reden"]
    assert recent.reason("ander", "c") is None
