"""The search parameters of both APIs: persoon or verwerking, period, verwerkingsactiviteit and page."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema, model_validator
from pydantic.alias_generators import to_camel

from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging.model.limits import IDENTIFICATOR_MAX, NAAM_MAX
from verwerkingenlogging_register._acties.search_statements import EARLIEST, LATEST, Search
from verwerkingenlogging_register._model.scopes import Visibility
from verwerkingenlogging_register._model.subjects import Persoon, Verwerking
from verwerkingenlogging_register._model.versions import instant_of
from verwerkingenlogging_register._wire.descriptions import describe
from verwerkingenlogging_register._wire.fields import (
    Datum,
    Objecttype,
    RequiredDatum,
    RequiredIdentificator,
    RequiredSoortId,
    RequiredUuid,
    Uuid,
    fault,
)

__all__ = [
    "CURSOR_MAX",
    "PAGE_SIZE",
    "PAGE_SIZE_MAX",
    "BewerkingQuestion",
    "BewerkingZoekvraag",
    "InzageQuestion",
    "InzageZoekvraag",
    "Paging",
    "VerwerkingSelection",
]

PAGE_SIZE = 100
PAGE_SIZE_MAX = 500
CURSOR_MAX = 4096
_NUMBER_DIGITS = 9
_CURSOR = re.compile(rf"[A-Za-z0-9_-]{{1,{CURSOR_MAX}}}", re.ASCII)
NOT_OURS = ("invalid", "Is niet uitgegeven voor deze vraag en deze client, of is verlopen. Begin opnieuw bij de eerste bladzijde.")
"""Of a cursor: one answer for all that may be wrong with it, so that nobody learns what it holds."""


def _number(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _NUMBER_DIGITS and int(value) > 0:
        return int(value)
    raise fault("invalid", "Moet een geheel getal groter dan nul zijn.")


def _cursor(value: Any) -> str:
    if isinstance(value, str) and _CURSOR.fullmatch(value):
        return value
    raise fault(*NOT_OURS)


def _page_size(value: int) -> int:
    if value > PAGE_SIZE_MAX:
        raise fault("invalid", f"Mag ten hoogste {PAGE_SIZE_MAX} zijn.")
    return value


def _not_before_begin(value: date | None, info: ValidationInfo) -> date | None:
    begin = info.data.get("begin_datum")
    if value is not None and begin is not None and begin > value:
        raise fault("invalid", "Mag niet voor beginDatum liggen.")
    return value


def _vertrouwelijkheden(value: Any) -> frozenset[Vertrouwelijkheid] | None:
    """Repeated, with commas, or both; in any letter case (X05, X06). Empty is the same as absent."""
    texts = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise fault("invalid", "Moet een lijst van teksten zijn.")
    words = {word.strip().lower() for text in texts for word in text.split(",")} - {""}
    if not words <= set(Vertrouwelijkheid):
        raise fault("invalid-choice", f"Moet bestaan uit deze waarden: {', '.join(Vertrouwelijkheid)}.")
    return frozenset(map(Vertrouwelijkheid, words)) or None


_PLAIN = {"type": "string", "minLength": 1, "pattern": "^[^\\x00-\\x1f\\x7f-\\x9f]*$"}
_TEXT = WithJsonSchema({"type": "string"})
_NUMBER = BeforeValidator(_number)
_NOT_BEFORE_BEGIN = AfterValidator(_not_before_begin)
Page = Annotated[int, _NUMBER, WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 10**_NUMBER_DIGITS - 1, "default": 1})]
PageSize = Annotated[
    int,
    AfterValidator(_page_size),
    _NUMBER,
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MAX, "default": PAGE_SIZE}),
]
CursorText = Annotated[
    str | None, BeforeValidator(_cursor), WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_-]+$", "maxLength": CURSOR_MAX})
]
Vertrouwelijkheden = Annotated[
    frozenset[Vertrouwelijkheid] | None,
    BeforeValidator(_vertrouwelijkheden),
    WithJsonSchema({"type": "array", "items": {"type": "string", "enum": list(Vertrouwelijkheid)}}),
]


def _whole_persoon_or_none(given: Any) -> Any:
    """One persoon, whole; with a verwerking perhaps nobody, but never half a persoon (D9)."""
    if not isinstance(given, dict):
        return given
    if any(_is_given(given, name) for name in _VERWERKING) and not any(_is_given(given, name) for name in _PERSOON):
        return {name: value for name, value in given.items() if name not in _PERSOON}
    return {**given, **{name: "" for name in _PERSOON if not _is_given(given, name)}}


def _verwerking_given(given: Any) -> Any:
    return given if any(name in given for name in _VERWERKING) else {**given, "verwerkingId": ""}


def _is_given(given: dict[str, Any], name: str) -> bool:
    return given.get(name) is not None and given[name] != ""


def _not_both(value: UUID | None, info: ValidationInfo) -> UUID | None:
    if value is not None and info.data.get("verwerking_id") is not None:
        raise fault("invalid", "Mag niet samen met verwerkingId.")
    return value


_PERSOON = ("objecttype", "soortObjectId", "objectId")
_VERWERKING = ("verwerkingId", "verwerkingIdAfnemer")
VerwerkingIdAfnemer = Annotated[Uuid, AfterValidator(_not_both)]


class Paging(BaseModel):
    """The page parameters of a search (X56)."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, hide_input_in_errors=True, json_schema_extra=describe)

    page: Page = 1
    page_size: PageSize = PAGE_SIZE
    cursor: CursorText = None

    @property
    def offset(self) -> int:
        """The number of results before this page."""
        return (self.page - 1) * self.page_size


class _Question(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, hide_input_in_errors=True, json_schema_extra=describe)


class BewerkingQuestion(_Question):
    """A search of the Bewerking API: about a persoon, a verwerking or both. The period is optional (X40)."""

    objecttype: Annotated[Objecttype | None, _TEXT] = None
    soort_object_id: Annotated[RequiredSoortId | None, WithJsonSchema({**_PLAIN, "maxLength": NAAM_MAX})] = None
    object_id: Annotated[RequiredIdentificator | None, WithJsonSchema({**_PLAIN, "maxLength": IDENTIFICATOR_MAX})] = Field(
        default=None, repr=False
    )
    begin_datum: Datum = None
    eind_datum: Annotated[Datum, _NOT_BEFORE_BEGIN] = None
    verwerkingsactiviteit_id: Uuid = None
    verwerking_id: Uuid = None
    verwerking_id_afnemer: VerwerkingIdAfnemer = None
    vertrouwelijkheid: Vertrouwelijkheden = None

    _complete = model_validator(mode="before")(_whole_persoon_or_none)

    @property
    def persoon(self) -> Persoon | None:
        """The persoon who is asked for; None for everybody in the verwerking."""
        if self.objecttype is None or self.soort_object_id is None or self.object_id is None:
            return None
        return Persoon(self.objecttype, self.soort_object_id, self.object_id)

    @property
    def verwerking(self) -> Verwerking | None:
        """The verwerking that is asked for."""
        return verwerking_of(self.verwerking_id, self.verwerking_id_afnemer)

    def to_search(self, visibility: Visibility, paging: Paging, tijdzone: str) -> Search:
        """The search that answers this question for a reader who may see ``visibility``."""
        return Search(
            persoon=self.persoon,
            verwerking=self.verwerking,
            visibility=visibility,
            begin=EARLIEST if self.begin_datum is None else _midnight(self.begin_datum, tijdzone),
            end=LATEST if self.eind_datum is None else _midnight(self.eind_datum, tijdzone),
            verwerkingsactiviteit_id=self.verwerkingsactiviteit_id,
            offset=paging.offset,
            limit=paging.page_size,
        )


class InzageQuestion(_Question):
    """A search of the Inzage API: the period is mandatory, and the scope decides about vertrouwelijkheid (section 5.1)."""

    objecttype: Objecttype
    soort_object_id: RequiredSoortId
    object_id: RequiredIdentificator = Field(repr=False)
    begin_datum: RequiredDatum
    eind_datum: Annotated[RequiredDatum, _NOT_BEFORE_BEGIN]
    verwerkingsactiviteit_id: Uuid = None

    @property
    def persoon(self) -> Persoon:
        """The persoon who is asked for."""
        return Persoon(self.objecttype, self.soort_object_id, self.object_id)

    def to_search(self, visibility: Visibility, paging: Paging, tijdzone: str) -> Search:
        """The search that answers this question for a reader who may see ``visibility``."""
        return Search(
            persoon=self.persoon,
            visibility=visibility,
            begin=_midnight(self.begin_datum, tijdzone),
            end=_midnight(self.eind_datum, tijdzone),
            verwerkingsactiviteit_id=self.verwerkingsactiviteit_id,
            offset=paging.offset,
            limit=paging.page_size,
        )


class BewerkingZoekvraag(BewerkingQuestion):
    """Een zoekvraag over verwerkingsacties, als inhoud van de aanvraag."""

    # A filter that is misspelt would show more than was asked for.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class InzageZoekvraag(InzageQuestion):
    """Een zoekvraag over verwerkte objecten, als inhoud van de aanvraag."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class VerwerkingSelection(_Question):
    """The verwerking that a PATCH changes: exactly one of the two parameters (X28)."""

    verwerking_id: Annotated[RequiredUuid | None, WithJsonSchema({"type": "string", "format": "uuid"})] = None
    verwerking_id_afnemer: VerwerkingIdAfnemer = None

    _one = model_validator(mode="before")(_verwerking_given)

    @property
    def verwerking(self) -> Verwerking:
        """The verwerking that is meant."""
        verwerking = verwerking_of(self.verwerking_id, self.verwerking_id_afnemer)
        if verwerking is None:
            raise LookupError  # no valid selection is without one
        return verwerking


def verwerking_of(verwerking_id: UUID | None, verwerking_id_afnemer: UUID | None) -> Verwerking | None:
    """The verwerking that one of the two names."""
    if verwerking_id is not None:
        return Verwerking(verwerking_id, of_afnemer=False)
    return None if verwerking_id_afnemer is None else Verwerking(verwerking_id_afnemer, of_afnemer=True)


def _midnight(day: date, tijdzone: str) -> int:
    """The instant at which ``day`` begins where the citizen lives (X41)."""
    return instant_of(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(tijdzone)))
