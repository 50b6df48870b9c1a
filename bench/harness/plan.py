"""What the command line asks of every part."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Loads", "Plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to run a part.

    Attributes:
        quick: in a few seconds, to see that it works; the figures mean little.
        wrk: load a server with wrk, which must then be there; otherwise with the bench's own generator.
        rows: verwerkingsacties in the database that is searched.
    """

    quick: bool = False
    wrk: bool = False
    rows: int = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Loads:
    """How often a server is loaded: the rounds, and the seconds of each and of the one that warms it up."""

    rounds: int
    seconds: float
    warm_up: float
