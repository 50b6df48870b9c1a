"""What a part of the bench gives back: figures, ratios between them, and the budget that each ratio has to keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.harness.spread import Spread

__all__ = ["Budget", "Figure", "Ratio", "Result"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What we promise of a ratio: at most this, or at least this. One of the two is given."""

    at_most: float | None = None
    at_least: float | None = None

    def met(self, value: float) -> bool:
        """Whether ``value`` keeps to the budget."""
        if self.at_most is not None:
            return value <= self.at_most
        return self.at_least is not None and value >= self.at_least

    def __str__(self) -> str:
        return f"<= {self.at_most}" if self.at_most is not None else f">= {self.at_least}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Something measured, in its unit. Says little on another machine; the ratios are what to compare."""

    group: str
    name: str
    unit: str
    spread: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """One figure beside another of the same round. Its median is held against the budget, where there is one."""

    group: str
    name: str
    spread: Spread
    budget: Budget | None = None

    @property
    def verdict(self) -> str:
        """``met``, ``MISSED``, or nothing where there is no budget."""
        if self.budget is None:
            return ""
        return "met" if self.budget.met(self.spread.median) else "MISSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The outcome of one part.

    Attributes:
        part: its name, and that of its file in ``bench/results``.
        title: what was measured, in a sentence.
        figures, ratios: the outcome.
        settings: how it was measured: rounds, requests, durations.
        notes: what is excluded, and what else a reader must know to judge the figures.
    """

    part: str
    title: str
    figures: tuple[Figure, ...]
    ratios: tuple[Ratio, ...]
    settings: Mapping[str, str | int | float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
