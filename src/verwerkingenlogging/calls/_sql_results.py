"""A result of SQLAlchemy, read and yet to be read."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

__all__ = ["result_again"]


def result_again(value: Any) -> Callable[[], Any] | None:
    """What gives a result like ``value`` as often as it is called; None when ``value`` is no result of SQLAlchemy.

    It is more than an iterator: it has ``all()``, ``first()``, ``scalars()``. All its rows are read at once, when that is first called.
    """
    if not type(value).__module__.startswith("sqlalchemy.engine.") or not getattr(value, "returns_rows", True):
        return None
    rows = cache(_rows)  # read once, when they are first asked for

    def again() -> Any:
        return rows(value)()

    return again


def _rows(result: Any) -> Callable[[], Any]:
    """All that is left of ``result``: a function that gives a result of the same kind with it."""
    from sqlalchemy.engine import IteratorResult, Result  # noqa: PLC0415  # the application's own, and loaded, or there were no result
    from sqlalchemy.engine.result import MappingResult, SimpleResultMetaData  # noqa: PLC0415  # as above

    if isinstance(result, Result):
        unique, frozen = getattr(result, "_unique_filter_state", None), result.freeze()
        return frozen if unique is None else lambda: frozen().unique(unique[1])
    if isinstance(result, MappingResult):
        keys, rows = list(result.keys()), [tuple(row.values()) for row in result.all()]
        return lambda: IteratorResult(SimpleResultMetaData(keys), iter(rows)).mappings()
    scalars = result.all()
    return lambda: IteratorResult(SimpleResultMetaData(["scalar"]), ((one,) for one in scalars)).scalars()
