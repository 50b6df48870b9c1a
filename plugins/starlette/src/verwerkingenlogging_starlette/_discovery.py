"""Finds every way into the code of an application: its routes, mounts and included routers, in whatever wrappers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.routing import Router, WebSocketRoute

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.routes.annotation_check import said_in_code
from verwerkingenlogging.routes.configured_route import WEBSOCKET
from verwerkingenlogging_starlette._asgi_wrappers import OurMiddleware, Unwrapped, is_application, unwrap
from verwerkingenlogging_starlette._endpoints import ANY, EnclosingMiddleware, Endpoint
from verwerkingenlogging_starlette._path_templates import without_host

__all__ = ["all_endpoints", "endpoints", "endpoints_of"]

_METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "query")
_WEBSOCKET_METHODS = ("on_connect", "on_receive", "on_disconnect")


def endpoints(
    application: Any, enclosing: tuple[EnclosingMiddleware, ...] = (), prefix: str = "", above: frozenset[int] = frozenset()
) -> Iterator[Endpoint]:
    """The endpoints of ``application``, in the order in which it tries them.

    Args:
        application: a Starlette or FastAPI application, or a router.
        enclosing: our middlewares around it, the outermost first.
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
            enclosing = (*enclosing, EnclosingMiddleware(prefix=prefix, recorder=given.get("recorder"), routes=given.get("routes")))
    router = getattr(application, "router", application)
    above |= {id(router)}
    enclosing += _middlewares_in(unwrap(router.middleware_stack, above), prefix)
    # FastAPI keeps included routers as a tree, and says itself how to walk it; Starlette's own list is flat.
    walk = getattr(sys.modules.get("fastapi.routing"), "iter_route_contexts", iter)
    for route in walk(application.routes):
        yield from _of_route(route, prefix, enclosing, above)
    if getattr(router.default, "__func__", None) is not Router.not_found:
        yield from _of_application(router.default, prefix, enclosing, above, opaque=prefix + "/{path:path}")


def endpoints_of(application: object, inner: object, own: EnclosingMiddleware) -> tuple[list[Endpoint], EnclosingMiddleware]:
    """The endpoints of ``application``, and the middleware around them that is ``own``.

    Where that is not an application in which it was added, they are those of the application around which it was put, ``inner``.
    Raises ConfigurationError when there is neither, and ``own`` says something of routes.
    """
    found = list(endpoints(application)) if is_application(application) else []
    for enclosing in (enclosing for endpoint in found for enclosing in endpoint.enclosing):
        if enclosing.recorder is own.recorder and enclosing.routes is own.routes:
            return found, enclosing
    within = unwrap(inner)
    if is_application(within.application):
        return list(endpoints(within.application, (own, *_middlewares_in(within, "")))), own
    if own.routes is not None:
        raise ConfigurationError(
            "VerwerkingenloggingMiddleware: routes: this is around no application of Starlette or FastAPI whose routes can be listed; "
            "add it with app.add_middleware"
        )
    return found, own


def all_endpoints(application: object) -> list[Endpoint] | None:
    """The endpoints of the object that a server runs, in any wrappers; None when it holds no application of Starlette."""
    within = unwrap(application)
    return list(endpoints(within.application, _middlewares_in(within, ""))) if is_application(within.application) else None


def _middlewares_in(wrapped: Unwrapped, prefix: str) -> tuple[EnclosingMiddleware, ...]:
    return tuple(replace(one.enclosing, prefix=prefix) for one in wrapped.ours)


def _of_route(route: Any, prefix: str, enclosing: tuple[EnclosingMiddleware, ...], above: frozenset[int]) -> Iterator[Endpoint]:
    original = getattr(route, "starlette_route", None) or getattr(route, "original_route", route)
    host = getattr(original, "host", None)
    path = prefix + (getattr(route, "path", None) or "")
    if host is not None:
        path = f"//{host}{without_host(prefix)}"
    endpoint = getattr(route, "endpoint", None)
    if endpoint is not None:
        if not str(getattr(endpoint, "__module__", "")).startswith("fastapi."):  # its own pages of documentation
            yield from _of_endpoint(route, endpoint, path, enclosing + _middlewares_in(unwrap(route.app, above), prefix))
    elif getattr(route, "app", None) is not None:
        yield from _of_application(route.app, path, enclosing, above, opaque=path)
    else:  # a kind of route of the application's own, which decides for itself what it takes and answers
        template = path if getattr(route, "path", None) else prefix + "/{path:path}"
        yield Endpoint(methods=(ANY,), template=template, route=None, functions=(original.handle,), enclosing=enclosing)


def _of_application(
    mounted: Any, path: str, enclosing: tuple[EnclosingMiddleware, ...], above: frozenset[int], *, opaque: str
) -> Iterator[Endpoint]:
    within = unwrap(mounted, above)
    enclosing += _middlewares_in(within, path)
    says = any(said_in_code([mounted]))  # of all that is in it
    if is_application(within.application) and not says:
        yield from endpoints(within.application, enclosing, path, above)
    if within.opaque or says:
        yield Endpoint(methods=(ANY,), template=opaque, route=None, functions=(mounted,), enclosing=enclosing)


def _of_endpoint(route: Any, endpoint: Any, path: str, enclosing: tuple[EnclosingMiddleware, ...]) -> Iterator[Endpoint]:
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
                    enclosing=enclosing,
                )
        return
    functions = (endpoint, *_dependencies(getattr(route, "dependant", None)))
    view, attribute = None, ""
    if isinstance(endpoint, type) and issubclass(endpoint, WebSocketEndpoint):
        functions = (*(getattr(endpoint, name) for name in _WEBSOCKET_METHODS), endpoint)
        view, attribute = endpoint, _WEBSOCKET_METHODS[0]
    yield Endpoint(methods=methods, template=path, route=route, functions=functions, view=view, attribute=attribute, enclosing=enclosing)


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
