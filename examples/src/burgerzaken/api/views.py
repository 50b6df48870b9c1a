"""The views of each kind of zaak. For logging, each has one annotation, and says in which transaction its record is.

A view that changes something runs ``in_transaction``: its record is a row in the same transaction. A view that reads is marked
``reading``: its record is safe before it begins, whatever becomes of the request. Addresses end up in technical logs, so none holds a
BSN or a search criterion: what is asked for is posted.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from burgerzaken import changes
from burgerzaken.annotations import ONDERZOEKSDOSSIER, VOORBEREIDING, ceremonie, huwelijk, onderzoek
from burgerzaken.api import bodies
from burgerzaken.api.bodies import body
from burgerzaken.api.viewsets import NO_CONTENT, ZaakViewSet, in_transaction
from burgerzaken.gegevensmagazijn import ask
from burgerzaken.models import Betrokkene, Ceremonie, Change, Huwelijk, Onderzoek
from burgerzaken.problems import Conflict
from burgerzaken.verwantschap import bsns_of, is_prohibited, voorouders_of
from burgerzaken.waiting import waiting
from verwerkingenlogging import Vertrouwelijkheid, geen_verwerking, gevonden, persoon
from verwerkingenlogging_django.transactions import reading

__all__ = ["CeremonieViewSet", "HuwelijkViewSet", "OnderzoekViewSet", "health"]

# The zaak is the verwerking: the id in the address is its id too (B8157).
_huwelijk = partial(huwelijk, verwerking_id="pk")
_onderzoek = partial(onderzoek, verwerking_id="pk")
_ceremonie = partial(ceremonie, verwerking_id="pk")

BEWAARTERMIJNEN = {Ceremonie.Uitkomst.VOLTROKKEN: "P150Y", Ceremonie.Uitkomst.GEANNULEERD: "P1Y"}
PARTNERS = persoon("self.zaak.partners", betrokkenheid="Partner")
GETUIGEN = persoon("self.zaak.getuigen", betrokkenheid="Getuige")


class HuwelijkViewSet(ZaakViewSet):
    """Marriages (C4084)."""

    queryset = Huwelijk.objects.all()
    # What needs partners, and what needs witnesses: where there are none, nobody is recorded and nothing is done.
    needs_partners = frozenset({"verwantschapscontroles", "voorouders_raadplegingen", "registratie"})
    needs_getuigen = frozenset({"getuigen_raadplegingen", "registratie"})

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raise Conflict when the persons whom the view is about are not known yet."""
        super().initial(request, *args, **kwargs)
        if self.action in self.needs_partners and not self.zaak.partners:
            raise Conflict("Er zijn nog geen partners.")
        if self.action in self.needs_getuigen and not self.zaak.getuigen:
            raise Conflict("Er zijn nog geen getuigen.")

    @body(bodies.Zaak)
    @geen_verwerking("a new zaak has nobody in it")
    def create(self, request: Request, vraag: Any) -> Response:
        """Open a zaak for a marriage."""
        return self.add(**vraag)

    @action(detail=True, methods=["put"])
    @body(bodies.Partners)
    @in_transaction
    @_huwelijk("Opvoeren partners", handeling_naam=VOORBEREIDING, objecten=persoon("vraag.bsns", betrokkenheid="Partner"))
    def partners(self, request: Request, pk: str, vraag: Any) -> Response:
        """Store who marry."""
        self.zaak.set_betrokkenen(Betrokkene.Betrokkenheid.PARTNER, vraag["bsns"])
        self.zaak.familierechtelijk_beletsel = None  # it was about others
        self.zaak.save(update_fields=["familierechtelijk_beletsel"])
        return Response(status=NO_CONTENT)

    @action(detail=True, methods=["put"])
    @body(bodies.Getuigen)
    @in_transaction
    @_huwelijk("Opvoeren getuigen", handeling_naam=VOORBEREIDING, objecten=persoon("vraag.bsns", betrokkenheid="Getuige"))
    def getuigen(self, request: Request, pk: str, vraag: Any) -> Response:
        """Store who witness it."""
        self.zaak.set_betrokkenen(Betrokkene.Betrokkenheid.GETUIGE, vraag["bsns"])
        return Response(status=NO_CONTENT)

    @action(detail=True, methods=["post"], url_path="getuigen/raadplegingen")
    @reading
    @_huwelijk("Ophalen persoonsgegevens", handeling_naam="Registratie getuigen", objecten=GETUIGEN)
    def getuigen_raadplegingen(self, request: Request, pk: str) -> Response:
        """Read the witnesses from the gegevensmagazijn."""
        return Response([ask("/raadplegingen", {"bsn": bsn}) for bsn in self.zaak.getuigen])

    @action(detail=True, methods=["post"])
    @reading
    @_huwelijk("Controleren verwantschap", handeling_naam=VOORBEREIDING, objecten=PARTNERS)
    def verwantschapscontroles(self, request: Request, pk: str) -> Response:
        """Let the rule decide whether they may marry, without showing whom it looked at (C4084, situation 1)."""
        partners = self.zaak.partners
        beletsel = is_prohibited(partners)
        with transaction.atomic():
            zaak = self.locked()
            if zaak.partners != partners:
                raise Conflict("De partners zijn intussen gewijzigd.")
            zaak.familierechtelijk_beletsel = beletsel
            zaak.save(update_fields=["familierechtelijk_beletsel"])
        return Response({"familierechtelijk_beletsel": beletsel})

    @action(detail=True, methods=["post"], url_path="voorouders/raadplegingen")
    @reading
    @_huwelijk(
        "Uitvoeren vereiste controles",
        handeling_naam=VOORBEREIDING,
        objecten=gevonden(lambda response: bsns_of(response.data), betrokkenheid="Verwantschapscontrole"),
    )
    def voorouders_raadplegingen(self, request: Request, pk: str) -> Response:
        """Read the ancestors, for an official who judges by eye (C4084, situation 2)."""
        return Response(voorouders_of(self.zaak.partners))

    @action(detail=True, methods=["put"])
    @body(bodies.Registratie)
    @in_transaction
    @_huwelijk("Opslaan persoonsgegevens", handeling_naam="Registratie huwelijk", objecten=[PARTNERS, GETUIGEN])
    def registratie(self, request: Request, pk: str, vraag: Any) -> Response:
        """Register the marriage."""
        if self.zaak.familierechtelijk_beletsel is not False:
            raise Conflict("De verwantschap is nog niet gecontroleerd, of staat dit huwelijk in de weg.")
        self.zaak.trouwdatum = vraag["trouwdatum"]
        self.zaak.save(update_fields=["trouwdatum"])
        return Response(status=NO_CONTENT)


class CeremonieViewSet(ZaakViewSet):
    """Ceremonies, whose records get their term at the end (C5644, C5988)."""

    queryset = Ceremonie.objects.all()

    @body(bodies.Aanvraag)
    @in_transaction
    @ceremonie("Aanmaken zaakdossier", verwerking_id="vraag.id", objecten=persoon("vraag.bsn", betrokkenheid="Partner"))
    def create(self, request: Request, vraag: Any) -> Response:
        """Open a zaak for a ceremony."""
        return self.add(**vraag)

    @action(detail=True, methods=["post"])
    @reading
    @_ceremonie("Opvragen persoonsgegevens", objecten=persoon("self.zaak.bsn", betrokkenheid="Partner"))
    def raadplegingen(self, request: Request, pk: str) -> Response:
        """Read the aanvrager from the gegevensmagazijn."""
        return Response(ask("/raadplegingen", {"bsn": self.zaak.bsn}))

    @action(detail=True, methods=["put"])
    @body(bodies.Uitkomst)
    @in_transaction
    @_ceremonie("Afsluiten zaakdossier", objecten=persoon("self.zaak.bsn", betrokkenheid="Partner"))
    def uitkomst(self, request: Request, pk: str, vraag: Any) -> Response:
        """Close the zaak, so that the term of its records becomes known."""
        self.zaak.uitkomst = vraag["uitkomst"]
        self.zaak.save(update_fields=["uitkomst"])
        changes.decide(self.zaak.id, bewaartermijn=BEWAARTERMIJNEN[self.zaak.uitkomst])
        return Response(status=NO_CONTENT)


class OnderzoekViewSet(ZaakViewSet):
    """Confidential investigations (C3079)."""

    queryset = Onderzoek.objects.all()

    @body(bodies.Zaak)
    @geen_verwerking("a new zaak has nobody in it")
    def create(self, request: Request, vraag: Any) -> Response:
        """Open a zaak for an investigation."""
        return self.add(**vraag)

    # All alike: the record of a search does not tell who is the suspect.
    @action(detail=True, methods=["post"])
    @body(bodies.Rekeningvraag)
    @reading
    @_onderzoek(
        "Zoeken persoon",
        handeling_naam=ONDERZOEKSDOSSIER,
        objecten=gevonden(lambda response: [persoon["bsn"] for persoon in response.data]),
    )
    def rekeningvragen(self, request: Request, pk: str, vraag: Any) -> Response:
        """Ask the gegevensmagazijn whose money goes to an account."""
        return Response(ask("/rekeningvragen", {"rekening": vraag["rekening"]}))

    @action(detail=True, methods=["put"])
    @body(bodies.Persoon)
    @in_transaction
    @_onderzoek("Opslaan dossier", handeling_naam=ONDERZOEKSDOSSIER, objecten=persoon("vraag.bsn", betrokkenheid="Verdachte"))
    def verdachte(self, request: Request, pk: str, vraag: Any) -> Response:
        """Store who is suspected."""
        self.zaak.verdachte = vraag["bsn"]
        self.zaak.save(update_fields=["verdachte"])
        return Response(status=NO_CONTENT)

    @action(detail=True, methods=["put"])
    @in_transaction
    @_onderzoek("Afsluiten zaakdossier", objecten=persoon(lambda self: self.zaak.verdachte or None, betrokkenheid="Verdachte"))
    def afsluiting(self, request: Request, pk: str) -> Response:
        """Close the investigation: from now on the citizens may see what was logged about it."""
        self.zaak.gesloten = timezone.now()
        self.zaak.save(update_fields=["gesloten"])
        changes.decide(self.zaak.id, vertrouwelijkheid=Vertrouwelijkheid.OPGEHEVEN)
        return Response(status=NO_CONTENT)


@require_safe
@geen_verwerking("counts what still has to go to the register")
def health(request: HttpRequest) -> JsonResponse:
    """Tell that the application runs, and how many records wait."""
    changing = Change.objects.filter(made_at=None).count()
    return JsonResponse({"status": "ok", **waiting(), "changing": changing})
