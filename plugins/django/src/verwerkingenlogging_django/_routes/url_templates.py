"""The template of an endpoint as ``path()`` would have it, and the route that a request of it will say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.urls.resolvers import LocalePrefixPattern, RegexPattern
from django.utils import translation

from verwerkingenlogging_django._routes.regexes import readable

__all__ = ["readable_part", "routes_of"]


def readable_part(pattern: Any) -> str:
    """A part of a template as ``path()`` would have it, a regular expression too; the prefix of ``i18n_patterns`` by what it is."""
    if isinstance(pattern, LocalePrefixPattern):
        return "<language>/"
    if isinstance(pattern, RegexPattern):
        return readable(str(pattern)).removeprefix("/")
    return str(pattern)


def routes_of(parts: Sequence[Any]) -> frozenset[str]:
    """The route as the resolver joins it, in every language where one of its parts is translated."""
    if not any(isinstance(part, LocalePrefixPattern) or not isinstance(_raw(part), str) for part in parts):
        return frozenset([_joined(parts)])
    found = set()
    for language, _ in settings.LANGUAGES:
        with translation.override(language):
            found.add(_joined(parts))
    return frozenset(found)


def _raw(part: Any) -> object:
    return getattr(part, "_route", None) or getattr(part, "_regex", "")


def _joined(parts: Sequence[Any]) -> str:
    *above, route = map(str, parts)
    for prefix in reversed(above):
        if prefix:
            route = prefix + route.removeprefix("^")
    return route
