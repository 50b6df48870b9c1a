"""Looking into functions: what decorators put around them, what they close over, and whether an admin made them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from types import MethodType
from typing import Any

__all__ = ["OF_ADMIN", "belongs_to_admin", "closure_variables", "of_api_view", "wrapper_chain"]

OF_ADMIN = "verwerkingsactie_admin"
"""The mark of a view of an admin that records."""


def wrapper_chain(function: Any) -> Iterator[Any]:
    """``function`` and all that it wraps, down to the innermost: decorators with ``functools.wraps``, partials, methods."""
    while function is not None:
        yield function
        if isinstance(function, partial):
            function = function.func
        elif isinstance(function, MethodType):
            function = function.__func__
        else:
            function = getattr(function, "__wrapped__", None) or of_api_view(function)


def belongs_to_admin(view: Any) -> bool:
    """Whether a view belongs to an admin with the mixin, which says itself what it does: a wildcard does not count for it."""
    return any(hasattr(one, OF_ADMIN) for one in wrapper_chain(view))


def of_api_view(function: Any) -> Any:
    """The function behind DRF's ``@api_view``, which only the closure of its handlers refers to."""
    if getattr(function, "__module__", None) != "rest_framework.decorators":
        return None
    return closure_variables(function).get("func")


def closure_variables(function: Any) -> dict[str, Any]:
    """The closure variables of ``function``, by name."""
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    found: dict[str, Any] = {}
    for name, cell in zip(names, getattr(function, "__closure__", None) or (), strict=True):
        with suppress(ValueError):  # not filled yet
            found[name] = cell.cell_contents
    return found
