"""The record that is measured: the standard's full example of a consumer, of one person (gemma.md 9.4)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID, uuid4

from bench.harness.load import PLACEHOLDER
from verwerkingenlogging import Vertrouwelijkheid, Verwerkingsactie, VerwerktObject

__all__ = ["BODY", "actie", "object_id"]

_OIN = "00000099123456780000"
_ACTIVITEIT = "5f0bef4c-f66f-4311-84a5-19e8bf359eaf"

BODY = json.dumps(
    {
        "actieNaam": "Ophalen persoonsgegevens",
        "handelingNaam": "Registratie getuigen",
        "verwerkingNaam": "Huwelijk",
        "verwerkingId": f"89aa7a9a-1f79-44de-b32e-8e3{PLACEHOLDER}",
        "verwerkingsactiviteitId": _ACTIVITEIT,
        "verwerkingsactiviteitUrl": f"https://var.example.nl/verwerkingsactiviteiten/{_ACTIVITEIT}",
        "vertrouwelijkheid": "normaal",
        "bewaartermijn": "P150Y",
        "uitvoerder": _OIN,
        "systeem": "FooBarApp v2.1",
        "gebruiker": "2ecf8e86-1a18-46ba-aa13-992c1dc231a5",
        "gegevensbron": "FooBar Database Publiekszaken",
        "tijdstip": datetime.now(UTC).isoformat(timespec="seconds"),
        "verwerkteObjecten": [{"objecttype": "persoon", "soortObjectId": "BSN", "objectId": PLACEHOLDER, "betrokkenheid": "Getuige"}],
    },
    separators=(",", ":"),
)
"""As a client posts it, today, with a number of its own for each person and each verwerking."""


def object_id(person: int) -> str:
    """The number of the ``person``-th person; none of them is a real one."""
    return f"9{person:08}"


def actie(person: int = 0) -> Verwerkingsactie:
    """The same record as the core has it, of that person, now."""
    given = json.loads(BODY)
    return Verwerkingsactie(
        actie_naam=given["actieNaam"],
        handeling_naam=given["handelingNaam"],
        verwerking_naam=given["verwerkingNaam"],
        verwerking_id=uuid4(),
        verwerkingsactiviteit_id=UUID(_ACTIVITEIT),
        verwerkingsactiviteit_url=given["verwerkingsactiviteitUrl"],
        vertrouwelijkheid=Vertrouwelijkheid.NORMAAL,
        bewaartermijn=given["bewaartermijn"],
        uitvoerder=_OIN,
        systeem=given["systeem"],
        gebruiker=given["gebruiker"],
        gegevensbron=given["gegevensbron"],
        tijdstip=given["tijdstip"],
        verwerkte_objecten=(
            VerwerktObject(objecttype="persoon", soort_object_id="BSN", object_id=object_id(person), betrokkenheid="Getuige"),
        ),
    )
