"""What is compared: the application bare, with us, with OpenTelemetry, with asgi-correlation-id.

Each variant can prove that it did its work, so that none of them is fast because it does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from asgi_correlation_id import CorrelationIdMiddleware
from starlette.types import ASGIApp

from bench.asgi.application import Framework
from bench.harness.full_record import GEBRUIKER, annotation, make_recorder
from bench.harness.spans import Spans
from bench.harness.undelivered_outbox import Kept
from bench.harness.variant_names import BARE, OTEL, OURS, OUTBOX
from bench.harness.work import KeptRecords, NotDoneError, Records, Work, verify_done
from verwerkingenlogging import MemoryLog, Verwerkingenlog
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware

__all__ = ["CORRELATION_ID", "VARIANTS", "Variant", "recorded", "verify"]

T = TypeVar("T")

CORRELATION_ID = "correlation-id"

_PLAIN = {b"content-length", b"content-type"}
_HEADERS = {CORRELATION_ID: {b"x-request-id"}}


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
    verify_done(name, requests=requests, done=done, unanswered=unanswered)
    headers = {header.lower() for header, _ in answer}
    if headers != _PLAIN | _HEADERS.get(name, set()):
        raise NotDoneError(f"{name}: an answer with the headers {sorted(headers)}")


def _bare(framework: Framework) -> Variant:
    return Variant(name=BARE, app=framework.build(_as_it_is))


def _as_it_is(function: T) -> T:
    return function


def recorded(framework: Framework, log: Verwerkingenlog) -> ASGIApp:
    """The application with our middleware and an annotated route: a record with every field, of one person."""
    application = framework.build(annotation(framework.bsn))
    application.add_middleware(VerwerkingenloggingMiddleware, recorder=make_recorder(log), gebruiker=lambda scope: GEBRUIKER)
    return application


def _ours(framework: Framework) -> Variant:
    log = MemoryLog()
    return Variant(name=OURS, app=recorded(framework, log), work=Records(log))


def _outbox(framework: Framework) -> Variant:
    kept = Kept()
    return Variant(name=OUTBOX, app=recorded(framework, kept.log), work=KeptRecords(kept))


def _otel(framework: Framework) -> Variant:
    """The instrumentation package of the framework."""
    spans = Spans()
    application = framework.build(_as_it_is)
    framework.trace(application, spans.provider)
    return Variant(name=OTEL, app=application, work=spans)


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
