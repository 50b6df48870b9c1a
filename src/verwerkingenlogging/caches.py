"""A cache above what records: it answers in its place, and then nothing is recorded.

Known are the caches of the standard library and of packages that do nothing else; what an application wrote itself cannot be told from any
other decorator.
"""

from __future__ import annotations

import functools
from typing import Any

__all__ = ["cache_of"]

_KINDS = (type(functools.lru_cache(len)), functools.cached_property)
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
    if isinstance(one, _KINDS):
        return f"functools.{'cached_property' if isinstance(one, functools.cached_property) else 'lru_cache'}"
    # Not __module__ of the object, which functools.wraps takes over from what it wraps.
    for module in (type(one).__module__, getattr(one, "__globals__", {}).get("__name__")):
        package = str(module).partition(".")[0]
        if package in _PACKAGES:
            return package
    return None
