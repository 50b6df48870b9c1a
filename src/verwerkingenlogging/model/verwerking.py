"""The task that verwerkingsacties are part of, while it is under way."""

from __future__ import annotations

from uuid import UUID

import msgspec

from verwerkingenlogging.model.vertrouwelijkheid import Vertrouwelijkheid
from verwerkingenlogging.model.verwerkingsactie import Verwerkingsactie

__all__ = ["Verwerking", "completed", "verwerking_of"]


class Verwerking(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The current verwerking: what its acties have in common (B6856, B8157).

    Attributes:
        id: the same on all its acties.
        naam: ``Huwelijk``.
        handeling_naam: the step under way.
        activiteit: name of the verwerkingsactiviteit in code.
        vertrouwelijkheid: confidentiality of the whole verwerking; its acties are at least as confidential.
        bewaartermijn: term of its log entries; its acties are kept at least as long.
    """

    id: UUID
    naam: str | None = None
    handeling_naam: str | None = None
    activiteit: str | None = None
    vertrouwelijkheid: Vertrouwelijkheid | None = None
    bewaartermijn: str | None = None


def verwerking_of(actie: Verwerkingsactie, activiteit: str) -> Verwerking:
    """The verwerking that an ``actie`` was recorded in, with the name in code of its ``activiteit``."""
    return Verwerking(
        id=actie.verwerking_id,  # type: ignore[arg-type]  # the recorder always fills it
        naam=actie.verwerking_naam,
        handeling_naam=actie.handeling_naam,
        activiteit=activiteit,
        vertrouwelijkheid=actie.vertrouwelijkheid,
        bewaartermijn=actie.bewaartermijn,
    )


def completed(verwerking: Verwerking, logged: Verwerking) -> Verwerking:
    """``verwerking`` with what its first actie decided: activiteit, confidentiality and term are sent on as they were logged."""
    if None not in (verwerking.activiteit, verwerking.vertrouwelijkheid, verwerking.bewaartermijn):
        return verwerking
    return msgspec.structs.replace(
        verwerking,
        activiteit=verwerking.activiteit or logged.activiteit,
        vertrouwelijkheid=verwerking.vertrouwelijkheid or logged.vertrouwelijkheid,
        bewaartermijn=verwerking.bewaartermijn or logged.bewaartermijn,
    )
