"""What is compared: the application bare, with us, with OpenTelemetry, with asgi-correlation-id.

Each variant can prove that it did its work, so that none of them is fast because it does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

from asgi_correlation_id import CorrelationIdMiddleware
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from starlette.types import ASGIApp

from bench.application import Framework
from bench.kept import Kept
from verwerkingenlogging import (
    Activiteit,
    Activiteiten,
    MemoryLog,
    Recorder,
    Settings,
    Verwerkingenlog,
    Verwerkingsactie,
    persoon,
    verwerkingsactie,
)
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware

__all__ = [
    "BARE",
    "CORRELATION_ID",
    "GEBRUIKER",
    "OTEL",
    "OURS",
    "OUTBOX",
    "VARIANTS",
    "NotDoneError",
    "Variant",
    "make_recorder",
    "recorded",
    "verify",
]

T = TypeVar("T")

BARE = "bare"
OURS = "ours"
OUTBOX = "ours, outbox"
OTEL = "OTel"
CORRELATION_ID = "correlation-id"

_PLAIN = {b"content-length", b"content-type"}
_HEADERS = {CORRELATION_ID: {b"x-request-id"}}


class NotDoneError(Exception):
    """A variant did less work than it should have, so its figures mean nothing."""


class Work(Protocol):
    """What a variant leaves behind for each request."""

    def take(self) -> int:
        """How many requests it was done for since the last time, and forget it: memory stays flat. Raises NotDoneError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """An application to measure, with its name and what it leaves behind, if anything."""

    name: str
    app: ASGIApp
    work: Work | None = None


def verify(name: str, answer: Iterable[tuple[bytes, bytes]], *, requests: int, done: int | None, unanswered: int = 0) -> None:
    """Raise NotDoneError unless the variant called ``name`` did what it is measured for.

    Args:
        name: of the variant.
        answer: headers of one answer.
        requests: how many it answered.
        done: for how many its work was done; None when it leaves nothing.
        unanswered: how many more may have been under way when the load stopped.
    """
    if done is not None and not requests <= done <= requests + unanswered:
        raise NotDoneError(f"{name}: did its work {done} times in {requests} requests")
    headers = {header.lower() for header, _ in answer}
    if headers != _PLAIN | _HEADERS.get(name, set()):
        raise NotDoneError(f"{name}: an answer with the headers {sorted(headers)}")


def _bare(framework: Framework) -> Variant:
    return Variant(name=BARE, app=framework.build(_as_it_is))


def _as_it_is(function: T) -> T:
    return function


_OIN = "00000099123456780000"
GEBRUIKER = "2ecf8e86-1a18-46ba-aa13-992c1dc231a5"
_ACTIVITEIT = Activiteit(
    naam="huwelijk",
    id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"),
    url="https://var.example.nl/verwerkingsactiviteiten/5f0bef4c-f66f-4311-84a5-19e8bf359eaf",
    bewaartermijn="P150Y",
)


def make_recorder(log: Verwerkingenlog) -> Recorder:
    """A recorder of an application that says everything about itself."""
    settings = Settings(
        oin=_OIN,
        activiteiten=Activiteiten({_OIN: [_ACTIVITEIT]}),
        systeem="FooBarApp v2.1",
        gegevensbron="FooBar Database Publiekszaken",
        uitvoerder=_OIN,
    )
    return Recorder(log, settings)


def recorded(framework: Framework, log: Verwerkingenlog) -> ASGIApp:
    """The full record of a consumer in the standard's quick start ("Maximaal"), of one person; no doelbinding of a caller."""
    annotate = verwerkingsactie(
        "Ophalen persoonsgegevens",
        activiteit=_ACTIVITEIT.naam,
        objecten=persoon(framework.bsn, betrokkenheid="Getuige"),
        handeling_naam="Registratie getuigen",
        verwerking_naam="Huwelijk",
    )
    application = framework.build(annotate)
    application.add_middleware(VerwerkingenloggingMiddleware, recorder=make_recorder(log), gebruiker=lambda scope: GEBRUIKER)
    return application


def _ours(framework: Framework) -> Variant:
    log = MemoryLog()
    return Variant(name=OURS, app=recorded(framework, log), work=_Records(log))


def _outbox(framework: Framework) -> Variant:
    kept = Kept()
    return Variant(name=OUTBOX, app=recorded(framework, kept.log), work=_Kept(kept))


class _Kept:
    """The same, found back on the disk."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def take(self) -> int:
        acties = self._kept.take()
        for actie in acties:
            check_record(actie)
        return len(acties)


_FIELDS = (
    "tijdstip",
    "actie_naam",
    "handeling_naam",
    "verwerking_naam",
    "verwerking_id",
    "verwerkingsactiviteit_id",
    "verwerkingsactiviteit_url",
    "vertrouwelijkheid",
    "bewaartermijn",
    "uitvoerder",
    "systeem",
    "gebruiker",
    "gegevensbron",
    "verwerkte_objecten",
)


def check_record(actie: Verwerkingsactie) -> None:
    """Raise NotDoneError unless ``actie`` has every field of the full example."""
    missing = [field for field in _FIELDS if not getattr(actie, field)]
    if missing:
        raise NotDoneError(f"{OURS}: a record without {', '.join(missing)}")
    (betrokkene,) = actie.verwerkte_objecten
    if not (betrokkene.objecttype and betrokkene.soort_object_id and betrokkene.object_id and betrokkene.betrokkenheid):
        raise NotDoneError(f"{OURS}: a verwerkt object that is not complete")


class _Records:
    """A verwerkingsactie with every field of the full example."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    def take(self) -> int:
        acties, self._log.acties = self._log.acties, []
        for actie in acties:
            check_record(actie)
        return len(acties)


def _otel(framework: Framework) -> Variant:
    """The instrumentation package of the framework, its spans batched as the SDK does by default, and then thrown away."""
    exporter = _CountingExporter()
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    application = framework.build(_as_it_is)
    framework.trace(application, provider)
    return Variant(name=OTEL, app=application, work=_Spans(provider, exporter))


class _CountingExporter(SpanExporter):
    """Takes finished spans and does nothing with them: what sending costs is left out."""

    def __init__(self) -> None:
        self.servers = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        # A request gives one span without a parent, and one for each message of its answer.
        self.servers += sum(span.parent is None for span in spans)
        return SpanExportResult.SUCCESS


class _Spans:
    """A span for the request. Those of its messages are not counted."""

    def __init__(self, provider: TracerProvider, exporter: _CountingExporter) -> None:
        self._provider = provider
        self._exporter = exporter

    def take(self) -> int:
        self._provider.force_flush()
        done, self._exporter.servers = self._exporter.servers, 0
        return done


def _correlation_id(framework: Framework) -> Variant:
    application = framework.build(_as_it_is)
    application.add_middleware(CorrelationIdMiddleware)
    return Variant(name=CORRELATION_ID, app=application)


VARIANTS: dict[str, Callable[[Framework], Variant]] = {
    BARE: _bare,
    OURS: _ours,
    OUTBOX: _outbox,
    OTEL: _otel,
    CORRELATION_ID: _correlation_id,
}
