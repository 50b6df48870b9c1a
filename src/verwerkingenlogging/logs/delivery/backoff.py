"""After a failure: how long to wait, how often to say so, and in which words. For what delivers, from a file or from a database."""

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
    """How long to wait after each of a row of failures: twice as long each time, up to the longest.

    Each wait is a random part of that, from a half up, so that processes which failed together do not come back together.
    """

    def __init__(self) -> None:
        self._failures = 0

    def failed(self, error: Exception | None = None) -> float:
        """One more; gives the seconds to wait: no fewer than a log asked for, if ``error`` says that it did."""
        self._failures += 1
        first, longest = SECONDS
        wait: float = min(longest, first * 2 ** min(self._failures - 1, _DOUBLINGS))
        return max(wait * random.uniform(0.5, 1), getattr(error, "retry_after", None) or 0.0)  # noqa: S311  # no secret

    def succeeded(self) -> bool:
        """It went well; gives whether it had failed before, which is worth a word."""
        failed, self._failures = self._failures > 0, 0
        return failed


def told(error: Exception) -> str:
    """What may be said of ``error``: our own words, else those of the operating system, else its kind.

    The message of a foreign error might repeat a record.
    """
    return str(error) if isinstance(error, VerwerkingenloggingError) else getattr(error, "strerror", None) or type(error).__name__
