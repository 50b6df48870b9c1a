"""The routes of a Starlette or FastAPI application, mounts and included routers included, and what each of them logs."""

from __future__ import annotations

from verwerkingenlogging.check import Route
from verwerkingenlogging_starlette.configured import configured
from verwerkingenlogging_starlette.endpoints import Around, endpoints, is_application
from verwerkingenlogging_starlette.middleware import VerwerkingenloggingMiddleware

__all__ = ["routes"]


def routes(application: object) -> list[Route] | None:
    """Every route of ``application``, with what its code and the configuration say; None when that is no Starlette application, or
    one in our middleware.

    Raises ConfigurationError when something in a configuration of routes is wrong.
    """
    around: tuple[Around, ...] = ()
    if isinstance(application, VerwerkingenloggingMiddleware):
        around, application = (application.around,), application.app
    if not is_application(application):
        return None
    return [one.listed() for one in configured(list(endpoints(application, around)))]
