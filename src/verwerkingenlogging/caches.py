"""A cache above what records: it answers in its place, and then nothing is recorded.

Known are the caches of the standard library and of packages that do nothing else; what an application wrote itself cannot be told from any
other decorator.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Iterator
from types import FunctionType
from typing import Any

__all__ = ["cache_of", "caches", "inner_of"]

_KINDS: dict[type, str] = {
    type(functools.lru_cache(len)): "functools.lru_cache",
    functools.cached_property: "functools.cached_property",
}
_OF_DJANGO = "django.utils.functional.cached_property"
_PACKAGES = frozenset(
    {
        "aiocache",
        "async_lru",
        "asyncache",
        "beaker",
        "cachebox",
        "cachetools",
        "cachier",
        "cashews",
        "diskcache",
        "dogpile",
        "fastapi_cache",
        "fastapi_redis_cache",
        "joblib",
        "memoization",
        "methodtools",
        "ring",
        "theine",
    }
)


def cache_of(one: Any) -> str | None:
    """By what name ``one`` is known as a cache, without what it stands above; None when it is not known as one."""
    if type(one) is FunctionType:  # not isinstance, for which a lazy object would be made
        return _package(one.__globals__.get("__name__"))  # not __module__, which functools.wraps takes over from what it wraps
    kind = type(one)
    name = f"{kind.__module__}.{kind.__qualname__}"
    return _KINDS.get(kind) or (name if name == _OF_DJANGO else _package(kind.__module__))


def _package(module: object) -> str | None:
    package = str(module).partition(".")[0]
    return package if package in _PACKAGES else None


def caches() -> Iterator[Any]:
    """All caches of this process that stand above a function. It looks through all objects: for a start or a check, not for a request."""
    known: dict[int, bool] = {}
    for one in gc.get_objects():
        kind = type(one)
        key = id(one.__globals__) if kind is FunctionType else id(kind)
        if key not in known:
            known[key] = cache_of(one) is not None
        if known[key] and inner_of(one) is not None:
            yield one


def inner_of(cache: Any) -> Any:
    """What a cache stands above; None where that cannot be told."""
    return getattr(cache, "func" if type(cache).__name__ == "cached_property" else "__wrapped__", None)
