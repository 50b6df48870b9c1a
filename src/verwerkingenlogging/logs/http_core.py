"""The library beneath httpx2, or beneath httpx where that is what there is: connections and pools, with nothing around them."""

from __future__ import annotations

try:
    import httpcore2 as core
except ImportError:  # pragma: no cover  # where the other is installed
    import httpcore as core  # type: ignore[import-not-found,no-redef]  # it is the same, under its first name

__all__ = ["core"]
