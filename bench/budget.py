"""What we promise of our cost. Ratios between figures of one run, so that they hold on any machine."""

from __future__ import annotations

from collections.abc import Mapping

from bench.asgi.variants import CORRELATION_ID
from bench.harness.result import Budget
from bench.harness.variant_names import BARE, OTEL
from bench.register.variants import EACH, LEFT_OUT

__all__ = [
    "ADDED",
    "ADDED_DJANGO",
    "ANSWERED",
    "BACKLOG",
    "BATCHES",
    "DISK",
    "EMITTED",
    "FOUND",
    "HELD",
    "KEPT",
    "KEPT_UP",
    "POSTED",
    "PURGED",
    "SENT",
    "SHARED",
    "WAITED",
]

PURGED = Budget(at_most=1.1)
"""Versions that a purge looks at, beside those that it removes."""

EMITTED = Budget(at_most=2.5)
"""Making, encoding and appending a record, beside a bare write of the same bytes."""

SHARED = (Budget(at_least=10), Budget(at_most=3.5))
"""With 64 waiting for the disk: the rate beside one wait for each record, and the median wait beside one wait."""

SENT = Budget(at_most=0.10)
"""Processor of the sender for each delivered record, beside OpenTelemetry's SDK with OTLP."""

KEPT_UP = Budget(at_least=0.9)
"""What is delivered while an application is loaded, of what it recorded."""

BACKLOG = Budget(at_most=150)
"""Megabytes of memory more with a backlog of a million records."""

ADDED: Mapping[tuple[str, str], Budget] = {
    ("Starlette", OTEL): Budget(at_most=0.12),
    ("FastAPI", OTEL): Budget(at_most=0.18),
    ("Starlette", CORRELATION_ID): Budget(at_most=2),
}
"""What we add to a request, its record in memory or safe in an outbox, beside what a peer adds."""

ADDED_DJANGO = Budget(at_most=0.12)
"""The same in Django, as WSGI and as ASGI, beside OpenTelemetry."""

INSERTED = Budget(at_most=1.3)
"""What a record by DjangoLog, made and written, adds to a transaction, beside what a row of the same size does."""

KEPT: Mapping[tuple[str, str], Budget] = {
    ("Starlette", BARE): Budget(at_least=0.60),
    ("FastAPI", BARE): Budget(at_least=0.75),
    ("Starlette", OTEL): Budget(at_least=2.2),
    ("FastAPI", OTEL): Budget(at_least=2.2),
}
"""Requests per second that a server keeps with us, the record in memory or in an outbox, beside what it keeps without or with a peer."""

POSTED: Mapping[tuple[bool, str], Budget] = {
    (False, LEFT_OUT): Budget(at_least=0.5),
    (False, EACH): Budget(at_least=2.5),
    (True, EACH): Budget(at_least=1.6),
}
"""Requests per second of the register on SQLite (False) or PostgreSQL (True), beside what a variant of it answers."""

BATCHES: Mapping[bool, Budget] = {False: Budget(at_least=0.75), True: Budget(at_least=0.85)}
"""Records per second in batches on SQLite (False) or PostgreSQL (True), beside those of the database as it is."""

HELD = Budget(at_most=1)
"""How long any request holds the event loop of the register, of the 25 ms that it may."""

WAITED = Budget(at_most=2)
"""How long honest clients of the register wait (p99) beside a thousand slow, silent and hostile connections, and without them."""

DISK = Budget(at_most=1.5)
"""What a record takes on disk, its indexes included, beside its JSON."""

FOUND: Mapping[bool, Budget] = {False: Budget(at_most=1.5), True: Budget(at_most=1.8)}
"""What a search costs among ten million records, beside one million, on SQLite (False) or PostgreSQL (True)."""

ANSWERED = Budget(at_least=0.25)
"""Answers of 18 records per second, beside a fixed answer of as many bytes."""
