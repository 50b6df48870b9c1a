"""Every way into the code of a Starlette or FastAPI application: its routes, mounts and included routers, and their methods."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from starlette.convertors import CONVERTOR_TYPES, Convertor
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.routing import PARAM_REGEX, Router, WebSocketRoute

from verwerkingenlogging.check import said_in_code
from verwerkingenlogging.configured import WEBSOCKET
from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.recorder import Recorder
from verwerkingenlogging_starlette._asgi_wrappers import OurMiddleware, Wrapped, is_application, unwrapped

__all__ = ["ANY", "Around", "Endpoint", "all_endpoints", "endpoints", "found_in", "parameters", "pattern"]

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
        template: ``/personen/{bsn}``, the whole of it; ``//host/personen/{bsn}`` where it is for one host only.
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
        """By what the configuration of that middleware may call it: its template in that application, with and without convertors, and
        with and without the host."""
        template = self.template_in(around)
        every = dict.fromkeys([template, address_in(template)])
        if self.route is None:
            return (*every, *(one + "/" for one in every))
        return (*every, *(PARAM_REGEX.sub(r"{\1}", one) for one in every))

    def template_in(self, around: Around) -> str:
        """Its template in the application around which that middleware stands."""
        if self.template.startswith(around.prefix):
            return self.template.removeprefix(around.prefix)
        path = address_in(self.template)  # it stands in one for a host, below that middleware
        return self.template.removesuffix(path) + path.removeprefix(address_in(around.prefix))


def endpoints(
    application: Any, around: tuple[Around, ...] = (), prefix: str = "", above: frozenset[int] = frozenset()
) -> Iterator[Endpoint]:
    """All of ``application``'s, in the order in which it tries them.

    Args:
        application: a Starlette or FastAPI application, or a router.
        around: our middlewares around it, the outermost first.
        prefix: the template of the place where it stands.
        above: the ids of the applications in which it stands.
    """
    above |= {id(application)}
    for middleware in getattr(application, "user_middleware", ()):
        found: Any = middleware.cls
        given: dict[str, Any] = middleware.kwargs
        if isinstance(found, partial):
            found, given = found.func, {**found.keywords, **given}
        if isinstance(found, type) and issubclass(found, OurMiddleware):
            around = (*around, Around(prefix=prefix, recorder=given.get("recorder"), routes=given.get("routes")))
    router = getattr(application, "router", application)
    above |= {id(router)}
    around += _ours(unwrapped(router.middleware_stack, above), prefix)
    # FastAPI keeps included routers as a tree, and says itself how to walk it; Starlette's own list is flat.
    walk = getattr(sys.modules.get("fastapi.routing"), "iter_route_contexts", iter)
    for route in walk(application.routes):
        yield from _of_route(route, prefix, around, above)
    if getattr(router.default, "__func__", None) is not Router.not_found:
        yield from _of_application(router.default, prefix, around, above, opaque=prefix + "/{path:path}")


def found_in(application: object, inner: object, own: Around) -> tuple[list[Endpoint], Around]:
    """All of the ``application``'s, and as which of the middlewares around them ``own`` is found.

    Where that is not an application in which it was added, they are those of the application around which it was put, ``inner``.
    Raises ConfigurationError when there is neither, and ``own`` says something of routes.
    """
    found = list(endpoints(application)) if is_application(application) else []
    for around in (around for endpoint in found for around in endpoint.around):
        if around.recorder is own.recorder and around.routes is own.routes:
            return found, around
    within = unwrapped(inner)
    if is_application(within.application):
        return list(endpoints(within.application, (own, *_ours(within, "")))), own
    if own.routes is not None:
        raise ConfigurationError(
            "VerwerkingenloggingMiddleware: routes: this is around no application of Starlette or FastAPI whose routes can be listed; "
            "add it with app.add_middleware"
        )
    return found, own


def all_endpoints(application: object) -> list[Endpoint] | None:
    """All of what a server is given, in whatever wrappers; None when there is no application of Starlette in it."""
    within = unwrapped(application)
    return list(endpoints(within.application, _ours(within, ""))) if is_application(within.application) else None


def _ours(wrapped: Wrapped, prefix: str) -> tuple[Around, ...]:
    return tuple(replace(one.around, prefix=prefix) for one in wrapped.ours)


def _of_route(route: Any, prefix: str, around: tuple[Around, ...], above: frozenset[int]) -> Iterator[Endpoint]:
    original = getattr(route, "starlette_route", None) or getattr(route, "original_route", route)
    host = getattr(original, "host", None)
    path = prefix + (getattr(route, "path", None) or "")
    if host is not None:
        path = f"//{host}{address_in(prefix)}"
    endpoint = getattr(route, "endpoint", None)
    if endpoint is not None:
        if not str(getattr(endpoint, "__module__", "")).startswith("fastapi."):  # its own pages of documentation
            yield from _of_endpoint(route, endpoint, path, around + _ours(unwrapped(route.app, above), prefix))
    elif getattr(route, "app", None) is not None:
        yield from _of_application(route.app, path, around, above, opaque=path)
    else:  # a kind of route of the application's own, which decides for itself what it takes and answers
        template = path if getattr(route, "path", None) else prefix + "/{path:path}"
        yield Endpoint(methods=(ANY,), template=template, route=None, functions=(original.handle,), around=around)


def _of_application(mounted: Any, path: str, around: tuple[Around, ...], above: frozenset[int], *, opaque: str) -> Iterator[Endpoint]:
    within = unwrapped(mounted, above)
    around += _ours(within, path)
    says = any(said_in_code([mounted]))  # of all that is in it
    if is_application(within.application) and not says:
        yield from endpoints(within.application, around, path, above)
    if within.opaque or says:
        yield Endpoint(methods=(ANY,), template=opaque, route=None, functions=(mounted,), around=around)


def _of_endpoint(route: Any, endpoint: Any, path: str, around: tuple[Around, ...]) -> Iterator[Endpoint]:
    methods = _methods(route)
    if isinstance(endpoint, type) and issubclass(endpoint, HTTPEndpoint):
        for name in _METHODS:
            if hasattr(endpoint, name) and (methods == (ANY,) or name.upper() in methods):
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
    functions = (endpoint, *_dependencies(getattr(route, "dependant", None)))
    view, attribute = None, ""
    if isinstance(endpoint, type) and issubclass(endpoint, WebSocketEndpoint):
        functions = (*(getattr(endpoint, name) for name in _WEBSOCKET_METHODS), endpoint)
        view, attribute = endpoint, _WEBSOCKET_METHODS[0]
    yield Endpoint(methods=methods, template=path, route=route, functions=functions, view=view, attribute=attribute, around=around)


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


def address_in(template: str) -> str:
    """A template without its host."""
    return template if not template.startswith("//") else template[2:][len(template[2:].partition("/")[0]) :]


def pattern(template: str) -> re.Pattern[str]:
    """What a path of this template matches."""
    written, start = "", 0
    for found in PARAM_REGEX.finditer(template):
        convertor = CONVERTOR_TYPES[(found[2] or ":str").lstrip(":")]
        written += f"{re.escape(template[start : found.start()])}(?:{convertor.regex})"
        start = found.end()
    return re.compile(written + re.escape(template[start:]))
