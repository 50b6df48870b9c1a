"""The routes of a Starlette or FastAPI application, mounts and included routers included, and what each of them logs."""

from __future__ import annotations

from verwerkingenlogging.routes.annotation_check import Route
from verwerkingenlogging_starlette._configured_endpoints import configured_endpoints
from verwerkingenlogging_starlette._discovery import all_endpoints

__all__ = ["routes"]


def routes(application: object) -> list[Route] | None:
    """Every route of ``application``, with what its code and the configuration say; None when there is no Starlette application
    in it.

    Raises ConfigurationError when something in a configuration of routes is wrong.
    """
    found = all_endpoints(application)
    return None if found is None else [one.as_route() for one in configured_endpoints(found)]
