"""The questions that the two APIs take: whose records, from which days, for which verwerkingsactiviteit, which page."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationInfo, WithJsonSchema
from pydantic.alias_generators import to_camel

from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging_register.descriptions import describe
from verwerkingenlogging_register.fields import Datum, Objecttype, RequiredDatum, RequiredIdentificator, RequiredNaam, Uuid, fault
from verwerkingenlogging_register.query import EARLIEST, LATEST, Persoon, Search
from verwerkingenlogging_register.scopes import Visibility
from verwerkingenlogging_register.versions import instant_of

__all__ = ["PAGE_SIZE", "PAGE_SIZE_MAX", "BewerkingQuestion", "InzageQuestion", "Question"]

PAGE_SIZE = 100
PAGE_SIZE_MAX = 500
_NUMBER_DIGITS = 9


def _number(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _NUMBER_DIGITS and int(value) > 0:
        return int(value)
    raise fault("invalid", "Moet een geheel getal groter dan nul zijn.")


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
    words = {word.strip().lower() for text in value for word in text.split(",")} - {""}
    if not words <= set(Vertrouwelijkheid):
        raise fault("invalid-choice", f"Moet bestaan uit deze waarden: {', '.join(Vertrouwelijkheid)}.")
    return frozenset(map(Vertrouwelijkheid, words)) or None


_NUMBER = BeforeValidator(_number)
_NOT_BEFORE_BEGIN = AfterValidator(_not_before_begin)
Page = Annotated[int, _NUMBER, WithJsonSchema({"type": "integer", "minimum": 1, "default": 1})]
PageSize = Annotated[
    int,
    AfterValidator(_page_size),
    _NUMBER,
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MAX, "default": PAGE_SIZE}),
]
Vertrouwelijkheden = Annotated[
    frozenset[Vertrouwelijkheid] | None,
    BeforeValidator(_vertrouwelijkheden),
    WithJsonSchema({"type": "array", "items": {"type": "string", "enum": list(Vertrouwelijkheid)}}),
]


class Question(BaseModel):
    """What both APIs ask. A search is always about one persoon or object."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, json_schema_extra=describe)

    objecttype: Objecttype
    soort_object_id: RequiredNaam
    object_id: RequiredIdentificator
    begin_datum: Datum = None
    eind_datum: Annotated[Datum, _NOT_BEFORE_BEGIN] = None
    verwerkingsactiviteit_id: Uuid = None
    page: Page = 1
    page_size: PageSize = PAGE_SIZE

    @property
    def persoon(self) -> Persoon:
        """Whose records are asked for."""
        return Persoon(self.objecttype, self.soort_object_id, self.object_id)

    def to_search(self, visibility: Visibility, tijdzone: str) -> Search:
        """The search that answers this question for a reader who may see ``visibility``."""
        return Search(
            persoon=self.persoon,
            visibility=visibility,
            begin=EARLIEST if self.begin_datum is None else _midnight(self.begin_datum, tijdzone),
            end=LATEST if self.eind_datum is None else _midnight(self.eind_datum, tijdzone),
            verwerkingsactiviteit_id=self.verwerkingsactiviteit_id,
            offset=(self.page - 1) * self.page_size,
            limit=self.page_size,
        )


class BewerkingQuestion(Question):
    """A search of the Bewerking API: the period is optional (X40)."""

    vertrouwelijkheid: Vertrouwelijkheden = None


class InzageQuestion(Question):
    """A search of the Inzage API: the period is mandatory, and the scope decides about vertrouwelijkheid (section 5.1)."""

    begin_datum: RequiredDatum
    eind_datum: Annotated[RequiredDatum, _NOT_BEFORE_BEGIN]


def _midnight(day: date, tijdzone: str) -> int:
    """The instant at which ``day`` begins where the citizen lives (X41)."""
    return instant_of(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(tijdzone)))
