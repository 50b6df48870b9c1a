"""Checks of the setting, of the middleware, and of whose headers are believed."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_django._configuration import raw_setting
from verwerkingenlogging_django._project_routes import our_middleware
from verwerkingenlogging_django._setting_values import NAME, setting_path
from verwerkingenlogging_django.settings import Configuration, configuration, recorder

__all__ = ["check_middleware", "check_peers", "check_settings", "read_configuration"]

_CACHE = "django.middleware.cache.FetchFromCacheMiddleware"


def check_settings(**_: Any) -> list[CheckMessage]:
    """E001: the setting, and the log that it names."""
    try:
        recorder()
    except ConfigurationError as error:
        hint = f"See docs/reference/django.md for the keys of settings.{NAME}."
        if error.__cause__ is not None:
            hint = "Import or call what is named there in manage.py shell to see where."
        return [Error(str(error), hint=hint, id="verwerkingenlogging.E001")]
    return []


def check_middleware(**_: Any) -> list[CheckMessage]:
    """E002, E003, W001: the middleware is installed once, and no cache of whole pages answers before it."""
    if _given() is None:
        return []
    found: list[CheckMessage] = []
    ours = Counter(our_middleware())
    if not ours:
        path = "verwerkingenlogging_django.middleware.VerwerkingenloggingMiddleware"
        hint = f'Put "{path}" first in settings.MIDDLEWARE.'
        found.append(
            Error("The middleware of verwerkingenlogging is not in settings.MIDDLEWARE.", hint=hint, id="verwerkingenlogging.E002")
        )
    if ours.total() > 1:
        message = f"The middleware of verwerkingenlogging is in settings.MIDDLEWARE {ours.total()} times."
        hint = "Keep the first: what an inner one believes of the caller would be lost in the outer one."
        found.append(Error(message, hint=hint, id="verwerkingenlogging.E003"))
    if _CACHE in settings.MIDDLEWARE:
        message = f"{_CACHE} answers with pages from the cache, and then no view runs that is recorded."
        hint = "Cache per view, with cache_page, and only views that show no personal data."
        found.append(Warning(message, hint=hint, id="verwerkingenlogging.W001"))
    return found


def check_peers(**_: Any) -> list[CheckMessage]:
    """W002: behind a proxy every client looks like the proxy, so that nobody is believed, or everybody."""
    behind_proxy = settings.USE_X_FORWARDED_HOST or settings.SECURE_PROXY_SSL_HEADER is not None
    values = _given()
    if values is None or not behind_proxy or {"TRUSTED_PEERS", "TRUSTED_PROXIES", "VERIFIED_OIN"} & values.keys():
        return []
    message = f"{setting_path('TRUSTED_PEERS')} is missing, and this project is behind a proxy."
    hint = (
        "Let the server restore the client's address, and name the addresses whose doelbinding headers are believed; [] for none. "
        "Without it nobody behind a proxy on this machine is, or everybody when that adds no header such as X-Forwarded-For."
    )
    return [Warning(message, hint=hint, id="verwerkingenlogging.W002")]


def read_configuration() -> Configuration | None:
    """The configuration; None when E001 reports that it is wrong."""
    return None if check_settings() else configuration()


def _given() -> Any:
    """The setting as it was written; None where E001 says what is wrong with it."""
    try:
        return raw_setting()
    except ConfigurationError:
        return None
