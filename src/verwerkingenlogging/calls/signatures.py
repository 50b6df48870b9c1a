"""How a function is called, whatever wraps it, and which types its signature names."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["evaluated", "partial_in", "signature_of", "typed_signature"]


def partial_in(function: Callable[..., Any]) -> functools.partial[Any] | None:
    """The ``functools.partial`` that ``function`` is or wraps; None when there is none."""
    inner = inspect.unwrap(function, stop=lambda one: isinstance(one, functools.partial))
    return inner if isinstance(inner, functools.partial) else None


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """How ``function`` is called. Of a partial that says that it wraps a method, as Django's ``method_decorator`` makes them, it is
    not that method's: self is in it already."""
    partial = partial_in(function)
    return inspect.signature(function if partial is None else functools.partial(partial.func, *partial.args, **partial.keywords))


def typed_signature(function: Callable[..., Any]) -> inspect.Signature | None:
    """The signature of ``function`` with its text annotations resolved to types; None when that changes nothing.

    Django Ninja looks for those names in the module of the function that it is given, which for a decorated one is the decorator's.
    A name that only type checkers know stays text.
    """
    signature = signature_of(function)
    names = getattr(inspect.unwrap(function), "__globals__", {})
    typed = signature.replace(
        parameters=[one.replace(annotation=evaluated(one.annotation, names)) for one in signature.parameters.values()],
        return_annotation=evaluated(signature.return_annotation, names),
    )
    return typed if typed != signature else None


def evaluated(annotation: Any, names: dict[str, Any]) -> Any:
    """The type that ``annotation`` names in text, where ``names`` have it; the text where they do not."""
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, names)  # noqa: S307  # the application's own code
    except Exception:
        return annotation
