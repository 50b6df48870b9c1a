"""The answers of both APIs. An attribute that was not given is left out, or ``""`` where the deployment wants the letter (X20).

The two APIs have classes of their own, so that what the citizen may not see is not left out but never there (threat 9). The
classes describe the answers and give their attributes and order; the answers themselves are dicts, encoded once: what the
register checked when it came in needs no second look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Annotated, Any, NamedTuple

import msgspec
from pydantic import BaseModel, ConfigDict, WithJsonSchema
from pydantic.alias_generators import to_camel
from starlette.responses import Response

from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging_register._acties.version_ids import shown_id
from verwerkingenlogging_register._model.subjects import Persoon
from verwerkingenlogging_register._model.versions import Row, VersionRows, moment_of
from verwerkingenlogging_register._rules.masks import hide_others
from verwerkingenlogging_register._wire.descriptions import describe
from verwerkingenlogging_register._wire.problems import Fout, ValidatieFout
from verwerkingenlogging_register._wire.sliced_response import SlicedResponse
from verwerkingenlogging_register.settings import BASE_PATH, LegeVelden

__all__ = ["MAY_BE_EMPTY", "Answer", "Answers", "BatchAnswer", "InzageAnswer", "VersieAnswer", "VerwerkingsactieAnswer"]

Answer = dict[str, Any]
"""An answer, or a part of one, by the names on the wire."""


def _schema(**schema: object) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **schema})


Url = Annotated[str, _schema(format="uri", readOnly=True)]
Uuid = Annotated[str, _schema(format="uuid")]
UuidOrEmpty = Annotated[str, _schema(pattern="^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$")]
Moment = Annotated[str, _schema(format="date-time")]
EenVertrouwelijkheid = Annotated[str, _schema(enum=list(Vertrouwelijkheid))]


class _Answer(BaseModel):
    # The names are those of the columns; the wire has the standard's.
    model_config = ConfigDict(alias_generator=to_camel, json_schema_extra=describe)


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


class BatchUitkomst(_Answer):
    """Wat er met één verwerkingsactie is gebeurd: opgeslagen (201), of waarom niet."""

    status: int
    actie_id: Annotated[str | None, WithJsonSchema({"type": "string", "format": "uuid"})] = None
    url: Annotated[str | None, WithJsonSchema({"type": "string", "format": "uri"})] = None
    problem: ValidatieFout | Fout | None = None


class BatchAnswer(_Answer):
    """De uitkomst van elke verwerkingsactie, in de volgorde waarin zij zijn aangeboden."""

    results: list[BatchUitkomst]


MAY_BE_EMPTY = frozenset(
    to_camel(name)
    for name, field in VerwerkingsactieAnswer.model_fields.items()
    if field.annotation is str and name not in {"url", "actie_id", "vertrouwelijkheid", "tijdstip", "tijdstip_registratie"}
) | {"betrokkenheid"}
"""The attributes that a client need not give, so that an answer may lack them."""


class _Columns(NamedTuple):
    """The attributes of an actie that an answer shows and that stand in a column as they are: on the wire, and out of a row."""

    names: Sequence[str]
    of: Callable[[Row], Sequence[Any]]


def _columns(model: type[_Answer]) -> _Columns:
    others = {"url", "actie_id", "tijdstip_registratie", "verwerkte_objecten", "vervallen"}
    columns = [name for name in model.model_fields if name not in others]
    return _Columns([to_camel(name) for name in columns], itemgetter(*columns))


_BEWERKING, _INZAGE = _columns(VerwerkingsactieAnswer), _columns(InzageActieAnswer)
_encode = msgspec.json.Encoder().encode
_decode_names = msgspec.json.Decoder(list[str]).decode


@dataclass(frozen=True, slots=True)
class Answers:
    """Builds the answers, with the ``url`` of everything that has one, from the configured address (X53).

    Attributes:
        base_url: that address.
        lege_velden: what becomes of an attribute that was not given (X20).
        acties: address of the verwerkingsacties; of one of them, with its id behind it.
        objecten: address of the verwerkte objecten; of one occurrence, with its id behind it.
    """

    base_url: str
    lege_velden: LegeVelden = LegeVelden.WEG
    acties: str = field(init=False)
    objecten: str = field(init=False)

    def __post_init__(self) -> None:
        for name, path in (("acties", "verwerkingsacties"), ("objecten", "verwerkte-objecten")):
            object.__setattr__(self, name, f"{self.base_url}{BASE_PATH}/{path}")

    def response(self, answer: Answer, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        """``answer`` as JSON."""
        results = answer.get("results", ())
        if len(results) <= 1:
            return Response(_encode(answer), status, headers, "application/json")
        for place, result in enumerate(results):  # one by one, each let go of: the whole of a large page would be one long step
            results[place] = _encode(result)
        around = _encode({name: value for name, value in answer.items() if name != "results"})[1:-1]
        results[0] = b"{" + around + (b"," if around else b"") + b'"results":[' + results[0]
        results[-1] += b"]}"
        return SlicedResponse(results, separator=b",", status=status, headers=headers, media_type="application/json")

    def bewerking_answer(self, rows: VersionRows) -> Answer:
        """An actie for the Bewerking API, with the objecten in ``rows``."""
        return self._shown(self._actie(rows, _BEWERKING))

    def persoon_answer(self, rows: VersionRows, persoon: Persoon) -> Answer:
        """The same for a question about ``persoon``, whose objecten ``rows`` has: without the numbers of others."""
        answer = self._actie(rows, _BEWERKING)
        hide_others(answer, persoon)
        return self._shown(answer)

    def versie_answer(self, rows: VersionRows) -> Answer:
        """One version of an actie, for its history."""
        return {**self._shown(self._actie(rows, _BEWERKING)), "vervallen": "Ja" if rows.actie["vervallen"] else "Nee"}

    def inzage_answer(self, rows: VersionRows) -> Answer:
        """The one occurrence in ``rows``, with its actie, for the Inzage API."""
        (row,) = rows.objecten
        actie = self._actie(rows, _INZAGE)
        hide_others(actie, Persoon(row["objecttype"], row["soort_object_id"], row["object_id"]))
        actie = self._shown(actie)
        return {**actie["verwerkteObjecten"][0], "verwerkingsactie": actie}

    def _shown(self, actie: Answer) -> Answer:
        """What of an answer goes out: what was not given is empty in it or left out, as the deployment wants (X20)."""
        if self.lege_velden is LegeVelden.LEEG:
            return actie
        actie["verwerkteObjecten"] = list(map(_without_empty, actie["verwerkteObjecten"]))
        return _without_empty(actie)

    def _actie(self, rows: VersionRows, columns: _Columns) -> Answer:
        row = rows.actie
        actie_id = shown_id(row)
        answer: Answer = {"url": f"{self.acties}/{actie_id}", "actieId": actie_id}
        answer.update(zip(columns.names, [value or "" for value in columns.of(row)], strict=True))
        answer["tijdstipRegistratie"] = moment_of(row["registratie_instant"])
        answer["verwerkteObjecten"] = [self._object(row) for row in rows.objecten]
        return answer

    def _object(self, row: Row) -> Answer:
        soorten = _decode_names(row["soorten_gegevens"]) if row["soorten_gegevens"] else ()
        return {
            "url": f"{self.objecten}/{row['verwerkt_object_id']}",
            "verwerktObjectId": row["verwerkt_object_id"],
            "objecttype": row["objecttype"],
            "soortObjectId": row["soort_object_id"],
            "objectId": row["object_id"],
            "betrokkenheid": row["betrokkenheid"] or "",
            "verwerkteSoortenGegevens": [{"soortGegeven": soort} for soort in soorten],
        }


def _without_empty(answer: Answer) -> Answer:
    return {name: value for name, value in answer.items() if value != ""}
