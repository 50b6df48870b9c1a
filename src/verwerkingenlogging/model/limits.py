"""The attribute types of the Verwerkingenlogging standard and their limits: what a name, an id, a moment, a period may be.

Moments and periods are kept as the text in which they were given: the standard forbids converting a time zone (attribuuttype
Moment), and ``P10Y`` must stay ten calendar years.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from whenever import ItemizedDelta, PlainDateTime

from verwerkingenlogging.errors import InvalidValue
from verwerkingenlogging.model.identifier_kinds import one_spelling
from verwerkingenlogging.model.uris import is_uri

__all__ = [
    "BSN_MAX",
    "IDENTIFICATOR_MAX",
    "NAAM_MAX",
    "PERSOON",
    "RECORD_MAX",
    "URI_MAX",
    "bewaartermijn_end",
    "bewaartermijn_of",
    "check_afnemer_id",
    "check_bewaartermijn",
    "check_identificator",
    "check_naam",
    "check_objecttype",
    "check_oin",
    "check_soort_id",
    "check_tijdstip",
    "check_uri",
    "tijdstip_of",
]

NAAM_MAX = 242
"""Longest Naam, in characters."""
IDENTIFICATOR_MAX = 40
"""Longest Identificator, in characters."""
BSN_MAX = 9
"""Most digits of a BSN."""
RECORD_MAX = 256 * 1024
"""Longest verwerkingsactie that is recorded as one, in bytes of JSON: some three thousand persons. What is longer goes in parts
(``logs.parts``). Well below the megabyte that a register, and most proxies, take when nobody tells them otherwise."""
URI_MAX = 2042
"""Longest URI, in characters."""
PERSOON = "persoon"
"""The objecttype that the standard defines; a deployment may allow others (X61)."""

# C0, DEL and C1 controls forge lines in logs; half a surrogate pair cannot be written as UTF-8 (D11).
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_OIN = re.compile(r"[0-9]{20}", re.ASCII)
_OBJECTTYPE = re.compile(r"[a-z][a-z0-9_-]*")
_TIJDSTIP = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,12})?([Zz]|[+-]\d\d:[0-5]\d)", re.ASCII)
_PERIODE = re.compile(r"P(?=[0-9T])(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?", re.ASCII)


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


def check_soort_id(field: str, value: str) -> str:
    """``value``, the kind of an identifier, if it is a Naam; ``bsn`` and the like become ``BSN``. Else raise InvalidValue.

    Also for what looks like a kind of the standard and is another: see ``id_kinds``.
    """
    return one_spelling(field, check_naam(field, value))


def check_identificator(field: str, value: str) -> str:
    """Give back ``value`` if it is an Identificator: 1 to 40 characters, no control characters; else raise InvalidValue."""
    return _check_text(field, value, IDENTIFICATOR_MAX)


def check_oin(field: str, value: str) -> str:
    """Give back ``value`` if it is an OIN: exactly 20 digits, leading zeros kept (B0516, X22); else raise InvalidValue."""
    if not isinstance(value, str) or not _OIN.fullmatch(value):
        raise InvalidValue(field, "invalid", "must be an OIN of exactly 20 digits, as text")
    return value


def check_uri(field: str, value: str) -> str:
    """Give back ``value`` if it is an absolute URI of RFC 3986, at most 2042 characters; else raise InvalidValue.

    Not one that leads nobody anywhere, such as ``javascript:``, or that holds a password: see ``uris.is_uri``.
    """
    _check_text(field, value, URI_MAX)
    if not is_uri(value):
        raise InvalidValue(field, "invalid", "must be an absolute URI (RFC 3986) that leads somewhere, without user or password")
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


_MIXED_WEEKS = re.compile(r"P.*[0-9]W.+|P.+[YM][0-9]+W", re.ASCII)
_PERIODE_MAX = 100
"""More characters than any term has; what is judged is remembered."""
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

    ``P10Y``, ``P3Y6M``, ``P4W``. Not: ``P1.5Y``, ``-P1Y``, ``P0D``, ``P``, ``10`` (X32, X33), nor weeks beside another unit (``P1Y2W``).
    """
    if not isinstance(value, str) or len(value) > _PERIODE_MAX or _periode(value) is None or _MIXED_WEEKS.fullmatch(value):
        raise InvalidValue(field, "invalid", _BEWAARTERMIJN_RULE)
    return value


def bewaartermijn_of(value: str) -> ItemizedDelta:
    """The period of a bewaartermijn. Raises InvalidValue when it is malformed. Takes ``P1Y2W``, which was once stored."""
    delta = _periode(value)
    if delta is None:
        raise InvalidValue("bewaartermijn", "invalid", _BEWAARTERMIJN_RULE)
    return delta


def bewaartermijn_end(tijdstip: str, bewaartermijn: str) -> datetime | None:
    """When a verwerkingsactie of ``tijdstip`` has been kept for ``bewaartermijn``, by calendar arithmetic (X31).

    ``P10Y`` after 29 February 2024 is 28 February 2034. None when that lies beyond the year 9999.
    Raises InvalidValue when either is malformed.
    """
    check_tijdstip("tijdstip", tijdstip)
    delta = bewaartermijn_of(bewaartermijn)
    moment = datetime.fromisoformat(tijdstip.upper())
    wall = PlainDateTime(moment.replace(tzinfo=None))
    try:
        # The offset belongs to the text, so the arithmetic is on the clock that the text shows.
        return wall.add(delta, naive_arithmetic_ok=True).to_stdlib().replace(tzinfo=moment.tzinfo)
    except ValueError:
        return None


def check_afnemer_id(field: str, value: str, soort_afnemer_id: str | None) -> str:
    """Give back ``value`` if it fits its kind: ``OIN`` 20 digits, ``BSN`` at most 9 digits, any other an Identificator (X23)."""
    if soort_afnemer_id == "OIN":
        return check_oin(field, value)
    if soort_afnemer_id == "BSN" and not (value.isascii() and value.isdigit() and len(value) <= BSN_MAX):
        raise InvalidValue(field, "invalid", "must be a BSN of at most 9 digits, as text")
    return check_identificator(field, value)
