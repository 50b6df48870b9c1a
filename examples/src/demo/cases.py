"""The cases of the standard that the system runs: the requests, and the verwerkingsacties that each case prescribes."""

from __future__ import annotations

from typing import Any

from demo.case import BURGER, MEDEBEWONERS, NAAMGENOTEN, ZAAK, Case, Consumer, Request, as_, burger, consumer, provider
from demo.cases_burgerzaken import CASES_OF_BURGERZAKEN, CLOSING_CASES
from demo.system import UITVOERDER

__all__ = ["CASES", "CLOSING_CASES"]

_ZOEKVRAAG = {"geboortedatum": "1985-03-14", "naam": "De Vries"}
_GEZIN = {"bsn": BURGER, "medebewoners": [*MEDEBEWONERS]}
_ADRES = {"adres": "Nieuwe Gracht 1, Voorbeeldstad"}


def _ophalen(body: dict[str, Any], *, at: str = "", to: Consumer = "zaaksysteem") -> Request:
    return Request(method="POST", path=f"/zaken/{ZAAK}{at}/raadplegingen", body=body, to=to, status=200)


def _opslaan(body: dict[str, Any], *, at: str = "", to: Consumer = "zaaksysteem") -> Request:
    return Request(method="POST", path=f"/zaken/{ZAAK}{at}/verhuizingen", body=body | _ADRES, to=to)


_MAGAZIJN = "/gegevensmagazijn"
_ALONE = {"bsn": BURGER}
_HITS = as_("Getoond in zoekresultaat", BURGER, *NAAMGENOTEN)
_FAMILY = [burger(), *as_("Medebewoner", *MEDEBEWONERS)]

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
    *CASES_OF_BURGERZAKEN,
)
