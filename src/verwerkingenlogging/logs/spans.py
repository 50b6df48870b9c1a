"""Spans of OpenTelemetry with the attributes of Logboek Dataverwerkingen, through any exporter (needs the extra ``otel``)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

import msgspec

from verwerkingenlogging.errors import LogRefused
from verwerkingenlogging.ldv import LdvSpan, spans_of
from verwerkingenlogging.ldv.subjects import Subjects
from verwerkingenlogging.logs._exporter import Exporting
from verwerkingenlogging.logs.parts import each_in_parts
from verwerkingenlogging.logs.protocol import Entry
from verwerkingenlogging.model import Verwerkingsactie
from verwerkingenlogging.model.trace import Span, span_of_key
from verwerkingenlogging.support.optional_packages import installed_by

with installed_by("verwerkingenlogging[otel]"):
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext, TraceFlags

__all__ = ["SpanLog"]

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_SCOPE = InstrumentationScope("verwerkingenlogging")


class SpanLog:
    """Sends each verwerkingsactie as spans, through ``exporter``::

        SpanLog(OTLPSpanExporter(endpoint="https://collector.example.nl/v1/traces"), subjects=PseudonymousSubjects(secret))

    An actie is safe when the exporter returns SUCCESS. Any other result, or an exception, is LogUnavailable. No sampler, queue,
    limit or environment variable of the SDK stands between: the spans are made here, complete and sampled, and given to the
    exporter at once. Put it behind an OutboxLog when the application must not wait for the exporter, or fail with it.

    An exporter does not say why it failed, so a span that it will never accept is tried for ever. A span that a Collector
    acknowledges and then loses is lost. And the standard OTLP exporter counts a redirect or a partial success as success (see
    ``logs.otlp.acknowledging_session``).

    Args:
        exporter: an exporter of spans for this log alone, or a function that makes one, for servers that fork afterwards.
        subjects: how identifiers of persons are written: ``PseudonymousSubjects``, or ``EncryptedSubjects`` with a key that
            the register has too. ``SubjectsInClear()`` writes them in clear.
        strict: leave out what LDV keeps out of its records: gebruiker, vertrouwelijkheid and bewaartermijn. The receiver must then
            know from the activiteit what is confidential, and how long it is kept.
        resource: what is known of the software, such as ``service.version``; ``service.name`` is the actie's systeem where this
            does not say it.
        processors: address of the calling application, by the OIN of the afnemer (``dpl.core.foreign_operation.processor``).
        timeout: seconds that a whole call may take, whatever time the exporter allows itself. Spans in an exporter that hangs may
            still arrive; they are sent again under the same ids.
    """

    wants_spans = True

    def __init__(
        self,
        exporter: SpanExporter | Callable[[], SpanExporter],
        *,
        subjects: Subjects,
        strict: bool = False,
        resource: Resource | None = None,
        processors: Mapping[str, str] | None = None,
        timeout: float = 30.0,
    ) -> None:
        self._exporting = Exporting(exporter, timeout=timeout)
        self._subjects = subjects
        self._strict = strict
        self._resource = resource.attributes if resource is not None else {}
        self._processors = dict(processors or {})
        self._resources: dict[tuple[tuple[str, object], ...], Resource] = {}

    def log(self, acties: Sequence[Verwerkingsactie]) -> None:
        """Export ``acties``. Raises LogUnavailable when the exporter does not report success."""
        if acties:
            self._exporting.export(self._spans(acties))

    async def alog(self, acties: Sequence[Verwerkingsactie]) -> None:
        """The same, without blocking the event loop."""
        if acties:
            await self._exporting.aexport(self._spans(acties))

    def deliver(self, entries: Sequence[Entry]) -> Sequence[LogRefused | None]:
        """Export ``entries``, each under the same ids at every attempt. Raises LogUnavailable when the exporter does not report success.

        Refused is only what cannot be read as an actie.
        """
        spans: list[ReadableSpan] = []
        refused: list[LogRefused | None] = []
        for entry in entries:
            try:
                actie = entry.actie
            except (msgspec.MsgspecError, UnicodeError):
                refused.append(LogRefused("what is to be delivered cannot be read as a verwerkingsactie", status=400))
            else:
                refused.append(None)
                spans += self._spans_of(actie, entry.span or span_of_key(entry.key))
        if spans:
            self._exporting.export(spans)
        return refused

    def close(self) -> None:
        """Shut down the exporter of this process. After that no record is accepted."""
        self._exporting.close()

    def _spans(self, acties: Sequence[Verwerkingsactie]) -> list[ReadableSpan]:
        return [span for actie in each_in_parts(acties) for span in self._spans_of(actie, actie.span or _new_span())]

    def _spans_of(self, actie: Verwerkingsactie, span: Span) -> list[ReadableSpan]:
        spans = spans_of(actie, span, self._subjects, strict=self._strict, processors=self._processors)
        return [self._readable(each) for each in spans]

    def _readable(self, span: LdvSpan) -> ReadableSpan:
        """Made whole, not through a Tracer: that would ask a sampler, and cut values at the limits in the environment."""
        return ReadableSpan(
            name=span.name,
            context=_context(span.trace_id, span.span_id),
            parent=_context(span.trace_id, span.parent_span_id) if span.parent_span_id is not None else None,
            resource=self._resource_of(span),
            attributes=dict(span.attributes),
            start_time=span.start,
            end_time=span.end,
            instrumentation_scope=_SCOPE,
        )

    def _resource_of(self, span: LdvSpan) -> Resource:
        """One object for all spans of one systeem: an exporter groups by it."""
        key = tuple(span.resource.items())
        resource = self._resources.get(key)
        if resource is None:
            resource = self._resources[key] = Resource({**span.resource, **self._resource})
        return resource


def _context(trace_id: bytes, span_id: bytes) -> SpanContext:
    return SpanContext(int.from_bytes(trace_id), int.from_bytes(span_id), is_remote=False, trace_flags=_SAMPLED)


def _new_span() -> Span:
    """A place for an actie that was not given one: a trace of its own (LDV A1)."""
    return Span(trace_id=os.urandom(16), span_id=os.urandom(8))
