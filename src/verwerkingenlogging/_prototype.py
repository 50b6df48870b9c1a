"""The part of a verwerkingsactie that is the same from call to call: what annotation, settings and caller say of it."""

from __future__ import annotations

from verwerkingenlogging.configuration.activiteiten import Activiteit
from verwerkingenlogging.configuration.settings import Settings
from verwerkingenlogging.model import Vertrouwelijkheid, Verwerkingsactie
from verwerkingenlogging.model.bewaartermijn import Kept
from verwerkingenlogging.model.doelbinding import Doelbinding
from verwerkingenlogging.model.template import Template

__all__ = ["prototype_of"]


def prototype_of(
    settings: Settings,
    tijdstip: str,
    template: Template,
    oin: str | None,
    caller: Doelbinding,
    verwerking_naam: str | None,
    handeling_naam: str | None,
    vertrouwelijkheid: Vertrouwelijkheid | None,
    bewaartermijn: str | None,
) -> tuple[Verwerkingsactie, Kept | None]:
    """The actie without what is another each time, checked; and how long it is kept, where that is another from day to day.

    ``verwerking_naam`` and what follows are those of the verwerking under way. Raises ConfigurationError when the organisation ``oin``,
    or the settings' own, lacks the activiteit, InvalidValue when a value breaks a limit.
    """
    activiteit = settings.activiteiten.get(oin or settings.oin, template.activiteit)
    term, kept = _kept(settings, template.bewaartermijn, bewaartermijn, activiteit, caller).always()
    prototype = Verwerkingsactie(
        tijdstip=tijdstip,
        actie_naam=template.actie_naam,
        handeling_naam=template.handeling_naam or handeling_naam,
        verwerking_naam=template.verwerking_naam or verwerking_naam,
        verwerkingsactiviteit_id=activiteit.id,
        verwerkingsactiviteit_url=activiteit.url,
        vertrouwelijkheid=_vertrouwelijkheid(settings, template.vertrouwelijkheid, vertrouwelijkheid, caller),
        bewaartermijn=term,
        uitvoerder=settings.uitvoerder,
        systeem=settings.systeem,
        gegevensbron=template.gegevensbron or settings.gegevensbron,
        soort_afnemer_id="OIN" if caller.oin else None,
        afnemer_id=caller.oin,
        verwerkingsactiviteit_id_afnemer=caller.verwerkingsactiviteit_id,
        verwerkingsactiviteit_url_afnemer=caller.verwerkingsactiviteit_url,
        verwerking_id_afnemer=caller.verwerking_id,
    )
    return prototype, kept


def _vertrouwelijkheid(
    settings: Settings, route: Vertrouwelijkheid | None, verwerking: Vertrouwelijkheid | None, caller: Doelbinding
) -> Vertrouwelijkheid:
    """The strictest of route, verwerking and caller; a caller can hide an actie only where the settings let it (X36)."""
    strict = Vertrouwelijkheid.VERTROUWELIJK
    allowed = settings.vertrouwelijk_from
    asked = caller.vertrouwelijkheid if allowed is None or caller.oin in allowed else None
    return strict if strict in (route, verwerking, asked) else Vertrouwelijkheid.NORMAAL


def _kept(settings: Settings, route: str | None, verwerking: str | None, activiteit: Activiteit, caller: Doelbinding) -> Kept:
    return Kept(
        own=tuple(term for term in (route or activiteit.bewaartermijn or settings.bewaartermijn, verwerking) if term),
        asked=caller.bewaartermijn,
        minimum=settings.bewaartermijn_minimum,
        maximum=activiteit.bewaartermijn_maximum or settings.bewaartermijn_maximum,
    )
