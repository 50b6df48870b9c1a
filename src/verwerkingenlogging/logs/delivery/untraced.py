"""The log's own traffic is no part of any trace."""

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
    """No OpenTelemetry instrumentation within: a trace of each delivery would be noise, and might hold what must not be there."""
    context = sys.modules.get("opentelemetry.context")
    if context is None:  # nothing here is instrumented
        yield
        return
    token = context.attach(context.set_value(_SUPPRESS, True))
    try:
        yield
    finally:
        context.detach(token)
