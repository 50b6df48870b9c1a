"""Keeps the log's own traffic out of every trace."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["untraced"]

_SUPPRESS = "suppress_instrumentation"
"""What every instrumentation looks for. OpenTelemetry's API has it under a private name only, and under a public one in a package that
only instrumented applications have."""


@contextmanager
def untraced() -> Iterator[None]:
    """Switch OpenTelemetry instrumentation off inside this block: a trace of each delivery would be noise, and might hold numbers."""
    context = sys.modules.get("opentelemetry.context")
    if context is None:  # nothing here is instrumented
        yield
        return
    token = context.attach(context.set_value(_SUPPRESS, True))
    try:
        yield
    finally:
        context.detach(token)
