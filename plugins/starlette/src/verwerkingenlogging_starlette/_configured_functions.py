"""Puts the recording that the configuration of one middleware asks for behind the functions of its routes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from inspect import getattr_static, iscoroutinefunction
from re import Pattern
from types import FunctionType
from typing import Any

from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.requests import HTTPConnection
from starlette.types import Scope

from verwerkingenlogging.calls.generators import IN_STEPS
from verwerkingenlogging.routes.configured_functions import ConfiguredFunction, ConfiguredFunctions
from verwerkingenlogging.routes.configured_route import WEBSOCKET, ConfiguredActie
from verwerkingenlogging.routes.configured_routes import stacked
from verwerkingenlogging.routes.trampoline import innermost
from verwerkingenlogging_starlette._configured_endpoints import ConfiguredEndpoint, names_arguments, recording_function
from verwerkingenlogging_starlette._endpoints import EnclosingMiddleware, Endpoint
from verwerkingenlogging_starlette._path_templates import path_pattern

__all__ = ["configured_functions"]

_Request = tuple[Scope, str]
"""The scope in which a middleware met a request, and the root path at that moment."""

_OF_REQUEST = (HTTPConnection, HTTPEndpoint, WebSocketEndpoint)
"""Arguments that have the scope of a request."""


def configured_functions(every: Iterable[ConfiguredEndpoint], enclosing: EnclosingMiddleware) -> ConfiguredFunctions | None:
    """Let the configuration of the middleware ``enclosing`` count from now on; None when it says nothing of any function."""
    inside = [one for one in every if enclosing in one.endpoint.enclosing and one.endpoint.route is not None]
    routes = _Routes(enclosing)
    functions = ConfiguredFunctions(routes.route_of)
    known = {function for one in inside for function in _configured_of(one, functions, routes)}
    for one in inside:
        function = innermost(one.endpoint.functions[0])
        if not one.acties and function in known:  # nothing is said of it there
            _configure(one.endpoint, function, ConfiguredFunction(), functions, routes)
    functions.install()
    return functions if known else None


def _configured_of(one: ConfiguredEndpoint, functions: ConfiguredFunctions, routes: _Routes) -> Iterable[FunctionType]:
    by_function: dict[str | None, list[ConfiguredActie]] = {}
    for actie in one.acties:
        by_function.setdefault(actie.function, []).append(actie)
    for name, acties in by_function.items():
        function = recording_function(acties[0], one.endpoint)
        call = _recording(functions.original(function), acties, one.endpoint)
        if hasattr(call, IN_STEPS):
            setattr(function, IN_STEPS, True)
        own = getattr_static(one.endpoint.view, name or one.endpoint.attribute, None) is function
        view = one.endpoint.view if own else None
        said = ConfiguredFunction(acties=tuple(acties), view=view, as_route=call, otherwise=call)
        _configure(one.endpoint, function, said, functions, routes)
        yield function


def _configure(
    endpoint: Endpoint, function: FunctionType, said: ConfiguredFunction, functions: ConfiguredFunctions, routes: _Routes
) -> None:
    for route in routes.of(endpoint):
        for method in endpoint.methods:
            functions.say(function, route, method, said)


def _recording(original: Callable[..., Any], acties: list[ConfiguredActie], endpoint: Endpoint) -> Callable[..., Any]:
    named = partial(names_arguments, endpoint=endpoint)
    call, recording = stacked(acties, original, is_async=iscoroutinefunction(original), by_name=named)
    if recording is None:
        return call

    def instead(*args: Any, **kwargs: Any) -> Any:
        __traceback_hide__ = True  # what shows local variables, such as Sentry, passes over this frame
        connection = next((value for value in (*args, *kwargs.values()) if isinstance(value, HTTPConnection)), None)
        of_address = {} if connection is None else {**connection.path_params, "request": connection, "websocket": connection}
        return recording(partial(call, *args, **kwargs), **{"self": args[0] if args else None, **of_address})

    return instead


class _Routes:
    """The routes in an application, and which of them a request is for."""

    def __init__(self, enclosing: EnclosingMiddleware) -> None:
        self._enclosing = enclosing
        self._templates: dict[int, dict[str, Pattern[str]]] = {}
        self._kept: list[object] = []  # what is known by its id must stay

    def of(self, endpoint: Endpoint) -> Iterator[tuple[int, str]]:
        """By what ``route_of`` calls it."""
        template = endpoint.template_in(self._enclosing)
        original = getattr(endpoint.route, "original_route", endpoint.route)  # what FastAPI made an included route from
        for found in {id(one): one for one in (endpoint.route.endpoint, original.endpoint)}.values():
            self._kept.append(found)
            self._templates.setdefault(id(found), {}).setdefault(template, path_pattern(template))
            yield id(found), template

    def route_of(self, request: _Request | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[int, str] | None, str]:
        """The route of a request, or of that among the arguments, and its method."""
        scope, root_path = ({}, "") if request is None else request
        for value in (*args, *kwargs.values()):
            if isinstance(value, _OF_REQUEST):
                scope = value.scope
        found = id(scope.get("endpoint"))
        templates = self._templates.get(found, {})
        template = next(iter(templates), None) if len(templates) < 2 else _matching(templates, scope, root_path)  # noqa: PLR2004  # one
        return None if template is None else (found, template), scope.get("method", WEBSOCKET)


def _matching(templates: dict[str, Pattern[str]], scope: Scope, root_path: str) -> str | None:
    """The first of those templates that the path matches, as a router takes the first. None where something rewrote it."""
    top = max(root_path, scope.get("app_root_path", scope.get("root_path", "")), key=len)
    path = scope["path"].removeprefix(top)
    host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1").partition(":")[0].lower()
    return next(
        (
            template
            for template, pattern in templates.items()
            if pattern.fullmatch(f"//{host}{path}" if template.startswith("//") else path)
        ),
        None,
    )
