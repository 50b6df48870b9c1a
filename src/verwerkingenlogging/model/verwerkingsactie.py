"""The information model of the Verwerkingenlogging standard: what a verwerkingsactie is, each attribute held to its limit.

Python spelling is snake case, the JSON form is the standard's own camel case (``actie_naam`` is ``actieNaam``); both come
from these classes, so they cannot drift apart. The limits themselves are in ``limits``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import force_setattr

from verwerkingenlogging.errors import InvalidValue
from verwerkingenlogging.model.limits import (
    PERSOON,
    check_afnemer_id,
    check_bewaartermijn,
    check_identificator,
    check_naam,
    check_objecttype,
    check_oin,
    check_soort_id,
    check_tijdstip,
    check_uri,
)
from verwerkingenlogging.model.trace import Span
from verwerkingenlogging.model.vertrouwelijkheid import Vertrouwelijkheid

__all__ = ["Verwerkingsactie", "VerwerktObject", "VerwerktSoortGegeven"]


def _check_uuid(field: str, value: UUID) -> UUID:
    if not isinstance(value, UUID):
        raise InvalidValue(field, "invalid", "must be a UUID")
    return value


def _check_tuple(field: str, values: tuple[object, ...], kind: type) -> None:
    if type(values) is not tuple or not all(isinstance(value, kind) for value in values):
        raise InvalidValue(field, "invalid", f"must be a tuple of {kind.__name__}")


def _always(value: Any) -> Any:
    """A default that is written out too, where the wire format requires the attribute (X21)."""
    return msgspec.field(default_factory=lambda: value)


# gc=False: these hold texts, ids and one another, never a cycle, and there is one for every request.
class _Part(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", gc=False):
    """A value of the information model: immutable, keyword-only, empty attributes left out of the JSON."""

    def __repr__(self) -> str:
        """Empty attributes and identifiers of persons left out: a repr ends up in tracebacks and technical logs."""
        return f"{type(self).__name__}({', '.join(f'{field}={value!r}' for field, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """The same for rich, which would name every attribute."""
        shown = ((field, getattr(self, field)) for field in self.__struct_fields__)
        return [(field, "***" if field in _PERSONAL else value) for field, value in shown if value not in (None, ())]


_PERSONAL = frozenset({"object_id", "afnemer_id"})


class VerwerktSoortGegeven(_Part, frozen=True, kw_only=True):
    """A kind of data that was processed, such as ``Geboortedatum``: never the data itself (B6247)."""

    soort_gegeven: str

    def __post_init__(self) -> None:
        check_naam("soort_gegeven", self.soort_gegeven)


class VerwerktObject(_Part, frozen=True, kw_only=True):
    """Somebody (or something) whose data an actie processes.

    Attributes:
        object_id: the identifier, in clear; at most 40 characters; leading zeros matter (R5).
        soort_object_id: kind of identifier: ``BSN``, however spelled, or another where the BSN may not be used (B7972).
        objecttype: ``persoon`` unless the deployment allows more (X61).
        betrokkenheid: capacity in which it takes part: ``Aanvrager``, ``Getuige`` (B1598).
        verwerkte_soorten_gegevens: only where the verwerkingsactiviteit is too coarse (B6247).
    """

    object_id: str
    soort_object_id: str = _always("BSN")
    objecttype: str = _always(PERSOON)
    betrokkenheid: str | None = None
    verwerkte_soorten_gegevens: tuple[VerwerktSoortGegeven, ...] = ()

    def __post_init__(self) -> None:
        check_identificator("object_id", self.object_id)
        force_setattr(self, "soort_object_id", check_soort_id("soort_object_id", self.soort_object_id))
        check_objecttype("objecttype", self.objecttype)
        if self.betrokkenheid is not None:
            check_naam("betrokkenheid", self.betrokkenheid)
        if self.verwerkte_soorten_gegevens:
            _check_tuple("verwerkte_soorten_gegevens", self.verwerkte_soorten_gegevens, VerwerktSoortGegeven)


class Verwerkingsactie(_Part, frozen=True, kw_only=True):
    """One operation by an automated system on personal data: what an application logs (B6856).

    Every attribute is optional in the standard's technical sense but ``tijdstip``; section "functioneel verplicht" of the
    standard asks to fill whatever the software can know. Raises InvalidValue where a limit is broken.

    Attributes:
        tijdstip: RFC 3339 with offset, taken just before logging (B2017); the text is kept as given.
        actie_naam: infinitive and noun: ``Ophalen persoonsgegevens`` (A7838).
        handeling_naam: the step of the verwerking, where that makes it clearer (B6872).
        verwerking_naam: the task: ``Huwelijk``.
        verwerking_id: the same on all acties of one verwerking (B8157).
        verwerkingsactiviteit_id, verwerkingsactiviteit_url: why, as the register of processing activities names it.
        vertrouwelijkheid: confidentiality of the verwerking (B3908).
        bewaartermijn: ISO 8601 period for which this log entry is kept, not the data (B9559).
        uitvoerder: OIN of who executes, when that is not the responsible organisation (B7191, X38).
        systeem: software and version (B0378). Never shown to the citizen.
        gebruiker: meaningless key of the user within the system (B9207). Never shown to the citizen.
        gegevensbron: where the data is kept (B8585). Never shown to the citizen.
        soort_afnemer_id, afnemer_id: who receives the data: ``OIN`` or ``BSN``, and the number (B9330).
        verwerkingsactiviteit_id_afnemer, verwerkingsactiviteit_url_afnemer, verwerking_id_afnemer: the recipient's side.
        verwerkte_objecten: whose data.
        span: its place in a trace, where it is kept as spans. No part of the standard's JSON: ``wire_form`` leaves it out.
    """

    tijdstip: str
    actie_naam: str | None = None
    handeling_naam: str | None = None
    verwerking_naam: str | None = None
    verwerking_id: UUID | None = None
    verwerkingsactiviteit_id: UUID | None = None
    verwerkingsactiviteit_url: str | None = None
    vertrouwelijkheid: Vertrouwelijkheid = _always(Vertrouwelijkheid.NORMAAL)
    bewaartermijn: str | None = None
    uitvoerder: str | None = None
    systeem: str | None = None
    gebruiker: str | None = None
    gegevensbron: str | None = None
    soort_afnemer_id: str | None = None
    afnemer_id: str | None = None
    verwerkingsactiviteit_id_afnemer: UUID | None = None
    verwerkingsactiviteit_url_afnemer: str | None = None
    verwerking_id_afnemer: UUID | None = None
    verwerkte_objecten: tuple[VerwerktObject, ...] = _always(())
    span: Span | None = None

    def __post_init__(self) -> None:
        check_tijdstip("tijdstip", self.tijdstip)
        if type(self.vertrouwelijkheid) is not Vertrouwelijkheid:
            raise InvalidValue("vertrouwelijkheid", "invalid-choice", "must be a Vertrouwelijkheid")
        for field, check in _OPTIONAL:
            value = getattr(self, field)
            if value is not None:
                check(field, value)
        if self.soort_afnemer_id is not None:
            force_setattr(self, "soort_afnemer_id", check_soort_id("soort_afnemer_id", self.soort_afnemer_id))
        if self.afnemer_id is not None:
            check_afnemer_id("afnemer_id", self.afnemer_id, self.soort_afnemer_id)
        _check_tuple("verwerkte_objecten", self.verwerkte_objecten, VerwerktObject)


_OPTIONAL: tuple[tuple[str, Callable[[str, Any], object]], ...] = (
    ("actie_naam", check_naam),
    ("handeling_naam", check_naam),
    ("verwerking_naam", check_naam),
    ("verwerking_id", _check_uuid),
    ("verwerkingsactiviteit_id", _check_uuid),
    ("verwerkingsactiviteit_url", check_uri),
    ("bewaartermijn", check_bewaartermijn),
    ("uitvoerder", check_oin),
    ("systeem", check_naam),
    ("gebruiker", check_identificator),
    ("gegevensbron", check_naam),
    ("verwerkingsactiviteit_id_afnemer", _check_uuid),
    ("verwerkingsactiviteit_url_afnemer", check_uri),
    ("verwerking_id_afnemer", _check_uuid),
)
