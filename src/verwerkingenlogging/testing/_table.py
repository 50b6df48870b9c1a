"""A readable table of verwerkingsacties, for a test that fails and for a demonstration. It shows persons: never log it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from verwerkingenlogging.model import Verwerkingsactie, VerwerktObject

__all__ = ["table", "told"]


def told(objekt: VerwerktObject) -> str:
    """A verwerkt object as a short text: ``BSN 2308572 Aanvrager {Adres}``."""
    soorten = ", ".join(soort.soort_gegeven for soort in objekt.verwerkte_soorten_gegevens)
    words = [objekt.soort_object_id, objekt.object_id, objekt.betrokkenheid or "", f"{{{soorten}}}" if soorten else ""]
    if objekt.objecttype != "persoon":
        words.insert(0, objekt.objecttype)
    return " ".join(word for word in words if word)


def table(acties: Sequence[Verwerkingsactie]) -> str:
    """``acties`` in columns, a line for each person; ``(none)`` when there are none."""
    if not acties:
        return "(none)"
    rows = [("actie", "handeling", "verwerking", "verwerking id", "whose data")]
    for actie in acties:
        first, *others = [told(objekt) for objekt in actie.verwerkte_objecten] or ["nobody"]
        verwerking_id = str(actie.verwerking_id)[:8] if actie.verwerking_id else ""
        rows.append((actie.actie_naam or "", actie.handeling_naam or "", actie.verwerking_naam or "", verwerking_id, first))
        rows.extend(("", "", "", "", other) for other in others)
    return "\n".join(_aligned(rows))


def _aligned(rows: Iterable[tuple[str, ...]]) -> list[str]:
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
