"""Reads a binary ExportTraceServiceRequest span by span, so that a large one does not block the event loop.

Field numbers are those of opentelemetry-proto 1.x: ``resource_spans``, its ``resource`` and ``scope_spans``, and its ``spans``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

__all__ = ["MESSAGE_MAX", "SpanGroup", "span_groups"]

MESSAGE_MAX = 512 * 1024
"""Most bytes of one span, or of one resource: twice what an application logs as one (``RECORD_MAX`` of the core)."""
_RESOURCE_SPANS = 1
_RESOURCE, _SCOPE_SPANS = 1, 2
_SPANS = 2
_VARINT, _FIXED_64, _MESSAGE, _FIXED_32 = 0, 1, 2, 5
_VARINT_BITS = 64

SpanGroup = tuple[Resource, Iterable[Span | None]]
"""A resource and its spans; None for one of more than ``MESSAGE_MAX`` bytes."""


def span_groups(body: bytes, count: Callable[[str], None]) -> Iterator[SpanGroup]:
    """The spans in a request, by resource, each read when it is gone through: to let go of all at once takes long too.

    ``count`` is told of each ``group``, ``scope`` and ``span``; it raises where there are too many. Raises ValueError, or
    DecodeError, when it cannot be read.
    """
    for begin, end in _messages(body, 0, len(body), _RESOURCE_SPANS):
        count("group")
        resource = b"".join([body[first:last] for first, last in _messages(body, begin, end, _RESOURCE)])  # joined is merged
        if len(resource) > MESSAGE_MAX:
            raise ValueError
        yield Resource.FromString(resource), _spans(body, begin, end, count)


def _spans(body: bytes, begin: int, end: int, count: Callable[[str], None]) -> Iterator[Span | None]:
    for scope in _messages(body, begin, end, _SCOPE_SPANS):
        count("scope")
        for first, last in _messages(body, *scope, _SPANS):
            count("span")
            yield Span.FromString(body[first:last]) if last - first <= MESSAGE_MAX else None


def _messages(body: bytes, at: int, end: int, wanted: int) -> Iterator[tuple[int, int]]:
    """Where each message of the field ``wanted`` begins and ends; other fields are passed over."""
    while at < end:
        tag, at = _varint(body, at, end)
        field, kind = tag >> 3, tag & 7
        if kind == _MESSAGE:
            length, at = _varint(body, at, end)
            begin, at = at, at + length
            if field == wanted and at <= end:
                yield begin, at
        elif kind == _VARINT:
            _, at = _varint(body, at, end)
        elif kind == _FIXED_64:
            at += 8
        elif kind == _FIXED_32:
            at += 4
        else:
            raise ValueError
        if not field or at > end:
            raise ValueError


def _varint(body: bytes, at: int, end: int) -> tuple[int, int]:
    """A number, and where it ends."""
    number = shift = 0
    while at < end and shift < _VARINT_BITS:
        byte = body[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004  # the highest bit says that more follow
            return number, at
        shift += 7
    raise ValueError
