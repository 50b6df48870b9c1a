"""What is compared in Django: a project for each variant, because Django reads its settings once in a process."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps

from bench.harness.full_record import GEBRUIKER, SETTINGS
from bench.harness.spans import Spans
from bench.harness.undelivered_outbox import Kept
from bench.harness.variant_names import BARE, OTEL, OURS, OUTBOX
from bench.harness.work import KeptRecords, Records, Work
from verwerkingenlogging import MemoryLog, Verwerkingenlog

__all__ = ["AUDITLOG", "DJANGO_LOG", "EASY_AUDIT", "ROWS", "STRUCTLOG", "VARIANTS", "Project"]

DJANGO_LOG = "ours, DjangoLog"
STRUCTLOG = "django-structlog"
AUDITLOG = "django-auditlog"
EASY_AUDIT = "django-easy-audit"
ROWS = frozenset({DJANGO_LOG, AUDITLOG, EASY_AUDIT})
"""Those that write a row for each request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What a variant adds to the bare project.

    Attributes:
        views: the module of its view.
        view: its name there; with an "a" before it where it is async.
        middleware: beside the stack of the bare project, which is empty.
        apps: beside that of the application.
        settings: others.
        instrument: called when the settings are there, and before Django is set up.
        work: what it leaves behind for each request, if anything.
    """

    views: str = "bench.django.views"
    view: str = "ophalen"
    middleware: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    instrument: Callable[[], None] | None = None
    work: Work | None = None


def _recorded(log: Verwerkingenlog | str, work: Work) -> Project:
    """Our middleware and annotated view: a record with every field, of one person; no doelbinding of a caller."""
    said = {
        "OIN": SETTINGS.oin,
        "ACTIVITEITEN": SETTINGS.activiteiten,
        "SYSTEEM": SETTINGS.systeem,
        "GEGEVENSBRON": SETTINGS.gegevensbron,
        "UITVOERDER": SETTINGS.uitvoerder,
    }
    return Project(
        view="opgehaald",
        middleware=("verwerkingenlogging_django.middleware.VerwerkingenloggingMiddleware",),
        apps=("verwerkingenlogging_django",),
        settings={"VERWERKINGENLOGGING": {**said, "LOG": log, "GEBRUIKER": lambda request: GEBRUIKER}},
        work=work,
    )


def _ours() -> Project:
    log = MemoryLog()
    return _recorded(log, Records(log))


def _outbox() -> Project:
    kept = Kept()
    return _recorded(kept.log, KeptRecords(kept))


def _django_log() -> Project:
    return _recorded("verwerkingenlogging_django.DjangoLog", _Rows("verwerkingenlogging.Record"))


def _otel() -> Project:
    from opentelemetry.instrumentation.django import DjangoInstrumentor  # noqa: PLC0415  # the others need not wait for it

    spans = Spans()
    return Project(instrument=lambda: DjangoInstrumentor().instrument(tracer_provider=spans.provider), work=spans)


def _structlog() -> Project:
    """As its own documentation sets it up, with lines of JSON; they are counted, and go nowhere."""
    return Project(
        middleware=("django_structlog.middlewares.RequestMiddleware",),
        apps=("django_structlog",),
        instrument=_configure_structlog,
        work=_LINES,
    )


def _configure_structlog() -> None:
    import structlog  # noqa: PLC0415

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            structlog.processors.UnicodeDecoder(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(_LINES)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=structlog.processors.JSONRenderer()))
    logger = logging.getLogger("django_structlog")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


class _Lines(io.TextIOBase):
    """Lines that say that a request was finished, with its id."""

    def __init__(self) -> None:
        self._finished = 0

    def write(self, text: str, /) -> int:
        self._finished += "request_finished" in text and "request_id" in text
        return len(text)

    def take(self) -> int:
        done, self._finished = self._finished, 0
        return done


_LINES = _Lines()


def _auditlog() -> Project:
    """Its middleware, and a row that says that a person was looked at."""
    return Project(
        views="bench.django.views_auditlog",
        middleware=("auditlog.middleware.AuditlogMiddleware",),
        apps=(*_CONTRIB, "auditlog"),
        settings={"AUDITLOG_INCLUDE_TRACKING_MODELS": ("bench.Persoon",)},
        work=_Rows("auditlog.LogEntry"),
    )


def _easy_audit() -> Project:
    """Its row for each request, and nothing of what else it can do."""
    return Project(
        apps=(*_CONTRIB, "easyaudit"),
        settings={"DJANGO_EASY_AUDIT_WATCH_MODEL_EVENTS": False, "DJANGO_EASY_AUDIT_WATCH_AUTH_EVENTS": False},
        work=_Rows("easyaudit.RequestEvent"),
    )


_CONTRIB = ("django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions")


class _Rows:
    """Rows of a model."""

    def __init__(self, model: str) -> None:
        self._model = model

    def take(self) -> int:
        rows = apps.get_model(self._model)._base_manager.all()
        done: int = rows.count()
        rows.delete()
        return done


VARIANTS: dict[str, Callable[[], Project]] = {
    BARE: Project,
    OURS: _ours,
    OUTBOX: _outbox,
    DJANGO_LOG: _django_log,
    OTEL: _otel,
    STRUCTLOG: _structlog,
    AUDITLOG: _auditlog,
    EASY_AUDIT: _easy_audit,
}
