"""What is known of a verwerkingsactie before it happens."""

from __future__ import annotations

import msgspec
from msgspec.structs import force_setattr

from verwerkingenlogging.errors import InvalidValue
from verwerkingenlogging.model.limits import check_bewaartermijn, check_naam
from verwerkingenlogging.model.vertrouwelijkheid import Vertrouwelijkheid, check_vertrouwelijkheid

__all__ = ["Template"]


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """The fixed part of a verwerkingsactie, known before it happens: names registered once, not typed per call (R10).

    Raises InvalidValue when a name is too long or a term malformed.
    """

    actie_naam: str
    activiteit: str
    handeling_naam: str | None = None
    verwerking_naam: str | None = None
    vertrouwelijkheid: Vertrouwelijkheid | None = None
    bewaartermijn: str | None = None
    gegevensbron: str | None = None

    def __post_init__(self) -> None:
        for field in ("actie_naam", "activiteit", "handeling_naam", "verwerking_naam", "gegevensbron"):
            value = getattr(self, field)
            if value is not None:
                check_naam(field, value)
        if self.bewaartermijn is not None:
            check_bewaartermijn("bewaartermijn", self.bewaartermijn)
        if self.vertrouwelijkheid is not None:
            force_setattr(self, "vertrouwelijkheid", check_vertrouwelijkheid("vertrouwelijkheid", self.vertrouwelijkheid))
        if self.vertrouwelijkheid is Vertrouwelijkheid.OPGEHEVEN:
            raise InvalidValue("vertrouwelijkheid", "invalid-choice", "a new actie is normaal or vertrouwelijk, never opgeheven (R4)")
