"""A name that occurs twice in one JSON object: 400 on every operation that reads a body, at every depth (C11)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from plugins.register.tests.otlp_requests import JSON, PROTOBUF, Receiver, an_actie, in_json, logregels, outcome, request_of, status_of
from plugins.register.tests.wire.test_bad_input import ACTIE, DOELBINDING, assert_problem, param

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api

# Nothing of it comes near the database.
pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

TWICE = "Mag maar één keer voorkomen."
ONE = '{"vertrouwelijkheid": "normaal", "tijdstip": "2024-04-05T14:35:42Z", "verwerkteObjecten": [PERSOON]}'
PERSOON = '{"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "999990019"}'
GOOD = ONE.replace("PERSOON", PERSOON)


def doubled(text: str, name: str, value: str = '"vertrouwelijk"') -> str:
    """``text`` whose outermost object has ``name`` once more, before all others: the last one would win."""
    return text.replace("{", f'{{"{name}": {value}, ', 1)


@pytest.mark.parametrize(
    ("method", "path", "content", "names"),
    [
        ("POST", "/verwerkingsacties", doubled(GOOD, "vertrouwelijkheid"), ["vertrouwelijkheid"]),
        ("POST", "/verwerkingsacties", doubled(GOOD, "v\\u0065rtrouwelijkheid"), ["vertrouwelijkheid"]),
        ("POST", "/verwerkingsacties", doubled(doubled(GOOD, "onbekend"), "onbekend"), ["onbekend"]),
        ("POST", "/verwerkingsacties", ONE.replace("PERSOON", doubled(PERSOON, "objectId")), ["verwerkteObjecten.0.objectId"]),
        ("POST", "/verwerkingsacties", doubled(doubled(GOOD, "vertrouwelijkheid"), "tijdstip"), ["tijdstip", "vertrouwelijkheid"]),
        ("PUT", ACTIE, doubled(GOOD, "tijdstip"), ["tijdstip"]),
        ("PATCH", f"/verwerkingsacties?verwerkingId={ACTIE[-36:]}", '{"bewaartermijn": "P9Y", "bewaartermijn": "P1D"}', ["bewaartermijn"]),
        ("POST", "/verwerkingsacties/_zoek", doubled(PERSOON, "objectId"), ["objectId"]),
        ("POST", "/verwerkte-objecten/_zoek", doubled(PERSOON, "objectId"), ["objectId"]),
        ("POST", "/verwerkingsacties/_bevestig", '{"idempotencyKeys": ["a"], "idempotencyKeys": ["b"]}', ["idempotencyKeys"]),
        ("POST", "/verwerkingsacties/_batch", f'{{"acties": [{GOOD}], "acties": [{GOOD}]}}', ["acties"]),
    ],
)
async def test_a_name_that_occurs_twice_is_named_and_nothing_is_done(
    api: Api, stored: Callable[[], int], method: str, path: str, content: str, names: list[str]
) -> None:
    headers = {**api.auth(), **DOELBINDING, "Content-Type": "application/json"}
    response = await api.http.request(method, path, content=content, headers=headers)
    assert_problem(response, 400, "invalid", [param(name, "invalid", TWICE) for name in names])
    assert stored() == 0


async def test_a_name_that_could_be_a_value_is_not_repeated(api: Api, stored: Callable[[], int]) -> None:
    for content, name in (
        (doubled(doubled(GOOD, "999990019"), "999990019"), "body"),
        (doubled(GOOD, "x", '{"999990019": {"a": 1, "a": 2}}'), "x"),
    ):
        headers = {**api.auth(), "Content-Type": "application/json"}
        response = await api.http.post("/verwerkingsacties", content=content, headers=headers)
        assert_problem(response, 400, "invalid", [param(name, "invalid", "Bevat een eigenschap die meer dan één keer voorkomt.")])
        assert "999990019" not in response.text
    assert stored() == 0


async def test_in_a_batch_it_refuses_that_actie_only(api: Api, stored: Callable[[], int]) -> None:
    acties = [
        GOOD,
        doubled(GOOD, "vertrouwelijkheid"),
        ONE.replace("PERSOON", doubled(PERSOON, "objectId")),
        doubled(doubled(GOOD, "1"), "1"),
    ]
    headers = {**api.auth(), "Content-Type": "application/json"}
    response = await api.http.post("/verwerkingsacties/_batch", content=f'{{"acties": [{", ".join(acties)}]}}', headers=headers)
    first, *others = response.json()["results"]
    assert first["status"] == 201
    assert [(other["status"], [fault["name"] for fault in other["problem"]["invalidParams"]]) for other in others] == [
        (400, ["vertrouwelijkheid"]),
        (400, ["verwerkteObjecten.0.objectId"]),
        (400, ["acties.3"]),
    ]
    assert stored() == 1


async def test_a_thousand_doubled_names_give_a_modest_answer(api: Api) -> None:
    content = json.dumps([{"a": 1}] * 10_000).replace('"a": 1', '"a": 1, "a": 2')
    response = await api.http.post("/verwerkingsacties", content=content, headers={**api.auth(), "Content-Type": "application/json"})
    assert_problem(response, 400, "invalid", [param("body", "invalid", "Bevat een eigenschap die meer dan één keer voorkomt.")])
    many = [f'"{"a" * length}": 1' for length in range(1, 61)] * 2 + [f'"{"b" * length}": 1' for length in range(1, 61)] * 2
    response = await api.http.post(
        "/verwerkingsacties", content="{" + ", ".join(many) + "}", headers={**api.auth(), "Content-Type": "application/json"}
    )
    assert len(response.json()["invalidParams"]) == 120


async def test_half_a_surrogate_is_a_fault_of_its_field(api: Api, stored: Callable[[], int]) -> None:
    actie = {**json.loads(GOOD), "actieNaam": "x\udfff", "onbekend": "\ud800", "\ud800": 1}
    actie["verwerkteObjecten"][0]["objectId"] = "\ud800"
    names = ["actieNaam", "verwerkteObjecten.0.objectId"]
    headers = {**api.auth(), "Content-Type": "application/json"}
    for path, body, faults in (
        ("/verwerkingsacties", actie, names),
        (
            "/verwerkingsacties/_zoek",
            {"objecttype": "persoon", "soortObjectId": "\udc00", "objectId": "\ud800"},
            ["soortObjectId", "objectId"],
        ),
    ):
        response = await api.http.post(path, content=json.dumps(body), headers=headers)
        assert_problem(response, 400, "invalid", [param(name, "invalid", "Moet tekst zijn, zonder stuurtekens.") for name in faults])
    response = await api.http.post("/verwerkingsacties/_batch", content=json.dumps({"acties": [actie]}), headers=headers)
    assert [fault["name"] for fault in response.json()["results"][0]["problem"]["invalidParams"]] == names
    assert stored() == 0


async def test_spans_in_json_with_a_name_twice_are_refused_whole(receiver: Receiver, stored: Callable[[], int]) -> None:
    text = in_json(request_of(*logregels(an_actie("999990019"))))
    twice = text.replace(b'"name":', b'"name": "x", "name":', 1)
    assert twice != text
    response = await receiver.post(content=twice, headers={"Content-Type": JSON})
    assert (response.status_code, status_of(response)[0]) == (400, 3)
    assert stored() == 0


@pytest.mark.parametrize("whose", ["span", "resource"])
async def test_a_span_that_has_an_attribute_twice_is_refused(receiver: Receiver, stored: Callable[[], int], whose: str) -> None:
    request: Any = request_of(*logregels(an_actie("999990019")))
    (resource,) = request.resource_spans
    (span,) = resource.scope_spans[0].spans
    attributes, key = {
        "span": (span.attributes, "dpl.gemma.vertrouwelijkheid"),
        "resource": (resource.resource.attributes, "service.name"),
    }[whose]
    for value in ("vertrouwelijk", "normaal"):
        attributes.add(key=key).value.string_value = value
    response = await receiver.post(content=request.SerializeToString(), headers={"Content-Type": PROTOBUF})
    assert outcome(response) == (1, "1 spans geweigerd: 1 keer een attribuut komt meer dan één keer voor")
    assert stored() == 0
