"""The annotations of an endpoint in code: those of its view, of the decorators of that view, and of its class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.views.generic import RedirectView

from verwerkingenlogging.annotation import Annotation, annotations_of, geen_verwerking_reason
from verwerkingenlogging_django._routes.configured_endpoints import ConfiguredEndpoint
from verwerkingenlogging_django._routes.endpoints import Endpoint
from verwerkingenlogging_django._routes.introspection import closure_variables, wrapper_chain

__all__ = ["annotations_at", "declared_in_code"]


def annotations_at(one: ConfiguredEndpoint) -> tuple[Annotation, ...]:
    """The annotations of an endpoint, from the settings and from code."""
    return one.annotations + declared_in_code(one.endpoint)[0]


def declared_in_code(endpoint: Endpoint) -> tuple[tuple[Annotation, ...], str | None]:
    """What code says of an endpoint: its annotations, and the reason that it handles no personal data, if any."""
    annotations: dict[Annotation, None] = {}  # a set that keeps its order
    reason = None
    for function in _functions(endpoint):
        annotations |= dict.fromkeys(annotations_of(function))
        reason = reason or geen_verwerking_reason(function)
    return tuple(annotations), reason or _of_framework(endpoint)


def _functions(endpoint: Endpoint) -> Iterator[Any]:
    """All that runs at this endpoint and may be annotated: the view with its decorators, the method with its own, the class."""
    yield from wrapper_chain(endpoint.callback)
    for function in wrapper_chain(endpoint.handler):
        yield from _by_method_decorator(function)
        yield function
    if endpoint.view is not None:
        yield from wrapper_chain(getattr(endpoint.view, "dispatch", None))
        yield endpoint.view
    elif not hasattr(endpoint.callback, "__code__"):
        yield type(endpoint.callback).__call__


def _by_method_decorator(function: Any) -> Iterator[Any]:
    """What ``method_decorator`` put around an annotated method: it leaves the marks of that method, in the place of its own."""
    inner = annotations_of(getattr(function, "__wrapped__", None))
    if inner and annotations_of(function) is inner:
        for decorator in closure_variables(function).get("decorators", ()):
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
    modules: Iterable[str] = [str(getattr(one, "__module__", "")) for one in (*wrapper_chain(endpoint.callback), endpoint.view)]
    if "django.views.static" in modules and settings.STATIC_ROOT and endpoint.defaults.get("document_root") == settings.STATIC_ROOT:
        return "static files"
    return next((_OF_FRAMEWORKS[module] for module in modules if module in _OF_FRAMEWORKS), None)
