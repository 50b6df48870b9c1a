"""Every way into the code of a Starlette or FastAPI application: its routes, mounts and included routers, and their methods."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.convertors import CONVERTOR_TYPES, Convertor
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.routing import PARAM_REGEX, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles

from verwerkingenlogging.configured import WEBSOCKET
from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.recorder import Recorder

__all__ = ["ANY", "Around", "Endpoint", "endpoints", "found_in", "is_application", "parameters", "pattern"]

ANY = "*"
"""What stands for the method of what takes any."""

_METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "query")
_WEBSOCKET_METHODS = ("on_connect", "on_receive", "on_disconnect")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Around:
    """A middleware of ours around some of the endpoints.

    Attributes:
        prefix: the template of the application that it stands around.
        recorder: what it records with.
        routes: what it says of routes in configuration.
    """

    prefix: str
    recorder: Recorder | None
    routes: object


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Endpoint:
    """One way into the code.

    Attributes:
        methods: that it takes; ``ANY`` or ``WEBSOCKET`` in their place.
        template: ``/personen/{bsn}``, the whole of it.
        route: the route, or what FastAPI knows of one in an included router; None for a mounted application.
        functions: those on which an annotation counts for it, the one that handles it first.
        view: the class of which that one is a method, if it is of one; and the name of that method.
        around: our middlewares, the outermost first.
    """

    methods: tuple[str, ...]
    template: str
    route: Any
    functions: tuple[Any, ...]
    view: type | None = None
    attribute: str = ""
    around: tuple[Around, ...] = ()

    @property
    def name(self) -> str:
        """By what the list of routes calls it."""
        return f"{'|'.join(self.methods)} {self.template}"

    @property
    def recorder(self) -> Recorder | None:
        """What records it: that of the innermost middleware."""
        return self.around[-1].recorder if self.around else None

    def names(self, around: Around) -> tuple[str, ...]:
        """By what the configuration of that middleware may call it: its template in that application, with and without convertors."""
        template = self.template.removeprefix(around.prefix)
        plain = PARAM_REGEX.sub(r"{\1}", template)
        return (template, plain) if self.route is not None else (template, template + "/")


def is_application(found: object) -> bool:
    """Whether its endpoints can be listed."""
    return isinstance(found, Starlette | Router)


def endpoints(application: object, around: tuple[Around, ...] = (), prefix: str = "") -> Iterator[Endpoint]:
    """All of ``application``'s, in the order in which it tries them."""
    from verwerkingenlogging_starlette.middleware import VerwerkingenloggingMiddleware  # noqa: PLC0415  # it imports this module

    for middleware in getattr(application, "user_middleware", ()):
        if middleware.cls is VerwerkingenloggingMiddleware:
            given = middleware.kwargs
            around = (*around, Around(prefix=prefix, recorder=given.get("recorder"), routes=given.get("routes")))
    # FastAPI keeps included routers as a tree, and says itself how to walk it; Starlette's own list is flat.
    walk = getattr(sys.modules.get("fastapi.routing"), "iter_route_contexts", iter)
    for route in walk(getattr(application, "routes", ())):
        yield from _of_route(route, prefix, around)


def found_in(application: object, inner: object, own: Around) -> tuple[list[Endpoint], Around]:
    """All of the ``application``'s, and as which of the middlewares around them ``own`` is found.

    Where that is not an application in which it was added, they are those of the application around which it was put, ``inner``.
    Raises ConfigurationError when there is neither, and ``own`` says something of routes.
    """
    found = list(endpoints(application)) if is_application(application) else []
    for around in (around for endpoint in found for around in endpoint.around):
        if around.recorder is own.recorder and around.routes is own.routes:
            return found, around
    while inner is not None and not is_application(inner):
        inner = getattr(inner, "app", None)
    if inner is not None:
        return list(endpoints(inner, (own,))), own
    if own.routes is not None:
        raise ConfigurationError(
            "VerwerkingenloggingMiddleware: routes: this is around no application of Starlette or FastAPI whose routes can be listed; "
            "add it with app.add_middleware"
        )
    return found, own


def _of_route(route: Any, prefix: str, around: tuple[Around, ...]) -> Iterator[Endpoint]:
    path = prefix + (getattr(route, "path", None) or "")
    endpoint = getattr(route, "endpoint", None)
    mounted = getattr(route, "app", None)
    if endpoint is not None:
        if not str(getattr(endpoint, "__module__", "")).startswith("fastapi."):  # its own pages of documentation
            yield from _of_endpoint(route, endpoint, path, around)
    elif getattr(mounted, "routes", None) is not None:
        yield from endpoints(mounted, around, path)
    elif mounted is not None and not isinstance(mounted, StaticFiles):
        yield Endpoint(methods=(ANY,), template=path, route=None, functions=(mounted, type(mounted).__call__), around=around)


def _of_endpoint(route: Any, endpoint: Any, path: str, around: tuple[Around, ...]) -> Iterator[Endpoint]:
    if isinstance(endpoint, type) and issubclass(endpoint, HTTPEndpoint):
        for name in _METHODS:
            if hasattr(endpoint, name):
                functions = (getattr(endpoint, name), endpoint)
                yield Endpoint(
                    methods=(name.upper(),),
                    template=path,
                    route=route,
                    functions=functions,
                    view=endpoint,
                    attribute=name,
                    around=around,
                )
        return
    functions = (endpoint, type(endpoint).__call__, *_dependencies(getattr(route, "dependant", None)))
    view, attribute = None, ""
    if isinstance(endpoint, type) and issubclass(endpoint, WebSocketEndpoint):
        functions = (*(getattr(endpoint, name) for name in _WEBSOCKET_METHODS), endpoint)
        view, attribute = endpoint, _WEBSOCKET_METHODS[0]
    yield Endpoint(methods=_methods(route), template=path, route=route, functions=functions, view=view, attribute=attribute, around=around)


def _methods(route: Any) -> tuple[str, ...]:
    if isinstance(getattr(route, "original_route", route), WebSocketRoute):
        return (WEBSOCKET,)
    methods = set(getattr(route, "methods", None) or {ANY})
    return tuple(sorted(methods - {"HEAD"})) or ("HEAD",)  # HEAD comes with GET


def _dependencies(dependant: Any) -> Iterator[Any]:
    """What FastAPI calls before the endpoint: an annotation there counts for the route."""
    for dependency in getattr(dependant, "dependencies", ()):
        yield dependency.call
        yield from _dependencies(dependency)


def parameters(template: str) -> dict[str, Convertor[Any]]:
    """What a template takes from the address, each with its convertor. An inner one takes the place of an outer one of that name."""
    return {name: CONVERTOR_TYPES[kind.lstrip(":") or "str"] for name, kind in PARAM_REGEX.findall(template)}


def pattern(template: str) -> re.Pattern[str]:
    """What a path of this template matches."""
    written, start = "", 0
    for found in PARAM_REGEX.finditer(template):
        convertor = CONVERTOR_TYPES[(found[2] or ":str").lstrip(":")]
        written += f"{re.escape(template[start : found.start()])}(?:{convertor.regex})"
        start = found.end()
    return re.compile(written + re.escape(template[start:]))
