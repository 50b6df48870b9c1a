"""The representation of values for people, in tracebacks, debuggers and technical logs: without personal data."""

from __future__ import annotations

from typing import Any

__all__ = ["as_repr"]


def as_repr(_: object) -> Any:
    """The ``__rich_repr__`` of a Struct whose ``repr`` says less than it holds: None, so that rich shows that ``repr``.

    msgspec gives each Struct one that names every attribute, whatever ``repr`` says; rich, its tracebacks, and structlog's and
    typer's through it, ask for that first.
    """
    return None  # rich asks what it gives
