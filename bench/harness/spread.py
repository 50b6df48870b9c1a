"""Many samples of one figure, in five numbers."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Spread"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The median is the figure; the rest says how far to trust it."""

    min: float
    p25: float
    median: float
    p75: float
    max: float

    @classmethod
    def of(cls, samples: Iterable[float]) -> Spread:
        """The spread of ``samples``, which must be at least two. Raises statistics.StatisticsError."""
        values = sorted(samples)
        p25, median, p75 = statistics.quantiles(values, n=4, method="inclusive")
        return cls(min=values[0], p25=p25, median=median, p75=p75, max=values[-1])
