"""Reading: the newest versions that are not vervallen, and of them what the reader may see.

The statements are built once, when this module is loaded; a search fills in their parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, Connection, Select, and_, bindparam, false, func, or_, select

from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging_register.scopes import Visibility
from verwerkingenlogging_register.tables import UuidText, verwerkingsactie, verwerkt_object
from verwerkingenlogging_register.versions import Row, VersionRows

__all__ = ["Found", "Persoon", "Search", "actie_by_id", "occurrence_by_id", "search_acties", "search_occurrences"]

EARLIEST = -(2**62)
LATEST = 2**62


@dataclass(frozen=True, slots=True)
class Persoon:
    """Whose records are asked for: the three parts that identify a verwerkt object. Exact comparison (R5)."""

    objecttype: str
    soort_object_id: str
    object_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search: who, when, why, as seen by whom, and which part of the result.

    ``begin`` is included and ``end`` is not (X39); both are UTC microseconds.
    """

    persoon: Persoon
    visibility: Visibility
    begin: int = EARLIEST
    end: int = LATEST
    verwerkingsactiviteit_id: UUID | None = None
    offset: int
    limit: int

    def parameters(self) -> dict[str, Any]:
        """The parameters of a search statement."""
        return {
            "objecttype": self.persoon.objecttype,
            "soort_object_id": self.persoon.soort_object_id,
            "object_id": self.persoon.object_id,
            "vertrouwelijkheden": sorted(self.visibility.vertrouwelijkheden),
            "former": self.visibility.former,
            "begin": self.begin,
            "end": self.end,
            "activiteit": self.verwerkingsactiviteit_id,
            "offset": self.offset,
            "limit": self.limit,
        }


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a result, and how much there is in all."""

    rows: Sequence[VersionRows]
    count: int


_newer = verwerkingsactie.alias("newer")
_newest: ColumnElement[bool] = and_(
    verwerkingsactie.c.vervallen == false(),
    ~select(_newer.c.versie).where(_newer.c.actie_id == verwerkingsactie.c.actie_id, _newer.c.versie > verwerkingsactie.c.versie).exists(),
)
_of_persoon: ColumnElement[bool] = and_(
    verwerkt_object.c.object_id == bindparam("object_id"),
    verwerkt_object.c.soort_object_id == bindparam("soort_object_id"),
    verwerkt_object.c.objecttype == bindparam("objecttype"),
)
_visible: ColumnElement[bool] = and_(
    verwerkingsactie.c.vertrouwelijkheid.in_(bindparam("vertrouwelijkheden", expanding=True)),
    or_(
        bindparam("former", type_=Boolean()),
        verwerkingsactie.c.vertrouwelijkheid != Vertrouwelijkheid.NORMAAL.value,
        verwerkingsactie.c.ooit_vertrouwelijk == false(),
    ),
)
_in_period: ColumnElement[bool] = and_(
    verwerkingsactie.c.tijdstip_instant >= bindparam("begin"),
    verwerkingsactie.c.tijdstip_instant < bindparam("end"),
)
_for_activiteit: ColumnElement[bool] = or_(
    bindparam("activiteit", type_=UuidText()).is_(None),
    verwerkingsactie.c.verwerkingsactiviteit_id == bindparam("activiteit", type_=UuidText()),
)
# D5: by instant, whatever its offset.
_ORDER = (
    verwerkingsactie.c.tijdstip_instant.desc(),
    verwerkingsactie.c.registratie_instant.desc(),
    verwerkingsactie.c.actie_id,
)


def _page(statement: Select[Any]) -> Select[Any]:
    return (
        statement.where(_newest, _visible, _in_period, _for_activiteit)
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
    )  # fmt: skip


_total = func.count().over().label("total")

_SEARCH_ACTIES = _page(
    select(verwerkingsactie, _total)
    .where(verwerkingsactie.c.versie.in_(select(verwerkt_object.c.versie).where(_of_persoon)))
    .order_by(*_ORDER)
)  # fmt: skip
_OBJECTS_OF_PERSOON = (
    select(verwerkt_object)
    .where(verwerkt_object.c.versie.in_(bindparam("versies", expanding=True)), _of_persoon)
    .order_by(verwerkt_object.c.versie, verwerkt_object.c.volgnummer)
)
_SEARCH_OCCURRENCES = _page(
    select(verwerkingsactie, verwerkt_object, _total)
    .join_from(verwerkt_object, verwerkingsactie)
    .where(_of_persoon)
    .order_by(*_ORDER, verwerkt_object.c.volgnummer)
)  # fmt: skip
_ACTIE_BY_ID = select(verwerkingsactie).where(verwerkingsactie.c.actie_id == bindparam("actie_id", type_=UuidText()), _newest)
_ALL_OBJECTS = select(verwerkt_object).where(verwerkt_object.c.versie == bindparam("versie")).order_by(verwerkt_object.c.volgnummer)
_OCCURRENCE_BY_ID = (
    select(verwerkingsactie, verwerkt_object)
    .join_from(verwerkt_object, verwerkingsactie)
    .where(verwerkt_object.c.verwerkt_object_id == bindparam("verwerkt_object_id", type_=UuidText()), _newest)
)


def search_acties(connection: Connection, search: Search) -> Found:
    """One page of the acties in which that persoon occurs, each with the occurrences of that persoon only."""
    parameters = search.parameters()
    acties = connection.execute(_SEARCH_ACTIES, parameters).all()
    if not acties:
        return Found([], 0)
    occurrences: dict[int, list[Row]] = {actie.versie: [] for actie in acties}
    for row in connection.execute(_OBJECTS_OF_PERSOON, {**parameters, "versies": list(occurrences)}):
        occurrences[row.versie].append(dict(row._mapping))
    return Found([VersionRows(dict(actie._mapping), occurrences[actie.versie]) for actie in acties], acties[0].total)


def search_occurrences(connection: Connection, search: Search) -> Found:
    """One page of the occurrences of that persoon, each with the actie that it occurs in; nobody else's."""
    rows = [dict(row._mapping) for row in connection.execute(_SEARCH_OCCURRENCES, search.parameters())]
    return Found([VersionRows(row, [row]) for row in rows], rows[0]["total"] if rows else 0)


def actie_by_id(connection: Connection, actie_id: UUID) -> VersionRows | None:
    """The newest version of an actie with all its objecten; None when there is none or it is vervallen (X03)."""
    actie = connection.execute(_ACTIE_BY_ID, {"actie_id": actie_id}).one_or_none()
    if actie is None:
        return None
    objecten = connection.execute(_ALL_OBJECTS, {"versie": actie.versie})
    return VersionRows(dict(actie._mapping), [dict(row._mapping) for row in objecten])


def occurrence_by_id(connection: Connection, verwerkt_object_id: UUID) -> VersionRows | None:
    """One occurrence with its actie; None when there is none, or the newest version of the actie lacks it or is vervallen."""
    row = connection.execute(_OCCURRENCE_BY_ID, {"verwerkt_object_id": verwerkt_object_id}).one_or_none()
    if row is None:
        return None
    both = dict(row._mapping)
    return VersionRows(both, [both])
