"""Does an annotation stand on the right side of the other decorators of a view? A cache above it answers without a record, and a
transaction under it is committed before whom it found is recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from django.db import connections
from django.db.transaction import Atomic, atomic
from django.middleware.cache import FetchFromCacheMiddleware

from verwerkingenlogging.annotation import verwerkingsactie
from verwerkingenlogging.routes.caches import cache_of
from verwerkingenlogging.wrapping import wrapped
from verwerkingenlogging_django._routes.annotations import annotations_at
from verwerkingenlogging_django._routes.configured_endpoints import ConfiguredEndpoint
from verwerkingenlogging_django._routes.endpoints import Endpoint
from verwerkingenlogging_django._routes.introspection import closure_variables, wrapper_chain
from verwerkingenlogging_django._transaction_mode import Mode, is_safe, reading

__all__ = ["Layer", "commits_first", "is_cached", "layers", "records_refusals"]


class Layer(Enum):
    """A decorator of a view: what matters of it for recording."""

    RECORDS = "records"
    CACHES = "answers from a cache, and then nothing runs that is under it"
    REFUSES = "may refuse the request, and then nothing runs that is under it"
    COMMITS = "commits what was done under it, or rolls it back"
    READS = "says that what is under it changes nothing"


_OURS = frozenset({verwerkingsactie.__module__, wrapped.__module__})  # the decorator, and what it makes of a function
_OF_MIDDLEWARE = "django.utils.decorators"  # of which cache_page is made
_AROUND = frozenset({atomic.__module__, reading.__module__})
_REFUSING = frozenset(
    {
        "django.contrib.auth.decorators",
        "django.views.decorators.http",
        # What as_view makes: it refuses methods, and in REST framework who may not.
        "django.views.generic.base",
        "rest_framework.viewsets",
    }
)


def is_cached(one: ConfiguredEndpoint) -> bool:
    """Whether a cache above the annotation answers without a record."""
    return _in_order(one, Layer.CACHES, Layer.RECORDS)


def records_refusals(one: ConfiguredEndpoint) -> bool:
    """Whether a request that a login or method check refuses is recorded all the same."""
    return _in_order(one, Layer.RECORDS, Layer.REFUSES)


def commits_first(one: ConfiguredEndpoint) -> bool:
    """Whether a change may be committed before its record is made, so that a failing log comes too late.

    That is so for persons who are found (``gevonden``), at a method that changes, without a transaction around it.
    """
    endpoint = one.endpoint
    if endpoint.method is None or is_safe(endpoint.method) or not any(annotation.found for annotation in annotations_at(one)):
        return False
    if _in_order(one, Layer.COMMITS, Layer.RECORDS) or Layer.READS in layers(endpoint):
        return False
    apart: set[str] = getattr(endpoint.callback, "_non_atomic_requests", set())
    atomic_requests = {alias for alias, settings in connections.settings.items() if settings["ATOMIC_REQUESTS"]}
    return not atomic_requests - apart


def _in_order(one: ConfiguredEndpoint, above: Layer, under: Layer) -> bool:
    found = [*layers(one.endpoint), *([Layer.RECORDS] if one.acties else [])]  # what the settings say is put under all the rest
    return above in found and under in found[found.index(above) :]


def layers(endpoint: Endpoint) -> Iterator[Layer]:
    """The decorators and other layers between a request and its handler, the outermost first."""
    yield from _of(endpoint.callback)
    if endpoint.view is not None:
        yield from _of(getattr(endpoint.view, "dispatch", None))
        yield Layer.REFUSES
    if endpoint.handler is not endpoint.callback:
        yield from _of(endpoint.handler)


def _of(function: Any) -> Iterator[Layer]:
    for one in wrapper_chain(function):
        # Not __module__, which functools.wraps takes over from what it wraps.
        module = getattr(one, "__globals__", {}).get("__name__")
        variables = closure_variables(one)
        layer = _known(one, module, variables)
        if layer is not None:
            yield layer
        elif module == _OF_MIDDLEWARE:
            # What the decorator calls before the view holds the middleware; in Django 4.2 the decorator itself does.
            holders = [variables, *map(closure_variables, variables.values())]
            if any(isinstance(value, FetchFromCacheMiddleware) for holder in holders for value in holder.values()):
                yield Layer.CACHES
            for decorator in reversed(variables.get("decorators", ())):  # of method_decorator, the innermost first
                if getattr(decorator, "__module__", None) in {*_OURS, _OF_MIDDLEWARE, *_REFUSING, *_AROUND}:
                    yield from _of(decorator(_anything))


def _known(one: Any, module: object, variables: Mapping[str, Any]) -> Layer | None:
    if module in _OURS:
        return Layer.RECORDS
    if cache_of(one) is not None:
        return Layer.CACHES
    if module in _REFUSING:
        return Layer.REFUSES
    if any(isinstance(value, Atomic) for value in variables.values()):
        return Layer.COMMITS
    return Layer.READS if Mode(reads=True) in (value for value in variables.values() if isinstance(value, Mode)) else None


def _anything(*args: Any, **kwargs: Any) -> None: ...
