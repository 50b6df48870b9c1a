"""Nobody waits for somebody else's large request: it is worked off beside the event loop, in short steps, or refused at the limit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it has no types of its own
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from plugins.register.tests.conftest import MINIMAL, Api

from verwerkingenlogging_register._errors import Problem
from verwerkingenlogging_register._otlp.binary import MESSAGE_MAX, span_groups
from verwerkingenlogging_register._otlp.encodings import SPANS_MAX
from verwerkingenlogging_register._requests import offload as offload_module
from verwerkingenlogging_register._requests.offload import Offload, emptied
from verwerkingenlogging_register._wire.json_shape import RUN_MAX, Shape, shape_of

pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

PERSON = MINIMAL["verwerkteObjecten"][0]
EMPTY_SPAN = b"\x12\x00"


def message(content: bytes, number: int = 1) -> bytes:
    """A field of protobuf that holds ``content``."""
    size, length = len(content), []
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + content


LARGE: dict[str, tuple[str, bytes, int]] = {
    "a batch": ("_batch", json.dumps({"acties": [{**MINIMAL, "tijdstip": "", "verwerkteObjecten": [PERSON] * 20}] * 150}).encode(), 200),
    "an actie of many persons": ("", json.dumps({**MINIMAL, "tijdstip": "", "verwerkteObjecten": [PERSON] * 4000}).encode(), 400),
    "empty persons": ("", json.dumps({**MINIMAL, "verwerkteObjecten": [{}] * 19_000}).encode(), 400),
    "one name twice": ("_batch", b'{"acties":[' + b",".join([b'{"a":1,"a":2}'] * 20_000) + b"]}", 400),
    "a question with much behind it": ("_zoek", b'{"x":[' + b",".join([b'{"y":1}'] * 40_000) + b"]}", 400),
    "lists only": ("_batch", b'{"acties":[' + b"[]," * 90_000 + b"{}]}", 400),
    "spans in JSON": ("spans", b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b",".join([b'{"name":"x"}'] * 2500) + b"]}]}]}", 200),
    "spans": ("spans", message(message(EMPTY_SPAN * 20_000, 2)), 200),
}


@pytest.mark.parametrize("name", LARGE)
async def test_others_have_their_turn_again_and_again_while_a_large_request_is_judged(api: Api, name: str) -> None:
    operation, content, status = LARGE[name]
    url = "https://log.example.nl/v1/traces" if operation == "spans" else f"/verwerkingsacties/{operation}".rstrip("/")
    kind = "application/x-protobuf" if name == "spans" else "application/json"
    asked = asyncio.ensure_future(api.http.post(url, content=content, headers={**api.auth(), "Content-Type": kind}))
    turns = 0
    while not asked.done():
        turns += 1
        await asyncio.sleep(0)
    assert (await asked).status_code == status
    assert turns > 60  # without, there are some thirty: those in which the request comes and the answer goes


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one client four jobs may wait."""
    monkeypatch.setattr(offload_module, "_WAITING_MAX", 4)


@pytest.mark.usefixtures("few")
async def test_a_client_with_much_under_way_must_send_the_rest_again_and_others_need_not(api: Api) -> None:
    content = LARGE["an actie of many persons"][1]
    headers = {**api.auth(), "Content-Type": "application/json"}
    asked = [api.http.post("/verwerkingsacties", content=content, headers=headers) for _ in range(7)]
    answers = await asyncio.gather(*asked)
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.status_code for answer in answers} == {400, 429}
    assert all(answer.headers["Retry-After"] == "1" for answer in refused)
    assert (await api.http.post("/verwerkingsacties", content=content, headers=headers)).status_code == 400


@pytest.mark.usefixtures("place")
async def test_who_sends_many_large_requests_lets_others_go_before() -> None:
    aside = Offload()
    done: list[str] = []
    jobs = [asyncio.ensure_future(aside.run("een", lambda: done.append("een"))) for _ in range(20)]
    await asyncio.sleep(0)
    jobs += [asyncio.ensure_future(aside.run("twee", lambda: done.append("twee"))) for _ in range(2)]
    await asyncio.gather(*jobs)
    assert done.index("twee") < 5
    assert (done.count("een"), done.count("twee")) == (20, 2)
    aside.close()


@pytest.mark.usefixtures("place", "few")
async def test_what_goes_wrong_aside_is_raised_and_leaves_room() -> None:
    aside = Offload()
    for _ in range(10):
        with pytest.raises(ZeroDivisionError):
            await aside.run("een", lambda: 1 // 0)
    assert await aside.run("een", lambda: 7) == 7
    waiting = [asyncio.ensure_future(aside.run("een", lambda: 7)) for _ in range(5)]
    await asyncio.wait(waiting)
    assert [isinstance(each.exception(), Problem) for each in waiting] == [False] * 4 + [True]
    aside.close()


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def depth(document: Any) -> int:
    if isinstance(document, dict):
        return 1 + max(map(depth, document.values()), default=0)
    return 1 + max(map(depth, document), default=0) if isinstance(document, list) else 0


@pytest.mark.usefixtures("place")
@settings(max_examples=30)
@given(document=documents, ascii_only=st.booleans())
def test_the_depth_of_a_text_is_known_before_it_is_read(document: Any, ascii_only: bool) -> None:
    body = json.dumps(document, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    deep = depth(document)
    assert shape_of(body, deep) is Shape.FINE
    assert deep == 0 or shape_of(body, deep - 1) is Shape.TOO_DEEP


@pytest.mark.usefixtures("place")
def test_a_text_without_an_object_every_so_often_is_refused_in_one_pass() -> None:
    room = RUN_MAX - 20
    assert shape_of(b'{"x":"' + b"\\n" * (room // 2) + b'"}', 32) is Shape.FINE
    for endless in (
        b'"' + b"{" * 2 * RUN_MAX + b'"',
        b'"' + b'\\"' * RUN_MAX + b'"',
        b"[]," * RUN_MAX,
        b" " * 2 * RUN_MAX,
        b'"' * 2 * RUN_MAX,
    ):
        for body in (b'{"x":[' + endless + b"]}", b'{"x":[' + endless, endless + b"{}"):
            assert shape_of(body, 32) is Shape.TOO_LONG_A_RUN, body[:20]
    assert shape_of(b'{"x":[' + b'{"y":"z"},' * 100_000 + b"{}]}", 32) is Shape.FINE


async def test_a_body_that_could_only_be_read_in_one_step_is_told_so(api: Api, stored: Callable[[], int]) -> None:
    answer = await api.post({**MINIMAL, "onbekend": "x" * (RUN_MAX + 1)})
    assert (answer.status_code, answer.json()["invalidParams"][0]["name"]) == (400, "body")
    assert (await api.post({**MINIMAL, "onbekend": "x" * 100_000})).status_code == 201
    assert stored() == 1


spans = st.builds(Span, name=st.text(max_size=5), trace_id=st.binary(max_size=20), start_time_unix_nano=st.integers(0, 2**64 - 1))


@pytest.mark.usefixtures("place")
@settings(max_examples=30)
@given(groups=st.lists(st.lists(st.lists(spans, max_size=3), max_size=3), max_size=3))
def test_spans_that_are_read_one_by_one_are_those_that_are_read_at_once(groups: list[list[list[Span]]]) -> None:
    request = ExportTraceServiceRequest()
    for scopes in groups:
        resource_spans = request.resource_spans.add(schema_url="x")
        resource_spans.resource.attributes.add(key="service.name").value.string_value = "y"
        for each in scopes:
            resource_spans.scope_spans.add(schema_url="z").spans.extend(each)
    read = [(resource, list(found)) for resource, found in span_groups(request.SerializeToString(), lambda _: None)]
    assert [resource for resource, _ in read] == [group.resource for group in request.resource_spans]
    assert [found for _, found in read] == [
        [span for scope in group.scope_spans for span in scope.spans] for group in request.resource_spans
    ]


@pytest.mark.usefixtures("place")
@given(body=st.binary(max_size=60))
def test_bytes_that_are_no_request_are_refused_or_read_as_the_parser_reads_them(body: bytes) -> None:
    try:
        found = [span for _, group in span_groups(body, lambda _: None) for span in group]
        request = ExportTraceServiceRequest.FromString(body)  # reads what nobody looks at too
    except (ValueError, DecodeError):
        return
    assert found == [span for group in request.resource_spans for scope in group.scope_spans for span in scope.spans]


async def test_a_span_beyond_the_limit_is_refused_and_the_others_are_stored(api: Api) -> None:
    large = Span(name="x" * (MESSAGE_MAX + 1)).SerializeToString()
    content = message(message(message(large, 2) + EMPTY_SPAN, 2))
    answer = await api.http.post(
        "https://log.example.nl/v1/traces", content=content, headers={**api.auth(), "Content-Type": "application/x-protobuf"}
    )
    assert answer.status_code == 200
    assert b"1 keer groter dan" in answer.content


@pytest.mark.parametrize("what", ["spans", "scopes", "resources"])
async def test_more_spans_than_are_taken_are_refused_before_they_are_read(api: Api, what: str) -> None:
    many = EMPTY_SPAN * (SPANS_MAX + 1)
    content = {"spans": message(message(many, 2)), "scopes": message(many), "resources": b"\x0a\x00" * (SPANS_MAX + 1)}[what]
    answer = await api.http.post(
        "https://log.example.nl/v1/traces", content=content, headers={**api.auth(), "Content-Type": "application/x-protobuf"}
    )
    assert answer.status_code == 413


async def test_a_page_of_large_acties_is_answered_whole(api: Api) -> None:
    persons = [{**PERSON, "objectId": str(number)} for number in range(300)]
    verwerking = "89aa7a9a-1f79-44de-b32e-8e38e07138f3"
    made = (await api.batch([{**MINIMAL, "verwerkingId": verwerking, "verwerkteObjecten": persons}] * 5)).json()["results"]
    found = (await api.search(objecttype=None, soortObjectId=None, objectId=None, verwerkingId=verwerking)).json()
    assert {each["actieId"] for each in found["results"]} == {each["actieId"] for each in made}
    assert {len(each["verwerkteObjecten"]) for each in found["results"]} == {300}
    one = await api.actie(made[0]["actieId"])
    assert [each["objectId"] for each in one.json()["verwerkteObjecten"]] == [str(number) for number in range(300)]
    replaced = await api.put(one.json(), actieNaam="Anders")
    assert (replaced.status_code, len(replaced.json()["verwerkteObjecten"])) == (200, 300)
    history = (await api.history(made[0]["actieId"])).json()
    assert [len(each["verwerkteObjecten"]) for each in history["results"]] == [300, 300]


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    "document",
    [
        5,
        "two",
        None,
        True,
        [],
        {},
        [1, "two", None],
        {"a": [{"b": [[], {}]}, {"c": {"d": [1] * 100}}]},
        [[[[[]]]]],
        [{"x": [{"y": 1}] * 3}],
    ],
)
def test_all_that_is_in_a_document_is_let_go_of_one_by_one(document: Any) -> None:
    within: list[Any] = []

    def gather(part: Any) -> None:
        if isinstance(part, (list, dict)):
            within.append(part)
            for each in part.values() if isinstance(part, dict) else part:
                gather(each)

    gather(document)
    emptied(document)
    assert not any(within)
