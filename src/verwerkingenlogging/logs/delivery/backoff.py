"""After a failed delivery: how long to wait, and how often and in which words to log it. For the outbox and the database."""

from __future__ import annotations

import random

from verwerkingenlogging.errors import VerwerkingenloggingError

__all__ = ["ALARM_SECONDS", "SECONDS", "Backoff", "told"]

ALARM_SECONDS = 60.0
"""Nothing is said again within this time."""
SECONDS = (0.5, 30.0)
"""The first wait and the longest."""
_DOUBLINGS = 16


class Backoff:
    """The wait after each of several failures in a row: twice as long each time, up to a maximum.

    Each wait is a random part of that, from a half up, so that processes which failed together do not come back together.
    """

    def __init__(self) -> None:
        self._failures = 0

    def failed(self, error: Exception | None = None) -> float:
        """Count one more failure, and give the seconds to wait: at least as long as the log asked for in ``error``."""
        self._failures += 1
        first, longest = SECONDS
        wait: float = min(longest, first * 2 ** min(self._failures - 1, _DOUBLINGS))
        return max(wait * random.uniform(0.5, 1), getattr(error, "retry_after", None) or 0.0)  # noqa: S311  # no secret

    def succeeded(self) -> bool:
        """Note a success; true when it had failed before, so that the caller can log it."""
        failed, self._failures = self._failures > 0, 0
        return failed


def told(error: Exception) -> str:
    """The text of ``error`` that may be logged: our own message, else that of the operating system, else its type.

    The message of a foreign error might repeat a record.
    """
    return str(error) if isinstance(error, VerwerkingenloggingError) else getattr(error, "strerror", None) or type(error).__name__
