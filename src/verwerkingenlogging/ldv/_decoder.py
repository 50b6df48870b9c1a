"""The decoder: from a span to the actie in it. Anybody may have sent that span, so every value is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from verwerkingenlogging.errors import InvalidValue
from verwerkingenlogging.ldv import attributes as names
from verwerkingenlogging.ldv.span import LdvSpan, Value
from verwerkingenlogging.ldv.subjects import is_pseudonym, without_key
from verwerkingenlogging.model import Vertrouwelijkheid, Verwerkingsactie, VerwerktObject, VerwerktSoortGegeven
from verwerkingenlogging.model.limits import PERSOON, check_soort_id
from verwerkingenlogging.model.trace import Span
from verwerkingenlogging.support import strict_json

__all__ = ["actie_of", "is_ldv", "is_part", "key_of"]

Decode = Callable[[str, str], str]


def is_ldv(span: LdvSpan) -> bool:
    """Whether ``span`` is a logregel: it has an attribute under ``dpl.``."""
    return any(key.startswith("dpl.") for key in span.attributes)


def is_part(span: LdvSpan) -> bool:
    """Whether ``span`` is a part: it repeats for one person what the span of its actie says of all, and is no actie itself."""
    return names.OBJECT_INDEX in span.attributes


def key_of(span: LdvSpan | Span) -> str:
    """The idempotency key of the actie in ``span``, or at that place in a trace: the same at every attempt."""
    return f"{span.trace_id.hex()}-{span.span_id.hex()}"


def actie_of(
    span: LdvSpan, *, decode: Decode = without_key, vertrouwelijkheid: Vertrouwelijkheid = Vertrouwelijkheid.NORMAAL
) -> Verwerkingsactie:
    """The actie in ``span``, ours or that of any application that follows LDV. Not for parts: see ``is_part``.

    Args:
        span: one that ``is_ldv``.
        decode: turns what stands for a person back, such as ``EncryptedSubjects.decode``.
        vertrouwelijkheid: of an actie that does not say it, as LDV has it, and our strict mode.

    Raises InvalidValue when an attribute is no such value, and KeyMissing, which is one, when ``decode`` does.
    """
    read = _Attributes(span.attributes)
    values: dict[str, object] = {field: read.text(names.GEMMA + field) for field in names.TEXTS}
    values |= {field: read.uuid(names.GEMMA + field) for field in names.UUIDS}
    values["vertrouwelijkheid"] = _vertrouwelijkheid(read, vertrouwelijkheid)
    tijdstip = read.text(names.TIJDSTIP)
    if tijdstip is None:  # not one of ours: what LDV has stands for what GEMMA has
        tijdstip = _tijdstip(span.start)
        values["systeem"] = values["systeem"] or _systeem(span.resource)
    values["verwerkingsactiviteit_id"], values["verwerkingsactiviteit_url"] = _activiteit(read)
    values["soort_afnemer_id"], values["afnemer_id"] = _afnemer(read, decode)
    return Verwerkingsactie(
        tijdstip=tijdstip,
        actie_naam=None if names.WITHOUT_NAME in span.attributes else span.name or None,
        verwerkte_objecten=_objecten(read, decode),
        span=Span(trace_id=span.trace_id, span_id=span.span_id, parent_span_id=span.parent_span_id),
        **values,  # type: ignore[arg-type]  # each by its field; the model checks them
    )


class _Attributes:
    """Attributes of a span: a value of another type than expected is refused by its name."""

    def __init__(self, attributes: Mapping[str, Value]) -> None:
        self._attributes = attributes

    def text(self, key: str) -> str | None:
        value = self._attributes.get(key)
        if value is not None and not isinstance(value, str):
            raise InvalidValue(key, "invalid", "must be text")
        return value or None

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._attributes.get(key, ())
        if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(item, str) for item in value):
            raise InvalidValue(key, "invalid", "must be a list of texts")
        return tuple(value)

    def uuid(self, key: str) -> UUID | None:
        text = self.text(key)
        try:
            return UUID(text) if text is not None else None
        except ValueError:
            raise InvalidValue(key, "invalid", "must be a UUID") from None


def _vertrouwelijkheid(read: _Attributes, default: Vertrouwelijkheid) -> Vertrouwelijkheid:
    key = names.GEMMA + "vertrouwelijkheid"
    try:
        return Vertrouwelijkheid(read.text(key) or default)
    except ValueError:
        raise InvalidValue(key, "invalid-choice", "must be a Vertrouwelijkheid") from None


def _activiteit(read: _Attributes) -> tuple[UUID | None, str | None]:
    activiteit_id, uri = read.uuid(names.ACTIVITEIT_ID), read.text(names.ACTIVITEIT)
    url = read.text(names.ACTIVITEIT_URL)
    if url is not None or uri is None or not uri.startswith(names.URN):
        return activiteit_id, url or uri
    try:
        return UUID(uri.removeprefix(names.URN)), None
    except ValueError:
        raise InvalidValue(names.ACTIVITEIT, "invalid", "must hold a UUID when it begins with urn:uuid:") from None


def _afnemer(read: _Attributes, decode: Decode) -> tuple[str | None, str | None]:
    given, number = read.text(names.SOORT_AFNEMER_ID), read.text(names.AFNEMER_ID)
    soort = given and check_soort_id("soort_afnemer_id", given)
    if number is None or soort == "OIN":
        return soort, number
    number = decode(given or "", number)  # it was encoded with the spelling of whoever sent it
    if soort == "BSN" and is_pseudonym(number):
        return "BSN-pseudoniem", number  # the model takes digits only for a BSN (X23)
    return soort, number


def _objecten(read: _Attributes, decode: Decode) -> tuple[VerwerktObject, ...]:
    several = read.texts(names.OBJECTEN)
    if several:
        return tuple(_object_of_json(text, decode) for text in several)
    person = read.text(names.SUBJECT)
    number = person or read.text(names.OBJECT_ID)
    if number is None:
        return ()
    soort = read.text(names.SUBJECT_TYPE if person else names.SOORT_OBJECT_ID) or "BSN"
    return (
        VerwerktObject(
            object_id=decode(soort, number),
            soort_object_id=soort,
            objecttype=read.text(names.OBJECTTYPE) or PERSOON,
            betrokkenheid=read.text(names.BETROKKENHEID),
            verwerkte_soorten_gegevens=tuple(VerwerktSoortGegeven(soort_gegeven=each) for each in read.texts(names.SOORTEN_GEGEVENS)),
        ),
    )


def _object_of_json(text: str, decode: Decode) -> VerwerktObject:
    """One of several objects. Its number may be a ciphertext, longer than an Identificator: so it is turned back first."""
    refused = InvalidValue(names.OBJECTEN, "invalid", "must be verwerkte objecten in the JSON of the standard, each name once")
    try:
        values = strict_json.read(text)
    except ValueError:
        raise refused from None
    try:
        values["objectId"] = decode(str(values["soortObjectId"]), str(values["objectId"]))
        return msgspec.convert(values, VerwerktObject)
    except (KeyError, TypeError, msgspec.MsgspecError):  # TypeError: it is no object
        raise refused from None


def _systeem(resource: Mapping[str, Value]) -> str | None:
    words = [str(resource[key]) for key in (names.SERVICE_NAME, names.SERVICE_VERSION) if key in resource]
    return " ".join(words) or None


def _tijdstip(start: int) -> str:
    if start <= 0:
        raise InvalidValue("tijdstip", "required", "is missing: the span has no start")
    seconds, nanoseconds = divmod(start, 10**9)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{nanoseconds:09}Z" if nanoseconds else f"{text}Z"
