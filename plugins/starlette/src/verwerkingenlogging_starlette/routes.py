"""The routes of a Starlette or FastAPI application, mounts and included routers included, and what each of them logs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.routing import Router, WebSocketRoute
from starlette.staticfiles import StaticFiles

from verwerkingenlogging.annotation import Annotation, annotations_of, geen_verwerking_reason
from verwerkingenlogging.check import Route
from verwerkingenlogging.recorder import Recorder
from verwerkingenlogging_starlette.middleware import VerwerkingenloggingMiddleware

__all__ = ["routes"]

_METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
_WEBSOCKET_METHODS = ("on_connect", "on_receive", "on_disconnect")


def routes(application: object) -> list[Route] | None:
    """Every route of ``application``; None when that is no Starlette application, or one in our middleware."""
    recorder = None
    if isinstance(application, VerwerkingenloggingMiddleware):
        recorder, application = application.recorder, application.app
    if not isinstance(application, Starlette | Router):
        return None
    return list(_of_application(application, "", recorder))


def _of_application(application: object, prefix: str, recorder: Recorder | None) -> Iterator[Route]:
    for middleware in getattr(application, "user_middleware", ()):
        if middleware.cls is VerwerkingenloggingMiddleware:
            recorder = middleware.kwargs.get("recorder", recorder)
    # FastAPI keeps included routers as a tree, and says itself how to walk it; Starlette's own list is flat.
    walk = getattr(sys.modules.get("fastapi.routing"), "iter_route_contexts", iter)
    for route in walk(getattr(application, "routes", ())):
        yield from _of_route(route, prefix, recorder)


def _of_route(route: Any, prefix: str, recorder: Recorder | None) -> Iterator[Route]:
    path = prefix + (getattr(route, "path", None) or "")
    endpoint = getattr(route, "endpoint", None)
    mounted = getattr(route, "app", None)
    if endpoint is not None:
        if not str(getattr(endpoint, "__module__", "")).startswith("fastapi."):  # its own pages of documentation
            yield from _of_endpoint(route, endpoint, path, recorder)
    elif getattr(mounted, "routes", None) is not None:
        yield from _of_application(mounted, path, recorder)
    elif mounted is not None and not isinstance(mounted, StaticFiles):
        yield Route(name=f"* {path}", **_said_by([mounted, type(mounted).__call__]), recorder=recorder)


def _of_endpoint(route: Any, endpoint: Any, path: str, recorder: Recorder | None) -> Iterator[Route]:
    if isinstance(endpoint, type) and issubclass(endpoint, HTTPEndpoint):
        for method in _METHODS:
            if hasattr(endpoint, method):
                yield Route(name=f"{method.upper()} {path}", **_said_by([getattr(endpoint, method), endpoint]), recorder=recorder)
        return
    if isinstance(endpoint, type) and issubclass(endpoint, WebSocketEndpoint):
        said = _said_by([endpoint, *(getattr(endpoint, method) for method in _WEBSOCKET_METHODS)])
    else:
        said = _said_by([endpoint, type(endpoint).__call__, *_dependencies(getattr(route, "dependant", None))])
    yield Route(name=f"{_methods(route)} {path}", **said, recorder=recorder)


def _methods(route: Any) -> str:
    if isinstance(getattr(route, "original_route", route), WebSocketRoute):
        return "WEBSOCKET"
    methods = set(getattr(route, "methods", None) or {"*"})
    return "|".join(sorted(methods - {"HEAD"})) or "HEAD"  # HEAD comes with GET


def _dependencies(dependant: Any) -> Iterator[Any]:
    """What FastAPI calls before the endpoint: an annotation there counts for the route."""
    for dependency in getattr(dependant, "dependencies", ()):
        yield dependency.call
        yield from _dependencies(dependency)


def _said_by(functions: Iterable[Any]) -> dict[str, Any]:
    said: list[Annotation] = []
    reason = None
    for function in functions:
        said.extend(annotations_of(function))
        reason = reason or geen_verwerking_reason(function)
    return {"annotations": tuple(said), "geen_verwerking": reason}
