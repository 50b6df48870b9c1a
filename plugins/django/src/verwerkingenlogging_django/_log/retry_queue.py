"""The retry queue: records that a log fails for while it accepts others, set apart so that only their verwerking waits.

They stay in their database. Which they are is known to the process that delivers only: a next one finds it out again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from verwerkingenlogging.errors import LogUnavailable

__all__ = ["MOST", "SECONDS", "RetryQueue"]

MOST = 1000
"""Verwerkingen that are set apart. With more of them it is not the records that are at fault."""
SECONDS = (1.0, 600.0)
"""After the first failure it is tried again in so many seconds, and at last in so many."""


@dataclass(slots=True)
class _Turn:
    """The first record of a verwerking that is set apart, by its id, and when it is tried again."""

    id: int
    failures: int = 0
    due: float = 0.0


class RetryQueue:
    """The records of one database that are set apart, by verwerking, or by record when it has none."""

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._turns

    def put(self, name: str, id_: int, reason: str) -> None:
        """Set apart the record ``id_`` and later records of ``name``. Raises LogUnavailable, with ``reason``, when too many are."""
        if len(self._turns) >= MOST:
            raise LogUnavailable(f"the log behind fails for the records of more than {MOST} verwerkingen: {reason}")
        self._turns[name] = _Turn(id_)
        self.failed(name)

    def due(self) -> tuple[str, int] | None:
        """The next one to try now: its name and the id of its first record."""
        now = time.monotonic()
        return next(((name, turn.id) for name, turn in self._turns.items() if turn.due <= now), None)

    def failed(self, name: str) -> None:
        """Note a failed attempt: wait longer."""
        first, longest = SECONDS
        turn = self._turns[name]
        turn.due = time.monotonic() + min(longest, first * 2 ** min(turn.failures, 16))
        turn.failures += 1

    def done(self, name: str) -> None:
        """Note that it was accepted, refused or removed: later records of that name are delivered as usual again."""
        del self._turns[name]
