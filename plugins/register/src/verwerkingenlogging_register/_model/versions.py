"""A version of a verwerkingsactie, and the rows that hold it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid4

from verwerkingenlogging.model import Vertrouwelijkheid, Verwerkingsactie, VerwerktObject
from verwerkingenlogging.model.limits import tijdstip_of
from verwerkingenlogging.support.representation import as_repr
from verwerkingenlogging_register._model.tables import ATTRIBUTES

__all__ = ["ActieVersie", "Row", "VersionRows", "instant_of", "moment_of"]

Row = dict[str, Any]
"""The columns of one row by name; UUIDs as text, absent attributes None."""


class VersionRows(msgspec.Struct, frozen=True):
    """One version as rows: of ``verwerkingsactie``, and of those of its objecten that are meant.

    ``is_first`` says, of one to be stored, that its actie has no other yet; ``term_raised`` that its bewaartermijn is not what was
    asked but the minimum.
    """

    actie: Row
    objecten: list[Row]
    is_first: bool = False
    term_raised: bool = False

    def __repr__(self) -> str:
        """The id only: the rows hold identifiers of persons."""
        return f"<VersionRows {self.actie.get('actie_id')}>"

    __rich_repr__ = as_repr

    def says_the_same(self, other: VersionRows) -> bool:
        """Whether a client said the same in both: every attribute and object, apart from ids and moments of registration.

        Not the bewaartermijn where the minimum took its place: that may have been another then.
        """
        names = [name for name in ATTRIBUTES if name != "bewaartermijn" or not self.term_raised]
        return all(self.actie[name] == other.actie[name] for name in names) and [
            [row[name] for name in _OBJECT_ATTRIBUTES] for row in self.objecten
        ] == [[row[name] for name in _OBJECT_ATTRIBUTES] for row in other.objecten]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_UTC = datetime(1970, 1, 1)  # without the zone, whose text would only be taken off again
_MICROSECOND = timedelta(microseconds=1)


def instant_of(moment: datetime) -> int:
    """An aware moment as whole microseconds since 1970, UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(instant: int) -> str:
    """A stored instant as RFC 3339 text in UTC: how the register writes its own moments (tijdstipRegistratie)."""
    moment = _EPOCH_UTC + timedelta(0, 0, instant)
    return f"{moment.isoformat(timespec='microseconds')}Z"


class ActieVersie(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a verwerkingsactie, ready to be stored.

    Attributes:
        actie_id: the same for all versions of one actie (X01).
        versie_id: the id that this version shows instead, if any.
        actie: what the client gave.
        object_ids: a verwerktObjectId for each of its verwerkte objecten, in their order (X54).
        registratie: when the register took it (R2).
        vervallen: logically deleted (B8641).
        ooit_vertrouwelijk: this version or an earlier one is not ``normaal`` (X10).
        is_first: its actie has no other version yet.
        term_raised: its bewaartermijn is the minimum, where less was asked.
    """

    actie_id: UUID
    versie_id: UUID | None = None
    actie: Verwerkingsactie
    object_ids: tuple[UUID, ...]
    registratie: datetime
    vervallen: bool = False
    ooit_vertrouwelijk: bool
    is_first: bool = False
    term_raised: bool = False

    @classmethod
    def first(cls, actie: Verwerkingsactie, *, term_raised: bool = False) -> ActieVersie:
        """The version that a POST makes: new ids, registered now."""
        return cls(
            actie_id=uuid4(),
            actie=actie,
            object_ids=tuple([uuid4() for _ in actie.verwerkte_objecten]),
            registratie=datetime.now(UTC),
            ooit_vertrouwelijk=actie.vertrouwelijkheid is not Vertrouwelijkheid.NORMAAL,
            is_first=True,
            term_raised=term_raised,
        )

    def rows(self) -> VersionRows:
        """The rows to store, without ``versie``, which is given out in the order of storing."""
        actie = self.actie
        row: Row = {name: getattr(actie, name) for name in ATTRIBUTES}
        for name in _UUIDS:
            if row[name] is not None:
                row[name] = str(row[name])
        row["vertrouwelijkheid"] = actie.vertrouwelijkheid.value
        row["actie_id"] = str(self.actie_id)
        row["versie_id"] = None if self.versie_id is None else str(self.versie_id)
        row["vervallen"] = self.vervallen
        row["ooit_vertrouwelijk"] = self.ooit_vertrouwelijk
        row["tijdstip_instant"] = instant_of(tijdstip_of(actie.tijdstip))
        row["registratie_instant"] = instant_of(self.registratie)
        objecten = [_object_row(*numbered) for numbered in zip(count(), self.object_ids, actie.verwerkte_objecten)]
        return VersionRows(row, objecten, self.is_first, self.term_raised)


def _object_row(number: int, object_id: UUID, verwerkt: VerwerktObject) -> Row:
    soorten = [soort.soort_gegeven for soort in verwerkt.verwerkte_soorten_gegevens]
    return {
        "volgnummer": number,
        "verwerkt_object_id": str(object_id),
        "objecttype": verwerkt.objecttype,
        "soort_object_id": verwerkt.soort_object_id,
        "object_id": verwerkt.object_id,
        "betrokkenheid": verwerkt.betrokkenheid,
        "soorten_gegevens": json.dumps(soorten, ensure_ascii=False) if soorten else None,
    }


_OBJECT_ATTRIBUTES = ("objecttype", "soort_object_id", "object_id", "betrokkenheid", "soorten_gegevens")
_UUIDS = ("verwerking_id", "verwerkingsactiviteit_id", "verwerkingsactiviteit_id_afnemer", "verwerking_id_afnemer")
