"""The subject of a question: a persoon, or a verwerking."""

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
    """A verwerking that is asked for: one of the client itself, or one of the afnemer that it served (X28, X29)."""

    id: UUID
    of_afnemer: bool
