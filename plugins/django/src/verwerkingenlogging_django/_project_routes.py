"""The URLs of a Django project, and what each of them logs: by annotations in code, and by the settings."""

from __future__ import annotations

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.utils.module_loading import import_string

from verwerkingenlogging.recorder import Recorder
from verwerkingenlogging.routes.annotation_check import Route
from verwerkingenlogging_django import settings as own_settings
from verwerkingenlogging_django._routes.annotations import declared_in_code
from verwerkingenlogging_django._routes.configured_endpoints import ConfiguredEndpoint, configured_endpoints
from verwerkingenlogging_django._routes.introspection import belongs_to_admin
from verwerkingenlogging_django.middleware import VerwerkingenloggingMiddleware

__all__ = ["our_middleware", "project_routes", "routes"]


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
    return [_route(one, recorder) for one in configured_endpoints(own_settings.configuration().routes)]


def our_middleware() -> list[str]:
    """The paths in MIDDLEWARE of our middleware or a subclass of it. Django reports others that cannot be imported."""
    return [path for path in settings.MIDDLEWARE if _is_ours(path)]


def _is_ours(path: str) -> bool:
    try:
        one = import_string(path)
    except ImportError:
        return False
    return isinstance(one, type) and issubclass(one, VerwerkingenloggingMiddleware)


def _route(one: ConfiguredEndpoint, recorder: Recorder | None) -> Route:
    endpoint, route = one.endpoint, one.route
    annotations, reason = declared_in_code(endpoint)
    said = None if route is None or belongs_to_admin(endpoint.callback) else route.geen_verwerking
    return Route(
        name=f"{endpoint.method or '*'} {endpoint.template}",
        url_name=endpoint.name,
        annotations=one.annotations + annotations,
        geen_verwerking=said or reason,
        wildcard=route.key if route is not None and said is not None and reason is None and route.target.endswith("*") else None,
        recorder=recorder,
    )
