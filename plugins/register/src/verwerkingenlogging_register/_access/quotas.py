"""The quotas of a client: how many requests per second, and one request per Idempotency-Key at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from verwerkingenlogging_register._errors import Problem

__all__ = ["InFlight", "Moment", "Moments", "OwnMoments", "RateLimit"]

_ROUNDING = 1e-6
"""Seconds: sums of intervals are not exact."""


@dataclass(slots=True)
class Moment:
    """A moment that can be changed, in seconds of a monotonic clock."""

    value: float = 0.0


class Moments(Protocol):
    """Keeps a moment per client."""

    def of(self, client: str) -> AbstractContextManager[Moment]:
        """The moment of ``client``, for exclusive use; a change of it is kept."""
        ...


class OwnMoments:
    """The moments of one process, in one thread."""

    def __init__(self) -> None:
        self._moments: dict[str, Moment] = {}

    def of(self, client: str) -> AbstractContextManager[Moment]:
        """The moment of ``client``; 0 when there is none yet."""
        return nullcontext(self._moments.setdefault(client, Moment()))


class RateLimit:
    """At most ``rate`` requests per second for each client, and ``burst`` at once. A rate of 0 is no limit.

    Who shares ``moments`` counts together. There is one for each registered client: who is not, is refused before.
    """

    def __init__(self, rate: float, burst: int, *, moments: Moments | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._moments = moments or OwnMoments()
        self._clock = clock

    def take(self, client: str) -> None:
        """Count one request. Raises Problem 429, with the time to wait, when it is one too many.

        Kept is the moment from which the whole burst is free again; each request moves it on.
        """
        if not self._rate:
            return
        now = self._clock()
        with self._moments.of(client) as free:
            next_free = max(free.value, now) + 1 / self._rate
            too_early = next_free - now - self._burst / self._rate
            if too_early > _ROUNDING:
                raise Problem(429, headers={"Retry-After": str(math.ceil(too_early))})
            free.value = next_free


class InFlight:
    """The Idempotency-Keys of the requests that this process is working on."""

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
