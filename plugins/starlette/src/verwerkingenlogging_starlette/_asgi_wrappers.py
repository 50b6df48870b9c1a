"""Unwraps ASGI applications: a sub-application in a middleware, a middleware that is a function, a partial."""

from __future__ import annotations

import functools
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Router
from starlette.staticfiles import StaticFiles

__all__ = ["OurMiddleware", "Unwrapped", "is_application", "unwrap"]


class OurMiddleware:
    """The interface of our middleware, for the modules that it imports itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwrapped:
    """The application in a wrapper.

    Attributes:
        ours: our middlewares on the way, the outermost first.
        application: the one application in it whose routes can be listed, or its static files.
        opaque: whether something in it answers requests of which nothing can be known.
    """

    ours: tuple[Any, ...]
    application: object | None
    opaque: bool


def is_application(found: object) -> bool:
    """Whether the endpoints of this application can be listed."""
    return isinstance(found, Starlette | Router)


def unwrap(application: object, above: Container[int] = ()) -> Unwrapped:
    """The innermost application of ``application``, which may be that itself.

    Args:
        application: what a server, a mount or a middleware calls.
        above: the ids of the applications that it is in, for one may know the other.
    """
    ours: list[object] = []
    applications: dict[int, object] = {}
    leaves = 0
    level, seen = [application], {id(application)}
    while level:
        inner: list[object] = []
        for one in level:
            if is_application(one) or isinstance(one, StaticFiles):
                if id(one) not in above:
                    applications[id(one)] = one
                continue
            if isinstance(one, OurMiddleware):
                ours.append(one)
            held = [found for found in _contents(one) if _is_asgi(found)]
            leaves += not held
            inner += [found for found in held if id(found) not in seen]
            seen |= {id(found) for found in held}
        level = inner
    alone = len(applications) == 1
    return Unwrapped(ours=tuple(ours), application=next(iter(applications.values())) if alone else None, opaque=not alone or bool(leaves))


def _is_asgi(found: object) -> bool:
    """Whether it is called as an ASGI application: an application, an object, or a function of those three names."""
    if is_application(found) or isinstance(found, StaticFiles | OurMiddleware):
        return True
    called = found
    while isinstance(called, functools.partial):
        called = called.func
    if not isinstance(called, FunctionType | MethodType):
        called = getattr(type(called), "__call__", None)  # noqa: B004  # not whether it can be called, but by which function
    code = getattr(called, "__code__", None)
    return code is not None and {"scope", "receive", "send"} <= {*code.co_varnames[: code.co_argcount]}


def _contents(one: Any) -> Iterator[object]:
    """What a wrapper holds, in collections too."""
    if isinstance(one, functools.partial):
        found = [*_contents(one.func), *one.args, *one.keywords.values()]
    elif isinstance(one, MethodType):
        found = [one.__self__] if _is_asgi(one.__self__) else [*_contents(one.__self__)]
    elif isinstance(one, FunctionType):
        found = [cell.cell_contents for cell in one.__closure__ or () if _is_filled(cell)]
    else:
        slots = (name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ()))
        found = [*getattr(one, "__dict__", {}).values(), *(getattr(one, name, None) for name in slots if name != "__dict__")]
    yield from _spread(found)


def _spread(found: Iterable[object], deep: int = 3) -> Iterator[object]:
    for value in found:
        yield value
        if deep and isinstance(value, dict | list | tuple | set | frozenset):
            yield from _spread(value.values() if isinstance(value, dict) else value, deep - 1)


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False
