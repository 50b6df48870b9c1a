"""Limits on what one client may ask: how often, and one request per Idempotency-Key at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from verwerkingenlogging_register.problems import Problem

__all__ = ["InFlight", "RateLimit"]


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class RateLimit:
    """At most ``rate`` requests per second for each client, and ``burst`` at once. A rate of 0 is no limit.

    Each worker counts for itself. There is one bucket for each registered client: who is not, is refused before.
    """

    def __init__(self, rate: float, burst: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def take(self, client: str) -> None:
        """Count one request. Raises Problem 429, with when to try again, for one too many."""
        if not self._rate:
            return
        now = self._clock()
        bucket = self._buckets.setdefault(client, _Bucket(self._burst, now))
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.filled_at) * self._rate)
        bucket.filled_at = now
        if bucket.tokens < 1:
            raise Problem(429, headers={"Retry-After": str(math.ceil((1 - bucket.tokens) / self._rate))})
        bucket.tokens -= 1


class InFlight:
    """The Idempotency-Keys of requests that are under way in this process."""

    def __init__(self) -> None:
        self._keys: set[tuple[str, str]] = set()

    @contextmanager
    def claim(self, client: str, keys: set[str]) -> Iterator[None]:
        """Hold these keys of ``client``. Raises Problem 409 when another request holds one."""
        claimed = {(client, key) for key in keys}
        if claimed & self._keys:
            raise Problem(409, "Een aanvraag met deze Idempotency-Key is nog onderhanden.", headers={"Retry-After": "1"})
        self._keys |= claimed
        try:
            yield
        finally:
            self._keys -= claimed
