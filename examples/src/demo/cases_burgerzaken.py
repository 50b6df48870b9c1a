"""The cases that burgerzaken runs: a marriage, a confidential investigation, and a term that only becomes known in the end."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from demo.case import BURGER, GETUIGEN, PARTNER, VOOROUDERS, Case, Request, as_, burger, consumer, provider
from verwerkingenlogging import Vertrouwelijkheid, Verwerkingsactie, VerwerktObject

__all__ = ["CASES_OF_BURGERZAKEN", "CLOSING_CASES"]

HUWELIJK = UUID("89aa7a9a-1f79-44de-b32e-8e38e07138f3")
CEREMONIE = UUID("cff42e4c-8350-45f1-ac22-c4379b485716")
ONDERZOEK = UUID("2ae58f16-62bf-453c-a837-d1f0209558ae")

_CEREMONIES = UUID("b777af73-4c84-4823-841a-838a6ed46c14")
_FRAUDEONDERZOEK = UUID("a3a9c5a5-2f53-4d0c-9a37-0b4a3f0f2f7e")
_ALONE = {"bsn": BURGER}


def _burgerzaken(method: str, path: str, body: dict[str, Any], *, status: int = 204) -> Request:
    return Request(method=method, path=path, body=body, to="burgerzaken", status=status)


def _huwelijk(actie_naam: str, *objecten: VerwerktObject, handeling_naam: str = "Voorbereiding huwelijksakte") -> Verwerkingsactie:
    return consumer(actie_naam, *objecten, verwerking_naam="Huwelijk", verwerking_id=HUWELIJK, handeling_naam=handeling_naam)


def _ceremonie(actie_naam: str, *objecten: VerwerktObject, bewaartermijn: str | None) -> Verwerkingsactie:
    return consumer(
        actie_naam,
        *objecten,
        verwerking_naam="Huwelijk",
        handeling_naam="Voorbereiding ceremonie",
        verwerking_id=CEREMONIE,
        verwerkingsactiviteit_id=_CEREMONIES,
        bewaartermijn=bewaartermijn,
    )


def _onderzoek(
    actie_naam: str,
    *objecten: VerwerktObject,
    vertrouwelijkheid: Vertrouwelijkheid,
    handeling_naam: str | None = "Aanmaken onderzoeksdossier",
) -> Verwerkingsactie:
    return consumer(
        actie_naam,
        *objecten,
        handeling_naam=handeling_naam,
        verwerking_naam="Fraudeonderzoek sociale zekerheid",
        verwerking_id=ONDERZOEK,
        verwerkingsactiviteit_id=_FRAUDEONDERZOEK,
        vertrouwelijkheid=vertrouwelijkheid,
        bewaartermijn="P10Y",
    )


_PREPARING = _huwelijk("Ophalen persoonsgegevens")
_PARTNERS = as_("Partner", BURGER, PARTNER)
_GETUIGEN = as_("Getuige", *GETUIGEN)
_VERDACHTE = as_("Verdachte", BURGER)
_VOOROUDERS_READ = (
    _huwelijk("Uitvoeren vereiste controles", *as_("Verwantschapscontrole", *VOOROUDERS)),
    provider("Ophalen gegevens", *as_(None, BURGER, PARTNER), *as_("Voorouder", *VOOROUDERS), asked_by=_PREPARING),
)


def _onderzoek_acties(vertrouwelijkheid: Vertrouwelijkheid) -> list[Verwerkingsactie]:
    """What is logged while an investigation is under way."""
    shown = (BURGER, PARTNER, *GETUIGEN)
    search = _onderzoek("Zoeken persoon", *as_("Getoond in zoekresultaat", *shown), vertrouwelijkheid=vertrouwelijkheid)
    return [
        search,
        provider("Zoeken gegevens", *as_(None, *shown), asked_by=search),
        _onderzoek("Opslaan dossier", *_VERDACHTE, vertrouwelijkheid=vertrouwelijkheid),
    ]


def _ceremonie_acties(bewaartermijn: str | None) -> list[Verwerkingsactie]:
    """What is logged before a ceremony."""
    asked = _ceremonie("Opvragen persoonsgegevens", *as_("Partner", BURGER), bewaartermijn=bewaartermijn)
    return [
        _ceremonie("Aanmaken zaakdossier", *as_("Partner", BURGER), bewaartermijn=bewaartermijn),
        asked,
        provider("Ophalen gegevens", burger(None), asked_by=asked),
    ]


CASES_OF_BURGERZAKEN = (
    Case(
        code="C4084",
        title="Registratie huwelijk - complexe bedrijfsregel / afgeleide informatie",
        who_logs="Burgerzaken prepares a marriage; where it calls the gegevensmagazijn, both log. Ancestors are logged, also those whom "
        "only the rule looked at (V3934).",
        requests=[
            _burgerzaken("POST", "/huwelijken", {"id": str(HUWELIJK)}, status=201),
            _burgerzaken("PUT", f"/huwelijken/{HUWELIJK}/partners", {"bsns": [BURGER, PARTNER]}),
            _burgerzaken("PUT", f"/huwelijken/{HUWELIJK}/getuigen", {"bsns": [*GETUIGEN]}),
            _burgerzaken("POST", f"/huwelijken/{HUWELIJK}/getuigen/raadplegingen", {}, status=200),
            _burgerzaken("POST", f"/huwelijken/{HUWELIJK}/verwantschapscontroles", {}, status=200),
            _burgerzaken("POST", f"/huwelijken/{HUWELIJK}/voorouders/raadplegingen", {}, status=200),
            _burgerzaken("PUT", f"/huwelijken/{HUWELIJK}/registratie", {"trouwdatum": "2026-12-18"}),
        ],
        acties=[
            _huwelijk("Opvoeren partners", *_PARTNERS),
            _huwelijk("Opvoeren getuigen", *_GETUIGEN),
            _huwelijk("Ophalen persoonsgegevens", *_GETUIGEN, handeling_naam="Registratie getuigen"),
            *(provider("Ophalen gegevens", *as_(None, bsn), asked_by=_PREPARING) for bsn in GETUIGEN),
            _huwelijk("Controleren verwantschap", *_PARTNERS),
            *_VOOROUDERS_READ,
            *_VOOROUDERS_READ,
            _huwelijk("Opslaan persoonsgegevens", *_PARTNERS, *_GETUIGEN, handeling_naam="Registratie huwelijk"),
        ],
    ),
    Case(
        code="C3079",
        title="Vertrouwelijk onderzoek - zolang het loopt",
        who_logs="Burgerzaken says in the headers that it is confidential, so the gegevensmagazijn logs it so too. Hidden at Inzage.",
        requests=[
            _burgerzaken("POST", "/onderzoeken", {"id": str(ONDERZOEK)}, status=201),
            _burgerzaken("POST", f"/onderzoeken/{ONDERZOEK}/rekeningvragen", {"rekening": "NL00TEST0123456789"}, status=200),
            _burgerzaken("PUT", f"/onderzoeken/{ONDERZOEK}/verdachte", _ALONE),
        ],
        acties=_onderzoek_acties(Vertrouwelijkheid.VERTROUWELIJK),
    ),
    Case(
        code="C5644",
        title="Conditionele bewaartermijn - zolang die onbekend is",
        who_logs="Burgerzaken and the gegevensmagazijn log without bewaartermijn, under a verwerkingId.",
        requests=[
            _burgerzaken("POST", "/ceremonies", {"id": str(CEREMONIE), "bsn": BURGER}, status=201),
            _burgerzaken("POST", f"/ceremonies/{CEREMONIE}/raadplegingen", {}, status=200),
        ],
        acties=_ceremonie_acties(None),
    ),
)

CLOSING_CASES = (
    Case(
        code="C3079",
        title="Vertrouwelijk onderzoek - als het is afgesloten",
        who_logs="Burgerzaken has the register lift the confidentiality of what it logged, and the gegevensmagazijn for it.",
        requests=[_burgerzaken("PUT", f"/onderzoeken/{ONDERZOEK}/afsluiting", {})],
        acties=[_onderzoek("Afsluiten zaakdossier", *_VERDACHTE, vertrouwelijkheid=Vertrouwelijkheid.OPGEHEVEN, handeling_naam=None)],
        changed=_onderzoek_acties(Vertrouwelijkheid.OPGEHEVEN),
    ),
    Case(
        code="C5988",
        title="Bewaartermijn wordt later bekend",
        who_logs="The ceremony took place: burgerzaken has the register set the bewaartermijn of all that was logged about it.",
        requests=[_burgerzaken("PUT", f"/ceremonies/{CEREMONIE}/uitkomst", {"uitkomst": "voltrokken"})],
        acties=[_ceremonie("Afsluiten zaakdossier", *as_("Partner", BURGER), bewaartermijn="P150Y")],
        changed=_ceremonie_acties("P150Y"),
    ),
)
"""What comes after a citizen has looked."""
