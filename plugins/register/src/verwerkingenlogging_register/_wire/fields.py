"""The attribute types of the standard as Pydantic fields: the core's limits, with reasons in Dutch for the caller.

Absent, ``null`` and ``""`` are the same (X20). A reason never repeats the value: it could be a BSN (P3).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, PlainValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from verwerkingenlogging.errors import InvalidValue
from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging.model.identifier_kinds import one_spelling
from verwerkingenlogging.model.limits import (
    IDENTIFICATOR_MAX,
    NAAM_MAX,
    URI_MAX,
    check_afnemer_id,
    check_bewaartermijn,
    check_identificator,
    check_naam,
    check_oin,
    check_tijdstip,
    check_uri,
)

__all__ = [
    "INVALID_KEY",
    "KEY",
    "LIST_MAX",
    "AfnemerId",
    "Bewaartermijn",
    "Datum",
    "EenVertrouwelijkheid",
    "EenVertrouwelijkheidOrAbsent",
    "IdempotencyKey",
    "Identificator",
    "ListOrAbsent",
    "Naam",
    "Objecttype",
    "Oin",
    "OwnMoment",
    "OwnUrl",
    "RequiredIdempotencyKey",
    "RequiredIdentificator",
    "RequiredList",
    "RequiredNaam",
    "RequiredSoortId",
    "RequiredUuid",
    "SameActie",
    "SoortId",
    "Tijdstip",
    "Uri",
    "Uuid",
    "fault",
]

REQUIRED = "Is verplicht."
KEY = re.compile(r"[\x21-\x7e]{1,255}")
INVALID_KEY = "Moet 1 tot 255 tekens zijn, zonder spaties, zoals een UUID."
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_DATUM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def fault(code: str, reason: str) -> PydanticCustomError:
    """A fault with a code of the standard's vocabulary and a reason in Dutch."""
    return PydanticCustomError(code, reason)


def _checked(check: Callable[[Any], Any], reason: str, *, limit: int | None = None, required: bool = False) -> PlainValidator:
    """A validator that gives what ``check`` gives; for an absent value None, or a fault when it is required."""

    def validate(value: Any) -> Any:
        if value is None or value == "":
            if required:
                raise fault("required", REQUIRED)
            return None
        try:
            return check(value)
        except InvalidValue as error:
            if error.code == "max-length":
                raise fault(error.code, f"Mag ten hoogste {limit} tekens hebben.") from None
            raise fault("invalid", reason) from None

    return PlainValidator(validate)


def _check_uuid(value: object) -> UUID:
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise InvalidValue("uuid", "invalid", "must be a UUID")
    return UUID(value)


def _check_key(value: object) -> str:
    if not isinstance(value, str) or not KEY.fullmatch(value):
        raise InvalidValue("idempotency_key", "invalid", "must be 1 to 255 visible characters")
    return value


def _check_datum(value: object) -> date:
    try:
        if isinstance(value, str) and _DATUM.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise InvalidValue("datum", "invalid", "must be a date")


def _check_vertrouwelijkheid(value: object) -> Vertrouwelijkheid:
    """In any letter case (X05)."""
    if not isinstance(value, str) or value.lower() not in set(Vertrouwelijkheid):
        raise fault("invalid-choice", f"Moet een van deze waarden zijn: {', '.join(Vertrouwelijkheid)}.")
    return Vertrouwelijkheid(value.lower())


def _check_same_actie(value: object, info: ValidationInfo) -> UUID | None:
    """An actieId in a body is that of the path (X12): the context says which."""
    if value is None or value == "":
        return None
    try:
        if _check_uuid(value) == (info.context or {})["actie_id"]:
            return None
    except InvalidValue:
        raise fault("invalid", _UUID_REASON) from None
    raise fault("invalid", "Moet gelijk zijn aan het kenmerk in het pad.")


def _check_objecttype(value: object, info: ValidationInfo) -> str:
    """In any letter case (X04), and one that this deployment registers (X61): the context says which."""
    if value is None or value == "":
        raise fault("required", REQUIRED)
    allowed: frozenset[str] = (info.context or {})["objecttypen"]
    if not isinstance(value, str) or value.lower() not in allowed:
        raise fault("invalid-choice", f"Moet een van deze waarden zijn: {', '.join(sorted(allowed))}.")
    return value.lower()


def _check_afnemer_id(value: object, info: ValidationInfo) -> str | None:
    """By the kind that soortAfnemerId names, which stands before it (X23); without one, any identificator (X25)."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise fault("invalid", _TEKST)
    try:
        return check_afnemer_id("afnemer_id", value, info.data.get("soort_afnemer_id"))
    except InvalidValue as error:
        if error.code == "max-length":
            raise fault(error.code, f"Mag ten hoogste {IDENTIFICATOR_MAX} tekens hebben.") from None
        raise fault("invalid", "Moet passen bij soortAfnemerId: een OIN van 20 cijfers, of een BSN van ten hoogste 9 cijfers.") from None


LIST_MAX = 20_000
"""Most elements of any list in a body: more than fit in one of the default size, so that only a malformed one meets it."""


def _list(value: object) -> object:
    if value is not None and not isinstance(value, list):
        raise fault("invalid", "Moet een lijst zijn.")
    if value is not None and len(value) > LIST_MAX:  # Pydantic would look at all of them first
        raise fault("max-length", "Heeft te veel elementen.")
    return value


def _required_list(value: object) -> object:
    if value is None:
        raise fault("required", REQUIRED)
    return _list(value)


def _text(limit: int | None = None, *, required: bool = True, **schema: object) -> WithJsonSchema:
    """The published form of a text; one that is not required may be empty or null (X20)."""
    text = {"type": "string", **({"maxLength": limit} if limit else {}), **schema}
    return WithJsonSchema(text if required else {"anyOf": [text, {"enum": ["", None]}]})


def _plain(limit: int, *, required: bool = True) -> WithJsonSchema:
    """The published form of a text without control characters (D11)."""
    return _text(limit, required=required, minLength=1, pattern="^[^\\x00-\\x1f\\x7f-\\x9f]*$")


_TEKST = "Moet tekst zijn, zonder stuurtekens."


def _naam(value: str) -> str:
    return check_naam("naam", value)


def _soort_id(value: str) -> str:
    naam = check_naam("soort_id", value)
    try:
        return one_spelling("soort_id", naam)
    except InvalidValue:
        raise fault("invalid", "Lijkt op een soort die de standaard kent, zoals BSN, maar heeft andere letters.") from None


def _identificator(value: str) -> str:
    return check_identificator("identificator", value)


Naam = Annotated[str | None, _checked(_naam, _TEKST, limit=NAAM_MAX), _plain(NAAM_MAX, required=False)]
SoortId = Annotated[str | None, _checked(_soort_id, _TEKST, limit=NAAM_MAX), _plain(NAAM_MAX, required=False)]
RequiredSoortId = Annotated[str, _checked(_soort_id, _TEKST, limit=NAAM_MAX, required=True), _plain(NAAM_MAX)]
RequiredNaam = Annotated[str, _checked(_naam, _TEKST, limit=NAAM_MAX, required=True), _plain(NAAM_MAX)]
Identificator = Annotated[str | None, _checked(_identificator, _TEKST, limit=IDENTIFICATOR_MAX), _plain(IDENTIFICATOR_MAX, required=False)]
RequiredIdentificator = Annotated[str, _checked(_identificator, _TEKST, limit=IDENTIFICATOR_MAX, required=True), _plain(IDENTIFICATOR_MAX)]
Uri = Annotated[
    str | None,
    _checked(
        lambda value: check_uri("uri", value),
        "Moet een absolute URI zijn (RFC 3986) die ergens heen leidt, zonder gebruiker of wachtwoord.",
        limit=URI_MAX,
    ),
    _text(URI_MAX, required=False, format="uri"),
]
Oin = Annotated[
    str | None,
    _checked(lambda value: check_oin("oin", value), "Moet een OIN zijn: precies 20 cijfers, als tekst."),
    _text(required=False, pattern="^[0-9]{20}$"),
]
Bewaartermijn = Annotated[
    str | None,
    _checked(
        lambda value: check_bewaartermijn("bewaartermijn", value),
        "Moet een periode volgens ISO 8601 zijn, groter dan nul, in hele getallen en met weken alleen apart, zoals P10Y.",
    ),
    _text(required=False, format="duration"),
]
_UUID_REASON = "Moet een UUID zijn."
Uuid = Annotated[UUID | None, _checked(_check_uuid, _UUID_REASON), _text(required=False, format="uuid")]
RequiredUuid = Annotated[UUID, _checked(_check_uuid, _UUID_REASON, required=True), _text(format="uuid")]
Tijdstip = Annotated[
    str,
    _checked(
        lambda value: check_tijdstip("tijdstip", value),
        "Moet een bestaand tijdstip volgens RFC 3339 zijn, met tijdzone, zoals 2024-04-05T14:35:42+02:00.",
        required=True,
    ),
    _text(format="date-time"),
]
_DATUM_REASON = "Moet een bestaande datum zijn, zoals 2024-04-05."
Datum = Annotated[date | None, _checked(_check_datum, _DATUM_REASON), _text(format="date")]
RequiredDatum = Annotated[date, _checked(_check_datum, _DATUM_REASON, required=True), _text(format="date")]
EenVertrouwelijkheid = Annotated[
    Vertrouwelijkheid,
    _checked(_check_vertrouwelijkheid, "", required=True),
    WithJsonSchema({"type": "string", "enum": list(Vertrouwelijkheid)}),
]
EenVertrouwelijkheidOrAbsent = Annotated[
    Vertrouwelijkheid | None,
    _checked(_check_vertrouwelijkheid, ""),
    WithJsonSchema({"enum": [*Vertrouwelijkheid, "", None]}),
]
# The register's own attributes: a client that sends back what it was given may leave them in (X12).
OwnUrl = Annotated[Any, PlainValidator(lambda _: None), _text(format="uri", readOnly=True)]
OwnMoment = Annotated[Any, PlainValidator(lambda _: None), _text(format="date-time", readOnly=True)]
SameActie = Annotated[Any, PlainValidator(_check_same_actie), _text(required=False, format="uuid")]
Objecttype = Annotated[str, PlainValidator(_check_objecttype), _text()]
IdempotencyKey = Annotated[str | None, _checked(_check_key, INVALID_KEY), _text(required=False, pattern="^[!-~]{1,255}$")]
RequiredIdempotencyKey = Annotated[str, _checked(_check_key, INVALID_KEY, required=True), _text(pattern="^[!-~]{1,255}$")]
AfnemerId = Annotated[str | None, PlainValidator(_check_afnemer_id), _plain(IDENTIFICATOR_MAX, required=False)]
RequiredList = BeforeValidator(_required_list)
ListOrAbsent = BeforeValidator(lambda value: _list(value) or [])
