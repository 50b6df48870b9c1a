"""Keeps BSNs out of the application's own telemetry: spans and log records (needs the extra ``otel``)::

    provider.add_span_processor(BatchSpanProcessor(GuardedSpanExporter(OTLPSpanExporter())))
    logs.add_log_record_processor(BatchLogRecordProcessor(GuardedLogExporter(OTLPLogExporter())))

Every instrumentation of a web framework puts the path of a request into its span, and every access log does too. A number of
nine digits, or eight, that passes the 11-test of a BSN becomes ``***``: in names, attributes, events, exceptions, links and
status of spans, and in bodies and attributes of log records. It stands around the exporter, as a span that has ended cannot be
changed by a processor, and because so it does not matter in which order processors were added.

It is a net, not a licence: one in eleven other numbers of that length is taken away too, and a BSN that is written otherwise
(with dots, as bytes) is not seen. What goes through Python's ``logging`` itself is guarded by ``logging_guard``, without OpenTelemetry.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from verwerkingenlogging.support.optional_packages import installed_by

with installed_by("verwerkingenlogging[otel]"):
    from opentelemetry.attributes import BoundedAttributes
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
    from opentelemetry.trace import Link, Status

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
else:
    try:
        from opentelemetry.sdk._logs.export import LogRecordExporter
    except ImportError:  # pragma: no cover  # before 1.39, as .ci/lowest has it
        from opentelemetry.sdk._logs.export import LogExporter as LogRecordExporter

from verwerkingenlogging.model.bsn import is_bsn
from verwerkingenlogging.telemetry.logging_guard import MASK, without_bsns

__all__ = ["GuardedLogExporter", "GuardedSpanExporter", "without_bsns"]

_OUR_SCOPE = "verwerkingenlogging"


class GuardedSpanExporter(SpanExporter):
    """Gives ``exporter`` the spans without BSNs. The records of a SpanLog pass unchanged."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export ``spans`` without BSNs."""
        return self._exporter.export([_guarded_span(span) for span in spans])

    def shutdown(self) -> None:
        """Shut the exporter down."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Let the exporter send what it still has."""
        return self._exporter.force_flush(timeout_millis)


class GuardedLogExporter(LogRecordExporter):
    """Gives ``exporter`` the log records without BSNs."""

    def __init__(self, exporter: LogRecordExporter) -> None:
        self._exporter = exporter

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Export ``batch`` without BSNs."""
        return self._exporter.export([_guarded_log(record) for record in batch])

    def shutdown(self) -> None:
        """Shut the exporter down."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # theirs

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Let the exporter send what it still has."""
        flush = getattr(self._exporter, "force_flush", None)  # one of before 1.39 need not have it
        return bool(flush(timeout_millis)) if flush is not None else True


class _GuardedSpan(ReadableSpan):
    """A span without BSNs; what was dropped from the original is still counted."""

    def __init__(self, span: ReadableSpan) -> None:
        super().__init__(
            name=without_bsns(span.name),
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes=_attributes(span),
            events=[Event(without_bsns(event.name), _attributes(event), event.timestamp) for event in span.events],
            links=[Link(link.context, _attributes(link)) for link in span.links],
            kind=span.kind,
            status=_status(span.status),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )
        self._original = span

    @property
    def dropped_events(self) -> int:
        return self._original.dropped_events

    @property
    def dropped_links(self) -> int:
        return self._original.dropped_links


def _guarded_span(span: ReadableSpan) -> ReadableSpan:
    scope = span.instrumentation_scope
    return span if scope is not None and scope.name == _OUR_SCOPE else _GuardedSpan(span)


def _status(status: Status) -> Status:
    return Status(status.status_code, without_bsns(status.description)) if status.description else status


def _guarded_log(record: ReadableLogRecord) -> ReadableLogRecord:
    log_record = copy.copy(record.log_record)
    log_record.body = _cleaned(log_record.body, numbers=True)
    # Before 1.39 it was the record inside that counted what was dropped.
    log_record.attributes = _attributes(record if hasattr(record, "dropped_attributes") else log_record, log_record.attributes)
    log_record.exception = None  # the SDK has made attributes of it
    guarded = copy.copy(record)
    object.__setattr__(guarded, "log_record", log_record)  # frozen since 1.39
    return guarded


def _attributes(holder: Any, attributes: Any = None) -> BoundedAttributes:
    """The attributes of a span, event, link or log record without BSNs, and with the number of those that were dropped."""
    cleaned = BoundedAttributes(attributes=_cleaned(attributes if attributes is not None else holder.attributes))
    cleaned.dropped = holder.dropped_attributes
    return cleaned


def _cleaned(value: Any, *, numbers: bool = False) -> Any:
    """``value`` without BSNs, however deep. Numbers as numbers only in a body: in an attribute they are sizes and ports."""
    if isinstance(value, str):
        return without_bsns(value)
    if numbers and isinstance(value, int):
        return MASK if is_bsn(str(value)) else value
    if isinstance(value, Mapping):
        return {without_bsns(str(key)): _cleaned(item, numbers=numbers) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return tuple(_cleaned(item, numbers=numbers) for item in value)
    return value
