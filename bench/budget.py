"""What we promise of our cost. Ratios between figures of one run, so that they hold on any machine."""

from __future__ import annotations

from collections.abc import Mapping

from bench.result import Budget
from bench.variants import BARE, CORRELATION_ID, OTEL

__all__ = ["ADDED", "KEPT"]

ADDED: Mapping[tuple[str, str], Budget] = {
    ("Starlette", OTEL): Budget(at_most=0.12),
    ("FastAPI", OTEL): Budget(at_most=0.18),
    ("Starlette", CORRELATION_ID): Budget(at_most=2),
}
"""What we add to a request, beside what a peer adds."""

KEPT: Mapping[tuple[str, str], Budget] = {
    ("Starlette", BARE): Budget(at_least=0.60),
    ("FastAPI", BARE): Budget(at_least=0.75),
    ("Starlette", OTEL): Budget(at_least=2.2),
    ("FastAPI", OTEL): Budget(at_least=2.2),
}
"""Requests per second that a server keeps with us, beside what it keeps without, or with a peer."""
