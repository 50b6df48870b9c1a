"""Optional packages: when one is missing, the error says what to install."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["installed_by"]


@contextmanager
def installed_by(*requirements: str) -> Iterator[None]:
    """Put this around imports that need one of ``requirements``. Raises a ModuleNotFoundError that says what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        remedy = " or ".join(f"pip install '{requirement}'" for requirement in requirements)
        raise ModuleNotFoundError(f"{error.name} is not installed: {remedy}", name=error.name) from None
