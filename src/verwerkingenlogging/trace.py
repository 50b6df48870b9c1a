"""Where an actie stands in a trace: what Logboek Dataverwerkingen and OpenTelemetry know it by (LDV L3)."""

from __future__ import annotations

import msgspec

__all__ = ["Span"]


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
