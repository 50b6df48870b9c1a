"""OTLP over HTTP: reads an export request in either encoding, and writes the answer in the same encoding (OTLP 1.x).

No message holds a value of the request (P3). What the parsers say of a fault is never repeated: they quote what they read.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from google.protobuf import json_format  # type: ignore[import-untyped]  # it has no types of its own
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # nor this
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from starlette.requests import Request
from starlette.responses import Response

from verwerkingenlogging.support import strict_json
from verwerkingenlogging_register._errors import Problem
from verwerkingenlogging_register._otlp.binary import SpanGroup, span_groups
from verwerkingenlogging_register._requests.offload import emptied
from verwerkingenlogging_register._wire.json_shape import Shape, shape_of
from verwerkingenlogging_register._wire.validation import content_type_of

__all__ = ["Encoding", "decoded", "export_answer", "status_answer"]

T = TypeVar("T")

_GZIP = 16 + zlib.MAX_WBITS
_MEMBERS_MAX = 100
"""Most members of a gzip. Exporters write one; behind each the rest is copied, so a million empty ones would take minutes."""
SPANS_MAX = 200_000
"""Most spans, and as many groups of them, in one request. Logregels of the default limit's bytes are fewer; empty spans are two bytes."""
_IDS = ("traceId", "spanId", "parentSpanId")
_UNREADABLE = "De inhoud is geen ExportTraceServiceRequest in de codering die Content-Type noemt."
# google.rpc.Code. A client decides by the HTTP status; this is for whoever reads the answer.
_RPC_CODES = {400: 3, 401: 16, 403: 7, 413: 8, 415: 3, 429: 8, 503: 14}
_RPC_UNKNOWN = 2


class Encoding(StrEnum):
    """The encoding of a request and its answer."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"

    @classmethod
    def of(cls, request: Request) -> Encoding:
        """The encoding that a request names. Raises Problem 415 for another, and for another compression than gzip."""
        kind, charsets = content_type_of(request)
        if kind not in set(cls) or not charsets <= {"utf-8"}:
            raise Problem(415, "De inhoud moet application/x-protobuf of application/json zijn.")
        if request.headers.get("content-encoding", "identity").strip().lower() not in {"identity", "gzip"}:
            raise Problem(415, "De inhoud mag alleen met gzip zijn gecomprimeerd.", headers={"Accept-Encoding": "gzip"})
        return cls(kind)


def decoded(body: bytes, encoding: Encoding, *, gzip: bool, limit: int, depth_limit: int) -> Iterable[SpanGroup]:
    """The spans in ``body``, by resource, read one by one. A large body takes long: do it in the offload thread.

    That raises Problem 413 when it unpacks to more than ``limit`` bytes or to more than ``SPANS_MAX`` spans, and 400 when it cannot
    be read.
    """
    if gzip:
        body = _unpacked(body, limit)
    groups = _of_binary(body) if encoding is Encoding.PROTOBUF else _of_json(body, depth_limit)
    for resource, spans in _readable(groups):
        yield resource, _readable(spans)


def _readable(found: Iterable[T]) -> Iterator[T]:
    """What is ``found``. Raises Problem 400 when the next cannot be read; what is made of it is not looked at."""
    try:
        yield from found
    except (DecodeError, json_format.ParseError, ValueError, TypeError, AttributeError):
        raise Problem(400, _UNREADABLE) from None


def _unpacked(body: bytes, limit: int) -> bytes:
    """What was compressed; never more than ``limit`` bytes of it are made, however much a small body says to hold."""
    parts: list[bytes] = []
    size = 0
    while body:
        if len(parts) == _MEMBERS_MAX:
            raise Problem(400, "De inhoud is gzip in te veel delen.")
        member = zlib.decompressobj(_GZIP)
        try:
            part = member.decompress(body, limit + 1 - size)
        except zlib.error:
            raise Problem(400, "De inhoud is geen gzip.") from None
        size += len(part)
        if size > limit:
            raise Problem(413)
        if not member.eof:
            raise Problem(400, "De inhoud is geen gzip, of breekt af.")
        parts.append(part)
        body = member.unused_data
    return b"".join(parts)


def _check_number(spans: int) -> None:
    if spans > SPANS_MAX:
        raise Problem(413, "De aanvraag heeft meer spans dan het register in één keer aanneemt.")


def _of_binary(body: bytes) -> Iterator[SpanGroup]:
    counts = Counter[str]()

    def count(what: str) -> None:
        counts[what] += 1
        _check_number(counts[what])

    return span_groups(body, count)


def _of_json(body: bytes, depth_limit: int) -> Iterator[SpanGroup]:
    if shape_of(body, depth_limit) is not Shape.FINE:
        raise ValueError
    document = strict_json.read(body)
    for number, span in enumerate(_spans_in(document), 1):
        _check_number(number)
        _with_binary_ids(span)
        for link in span.get("links") or ():
            _with_binary_ids(link)
    message = ExportTraceServiceRequest()
    json_format.ParseDict(document, message, ignore_unknown_fields=True)
    emptied(document)
    for group in message.resource_spans:
        yield group.resource, (span for scope in group.scope_spans for span in scope.spans)


def _spans_in(document: Any) -> Iterator[dict[str, Any]]:
    for resource in document.get("resourceSpans") or ():
        for scope in resource.get("scopeSpans") or ():
            yield from scope.get("spans") or ()


def _with_binary_ids(record: dict[str, Any]) -> None:
    """OTLP writes ids in hexadecimal, where the JSON form of protobuf has base64. One that is malformed becomes an empty one."""
    for name in _IDS:
        if name in record:
            record[name] = _base64_of(record[name])


def _base64_of(digits: Any) -> str:
    try:
        return base64.b64encode(bytes.fromhex(digits)).decode()
    except (ValueError, TypeError):
        return ""


def export_answer(encoding: Encoding, *, rejected: int = 0, message: str = "") -> Response:
    """The answer 200: everything is stored except the ``rejected`` spans, which must not be sent again; ``message`` says why."""
    answer = ExportTraceServiceResponse()
    if rejected:
        answer.partial_success.rejected_spans = rejected
        answer.partial_success.error_message = message
    if encoding is Encoding.PROTOBUF:
        return Response(answer.SerializeToString(), media_type=encoding)
    return Response(json_format.MessageToJson(answer, indent=None, ensure_ascii=False), media_type=encoding)


def status_answer(encoding: Encoding, status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error answer: google.rpc.Status."""
    code = _RPC_CODES.get(status, _RPC_UNKNOWN)
    if encoding is Encoding.JSON:
        content = json.dumps({"code": code, "message": message}, ensure_ascii=False).encode()
    else:
        text = message.encode()
        content = b"\x08" + _varint(code) + b"\x12" + _varint(len(text)) + text  # its fields 1 and 2
    return Response(content, status, dict(headers or {}), encoding)


def _varint(number: int) -> bytes:
    low = []
    while number > 0x7F:  # noqa: PLR2004  # seven bits a byte
        low.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*low, number])
