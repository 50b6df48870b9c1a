"""The one idea that carries the rest: a place that keeps verwerkingsacties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from verwerkingenlogging.model import Verwerkingsactie

__all__ = ["Verwerkingenlog"]


class Verwerkingenlog(Protocol):
    """A place that keeps verwerkingsacties.

    Both methods return only when all ``acties`` are safe there, and raise NotRecorded when they are not. Several threads
    and event loops may call at the same time.
    """

    def log(self, acties: Sequence[Verwerkingsactie]) -> None:
        """Make ``acties`` safe, blocking the calling thread."""

    async def alog(self, acties: Sequence[Verwerkingsactie]) -> None:
        """Make ``acties`` safe without blocking the event loop."""
