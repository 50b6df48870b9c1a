"""``POST /v1/traces``: spans of Logboek Dataverwerkingen become verwerkingsacties, whatever a Collector does to them on the way."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import pytest
from plugins.register.tests.otlp_requests import (
    JSON,
    OTLP_URL,
    PROTOBUF,
    Receiver,
    an_actie,
    encoded,
    logregels,
    outcome,
    receiving,
    request_of,
)
from prometheus_client import generate_latest

from verwerkingenlogging import Vertrouwelijkheid, Verwerkingsactie
from verwerkingenlogging.ldv import key_of
from verwerkingenlogging_register import Settings

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api, Place


BSN = "2308572"
OWN = {"url", "actieId", "verwerktObjectId", "tijdstipRegistratie"}
FOREIGN: dict[str, Any] = {
    "name": "Opvragen inkomen",
    "trace_id": bytes(range(16)),
    "span_id": b"vreemdes",
    "start_time_unix_nano": 1_712_324_142_000_000_000,
    "end_time_unix_nano": 1_712_324_143_000_000_000,
    "attributes": {
        "dpl.core.processing_activity_id": "https://register.example/activiteiten/7",
        "dpl.core.data_subject_id": BSN,
        "dpl.core.data_subject_id_type": "BSN",
    },
    "resource": {"service.name": "inkomen", "service.version": "2.1"},
}


def body_of(answer: dict[str, Any]) -> dict[str, Any]:
    """What was said in it, without what is the register's own."""
    said = {name: value for name, value in answer.items() if name not in OWN}
    return said | {"verwerkteObjecten": [body_of(each) for each in answer["verwerkteObjecten"]]} if "verwerkteObjecten" in said else said


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
async def test_a_span_gives_the_actie_that_a_post_gives(
    api: Api, receiver: Receiver, full: dict[str, Any], content_type: str, compressed: bool
) -> None:
    posted = await api.posted(**full)
    actie = msgspec.convert(full, Verwerkingsactie)
    assert outcome(await receiver.post(**encoded(request_of(*logregels(actie)), content_type, compressed=compressed))) == (0, "")
    first, second = await receiver.acties()
    assert body_of(first) == body_of(posted)
    assert body_of(second) == body_of(posted)
    assert first["actieId"] != second["actieId"]


async def test_an_actie_about_several_is_one_actie_however_its_spans_come(receiver: Receiver) -> None:
    numbers = ("111", "222", "333")
    for number, order in enumerate(itertools.permutations(range(4))):
        spans = logregels(an_actie(*numbers, actie_naam=f"Volgorde {number}"), number + 1)
        assert len(spans) == 4
        for place in order[:2]:
            assert await receiver.export(spans[place]) == (0, "")
        assert await receiver.export(*[spans[place] for place in order[2:]], spans[order[0]]) == (0, "")
    acties = await receiver.acties()
    assert [actie["actieNaam"] for actie in acties] == [f"Volgorde {number}" for number in range(24)]
    for actie in acties:
        assert [objekt["objectId"] for objekt in actie["verwerkteObjecten"]] == list(numbers)
        assert [objekt["betrokkenheid"] for objekt in actie["verwerkteObjecten"]] == ["Persoon 0", "Persoon 1", "Persoon 2"]


async def test_what_is_sent_again_is_stored_once(receiver: Receiver, stored: Callable[[], int]) -> None:
    span, *_ = logregels(an_actie(BSN))
    for _ in range(3):
        assert await receiver.export(span) == (0, "")
    assert await receiver.export(span, span, span) == (0, "")
    assert stored() == 1


async def test_so_is_what_is_sent_many_times_at_once(receiver: Receiver, stored: Callable[[], int]) -> None:
    spans = [logregels(an_actie(BSN, actie_naam=f"Actie {number}"), number)[0] for number in range(1, 9)]
    answers = await asyncio.gather(*(receiver.export(*spans[number % 4 :], *spans[: number % 4]) for number in range(12)))
    assert answers == [(0, "")] * 12
    assert stored() == 8


@pytest.mark.parametrize("place", ["postgresql-18"], indirect=True)
async def test_so_is_what_is_sent_to_several_workers_at_once(settings: Settings, place: Place, stored: Callable[[], int]) -> None:
    """Each has a writer of its own, as the workers of one register on PostgreSQL have."""
    spans = [logregels(an_actie(BSN), number)[0] for number in range(1, 101)]
    async with receiving(settings, place) as one, receiving(settings, place) as other, receiving(settings, place) as third:
        answers = await asyncio.gather(*(worker.export(*spans) for worker in (one, other, third, one, other, third)))
    assert answers == [(0, "")] * 6
    assert stored() == 100


async def test_more_than_one_job_holds_is_stored_too(receiver: Receiver, stored: Callable[[], int]) -> None:
    spans = [logregels(an_actie(BSN), number)[0] for number in range(1, 1202)]
    assert await receiver.export(*spans, *spans[:100]) == (0, "")
    assert stored() == 1201


@pytest.mark.parametrize("together", [False, True])
async def test_one_span_id_for_two_acties_is_refused(receiver: Receiver, stored: Callable[[], int], together: bool) -> None:
    span, *_ = logregels(an_actie(BSN))
    other, *_ = logregels(an_actie("333"))
    refused = (1, "1 spans geweigerd: 1 keer trace_id en span_id zijn al gebruikt voor een andere verwerkingsactie")
    if together:
        assert await receiver.export(span, other) == refused
    else:
        assert await receiver.export(span) == (0, "")
        assert await receiver.export(other) == refused
    assert stored() == 1


async def test_nor_may_one_be_the_key_of_a_batch(api: Api, receiver: Receiver, full: dict[str, Any], stored: Callable[[], int]) -> None:
    span, *_ = logregels(an_actie(BSN))
    assert (await api.batch([full], headers={"Idempotency-Key": key_of(span)})).status_code == 200
    assert (await receiver.export(span))[0] == 1
    assert stored() == 1


async def test_another_client_may_use_the_same_ids(
    api: Api, receiver: Receiver, token: Callable[..., str], stored: Callable[[], int]
) -> None:
    span, *_ = logregels(an_actie(BSN))
    assert await receiver.export(span) == (0, "")
    sent = encoded(request_of(*logregels(an_actie("333"))))
    headers = {**sent["headers"], "Authorization": f"Bearer {token('gemeente')}"}
    assert outcome(await api.http.post(OTLP_URL, content=sent["content"], headers=headers)) == (0, "")
    assert stored() == 2


class TestASpanOfAnotherApplication:
    async def test_is_an_actie_with_what_the_standard_of_logboek_dataverwerkingen_says(self, receiver: Receiver) -> None:
        assert await receiver.export(FOREIGN) == (0, "")
        (actie,) = await receiver.acties()
        assert {name: value for name, value in body_of(actie).items() if value} == {
            "actieNaam": "Opvragen inkomen",
            "verwerkingsactiviteitUrl": "https://register.example/activiteiten/7",
            "systeem": "inkomen 2.1",
            "tijdstip": "2024-04-05T13:35:42Z",
            "vertrouwelijkheid": "vertrouwelijk",
            "verwerkteObjecten": [
                {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": BSN, "betrokkenheid": "", "verwerkteSoortenGegevens": []}
            ],
        }

    async def test_needs_the_scope_for_what_is_confidential_as_long_as_nobody_says_that_it_is_not(
        self, receiver: Receiver, stored: Callable[[], int]
    ) -> None:
        refused = "1 spans geweigerd: 1 keer Hiervoor is de scope create:confidential nodig."
        assert await receiver.export(FOREIGN, scope="create:normal") == (1, refused)
        assert stored() == 0

    async def test_is_normaal_where_the_deployment_says_so(self, settings: Settings, place: Place) -> None:
        async with receiving(dataclasses.replace(settings, otlp_vertrouwelijkheid=Vertrouwelijkheid.NORMAAL), place) as receiver:
            assert await receiver.export(FOREIGN, scope="create:normal") == (0, "")
            (actie,) = await receiver.acties()
            assert actie["vertrouwelijkheid"] == "normaal"

    async def test_may_name_an_activiteit_by_its_id(self, receiver: Receiver) -> None:
        activiteit = UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf")
        attributes = {**FOREIGN["attributes"], "dpl.core.processing_activity_id": activiteit.urn}
        assert await receiver.export({**FOREIGN, "attributes": attributes}) == (0, "")
        (actie,) = await receiver.acties()
        assert (actie["verwerkingsactiviteitId"], actie["verwerkingsactiviteitUrl"]) == (str(activiteit), "")

    @pytest.mark.parametrize("attributes", [{}, {"http.route": "/personen/{bsn}"}, {"dplx.core": "x"}, {"dpl": {"core": "x"}}])
    async def test_that_is_no_logregel_is_refused_politely_and_never_stored(
        self, receiver: Receiver, stored: Callable[[], int], attributes: dict[str, Any]
    ) -> None:
        own = logregels(an_actie(BSN))
        other = {**FOREIGN, "attributes": attributes}
        message = "2 spans geweigerd: 2 keer geen attribuut dat met dpl. begint"
        assert await receiver.export(other, *own, other) == (2, message)
        assert stored() == 1


async def test_spans_are_counted_by_what_became_of_them(api: Api, receiver: Receiver) -> None:
    several = logregels(an_actie("111", "222"))
    await receiver.export(*several, {**FOREIGN, "attributes": {}})
    await receiver.export(several[0])
    lines = [line for line in generate_latest(api.register.metrics.registry).decode().splitlines() if "otlp_spans_total{" in line]
    assert sorted(lines) == [
        f'verwerkingenlog_otlp_spans_total{{outcome="{outcome}"}} {count}'
        for outcome, count in (("part", "2.0"), ("refused", "1.0"), ("repeated", "1.0"), ("stored", "1.0"))
    ]


async def test_nothing_is_taken_for_a_success(receiver: Receiver, stored: Callable[[], int]) -> None:
    assert await receiver.export() == (0, "")
    assert outcome(await receiver.post(content=b"{}", headers={"Content-Type": JSON})) == (0, "")
    assert stored() == 0
