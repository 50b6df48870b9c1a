"""Are these two allowed to marry? (BW 1:41)"""

from __future__ import annotations

from typing import Any

from burgerzaken.annotations import VOORBEREIDING, huwelijk
from burgerzaken.gegevensmagazijn import ask
from verwerkingenlogging import gevonden

__all__ = ["bsns_of", "is_prohibited", "voorouders_of"]

Voorouders = list[dict[str, Any]]
_PARENT = 1


def bsns_of(voorouders: Voorouders) -> list[str]:
    """The BSNs of these persons, each once."""
    return list(dict.fromkeys(voorouder["bsn"] for voorouder in voorouders))


def voorouders_of(partners: list[str]) -> Voorouders:
    """All known ancestors of the two who marry, from the gegevensmagazijn."""
    found: Voorouders = ask("/voorouderlijsten", {"bsns": partners})
    return found


# Nobody gets to see these ancestors, yet they were read: they are logged all the same (C4084, V3934). As found persons: before the
# rule that needs them goes on.
@huwelijk("Uitvoeren vereiste controles", handeling_naam=VOORBEREIDING, objecten=gevonden(bsns_of, betrokkenheid="Verwantschapscontrole"))
def _voorouders_read(partners: list[str]) -> Voorouders:
    return voorouders_of(partners)


def is_prohibited(partners: list[str]) -> bool:
    """Whether one descends from the other, or both from the same parent."""
    voorouders = _voorouders_read(partners)
    lines = [(voorouder["bsn"], voorouder["van"]) for voorouder in voorouders]
    parents = {bsn: {v["bsn"] for v in voorouders if v["van"] == bsn and v["graad"] == _PARENT} for bsn in partners}
    return any((one, other) in lines for one in partners for other in partners) or bool(set.intersection(*parents.values()))
