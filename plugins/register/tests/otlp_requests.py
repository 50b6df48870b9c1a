"""Export requests as an OTLP exporter makes them, in both encodings, and what the answers say."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx2
from google.protobuf import json_format  # type: ignore[import-untyped]  # it has no types of its own
from google.rpc import status_pb2  # type: ignore[import-untyped]  # nor this
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

from verwerkingenlogging import Verwerkingsactie, VerwerktObject
from verwerkingenlogging.ldv import LdvSpan, spans_of
from verwerkingenlogging.ldv.subjects import Subjects, SubjectsInClear
from verwerkingenlogging.model.trace import Span
from verwerkingenlogging_register import Settings, create_app

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api, Place

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
OTLP_URL = "https://log.example.nl/v1/traces"
TRACE = bytes(range(1, 17))


def an_actie(*numbers: str, **changes: Any) -> Verwerkingsactie:
    objecten = tuple(VerwerktObject(object_id=number, betrokkenheid=f"Persoon {place}") for place, number in enumerate(numbers))
    return Verwerkingsactie(
        **{"actie_naam": "Ophalen", "tijdstip": "2024-04-05T14:35:42.123456789+01:00", "verwerkte_objecten": objecten, **changes}
    )


def place(number: int = 1) -> Span:
    """Where an actie stands in a trace; another number is another actie."""
    return Span(trace_id=TRACE, span_id=number.to_bytes(8))


def logregels(actie: Verwerkingsactie, number: int = 1, *, subjects: Subjects | None = None, strict: bool = False) -> list[LdvSpan]:
    """The spans that say ``actie``: first the one that says it all, then one for each of several betrokkenen."""
    return spans_of(actie, place(number), subjects or SubjectsInClear(), strict=strict)


def request_of(*spans: LdvSpan | Mapping[str, Any]) -> ExportTraceServiceRequest:
    """A request with those spans, each in a ResourceSpans of its own. A span may be given by what OTLP calls its fields."""
    request = ExportTraceServiceRequest()
    for span in spans:
        resource_spans = request.resource_spans.add()
        given = dict(span) if isinstance(span, Mapping) else fields_of(span)
        resource_spans.resource.attributes.extend(_attributes(given.pop("resource", {})))
        given["attributes"] = _attributes(given.get("attributes", {}))
        resource_spans.scope_spans.add().spans.append(ProtoSpan(**given))
    return request


def fields_of(span: LdvSpan) -> dict[str, Any]:
    """A span by what OTLP calls its fields."""
    return {
        "name": span.name,
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id or b"",
        "start_time_unix_nano": span.start,
        "end_time_unix_nano": span.end,
        "attributes": dict(span.attributes),
        "resource": dict(span.resource),
    }


def in_json(request: ExportTraceServiceRequest) -> bytes:
    """The JSON of OTLP: with ids in hexadecimal, where that of protobuf has base64."""
    document = json_format.MessageToDict(request, use_integers_for_enums=True)
    for resource_spans in document.get("resourceSpans", []):
        for scope_spans in resource_spans["scopeSpans"]:
            for span in scope_spans["spans"]:
                for name in {"traceId", "spanId", "parentSpanId"} & span.keys():
                    span[name] = base64.b64decode(span[name]).hex()
    return json.dumps(document).encode()


def encoded(request: ExportTraceServiceRequest, content_type: str = PROTOBUF, *, compressed: bool = False) -> dict[str, Any]:
    """What ``httpx2`` needs to send ``request``."""
    content = request.SerializeToString() if content_type == PROTOBUF else in_json(request)
    headers = {"Content-Type": content_type}
    if compressed:
        content, headers["Content-Encoding"] = gzip.compress(content), "gzip"
    return {"content": content, "headers": headers}


def outcome(response: httpx2.Response) -> tuple[int, str]:
    """How many spans a success refused, and why."""
    assert response.status_code == 200, response.content
    answer = ExportTraceServiceResponse()
    if response.headers["Content-Type"] == JSON:
        json_format.Parse(response.text, answer)
    else:
        assert response.headers["Content-Type"] == PROTOBUF
        answer.ParseFromString(response.content)
    partial = answer.partial_success
    assert answer.HasField("partial_success") == bool(partial.rejected_spans)
    return partial.rejected_spans, partial.error_message


def status_of(response: httpx2.Response) -> tuple[int, str]:
    """The code and the message of an error answer."""
    status = status_pb2.Status()
    if response.headers["Content-Type"] == PROTOBUF:
        status.ParseFromString(response.content)
    else:
        assert response.headers["Content-Type"] == JSON
        json_format.Parse(response.text, status)
    return status.code, status.message


class Receiver:
    """The endpoint as a client with all scopes sees it; and what the register then holds."""

    def __init__(self, api: Api, place: Place) -> None:
        self.api = api
        self.place = place

    async def export(self, *spans: LdvSpan | dict[str, Any], scope: str | None = None) -> tuple[int, str]:
        """Send those spans in one request; gives how many were refused, and why."""
        return outcome(await self.send(*spans, scope=scope))

    async def send(self, *spans: LdvSpan | dict[str, Any], scope: str | None = None) -> httpx2.Response:
        """The answer itself."""
        return await self.post(**encoded(request_of(*spans)), scope=scope)

    async def post(self, *, content: Any, headers: dict[str, str], scope: str | None = None) -> httpx2.Response:
        """Send bytes."""
        return await self.api.http.post(OTLP_URL, content=content, headers={**self.api.auth(scope), **headers})

    async def acties(self) -> list[dict[str, Any]]:
        """Every actie that is stored, in the order of storing."""
        return [(await self.api.actie(actie_id)).json() for actie_id in self.place.ids()]


@asynccontextmanager
async def receiving(settings: Settings, place: Place) -> AsyncIterator[Receiver]:
    """A register with those settings."""
    from plugins.register.tests.conftest import Api

    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="https://log.example.nl/api/v1") as http,
    ):
        yield Receiver(Api(http, app), place)


def _attributes(values: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in values.items()]


def _value(value: Any) -> AnyValue:
    if isinstance(value, Mapping):
        return AnyValue(kvlist_value=KeyValueList(values=_attributes(value)))
    if isinstance(value, list | tuple):
        return AnyValue(array_value=ArrayValue(values=[_value(item) for item in value]))
    kinds = {bool: "bool_value", int: "int_value", float: "double_value", bytes: "bytes_value", str: "string_value"}
    return AnyValue(**{kinds[type(value)]: value})
