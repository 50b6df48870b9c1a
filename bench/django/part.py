"""The part ``django``: all that is measured of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench.django.insert import measure_inserts
from bench.django.requests import measure_requests
from bench.harness.plan import Plan
from bench.harness.result import Figure, Ratio, Result
from bench.register.places import absent

__all__ = ["measure"]

_MEASURES: tuple[Callable[[Plan], Iterator[Figure | Ratio]], ...] = (measure_requests, measure_inserts)


def measure(plan: Plan) -> Result:
    """Everything. Raises NotDoneError."""
    missing = absent()
    outcome = [each for part in _MEASURES for each in part(plan)]
    return Result(
        part="django",
        title="Django: what a request costs with us and with its own peers",
        figures=tuple(each for each in outcome if isinstance(each, Figure)),
        ratios=tuple(each for each in outcome if isinstance(each, Ratio)),
        settings={"rows of requests": "SQLite, write-ahead log"},
        notes=(
            "Requests: the application is called directly, as gunicorn and uvicorn would. Each variant is a project in a process of its",
            "own; each round asks every variant once; what one adds is its time less that of the bare project in the same round. Time is",
            "that of the processor, background threads included; garbage collection is off while a round runs. The bare project has no",
            "middleware, and each variant only its own. Rows are in a SQLite file with a write-ahead log that does not wait for the disk;",
            "connections stay open as WSGI, and end with the request as ASGI.",
            "OTel: spans are batched, and thrown away; no metrics. django-structlog: lines of JSON, thrown away. django-auditlog: its",
            "middleware, and a row that says that a person was looked at. django-easy-audit: its row for each request only.",
            "Transaction: a change of a row, alone, or with a row of the same size by Model.objects.create, or with a record of ours.",
            "Processor: of the process that does it, and of PostgreSQL's process that works for it.",
            *([missing] if missing else []),
        ),
    )
