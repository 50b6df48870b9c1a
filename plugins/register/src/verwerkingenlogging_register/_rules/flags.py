"""Flags: acties that were stored but deserve a look, by client and reason, in a metric and in the technical log."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable

from verwerkingenlogging_register._metrics import Metrics
from verwerkingenlogging_register._rules.acceptance import Flag

__all__ = ["Flags"]

logger = logging.getLogger("verwerkingenlogging_register")

_QUIET_SECONDS = 60.0
_MEANING = {
    Flag.TIJDSTIP_PAST: "a tijdstip longer ago than tijdstip_past_days",
    Flag.TIJDSTIP_FUTURE: "a tijdstip further ahead than tijdstip_future_seconds",
    Flag.BELOW_MINIMUM: "a bewaartermijn below the minimum, which they got instead",
    Flag.ABOVE_MAXIMUM: "a bewaartermijn above the maximum, at which the purge takes them",
}


class Flags:
    """Counts the flags of a register. A line is written for the first of a client and reason, and then one a minute for all since.

    Neither says anything of an actie but whose client offered it.
    """

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._clock = clock
        self._untold: Counter[tuple[str, Flag]] = Counter()
        self._told_at: dict[tuple[str, Flag], float] = {}
        self._lock = threading.Lock()  # spans are judged in threads

    def add(self, client: str, flags: Iterable[Flag]) -> None:
        """Count the flags of acties that ``client`` offered."""
        for flag, number in Counter(flags).items():
            self._metrics.flagged(client, flag, number)
            with self._lock:
                self._untold[client, flag] += number
                self._tell(client, flag)

    def _tell(self, client: str, flag: Flag) -> None:
        now = self._clock()
        if now - self._told_at.get((client, flag), float("-inf")) < _QUIET_SECONDS:
            return
        self._told_at[client, flag] = now
        number = self._untold.pop((client, flag))
        fields = {"client": client, "flag": str(flag), "acties": number}
        logger.warning("client %s: %d verwerkingsacties with %s", client, number, _MEANING[flag], extra={"fields": fields})
