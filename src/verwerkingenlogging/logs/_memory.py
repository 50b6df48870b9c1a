"""A log in memory, for tests and for measuring. What it holds is gone with the process."""

from __future__ import annotations

from collections.abc import Sequence

from verwerkingenlogging.errors import NotRecorded
from verwerkingenlogging.logs.parts import each_in_parts
from verwerkingenlogging.model import Verwerkingsactie

__all__ = ["MemoryLog"]


class MemoryLog:
    """Keeps verwerkingsacties in a list.

    Attributes:
        acties: what was logged, in order.
        failure: set it to an error and every later call raises that instead: a log that is down.
    """

    def __init__(self) -> None:
        self.acties: list[Verwerkingsactie] = []
        self.failure: NotRecorded | None = None

    def log(self, acties: Sequence[Verwerkingsactie]) -> None:
        """Keep ``acties``. Raises ``failure`` when that is set."""
        if self.failure is not None:
            raise self.failure
        self.acties.extend(each_in_parts(acties))

    async def alog(self, acties: Sequence[Verwerkingsactie]) -> None:
        """The same, for asynchronous code."""
        self.log(acties)
