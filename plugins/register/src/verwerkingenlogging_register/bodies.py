"""The bodies that the Bewerking API takes."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from verwerkingenlogging.model import Verwerkingsactie, VerwerktObject, VerwerktSoortGegeven
from verwerkingenlogging_register.descriptions import describe
from verwerkingenlogging_register.fields import (
    AfnemerId,
    Bewaartermijn,
    EenVertrouwelijkheid,
    Identificator,
    ListOrAbsent,
    Naam,
    Objecttype,
    Oin,
    RequiredIdentificator,
    RequiredList,
    RequiredNaam,
    Tijdstip,
    Uri,
    Uuid,
)

__all__ = ["VerwerkingsactieIn", "VerwerktObjectIn", "VerwerktSoortGegevenIn"]

OBJECTEN_MAX = 20_000
"""Most objecten in one actie: more than fit in a body of the default size, so that only a malformed one meets it."""


class _Body(BaseModel):
    """Unknown properties and the register's own (url, actieId, tijdstipRegistratie, vervallen) are ignored (X12, X42, X43)."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, json_schema_extra=describe)


class VerwerktSoortGegevenIn(_Body):
    """Een soort gegeven dat is verwerkt, nooit het gegeven zelf."""

    soort_gegeven: RequiredNaam


class VerwerktObjectIn(_Body):
    """Een persoon of object waarvan gegevens zijn verwerkt."""

    objecttype: Objecttype
    soort_object_id: RequiredNaam
    object_id: RequiredIdentificator
    betrokkenheid: Naam = None
    verwerkte_soorten_gegevens: Annotated[list[VerwerktSoortGegevenIn], ListOrAbsent] = Field(default=[], max_length=OBJECTEN_MAX)


class VerwerkingsactieIn(_Body):
    """Een verwerkingsactie zoals een toepassing haar aanbiedt."""

    actie_naam: Naam = None
    handeling_naam: Naam = None
    verwerking_naam: Naam = None
    verwerking_id: Uuid = None
    verwerkingsactiviteit_id: Uuid = None
    verwerkingsactiviteit_url: Uri = None
    vertrouwelijkheid: EenVertrouwelijkheid
    bewaartermijn: Bewaartermijn = None
    uitvoerder: Oin = None
    systeem: Naam = None
    gebruiker: Identificator = None
    gegevensbron: Naam = None
    soort_afnemer_id: Naam = None
    afnemer_id: AfnemerId = None
    verwerkingsactiviteit_id_afnemer: Uuid = None
    verwerkingsactiviteit_url_afnemer: Uri = None
    verwerking_id_afnemer: Uuid = None
    tijdstip: Tijdstip
    verwerkte_objecten: Annotated[list[VerwerktObjectIn], RequiredList] = Field(max_length=OBJECTEN_MAX)

    def to_model(self) -> Verwerkingsactie:
        """The same in the terms of the information model."""
        given = dict(self.__dict__)
        given["verwerkte_objecten"] = tuple([_to_object(verwerkt) for verwerkt in self.verwerkte_objecten])
        return Verwerkingsactie(**given)


def _to_object(verwerkt: VerwerktObjectIn) -> VerwerktObject:
    return VerwerktObject(
        objecttype=verwerkt.objecttype,
        soort_object_id=verwerkt.soort_object_id,
        object_id=verwerkt.object_id,
        betrokkenheid=verwerkt.betrokkenheid,
        verwerkte_soorten_gegevens=tuple(
            [VerwerktSoortGegeven(soort_gegeven=soort.soort_gegeven) for soort in verwerkt.verwerkte_soorten_gegevens]
        ),
    )
