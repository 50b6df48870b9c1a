"""The cases of the standard that the system runs: the requests, and the verwerkingsacties that each case prescribes.

Every attribute of each actie is given: those that the case names with its values, and those of the base case C9172 and of the
pictures of a consumer and a provider (quick start) where it names none. An attribute that is not given must be empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from demo.system import OIN, UITVOERDER
from verwerkingenlogging import Verwerkingsactie, VerwerktObject

__all__ = ["BURGER", "CASES", "GEBRUIKER", "MEDEBEWONERS", "NAAMGENOTEN", "PERSONEN", "PROVIDER_ID", "SOME_TIME", "ZAAK", "Case", "Request"]

BURGER = "2308572"
MEDEBEWONERS = ("8495621", "7586426")
NAAMGENOTEN = ("5649587", "6351429")
PERSONEN = (BURGER, *MEDEBEWONERS, *NAAMGENOTEN)
"""Everybody in these cases."""

ZAAK = UUID("48086bf2-11b7-4603-9526-67d7c3bb6587")
PROVIDER_ID = UUID("16a69cb6-41b0-4ea0-8c80-7a735e3609e0")
"""Stands for an id that the logging application makes itself, which is another each time."""
SOME_TIME = "2024-04-05T14:35:42+01:00"
"""Stands for the moment at which the actie really begins."""
GEBRUIKER = "2ecf8e86-1a18-46ba-aa13-992c1dc231a5"

_BRP_REGISTRATIE = UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf")
_LEVERINGEN = UUID("4f6db294-830d-4d14-b9bd-3c6d17c40d65")
_VAR = "https://var.gemeente.nl/"

_ZOEKVRAAG = {"geboortedatum": "1985-03-14", "naam": "De Vries"}
_GEZIN = {"bsn": BURGER, "medebewoners": [*MEDEBEWONERS]}
_ADRES = {"adres": "Nieuwe Gracht 1, Voorbeeldstad"}

Consumer = Literal["zaaksysteem", "zaaksysteem_uitvoerder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request of an employee to the zaaksysteem, and the status with which it must answer."""

    method: str
    path: str
    body: dict[str, Any]
    to: Consumer = "zaaksysteem"
    status: int = 204


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case of the standard: what is asked, and exactly what the log must hold of it, in this order."""

    code: str
    title: str
    who_logs: str
    requests: Sequence[Request]
    acties: Sequence[Verwerkingsactie]


def burger(betrokkenheid: str | None = "Aanvrager") -> VerwerktObject:
    """The citizen of all cases."""
    return VerwerktObject(object_id=BURGER, betrokkenheid=betrokkenheid)


def consumer(actie_naam: str, *objecten: VerwerktObject, uitvoerder: str | None = None) -> Verwerkingsactie:
    """What the zaaksysteem logs of a step in the zaak."""
    return Verwerkingsactie(
        tijdstip=SOME_TIME,
        actie_naam=actie_naam,
        verwerking_naam="Registratie verhuizing",
        verwerking_id=ZAAK,
        verwerkingsactiviteit_id=_BRP_REGISTRATIE,
        verwerkingsactiviteit_url=f"{_VAR}{_BRP_REGISTRATIE}",
        bewaartermijn="P150Y",
        uitvoerder=uitvoerder,
        systeem="FooBarApp v2.1",
        gebruiker=GEBRUIKER,
        gegevensbron="FooBar Database Publiekszaken",
        verwerkte_objecten=objecten,
    )


def provider(actie_naam: str, *objecten: VerwerktObject) -> Verwerkingsactie:
    """What the gegevensmagazijn logs when the zaaksysteem calls it; the last six come from the headers."""
    return Verwerkingsactie(
        tijdstip=SOME_TIME,
        actie_naam=actie_naam,
        verwerking_id=PROVIDER_ID,
        verwerkingsactiviteit_id=_LEVERINGEN,
        verwerkingsactiviteit_url=f"{_VAR}{_LEVERINGEN}",
        systeem="FooBarService v1.3",
        gegevensbron="FooBar Gegevensmagazijn",
        verwerkte_objecten=objecten,
        bewaartermijn="P150Y",
        soort_afnemer_id="OIN",
        afnemer_id=OIN,
        verwerkingsactiviteit_id_afnemer=_BRP_REGISTRATIE,
        verwerkingsactiviteit_url_afnemer=f"{_VAR}{_BRP_REGISTRATIE}",
        verwerking_id_afnemer=ZAAK,
    )


def _ophalen(body: dict[str, Any], *, at: str = "", to: Consumer = "zaaksysteem") -> Request:
    return Request(method="POST", path=f"/zaken/{ZAAK}{at}/raadplegingen", body=body, to=to, status=200)


def _opslaan(body: dict[str, Any], *, at: str = "", to: Consumer = "zaaksysteem") -> Request:
    return Request(method="POST", path=f"/zaken/{ZAAK}{at}/verhuizingen", body=body | _ADRES, to=to)


_MAGAZIJN = "/gegevensmagazijn"
_ALONE = {"bsn": BURGER}
_HITS = [VerwerktObject(object_id=bsn, betrokkenheid="Getoond in zoekresultaat") for bsn in (BURGER, *NAAMGENOTEN)]
_FAMILY = [burger(), *(VerwerktObject(object_id=bsn, betrokkenheid="Medebewoner") for bsn in MEDEBEWONERS)]

CASES = (
    Case(
        code="C9172",
        title="Registratie verhuizing - eenvoudig, traditioneel systeem",
        who_logs="The zaaksysteem has the data itself, so it alone logs. It is run by another party: uitvoerder.",
        requests=[_ophalen(_ALONE, to="zaaksysteem_uitvoerder"), _opslaan(_ALONE, to="zaaksysteem_uitvoerder")],
        acties=[
            consumer("Ophalen persoonsgegevens", burger(), uitvoerder=UITVOERDER),
            consumer("Opslaan persoonsgegevens", burger(), uitvoerder=UITVOERDER),
        ],
    ),
    Case(
        code="C3472",
        title="Registratie verhuizing - (web)services",
        who_logs="The zaaksysteem calls the gegevensmagazijn: both log, each on its own verwerkingsactiviteit.",
        requests=[_ophalen(_ALONE, at=_MAGAZIJN), _opslaan(_ALONE, at=_MAGAZIJN)],
        acties=[
            consumer("Ophalen persoonsgegevens", burger()),
            provider("Ophalen gegevens", burger(None)),
            consumer("Opslaan persoonsgegevens", burger()),
            provider("Opslaan gegevens", burger(None)),
        ],
    ),
    Case(
        code="C4081",
        title="Registratie verhuizing - zoeken op geboortedatum en naam",
        who_logs="The zaaksysteem searches its own persons, so it alone logs: after the search, before the hits are shown.",
        requests=[
            Request(method="POST", path=f"/zaken/{ZAAK}/zoekvragen", body=_ZOEKVRAAG, status=200),
            Request(method="PUT", path=f"/zaken/{ZAAK}/aanvrager", body=_ALONE),
            _ophalen(_ALONE),
            _opslaan(_ALONE),
        ],
        acties=[
            consumer("Zoeken persoon", *_HITS),
            consumer("Selecteren persoon", burger()),
            consumer("Ophalen persoonsgegevens", burger()),
            consumer("Opslaan persoonsgegevens", burger()),
        ],
    ),
    Case(
        code="C1628",
        title="Registratie verhuizing - inclusief medebewoners",
        who_logs="The zaaksysteem has the data itself, so it alone logs: one actie with three persons, not three acties.",
        requests=[_ophalen(_GEZIN), _opslaan(_GEZIN)],
        acties=[consumer("Ophalen persoonsgegevens", *_FAMILY), consumer("Opslaan persoonsgegevens", *_FAMILY)],
    ),
    Case(
        code="C9522",
        title="Detailvraag op BSN - vanuit zaakdossier",
        who_logs="The zaaksysteem calls the gegevensmagazijn: both log; the zaak is the verwerking.",
        requests=[_ophalen(_ALONE, at=_MAGAZIJN)],
        acties=[consumer("Ophalen persoonsgegevens", burger()), provider("Ophalen gegevens", burger(None))],
    ),
)
