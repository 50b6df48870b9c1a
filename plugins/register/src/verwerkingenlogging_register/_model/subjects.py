"""Whose records are meant: those about a persoon, or those of a verwerking."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

__all__ = ["Persoon", "Verwerking"]


@dataclass(frozen=True, slots=True)
class Persoon:
    """Whose records are asked for: the three parts that identify a verwerkt object. Exact comparison (R5)."""

    objecttype: str
    soort_object_id: str
    object_id: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Verwerking:
    """Which verwerking is meant: one of our own, or one of the afnemer that was served (X28, X29)."""

    id: UUID
    of_afnemer: bool
