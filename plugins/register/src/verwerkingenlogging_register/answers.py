"""The answers of both APIs. An absent attribute is ``""`` or ``[]`` (X20).

The two APIs have classes of their own, so that what the citizen may not see is not left out but never there (threat 9).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, WithJsonSchema
from pydantic.alias_generators import to_camel
from starlette.responses import JSONResponse

from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging_register.descriptions import describe
from verwerkingenlogging_register.settings import BASE_PATH
from verwerkingenlogging_register.version_ids import shown_id
from verwerkingenlogging_register.versions import Row, VersionRows, moment_of

__all__ = ["MAY_BE_EMPTY", "Answers", "InzageAnswer", "VersieAnswer", "VerwerkingsactieAnswer", "WithoutEmpty"]


def _schema(**schema: object) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **schema})


Url = Annotated[str, _schema(format="uri", readOnly=True)]
Uuid = Annotated[str, _schema(format="uuid")]
UuidOrEmpty = Annotated[str, _schema(pattern="^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$")]
Moment = Annotated[str, _schema(format="date-time")]
EenVertrouwelijkheid = Annotated[str, _schema(enum=list(Vertrouwelijkheid))]


class _Answer(BaseModel):
    # Built from rows that were checked when they came in: the names are the columns', the wire has the standard's.
    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=False, serialize_by_alias=True, json_schema_extra=describe
    )


class VerwerktSoortGegevenAnswer(_Answer):
    """Een soort gegeven dat is verwerkt."""

    soort_gegeven: str


class VerwerktObjectAnswer(_Answer):
    """Een persoon of object in een verwerkingsactie."""

    url: Url
    verwerkt_object_id: Uuid
    objecttype: str
    soort_object_id: str
    object_id: str
    betrokkenheid: str
    verwerkte_soorten_gegevens: list[VerwerktSoortGegevenAnswer]


class VerwerkingsactieAnswer(_Answer):
    """Een verwerkingsactie met al haar attributen: voor de Bewerking API."""

    url: Url
    actie_id: Uuid
    actie_naam: str
    handeling_naam: str
    verwerking_naam: str
    verwerking_id: UuidOrEmpty
    verwerkingsactiviteit_id: UuidOrEmpty
    verwerkingsactiviteit_url: str
    vertrouwelijkheid: EenVertrouwelijkheid
    bewaartermijn: str
    uitvoerder: str
    systeem: str
    gebruiker: str
    gegevensbron: str
    soort_afnemer_id: str
    afnemer_id: str
    verwerkingsactiviteit_id_afnemer: UuidOrEmpty
    verwerkingsactiviteit_url_afnemer: str
    verwerking_id_afnemer: UuidOrEmpty
    tijdstip: Moment
    tijdstip_registratie: Moment
    verwerkte_objecten: list[VerwerktObjectAnswer]


class VersieAnswer(VerwerkingsactieAnswer):
    """Een versie van een verwerkingsactie, zoals zij was vanaf tijdstipRegistratie."""

    vervallen: Annotated[str, _schema(enum=["Ja", "Nee"])]


class InzageActieAnswer(_Answer):
    """Een verwerkingsactie zoals de betrokkene haar ziet: zonder systeem, gebruiker, gegevensbron en andere personen (X24)."""

    url: Url
    actie_id: Uuid
    actie_naam: str
    handeling_naam: str
    verwerking_naam: str
    verwerking_id: UuidOrEmpty
    verwerkingsactiviteit_id: UuidOrEmpty
    verwerkingsactiviteit_url: str
    vertrouwelijkheid: EenVertrouwelijkheid
    bewaartermijn: str
    uitvoerder: str
    soort_afnemer_id: str
    afnemer_id: str
    verwerkingsactiviteit_id_afnemer: UuidOrEmpty
    verwerkingsactiviteit_url_afnemer: str
    verwerking_id_afnemer: UuidOrEmpty
    tijdstip: Moment
    tijdstip_registratie: Moment
    verwerkte_objecten: list[VerwerktObjectAnswer]


class InzageAnswer(VerwerktObjectAnswer):
    """Een voorkomen van een persoon of object, met de verwerkingsactie waarin het voorkwam: voor de Inzage API."""

    verwerkingsactie: InzageActieAnswer


MAY_BE_EMPTY = frozenset(
    to_camel(name)
    for name, field in VerwerkingsactieAnswer.model_fields.items()
    if field.annotation is str and name not in {"url", "actie_id", "vertrouwelijkheid", "tijdstip", "tijdstip_registratie"}
) | {"betrokkenheid"}
"""The attributes that a client need not give, so that an answer may lack them."""


class WithoutEmpty(JSONResponse):
    """An answer in which what was not given is left out instead of empty (X20)."""

    def render(self, content: Any) -> bytes:
        """The JSON."""
        return super().render(_without_empty(content))


def _without_empty(content: Any) -> Any:
    if isinstance(content, list):
        return [_without_empty(item) for item in content]
    if isinstance(content, dict):
        return {name: _without_empty(value) for name, value in content.items() if value != "" or name not in MAY_BE_EMPTY}
    return content


@dataclass(frozen=True, slots=True)
class Answers:
    """Builds the answers, with the ``url`` of everything that has one, from the configured address (X53)."""

    base_url: str

    @property
    def acties(self) -> str:
        """Address of the verwerkingsacties; of one of them, with its id behind it."""
        return f"{self.base_url}{BASE_PATH}/verwerkingsacties"

    @property
    def objecten(self) -> str:
        """Address of the verwerkte objecten; of one occurrence, with its id behind it."""
        return f"{self.base_url}{BASE_PATH}/verwerkte-objecten"

    def bewerking_answer(self, rows: VersionRows) -> VerwerkingsactieAnswer:
        """An actie for the Bewerking API, with the objecten in ``rows``."""
        return VerwerkingsactieAnswer.model_validate(self._actie(rows))

    def versie_answer(self, rows: VersionRows) -> VersieAnswer:
        """One version of an actie, for its history."""
        return VersieAnswer.model_validate({**self._actie(rows), "vervallen": "Ja" if rows.actie["vervallen"] else "Nee"})

    def inzage_answer(self, rows: VersionRows) -> InzageAnswer:
        """The one occurrence in ``rows``, with its actie, for the Inzage API."""
        (row,) = rows.objecten
        return InzageAnswer.model_validate({**self._object(row), "verwerkingsactie": self._actie(rows)})

    def _actie(self, rows: VersionRows) -> dict[str, Any]:
        attributes = _without_none(rows.actie)
        attributes["actie_id"] = shown_id(rows.actie)
        attributes["url"] = f"{self.acties}/{attributes['actie_id']}"
        attributes["tijdstip_registratie"] = moment_of(rows.actie["registratie_instant"])
        attributes["verwerkte_objecten"] = [self._object(row) for row in rows.objecten]
        return attributes

    def _object(self, row: Row) -> dict[str, Any]:
        soorten = json.loads(row["soorten_gegevens"]) if row["soorten_gegevens"] else []
        return {
            "url": f"{self.objecten}/{row['verwerkt_object_id']}",
            "verwerkt_object_id": row["verwerkt_object_id"],
            "objecttype": row["objecttype"],
            "soort_object_id": row["soort_object_id"],
            "object_id": row["object_id"],
            "betrokkenheid": row["betrokkenheid"] or "",
            "verwerkte_soorten_gegevens": [{"soort_gegeven": soort} for soort in soorten],
        }


def _without_none(row: Row) -> dict[str, Any]:
    return {name: "" if value is None else value for name, value in row.items()}
