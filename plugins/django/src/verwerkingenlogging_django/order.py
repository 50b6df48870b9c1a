"""Does an annotation stand on the right side of the other decorators of a view? A cache above it answers without a record."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

from django.middleware.cache import FetchFromCacheMiddleware

from verwerkingenlogging.annotation import verwerkingsactie
from verwerkingenlogging.wrapping import wrapped
from verwerkingenlogging_django.configured import Configured
from verwerkingenlogging_django.patterns import Endpoint, chain, closure

__all__ = ["Layer", "is_cached", "layers", "records_refusals"]


class Layer(Enum):
    """What a decorator does, as far as it matters here."""

    RECORDS = "records"
    CACHES = "answers from a cache, and then nothing runs that is under it"
    REFUSES = "may refuse the request, and then nothing runs that is under it"


_OURS = frozenset({verwerkingsactie.__module__, wrapped.__module__})  # the decorator, and what it makes of a function
_OF_MIDDLEWARE = "django.utils.decorators"  # of which cache_page is made
_REFUSING = frozenset(
    {
        "django.contrib.auth.decorators",
        "django.views.decorators.http",
        # What as_view makes: it refuses methods, and in REST framework who may not.
        "django.views.generic.base",
        "rest_framework.viewsets",
    }
)


def is_cached(one: Configured) -> bool:
    """Whether a cache answers in the place of what records here."""
    return _in_order(one, Layer.CACHES, Layer.RECORDS)


def records_refusals(one: Configured) -> bool:
    """Whether what records here does so also when the request is refused, by the check of a login or a method."""
    return _in_order(one, Layer.RECORDS, Layer.REFUSES)


def _in_order(one: Configured, above: Layer, under: Layer) -> bool:
    found = [*layers(one.endpoint), *([Layer.RECORDS] if one.acties else [])]  # what the settings say is put under all the rest
    return above in found and under in found[found.index(above) :]


def layers(endpoint: Endpoint) -> Iterator[Layer]:
    """What a request comes through before it reaches the function that handles it, the outermost first."""
    yield from _of(endpoint.callback)
    if endpoint.view is not None:
        yield from _of(getattr(endpoint.view, "dispatch", None))
        yield Layer.REFUSES
    if endpoint.handler is not endpoint.callback:
        yield from _of(endpoint.handler)


def _of(function: Any) -> Iterator[Layer]:
    for one in chain(function):
        # Not __module__, which functools.wraps takes over from what it wraps.
        module = getattr(one, "__globals__", {}).get("__name__")
        held = closure(one)
        if module in _OURS:
            yield Layer.RECORDS
        elif module in _REFUSING:
            yield Layer.REFUSES
        elif module == _OF_MIDDLEWARE:
            # One closure deeper: what the decorator calls before the view holds the middleware.
            if any(isinstance(value, FetchFromCacheMiddleware) for before in held.values() for value in closure(before).values()):
                yield Layer.CACHES
            for decorator in reversed(held.get("decorators", ())):  # of method_decorator, the innermost first
                if getattr(decorator, "__module__", None) in {*_OURS, _OF_MIDDLEWARE, *_REFUSING}:
                    yield from _of(decorator(_anything))


def _anything(*args: Any, **kwargs: Any) -> None: ...
