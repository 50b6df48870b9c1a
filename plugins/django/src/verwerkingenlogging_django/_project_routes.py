"""The URLs of a Django project, and what each of them logs: by annotations in code, and by the settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.utils.module_loading import import_string
from django.views.generic import RedirectView

from verwerkingenlogging.annotation import Annotation, annotations_of, geen_verwerking_reason
from verwerkingenlogging.check import Route
from verwerkingenlogging.recorder import Recorder
from verwerkingenlogging_django import settings as own_settings
from verwerkingenlogging_django._routes.configured_endpoints import Configured, configured
from verwerkingenlogging_django._routes.endpoints import Endpoint, belongs_to_admin, chain, closure
from verwerkingenlogging_django.middleware import VerwerkingenloggingMiddleware

__all__ = ["annotations_at", "our_middleware", "project_routes", "routes", "said_at"]


def routes(application: object) -> list[Route] | None:
    """Every URL of the project that ``application``, its WSGI or ASGI handler, serves; None when that is no handler of Django."""
    while not isinstance(application, BaseHandler):
        application = getattr(application, "application", None)
        if application is None:
            return None
    return project_routes()


def project_routes() -> list[Route]:
    """Every URL of the project. This imports its URLconf. Raises ConfigurationError when the settings are wrong."""
    recorder = own_settings.recorder() if our_middleware() else None
    return [_route(one, recorder) for one in configured(own_settings.configuration().routes)]


def our_middleware() -> list[str]:
    """The paths in MIDDLEWARE of our middleware, or one derived from it. Others that cannot be imported are Django's to report."""
    return [path for path in settings.MIDDLEWARE if _is_ours(path)]


def _is_ours(path: str) -> bool:
    try:
        one = import_string(path)
    except ImportError:
        return False
    return isinstance(one, type) and issubclass(one, VerwerkingenloggingMiddleware)


def _route(one: Configured, recorder: Recorder | None) -> Route:
    endpoint, route = one.endpoint, one.route
    annotations, reason = said_at(endpoint)
    said = None if route is None or belongs_to_admin(endpoint.callback) else route.geen_verwerking
    return Route(
        name=f"{endpoint.method or '*'} {endpoint.template}",
        url_name=endpoint.name,
        annotations=one.annotations + annotations,
        geen_verwerking=said or reason,
        wildcard=route.key if route is not None and said is not None and reason is None and route.target.endswith("*") else None,
        recorder=recorder,
    )


def annotations_at(one: Configured) -> tuple[Annotation, ...]:
    """What is recorded at an endpoint, by the settings and by code."""
    return one.annotations + said_at(one.endpoint)[0]


def said_at(endpoint: Endpoint) -> tuple[tuple[Annotation, ...], str | None]:
    """What is said in code: what is recorded, and why no personal data is handled, if so."""
    annotations: dict[Annotation, None] = {}  # a set that keeps its order
    reason = None
    for function in _functions(endpoint):
        annotations |= dict.fromkeys(annotations_of(function))
        reason = reason or geen_verwerking_reason(function)
    return tuple(annotations), reason or _of_framework(endpoint)


def _functions(endpoint: Endpoint) -> Iterator[Any]:
    """All that runs at this endpoint and may be annotated: the view with its decorators, the method with its own, the class."""
    yield from chain(endpoint.callback)
    for function in chain(endpoint.handler):
        yield from _by_method_decorator(function)
        yield function
    if endpoint.view is not None:
        yield from chain(getattr(endpoint.view, "dispatch", None))
        yield endpoint.view
    elif not hasattr(endpoint.callback, "__code__"):
        yield type(endpoint.callback).__call__


def _by_method_decorator(function: Any) -> Iterator[Any]:
    """What ``method_decorator`` put around an annotated method: it leaves the marks of that method, in the place of its own."""
    inner = annotations_of(getattr(function, "__wrapped__", None))
    if inner and annotations_of(function) is inner:
        for decorator in closure(function).get("decorators", ()):
            if decorator.__module__ == annotations_of.__module__:
                yield decorator(_anything)


def _anything(*args: Any, **kwargs: Any) -> None: ...


_OF_FRAMEWORKS = {
    "django.contrib.staticfiles.views": "static files",
    "django.views.i18n": "translations, and the choice of a language",
    "ninja.openapi.views": "the description of the API",
    "rest_framework.routers": "the root of the API: addresses only",
    "rest_framework.schemas.views": "the description of the API",
}


def _of_framework(endpoint: Endpoint) -> str | None:
    """Why a view of a framework itself handles no personal data, whatever the project does. Others must say so themselves."""
    if endpoint.view is RedirectView:
        return "redirects only"
    modules: Iterable[str] = [str(getattr(one, "__module__", "")) for one in (*chain(endpoint.callback), endpoint.view)]
    if "django.views.static" in modules and settings.STATIC_ROOT and endpoint.defaults.get("document_root") == settings.STATIC_ROOT:
        return "static files"
    return next((_OF_FRAMEWORKS[module] for module in modules if module in _OF_FRAMEWORKS), None)
