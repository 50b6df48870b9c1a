"""The information model of the Verwerkingenlogging standard: what a verwerkingsactie is, and the limits of each attribute.

Python spelling is snake case, the JSON form is the standard's own camel case (``actie_naam`` is ``actieNaam``); both come
from these classes, so they cannot drift apart. Moments and periods are kept as the text in which they were given: the
standard forbids converting a time zone (attribuuttype Moment), and ``P10Y`` must stay ten calendar years.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import force_setattr
from whenever import ItemizedDelta, PlainDateTime

from verwerkingenlogging.errors import InvalidValue

__all__ = [
    "BSN_MAX",
    "IDENTIFICATOR_MAX",
    "NAAM_MAX",
    "PERSOON",
    "URI_MAX",
    "RegisteredVerwerkingsactie",
    "RegisteredVerwerktObject",
    "Vertrouwelijkheid",
    "Verwerkingsactie",
    "VerwerktObject",
    "VerwerktSoortGegeven",
    "bewaartermijn_end",
    "check_afnemer_id",
    "check_bewaartermijn",
    "check_identificator",
    "check_naam",
    "check_objecttype",
    "check_oin",
    "check_tijdstip",
    "check_uri",
    "filled",
    "longest_bewaartermijn",
    "read_registered",
    "tijdstip_of",
]

NAAM_MAX = 242
"""Longest Naam, in characters."""
IDENTIFICATOR_MAX = 40
"""Longest Identificator, in characters."""
BSN_MAX = 9
"""Most digits of a BSN."""
URI_MAX = 2042
"""Longest URI, in characters."""
PERSOON = "persoon"
"""The objecttype that the standard defines; a deployment may allow others (X61)."""

# C0, DEL and C1 controls forge lines in logs; half a surrogate pair cannot be written as UTF-8 (D11).
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_OIN = re.compile(r"[0-9]{20}", re.ASCII)
_OBJECTTYPE = re.compile(r"[a-z][a-z0-9_-]*")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_TIJDSTIP = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_PERIODE = re.compile(r"P(?=[0-9T])(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?", re.ASCII)


class Vertrouwelijkheid(StrEnum):
    """Confidentiality of a verwerking (B3908). ``opgeheven``: it was confidential and no longer is."""

    NORMAAL = "normaal"
    VERTROUWELIJK = "vertrouwelijk"
    OPGEHEVEN = "opgeheven"


def _check_text(field: str, value: str, limit: int) -> str:
    if not isinstance(value, str):
        raise InvalidValue(field, "invalid", "must be text")
    if not value:
        raise InvalidValue(field, "required", "must not be empty; leave it out instead")
    if len(value) > limit:
        raise InvalidValue(field, "max-length", f"must have at most {limit} characters")
    # isprintable is the quick answer for nearly every value; it also says no to spaces and marks that are allowed.
    if not value.isprintable() and _CONTROL.search(value):
        raise InvalidValue(field, "invalid", "must not contain control characters")
    return value


def check_naam(field: str, value: str) -> str:
    """Give back ``value`` if it is a Naam: 1 to 242 characters, no control characters; else raise InvalidValue."""
    return _check_text(field, value, NAAM_MAX)


def check_identificator(field: str, value: str) -> str:
    """Give back ``value`` if it is an Identificator: 1 to 40 characters, no control characters; else raise InvalidValue."""
    return _check_text(field, value, IDENTIFICATOR_MAX)


def check_oin(field: str, value: str) -> str:
    """Give back ``value`` if it is an OIN: exactly 20 digits, leading zeros kept (B0516, X22); else raise InvalidValue."""
    if not isinstance(value, str) or not _OIN.fullmatch(value):
        raise InvalidValue(field, "invalid", "must be an OIN of exactly 20 digits, as text")
    return value


def check_uri(field: str, value: str) -> str:
    """Give back ``value`` if it is an absolute URI of RFC 3986, at most 2042 characters; else raise InvalidValue."""
    _check_text(field, value, URI_MAX)
    if not _URI.fullmatch(value):
        raise InvalidValue(field, "invalid", "must be an absolute URI (RFC 3986)")
    return value


def check_objecttype(field: str, value: str) -> str:
    """Give back ``value`` if it can name an objecttype: a lower-case word (X04); else raise InvalidValue.

    Which words a deployment allows is a setting, not a property of the model (X61).
    """
    _check_text(field, value, NAAM_MAX)
    if not _OBJECTTYPE.fullmatch(value):
        raise InvalidValue(field, "invalid", "must be one lower-case word, such as 'persoon'")
    return value


def check_tijdstip(field: str, value: str) -> str:
    """Give back ``value`` if it is an RFC 3339 moment with an explicit offset; else raise InvalidValue (R1).

    The text is kept as written: ``+01:00`` stays ``+01:00``.
    """
    if not isinstance(value, str) or not _TIJDSTIP.fullmatch(value):
        raise InvalidValue(field, "invalid", "must be an RFC 3339 date and time with its offset, as text")
    try:
        tijdstip_of(value)
    except (ValueError, OverflowError):
        raise InvalidValue(field, "invalid", "must be a moment that exists") from None
    return value


def tijdstip_of(value: str) -> datetime:
    """The instant of a checked tijdstip, in UTC, to the microsecond. For comparing; what is stored is the text."""
    return datetime.fromisoformat(value.upper()).astimezone(UTC)


_BEWAARTERMIJN_RULE = "must be a positive ISO 8601 period of whole numbers, such as P10Y"


@lru_cache(maxsize=256)
def _periode(value: str) -> ItemizedDelta | None:
    if not _PERIODE.fullmatch(value):
        return None
    try:
        delta = ItemizedDelta.parse_iso(value)
    except ValueError:  # more years than a calendar has
        return None
    return delta if delta.sign() > 0 else None


def check_bewaartermijn(field: str, value: str) -> str:
    """Give back ``value`` if it is a bewaartermijn: an ISO 8601 period of whole numbers, above zero; else raise InvalidValue.

    ``P10Y``, ``P3Y6M``, ``P4W``. Not: ``P1.5Y``, ``-P1Y``, ``P0D``, ``P``, ``10`` (X32, X33).
    """
    if not isinstance(value, str) or _periode(value) is None:
        raise InvalidValue(field, "invalid", _BEWAARTERMIJN_RULE)
    return value


def bewaartermijn_end(tijdstip: str, bewaartermijn: str) -> datetime | None:
    """When a verwerkingsactie of ``tijdstip`` has been kept for ``bewaartermijn``, by calendar arithmetic (X31).

    ``P10Y`` after 29 February 2024 is 28 February 2034. None when that lies beyond the year 9999.
    Raises InvalidValue when either is malformed.
    """
    check_tijdstip("tijdstip", tijdstip)
    delta = _periode(bewaartermijn)
    if delta is None:
        raise InvalidValue("bewaartermijn", "invalid", _BEWAARTERMIJN_RULE)
    moment = datetime.fromisoformat(tijdstip.upper())
    wall = PlainDateTime(moment.replace(tzinfo=None))
    try:
        # The offset belongs to the text, so the arithmetic is on the clock that the text shows.
        return wall.add(delta, naive_arithmetic_ok=True).to_stdlib().replace(tzinfo=moment.tzinfo)
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def longest_bewaartermijn(*terms: str) -> str:
    """The longest of some checked terms, counted from one fixed day: ``P1Y`` beats ``P11M``."""
    return max(terms, key=lambda term: bewaartermijn_end("2001-01-01T00:00:00Z", term) or datetime.max.replace(tzinfo=UTC))


def check_afnemer_id(field: str, value: str, soort_afnemer_id: str | None) -> str:
    """Give back ``value`` if it fits its kind: ``OIN`` 20 digits, ``BSN`` at most 9 digits, any other an Identificator (X23)."""
    if soort_afnemer_id == "OIN":
        return check_oin(field, value)
    if soort_afnemer_id == "BSN" and not (value.isascii() and value.isdigit() and len(value) <= BSN_MAX):
        raise InvalidValue(field, "invalid", "must be a BSN of at most 9 digits, as text")
    return check_identificator(field, value)


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
        shown = []
        for field in self.__struct_fields__:
            value = getattr(self, field)
            if field in _PERSONAL:
                value = "***" if value else value
            if value not in (None, ()):
                shown.append(f"{field}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"


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
        soort_object_id: kind of identifier: ``BSN``, or another where the BSN may not be used (B7972).
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
        check_naam("soort_object_id", self.soort_object_id)
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

    def __post_init__(self) -> None:
        check_tijdstip("tijdstip", self.tijdstip)
        if type(self.vertrouwelijkheid) is not Vertrouwelijkheid:
            raise InvalidValue("vertrouwelijkheid", "invalid-choice", "must be a Vertrouwelijkheid")
        for field, check in _OPTIONAL:
            value = getattr(self, field)
            if value is not None:
                check(field, value)
        if self.afnemer_id is not None:
            check_afnemer_id("afnemer_id", self.afnemer_id, self.soort_afnemer_id)
        _check_tuple("verwerkte_objecten", self.verwerkte_objecten, VerwerktObject)


def read_registered(body: Mapping[str, Any]) -> RegisteredVerwerkingsactie:
    """The verwerkingsactie in an answer of a register, which gives empty attributes as empty texts (X20).

    Raises InvalidValue or msgspec.ValidationError when ``body`` is not one.
    """
    return msgspec.convert(_without_empty(body), RegisteredVerwerkingsactie)


def _without_empty(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_empty(item) for name, item in value.items() if item not in ("", None)}
    return [_without_empty(item) for item in value] if isinstance(value, list) else value


_P = TypeVar("_P", bound=_Part)


def filled(prototype: _P, **attributes: Any) -> _P:
    """A copy of ``prototype`` with these ``attributes`` instead, which the caller has checked.

    Checking every attribute costs more than the rest of recording, and most are the same from call to call.
    """
    # Unlike msgspec.structs.replace, this checks nothing again; copy.copy does the same, after looking for it.
    part: _P = prototype.__copy__()  # type: ignore[attr-defined]  # missing in the stubs of msgspec
    for field, value in attributes.items():
        force_setattr(part, field, value)
    return part


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
    ("soort_afnemer_id", check_naam),
    ("verwerkingsactiviteit_id_afnemer", _check_uuid),
    ("verwerkingsactiviteit_url_afnemer", check_uri),
    ("verwerking_id_afnemer", _check_uuid),
)


class RegisteredVerwerktObject(VerwerktObject, frozen=True, kw_only=True):
    """A verwerkt object as a register gives it back: with the id and the address of this one occurrence (X54)."""

    url: str
    verwerkt_object_id: UUID


class RegisteredVerwerkingsactie(Verwerkingsactie, frozen=True, kw_only=True):
    """A verwerkingsactie as a register gives it back. These attributes are the register's alone (R2, R3).

    Attributes:
        url: address of the actie.
        actie_id: its id, the same through every correction (X01).
        tijdstip_registratie: when the register stored this version (B3707).
        vervallen: logically deleted (B8641). Kept within the register, never exchanged (X42).
    """

    url: str
    actie_id: UUID
    tijdstip_registratie: str
    vervallen: bool = False
