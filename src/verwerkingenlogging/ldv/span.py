"""A logregel as a span, without anything that only OpenTelemetry or only OTLP knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from verwerkingenlogging.support.representation import as_repr

__all__ = ["LdvSpan", "Status", "Value"]

Value = str | bool | int | float | Sequence[str]
"""What an attribute may hold here."""


class Status(StrEnum):
    """How an action ended (LDV L4). Ours are recorded before they happen, so they are ``Unset``: no internal error so far."""

    UNSET = "Unset"
    OK = "Ok"
    ERROR = "Error"


class LdvSpan(msgspec.Struct, frozen=True, kw_only=True):
    """A logregel of LDV as a span, without anything that only OpenTelemetry or only OTLP knows (LDV L3).

    Attributes:
        name: what it does, for people.
        trace_id, span_id, parent_span_id: 16, 8 and 8 bytes.
        start, end: nanoseconds since 1970.
        status: LDV L4.
        attributes: what it says.
        resource: what the software says of itself.
    """

    name: str
    trace_id: bytes
    span_id: bytes
    start: int
    end: int
    parent_span_id: bytes | None = None
    status: Status = Status.UNSET
    attributes: Mapping[str, Value] = {}
    resource: Mapping[str, Value] = {}

    def __repr__(self) -> str:
        """The ids only: attributes hold identifiers of persons."""
        return f"LdvSpan(trace_id={self.trace_id.hex()}, span_id={self.span_id.hex()})"

    __rich_repr__ = as_repr
