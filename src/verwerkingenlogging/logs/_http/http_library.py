"""The library of connections and pools that httpx2 uses (httpcore2), or that httpx uses (httpcore) where only that is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verwerkingenlogging.support.optional_packages import installed_by

if TYPE_CHECKING:
    import httpcore2 as core
else:
    try:
        import httpcore2 as core
    except ModuleNotFoundError:
        with installed_by("verwerkingenlogging[api]"):
            import httpcore as core  # it is the same, under its first name

__all__ = ["core"]
