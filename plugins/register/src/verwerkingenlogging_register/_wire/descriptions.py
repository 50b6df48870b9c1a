"""The Dutch description of each attribute in the published OpenAPI description."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

__all__ = ["describe"]

_TEXTS = {
    "url": "Adres van dit gegeven in het register.",
    "actieId": "Kenmerk van de verwerkingsactie. Het register geeft het uit; elk dat het ooit uitgaf leidt naar de actie van nu.",
    "actieNaam": "Wat het systeem deed, als werkwoord met zelfstandig naamwoord.",
    "handelingNaam": "De stap van de verwerking waar de actie bij hoort.",
    "verwerkingNaam": "De taak waar de actie bij hoort.",
    "verwerkingId": "Kenmerk dat alle acties van één verwerking delen. De toepassing bepaalt het.",
    "verwerkingsactiviteitId": "De verwerkingsactiviteit die doel en grondslag van de actie geeft.",
    "verwerkingsactiviteitUrl": "Adres van die verwerkingsactiviteit.",
    "vertrouwelijkheid": "Of de verwerking vertrouwelijk is, niet meer vertrouwelijk is (opgeheven), of nooit was (normaal).",
    "bewaartermijn": "Hoe lang deze logregel blijft staan, als ISO 8601-periode.",
    "uitvoerder": "OIN van wie de verwerking uitvoert, als dat een ander is dan de verantwoordelijke organisatie.",
    "systeem": "Naam en versie van de software die de actie uitvoerde.",
    "gebruiker": "Betekenisloze sleutel van de gebruiker binnen dat systeem.",
    "gegevensbron": "Bron waarin de verwerkte gegevens staan.",
    "soortAfnemerId": "Soort van afnemerId, zoals OIN of BSN.",
    "afnemerId": "Aan wie de gegevens zijn geleverd.",
    "verwerkingsactiviteitIdAfnemer": "De verwerkingsactiviteit van de afnemer.",
    "verwerkingsactiviteitUrlAfnemer": "Adres van die verwerkingsactiviteit.",
    "verwerkingIdAfnemer": "De verwerking bij de afnemer.",
    "tijdstip": "Begin van de actie, met tijdzone. Het register geeft de tekst onveranderd terug.",
    "tijdstipRegistratie": "Wanneer het register deze versie vastlegde.",
    "verwerkteObjecten": "De personen of objecten waarvan gegevens zijn verwerkt.",
    "verwerktObjectId": "Kenmerk van dit ene voorkomen van een persoon of object in een verwerkingsactie.",
    "objecttype": "Soort object.",
    "soortObjectId": "Soort van objectId, zoals BSN.",
    "objectId": "Het nummer van de persoon of het object.",
    "betrokkenheid": "In welke hoedanigheid de persoon of het object betrokken was.",
    "verwerkteSoortenGegevens": "Welke soorten gegevens over deze persoon of dit object zijn verwerkt.",
    "soortGegeven": "Naam van de soort, nooit de waarde.",
    "beginDatum": "Eerste dag van de periode, in Nederlandse tijd.",
    "eindDatum": "Dag na de laatste dag van de periode: deze dag zelf hoort er niet bij.",
    "page": "Bladzijde van het resultaat, vanaf 1.",
    "pageSize": "Aantal resultaten per bladzijde.",
    "cursor": "Plaats van de bladzijde, zoals in next of previous stond; niet samen met page. Bij een GET is dit de hele vraag.",
    "count": "Aantal resultaten op alle bladzijden samen, toen de eerste werd gevraagd.",
    "next": "Adres van de volgende bladzijde; null op de laatste.",
    "previous": "Adres van de vorige bladzijde; null op de eerste.",
    "results": "De resultaten op deze bladzijde.",
    "vervallen": "Of de verwerkingsactie met deze versie is vervallen.",
    "acties": "De verwerkingsacties, ten hoogste duizend.",
    "idempotencyKey": "Kenmerk waaronder deze ene verwerkingsactie wordt aangeboden, zoals in de header Idempotency-Key.",
    "idempotencyKeys": "De kenmerken waaronder zij zijn aangeboden, ten hoogste duizend.",
    "client": "De client die ze heeft aangeboden; de vrager zelf als die niet is gegeven.",
    "missing": "De kenmerken waaronder niets is opgeslagen.",
    "refused": "De kenmerken waaronder onlangs iets is geweigerd.",
    "reason": "Waarom het is geweigerd.",
    "status": "HTTP-status zoals die voor deze verwerkingsactie alleen zou zijn.",
    "problem": "Waarom de verwerkingsactie niet is opgeslagen, als Fout of ValidatieFout.",
    "verwerkingsactie": "De verwerkingsactie waarin de persoon of het object voorkwam.",
}


def describe(schema: dict[str, Any], _model: type[BaseModel]) -> None:
    """Give each property its text, and no generated English title: for ``json_schema_extra``."""
    schema.pop("title", None)
    for name, attribute in schema.get("properties", {}).items():
        attribute.pop("title", None)
        if attribute.get("default", "") is None:
            del attribute["default"]  # absent; null is not of the type
        if name in _TEXTS:
            attribute["description"] = _TEXTS[name]
