"""A dispatcher in the place of a function: it calls what the configuration says of the request's route, or the function itself.

It is put where a route keeps its endpoint, in a class, or under decorators: in the cell of a decorator's closure. Once there it
stays; which applications have a configuration, and which one, is in the scope of each request.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from verwerkingenlogging.configured_routes import kept

__all__ = ["CHOOSE", "Choose", "Place", "awaited", "connection_of", "innermost", "install", "named", "places_of_route", "undispatched"]

Choose = Callable[[Any, Scope], Callable[..., Any] | None]
"""Gives what to call in a request, from the function and the scope; None when it has nothing to say of that route."""

CHOOSE = "verwerkingenlogging.choose"
"""Where the scope has those of the middlewares around, the outermost first."""

_scope: ContextVar[Scope | None] = ContextVar("verwerkingenlogging_scope", default=None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """Where a function is kept: the object that has it, and the name under which; perhaps with what runs it in a thread."""

    holder: Any
    attribute: str

    def get(self) -> Any:
        """What is there."""
        found = getattr(self.holder, self.attribute)
        return found.args[0] if _in_thread(found) else found

    def put(self, function: Callable[..., Any]) -> None:
        """Put ``function`` there."""
        found = getattr(self.holder, self.attribute)
        setattr(self.holder, self.attribute, functools.partial(run_in_threadpool, function) if _in_thread(found) else function)


def _in_thread(found: object) -> bool:
    return isinstance(found, functools.partial) and found.func is run_in_threadpool


def places_of_route(route: Any) -> list[Place] | None:
    """Where ``route`` has its endpoint: what it calls, and that from which FastAPI makes an included route anew when others are added.
    None when it calls no function."""
    original = getattr(route, "original_route", route)
    dependant = getattr(route, "dependant", None)
    called = _in_session(route.app, route.endpoint) if dependant is None else Place(holder=dependant, attribute="call")
    if called is None:
        return None
    if dependant is not None and not isinstance(original.handle, _Remembering):
        original.handle = _Remembering(original.handle)
    return [called, Place(holder=original, attribute="endpoint")]


def _in_session(app: Any, endpoint: Any) -> Place | None:
    """The cell in which Starlette's ``request_response`` or ``websocket_session`` has ``endpoint``, under the route's own middleware."""
    while app is not None and not isinstance(app, FunctionType):
        app = getattr(app, "app", None)
    for cell in getattr(app, "__closure__", None) or ():
        place = Place(holder=cell, attribute="cell_contents")
        if undispatched(place.get()) is undispatched(endpoint):
            return place
    return None


def install(places: Iterable[Place]) -> Any:
    """Put a dispatcher in the place of the function that is called in the end, under all that decorates it; gives that function.

    None where a decorator keeps it out of reach.
    """
    function = None
    for place in places:
        reached = _reach(place)
        if reached is None:
            return None
        function = undispatched(reached.get())
        if function is reached.get():
            reached.put(_dispatcher(function))
    return function


def _reach(place: Place) -> Place | None:
    while True:
        function = _called(place.get())
        inner = getattr(function, "__wrapped__", None)
        if inner is None or _is_dispatcher(function):
            return place
        found = kept(function, functools.partial(_stands_for, inner))
        if found is None:
            return None
        place = Place(holder=found[0], attribute=found[1])


def _stands_for(function: object, found: object) -> bool:
    return undispatched(found) is function


def _called(function: Any) -> Any:
    """What a partial or a bound method calls, where that is decorated."""
    called = function
    while isinstance(called, functools.partial | MethodType):
        called = called.func if isinstance(called, functools.partial) else called.__func__
    return called if hasattr(called, "__wrapped__") else function


def innermost(function: Any) -> Any:
    """What ``function`` calls in the end, under decorators that keep to ``functools.wraps``."""
    while hasattr(_called(function), "__wrapped__"):
        function = _called(function).__wrapped__
    return function


_DISPATCHER = "__verwerkingenlogging_dispatcher__"
_NONE = object()


def _is_dispatcher(function: Any) -> bool:
    return getattr(function, _DISPATCHER, _NONE) is function  # what decorates it copies its attributes


def undispatched(function: Any) -> Any:
    """``function``, or that in whose place it stands when it is a dispatcher."""
    return function.__wrapped__ if _is_dispatcher(function) else function


def _dispatcher(function: Any) -> Callable[..., Any]:
    if awaited(function):

        async def adispatch(*args: Any, **kwargs: Any) -> Any:
            __traceback_hide__ = True  # what shows local variables, such as Sentry, passes over this frame
            return await _chosen(function, args, kwargs)(*args, **kwargs)

        dispatch: Callable[..., Any] = adispatch
    else:

        def dispatch(*args: Any, **kwargs: Any) -> Any:
            __traceback_hide__ = True  # as above
            return _chosen(function, args, kwargs)(*args, **kwargs)

    functools.update_wrapper(dispatch, function)
    setattr(dispatch, _DISPATCHER, dispatch)
    return dispatch


def _chosen(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[..., Any]:
    scope = _scope_of(args, kwargs)
    for choose in () if scope is None else scope.get(CHOOSE, ()):
        chosen: Callable[..., Any] | None = choose(function, scope)
        if chosen is not None:
            return chosen
    called: Callable[..., Any] = function
    return called


def _scope_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Scope | None:
    for value in (*args, *kwargs.values()):
        if isinstance(value, HTTPConnection | HTTPEndpoint | WebSocketEndpoint):
            return value.scope
    return _scope.get()


def connection_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> HTTPConnection:
    """The request or websocket among the arguments. An endpoint of Starlette has one."""
    return next(value for value in (*args, *kwargs.values()) if isinstance(value, HTTPConnection))


class _Remembering:
    """A FastAPI route's ``handle``, that tells the dispatcher what request it is in: the function need not have it as an argument."""

    def __init__(self, handle: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._handle = handle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = _scope.set(scope)
        try:
            await self._handle(scope, receive, send)
        finally:
            _scope.reset(token)


def awaited(function: Any) -> bool:
    """Whether it is awaited: a function, a partial of one, or an object that is called as one."""
    while isinstance(function, functools.partial):
        function = function.func
    return any(asyncio.iscoroutinefunction(one) for one in (function, getattr(function, "__call__", None)))  # noqa: B004  # of a class


def named(function: Any) -> Any:
    """``function`` as one that can be annotated, where it is a partial or another object."""
    if inspect.isroutine(function):
        return function
    if awaited(function):

        async def acalled(*args: Any, **kwargs: Any) -> Any:
            __traceback_hide__ = True  # as above
            return await function(*args, **kwargs)

        called: Callable[..., Any] = acalled
    else:

        def called(*args: Any, **kwargs: Any) -> Any:
            __traceback_hide__ = True  # as above
            return function(*args, **kwargs)

    called.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]  # as functions have it, PEP 362
    return called
