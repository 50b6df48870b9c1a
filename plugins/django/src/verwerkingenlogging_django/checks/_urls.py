"""Checks of what the project's URLs log, and of the decorators around their views."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.routes.annotation_check import cached, problems, unannotated
from verwerkingenlogging_django._project_routes import project_routes
from verwerkingenlogging_django._routes.configured_endpoints import configured_endpoints
from verwerkingenlogging_django._routes.decorator_order import commits_first, is_cached, records_refusals
from verwerkingenlogging_django._setting_values import setting_path
from verwerkingenlogging_django.checks._settings import read_configuration
from verwerkingenlogging_django.settings import configuration

__all__ = ["check_urls"]


def check_urls(**_: Any) -> list[CheckMessage]:
    """E004, E005, W003, W008, W009, W013: ``ROUTES``, the activiteiten that views name, silent URLs, and decorators."""
    if read_configuration() is None or not getattr(settings, "ROOT_URLCONF", None):
        return []
    try:
        found = project_routes()
    except ConfigurationError as error:
        return [Error(str(error), id="verwerkingenlogging.E004")]
    messages: list[CheckMessage] = [
        Error(problem, id="verwerkingenlogging.E005") for problem in problems(route for route in found if route.recorder is not None)
    ]
    silent = unannotated(found)
    if silent:
        message = f"{len(silent)} of {len(found)} URLs say nothing about personal data, such as {silent[0].name}."
        hint = f"manage.py verwerkingen_check lists them; annotate the views, or say it in {setting_path('ROUTES')}."
        messages.append(Warning(message, hint=hint, id="verwerkingenlogging.W003"))
    return messages + _order()


def _order() -> list[CheckMessage]:
    """W008, W009, W013: a cache above an annotation, an annotation above what refuses, and one without a transaction around it."""
    found = configured_endpoints(configuration().routes)
    messages: list[CheckMessage] = []
    for template in dict.fromkeys(one.endpoint.template for one in found if is_cached(one)):
        message = f"{template}: a cache stands above what records (cache_page, lru_cache), and answers without a record."
        hint = "Do not cache what shows personal data, or put @verwerkingsactie above the cache."
        messages.append(Warning(message, hint=hint, id="verwerkingenlogging.W008"))
    messages += [Warning(message, id="verwerkingenlogging.W008") for message in cached()]
    for template in dict.fromkeys(one.endpoint.template for one in found if records_refusals(one)):
        message = f"{template}: @verwerkingsactie stands above what may refuse the request, and records what was refused as well."
        hint = "Put it under login_required, require_GET, api_view and the like, nearest to the function, or on the method of the class."
        messages.append(Warning(message, hint=hint, id="verwerkingenlogging.W009"))
    late = list(dict.fromkeys(f"{one.endpoint.method} {one.endpoint.template}" for one in found if commits_first(one)))
    if late:
        message = f"{', '.join(late)}: recorded after a change may have been committed (gevonden), and a log that fails cannot undo it."
        hint = (
            "Set ATOMIC_REQUESTS, or put @transaction.atomic above @verwerkingsactie; where it changes nothing, "
            "say so with @reading (verwerkingenlogging_django.transactions)."
        )
        messages.append(Warning(message, hint=hint, id="verwerkingenlogging.W013"))
    return messages
