"""Packages that only some need: where one is missing, the error says what to install."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["installed_by"]


@contextmanager
def installed_by(*requirements: str) -> Iterator[None]:
    """Around imports of what any one of ``requirements`` installs. Raises ModuleNotFoundError that says how, when it is not there."""
    try:
        yield
    except ModuleNotFoundError as error:
        remedy = " or ".join(f"pip install '{requirement}'" for requirement in requirements)
        raise ModuleNotFoundError(f"{error.name} is not installed: {remedy}", name=error.name) from None
