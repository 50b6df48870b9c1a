"""Finds caches above annotated functions: a cache answers without running the function, and so without a record.

Known are the caches of the standard library and of packages that do nothing else; what an application wrote itself cannot be told from any
other decorator.
"""

from __future__ import annotations

import functools
import gc
import sys
from collections.abc import Iterator
from itertools import compress
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
    """The name of the kind of cache that ``one`` is; None when it is not known as a cache."""
    if type(one) is FunctionType:  # not isinstance, for which a lazy object would be made
        return _package(one.__globals__.get("__name__"))  # not __module__, which functools.wraps takes over from what it wraps
    return _of_kind(type(one))


def _of_kind(kind: type) -> str | None:
    name = f"{kind.__module__}.{kind.__qualname__}"
    return _KINDS.get(kind) or (name if name == _OF_DJANGO else _package(kind.__module__))


def _package(module: object) -> str | None:
    package = str(module).partition(".")[0]
    return package if package in _PACKAGES else None


def caches() -> Iterator[Any]:
    """All caches of this process above a function. It looks through all objects: use it at a start or a check only."""
    objects = gc.get_objects()
    # Every start of an application does this, and there are hundreds of thousands of objects but some hundreds of kinds: hence no loop of
    # Python over the objects, and none over the functions where no package is loaded that caches.
    kinds = {kind for kind in set(map(type, objects)) if kind is not FunctionType and _of_kind(kind) is not None}
    if any(map(_package, sys.modules.copy())):
        kinds.add(FunctionType)
    for one in compress(objects, map(kinds.__contains__, map(type, objects))):
        if cache_of(one) is not None and inner_of(one) is not None:
            yield one


def inner_of(cache: Any) -> Any:
    """The function under a cache; None when it cannot be found."""
    return getattr(cache, "func" if type(cache).__name__ == "cached_property" else "__wrapped__", None)
