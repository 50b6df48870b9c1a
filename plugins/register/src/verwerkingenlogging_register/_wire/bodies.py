"""The request bodies of the Bewerking API."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, FailFast, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticUndefined

from verwerkingenlogging.model import Verwerkingsactie, VerwerktObject, VerwerktSoortGegeven, filled
from verwerkingenlogging_register._model.tables import ATTRIBUTES
from verwerkingenlogging_register._wire.descriptions import describe
from verwerkingenlogging_register._wire.fields import (
    LIST_MAX,
    AfnemerId,
    Bewaartermijn,
    EenVertrouwelijkheid,
    EenVertrouwelijkheidOrAbsent,
    IdempotencyKey,
    Identificator,
    ListOrAbsent,
    Naam,
    Objecttype,
    Oin,
    OwnMoment,
    OwnUrl,
    RequiredIdempotencyKey,
    RequiredIdentificator,
    RequiredList,
    RequiredNaam,
    RequiredSoortId,
    SameActie,
    SoortId,
    Tijdstip,
    Uri,
    Uuid,
    fault,
)

__all__ = [
    "BATCH_MAX",
    "BatchIn",
    "BatchOuter",
    "BevestigingVraag",
    "VerwerkingWijziging",
    "VerwerkingsactieIn",
    "VerwerkingsactieInBatch",
    "VerwerkingsactieVervanging",
    "VerwerkingsactieVervangingVolledig",
    "VerwerktObjectIn",
    "VerwerktSoortGegevenIn",
]

BATCH_MAX = 1000
"""Most acties in one batch."""
_Replacing = TypeVar("_Replacing", bound=BaseModel)


class _Body(BaseModel):
    """Unknown properties and the register's own (url, actieId, tijdstipRegistratie, vervallen) are ignored (X12, X42, X43)."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, hide_input_in_errors=True, json_schema_extra=describe)


class VerwerktSoortGegevenIn(_Body):
    """Een soort gegeven dat is verwerkt, nooit het gegeven zelf."""

    soort_gegeven: RequiredNaam


class _Object(_Body):
    """What is said of a person or object, whether it is new or replaces what was said."""

    objecttype: Objecttype
    soort_object_id: RequiredSoortId
    object_id: RequiredIdentificator = Field(repr=False)
    betrokkenheid: Naam = None


class VerwerktObjectIn(_Object):
    """Een persoon of object waarvan gegevens zijn verwerkt."""

    verwerkte_soorten_gegevens: Annotated[list[VerwerktSoortGegevenIn], FailFast(), ListOrAbsent] = Field(default=[], max_length=LIST_MAX)


class _Actie(_Body):
    """What is said of an actie, whether it is new or replaces what was said."""

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
    soort_afnemer_id: SoortId = None
    afnemer_id: AfnemerId = Field(default=None, repr=False)
    verwerkingsactiviteit_id_afnemer: Uuid = None
    verwerkingsactiviteit_url_afnemer: Uri = None
    verwerking_id_afnemer: Uuid = None
    tijdstip: Tijdstip


class VerwerkingsactieIn(_Actie):
    """Een verwerkingsactie zoals een toepassing haar aanbiedt."""

    verwerkte_objecten: Annotated[list[VerwerktObjectIn], RequiredList] = Field(max_length=LIST_MAX)

    def to_model(self) -> Verwerkingsactie:
        """The same in the terms of the information model."""
        return _to_model(self)


class VerwerkingsactieInBatch(VerwerkingsactieIn):
    """Een verwerkingsactie in een batch, met naar keuze een eigen Idempotency-Key."""

    idempotency_key: IdempotencyKey = None


class BatchIn(_Body):
    """Verwerkingsacties die samen worden aangeboden; elk wordt geheel opgeslagen of geheel niet."""

    acties: list[VerwerkingsactieInBatch] = Field(min_length=1, max_length=BATCH_MAX)


class BatchOuter(_Body):
    """The batch before its acties are validated, so that a fault in one does not refuse the others."""

    acties: Annotated[list[Any], RequiredList] = Field(min_length=1, max_length=BATCH_MAX)


class _Strict(_Body):
    """A property that is not known is a fault: in a correction, a misspelt one is a correction that is lost (X43, D2).

    Beside another base it stands last: Pydantic lets the last one decide.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class VerwerktSoortGegevenVervanging(VerwerktSoortGegevenIn, _Strict):
    """Een soort gegeven dat is verwerkt, nooit het gegeven zelf."""


class VerwerktObjectVervanging(_Object, _Strict):
    """Een persoon of object in een gecorrigeerde verwerkingsactie: met verwerktObjectId als het er al in voorkwam, anders nieuw."""

    url: OwnUrl = None
    verwerkt_object_id: Uuid = None
    verwerkte_soorten_gegevens: Annotated[list[VerwerktSoortGegevenVervanging], FailFast(), ListOrAbsent] = Field(
        default=[], max_length=LIST_MAX
    )


class VerwerkingsactieVervanging(_Actie, _Strict):
    """Een verwerkingsactie zoals zij moet worden. Wat er niet in staat, heeft zij niet meer; die van het register hoeven niet."""

    url: OwnUrl = None
    actie_id: SameActie = None
    tijdstip_registratie: OwnMoment = None
    verwerkte_objecten: Annotated[list[VerwerktObjectVervanging], RequiredList] = Field(max_length=LIST_MAX)

    def to_model(self) -> Verwerkingsactie:
        """The same in the terms of the information model, without the register's own attributes."""
        return _to_model(self)

    @property
    def object_ids(self) -> list[UUID | None]:
        """For each verwerkt object the id that the client gave; None for a new one."""
        return [verwerkt.verwerkt_object_id for verwerkt in self.verwerkte_objecten]


def _whole(model: type[_Replacing]) -> type[_Replacing]:
    """Every attribute of an actie must stand in ``model``, be it empty (X14)."""
    for name in _Actie.model_fields:
        model.model_fields[name].default = PydanticUndefined
    model.model_rebuild(force=True)
    return model


@_whole
class VerwerkingsactieVervangingVolledig(VerwerkingsactieVervanging):
    """Een verwerkingsactie zoals zij moet worden. Elke eigenschap staat erin, desnoods leeg (X14); die van het register hoeven niet."""


class BevestigingVraag(_Strict):
    """Van welke verwerkingsacties wordt gevraagd of zij zijn opgeslagen. Client is wie vraagt: een andere wordt geweigerd."""

    client: Naam = None
    idempotency_keys: Annotated[list[RequiredIdempotencyKey], RequiredList] = Field(min_length=1, max_length=BATCH_MAX)


class VerwerkingWijziging(_Strict):
    """Wat er verandert aan alle verwerkingsacties van een verwerking. Leeg telt als niet gegeven (D4)."""

    bewaartermijn: Bewaartermijn = None
    vertrouwelijkheid: EenVertrouwelijkheidOrAbsent = None

    @model_validator(mode="after")
    def _something(self) -> VerwerkingWijziging:
        if self.bewaartermijn is None and self.vertrouwelijkheid is None:
            raise fault("required", "Geef bewaartermijn, vertrouwelijkheid of beide.")
        return self


# Every attribute of a body was checked by the core's own limits: to check it once more would take as long again.
_AN_ACTIE = Verwerkingsactie(tijdstip="1970-01-01T00:00:00Z")
_AN_OBJECT = VerwerktObject(object_id="-")


def _to_model(body: VerwerkingsactieIn | VerwerkingsactieVervanging) -> Verwerkingsactie:
    given = {name: getattr(body, name) for name in ATTRIBUTES}
    return filled(_AN_ACTIE, **given, verwerkte_objecten=tuple([_to_object(verwerkt) for verwerkt in body.verwerkte_objecten]))


def _to_object(verwerkt: VerwerktObjectIn | VerwerktObjectVervanging) -> VerwerktObject:
    return filled(
        _AN_OBJECT,
        objecttype=verwerkt.objecttype,
        soort_object_id=verwerkt.soort_object_id,
        object_id=verwerkt.object_id,
        betrokkenheid=verwerkt.betrokkenheid,
        verwerkte_soorten_gegevens=tuple(
            [VerwerktSoortGegeven(soort_gegeven=soort.soort_gegeven) for soort in verwerkt.verwerkte_soorten_gegevens]
        ),
    )
