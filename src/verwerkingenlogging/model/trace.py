"""The place of an actie in a trace: its ids in Logboek Dataverwerkingen and OpenTelemetry (LDV L3)."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterable
from typing import Any

import msgspec

__all__ = ["TRACE_HEADERS", "Span", "Trace", "new_span", "new_trace", "read_trace", "span_of_key"]


_NO_PARENT = bytes(8)


class Span(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The identity of one actie in a trace that may run through several organisations.

    Attributes:
        trace_id: 16 bytes, the same for everything that one request set in motion, taken over from the caller (LDV A3).
        span_id: 8 bytes, this actie's own (LDV A2).
        parent_span_id: 8 bytes, the action that started it, here or at the caller; None when nothing did.
    """

    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes | None = None

    def packed(self) -> bytes:
        """The span in 32 bytes."""
        return self.trace_id + self.span_id + (self.parent_span_id or _NO_PARENT)

    @classmethod
    def unpacked(cls, packed: bytes) -> Span:
        """The span that ``packed`` wrote in those 32 bytes."""
        parent = packed[24:]
        return cls(trace_id=packed[:16], span_id=packed[16:24], parent_span_id=None if parent == _NO_PARENT else parent)


class Trace(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The trace in which something happens, and the action that started it.

    Attributes:
        trace_id: 16 bytes.
        span_id: 8 bytes, the action under way: parent of the next one. None when no action is.
    """

    trace_id: bytes
    span_id: bytes | None = None

    def traceparent(self) -> str | None:
        """The value of the W3C header that names the current action; None when there is none (LDV A8).

        It says "sampled": an action that was recorded is.
        """
        return f"00-{self.trace_id.hex()}-{self.span_id.hex()}-01" if self.span_id is not None else None


_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{32}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_NO_VERSION = "ff"

_TRACE_PARENT = b"traceparent"
_FSC = b"fsc-transaction-id"
_REQUEST_ID = b"x-request-id"
_OTHERS = (b"b3", b"x-b3-traceid", b"uber-trace-id", b"ot-tracer-traceid", b"x-amzn-trace-id", b"x-cloud-trace-context")
TRACE_HEADERS = frozenset({_TRACE_PARENT, _FSC, _REQUEST_ID, *_OTHERS})
"""Headers by which a caller says in which trace it is: those that we read, and those of OpenTelemetry's other propagators."""


def new_trace(*, ambient: bool = True) -> Trace:
    """A new trace without a current action.

    Where the application itself uses OpenTelemetry and a span of it is current, its trace_id, so that telemetry and log can be
    laid side by side. That span is not taken as parent: in a log of LDV, a parent is an action in a log (LDV A3). Without
    ``ambient`` it is not looked at: it may be in a trace that a stranger named.
    """
    return Trace(trace_id=(_ambient_trace_id() if ambient else None) or os.urandom(16))


def new_span(trace: Trace) -> Span:
    """A place for the next actie in ``trace``."""
    return Span(trace_id=trace.trace_id, span_id=os.urandom(8), parent_span_id=trace.span_id)


def span_of_key(key: str) -> Span:
    """A place for a record that has a ``key`` and no place: the same at every attempt."""
    digest = hashlib.sha256(key.encode()).digest()
    return Span(trace_id=digest[:16], span_id=digest[16:24])


def read_trace(headers: Iterable[tuple[bytes, bytes]]) -> tuple[Trace | None, tuple[str, ...]]:
    """The trace that the raw headers of a request name, and what was wrong with them: ``("traceparent: invalid",)``.

    ``traceparent`` names the trace and the action that calls (LDV A3). Where it is missing, ``Fsc-Transaction-Id``, which FSC
    carries along in its place, or ``X-Request-Id``, as gateways set it, names the trace: a UUID without its hyphens. An
    ``X-Request-Id`` that is neither a UUID nor 32 hexadecimal digits says nothing, for nobody could find a digest of it back.
    Whoever calls this decides first whether the caller is to be believed.
    """
    values: dict[bytes, list[str]] = {}
    for name, value in headers:
        lower = name.lower()
        if lower in _READ:
            values.setdefault(lower, []).append(value.decode("latin-1").strip())
    faults: list[str] = []
    for name, read in _READ.items():
        texts = values.get(name)
        if texts is None:
            continue
        trace = read(texts[0]) if len(texts) == 1 else None
        if trace is not None:
            return trace, tuple(faults)
        if name != _REQUEST_ID:
            faults.append(f"{name.decode()}: {'invalid' if len(texts) == 1 else 'duplicate'}")
    return None, tuple(faults)


def _traceparent(text: str) -> Trace | None:
    found = _TRACEPARENT.fullmatch(text)
    if found is None or found[1] == _NO_VERSION or (found[1] == "00" and found[4] is not None):
        return None
    trace_id, span_id = bytes.fromhex(found[2]), bytes.fromhex(found[3])
    return Trace(trace_id=trace_id, span_id=span_id) if any(trace_id) and any(span_id) else None


def _transaction_id(text: str) -> Trace | None:
    """A trace named by a UUID, whose bytes are the trace_id."""
    text = text.lower()
    trace_id = bytes.fromhex(text.replace("-", "")) if _UUID.fullmatch(text) else b""
    return Trace(trace_id=trace_id) if any(trace_id) else None


def _request_id(text: str) -> Trace | None:
    """The same, or the 32 digits that nginx calls ``$request_id``."""
    lower = text.lower()
    if _HEX.fullmatch(lower) and lower.strip("0"):
        return Trace(trace_id=bytes.fromhex(lower))
    return _transaction_id(text)


_READ = {_TRACE_PARENT: _traceparent, _FSC: _transaction_id, _REQUEST_ID: _request_id}


def _ambient_trace_id() -> bytes | None:
    otel: Any = sys.modules.get("opentelemetry.trace")  # only the application brings it in
    if otel is None:
        return None
    trace_id: int = otel.get_current_span().get_span_context().trace_id
    return trace_id.to_bytes(16) if trace_id else None
