"""The library beneath httpx2, or beneath httpx where that is what there is: connections and pools, with nothing around them."""

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
