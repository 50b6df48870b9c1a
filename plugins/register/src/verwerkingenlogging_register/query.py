"""Reading: the newest versions that are not vervallen, and of them what the reader may see.

The statements are built once, when this module is loaded; a search fills in their parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, Connection, Select, and_, bindparam, false, func, or_, select
from sqlalchemy import Row as DatabaseRow

from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging_register.protection import keys_of, opened_actie, opened_object
from verwerkingenlogging_register.scopes import Visibility
from verwerkingenlogging_register.tables import UuidText, successor, verwerkingsactie, verwerkt_object
from verwerkingenlogging_register.versions import Row, VersionRows

__all__ = [
    "Found",
    "Persoon",
    "Search",
    "actie_by_id",
    "occurrence_by_id",
    "row_of_actie",
    "row_of_object",
    "search_acties",
    "search_occurrences",
]

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
        """The parameters of a search statement; who is searched for comes with the keys."""
        return {
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


_newest: ColumnElement[bool] = and_(
    verwerkingsactie.c.vervallen == false(),
    ~select(successor.c.versie)
    .where(successor.c.actie_id == verwerkingsactie.c.actie_id, successor.c.versie > verwerkingsactie.c.versie)
    .exists(),
)
# Under every key: somebody has a pseudonym for each (B2042).
_of_persoon: ColumnElement[bool] = verwerkt_object.c.pseudonym.in_(bindparam("pseudonyms", expanding=True))
# The instant is the same on both sides; PostgreSQL then looks into one partition.
_of_versie: ColumnElement[bool] = and_(
    verwerkt_object.c.versie == verwerkingsactie.c.versie,
    verwerkt_object.c.tijdstip_instant == verwerkingsactie.c.tijdstip_instant,
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
    verwerkt_object.c.tijdstip_instant >= bindparam("begin"),
    verwerkt_object.c.tijdstip_instant < bindparam("end"),
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
        statement.where(_newest, _visible, _for_activiteit)
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
    )  # fmt: skip


_total = func.count().over().label("total")
_hit = select(verwerkt_object.c.versie, verwerkt_object.c.tijdstip_instant).where(_of_persoon, _in_period).distinct().subquery("hit")

_SEARCH_ACTIES = _page(
    select(verwerkingsactie, _total)
    .join(_hit, and_(_hit.c.versie == verwerkingsactie.c.versie, _hit.c.tijdstip_instant == verwerkingsactie.c.tijdstip_instant))
    .order_by(*_ORDER)
)  # fmt: skip
_OBJECTS_OF_PERSOON = (
    select(verwerkt_object)
    .where(verwerkt_object.c.versie.in_(bindparam("versies", expanding=True)), _of_persoon, _in_period)
    .order_by(verwerkt_object.c.versie, verwerkt_object.c.volgnummer)
)
_SEARCH_OCCURRENCES = _page(
    select(verwerkingsactie, verwerkt_object, _total)
    .join_from(verwerkt_object, verwerkingsactie, _of_versie)
    .where(_of_persoon, _in_period)
    .order_by(*_ORDER, verwerkt_object.c.volgnummer)
)  # fmt: skip
_ACTIE_BY_ID = select(verwerkingsactie).where(verwerkingsactie.c.actie_id == bindparam("actie_id", type_=UuidText()), _newest)
_ALL_OBJECTS = (
    select(verwerkt_object)
    .where(verwerkt_object.c.versie == bindparam("versie"), verwerkt_object.c.tijdstip_instant == bindparam("tijdstip_instant"))
    .order_by(verwerkt_object.c.volgnummer)
)
_OCCURRENCE_BY_ID = (
    select(verwerkingsactie, verwerkt_object)
    .join_from(verwerkt_object, verwerkingsactie, _of_versie)
    .where(verwerkt_object.c.verwerkt_object_id == bindparam("verwerkt_object_id", type_=UuidText()), _newest)
)


def search_acties(connection: Connection, search: Search) -> Found:
    """One page of the acties in which that persoon occurs, each with the occurrences of that persoon only."""
    parameters = _parameters(connection, search)
    acties = connection.execute(_SEARCH_ACTIES, parameters).all()
    if not acties:
        return Found([], 0)
    occurrences: dict[int, list[Row]] = {actie.versie: [] for actie in acties}
    # The instants of this page bound it: they are in order.
    of_page = {"begin": acties[-1].tijdstip_instant, "end": acties[0].tijdstip_instant + 1, "versies": list(occurrences)}
    for row in connection.execute(_OBJECTS_OF_PERSOON, {**parameters, **of_page}):
        occurrences[row.versie].append(row_of_object(connection, row))
    return Found([VersionRows(row_of_actie(connection, actie), occurrences[actie.versie]) for actie in acties], acties[0].total)


def search_occurrences(connection: Connection, search: Search) -> Found:
    """One page of the occurrences of that persoon, each with the actie that it occurs in; nobody else's."""
    rows = connection.execute(_SEARCH_OCCURRENCES, _parameters(connection, search)).all()
    return Found([_one_occurrence(connection, row) for row in rows], rows[0].total if rows else 0)


def actie_by_id(connection: Connection, actie_id: UUID) -> VersionRows | None:
    """The newest version of an actie with all its objecten; None when there is none or it is vervallen (X03)."""
    actie = connection.execute(_ACTIE_BY_ID, {"actie_id": actie_id}).one_or_none()
    if actie is None:
        return None
    objecten = connection.execute(_ALL_OBJECTS, {"versie": actie.versie, "tijdstip_instant": actie.tijdstip_instant})
    return VersionRows(row_of_actie(connection, actie), [row_of_object(connection, row) for row in objecten])


def occurrence_by_id(connection: Connection, verwerkt_object_id: UUID) -> VersionRows | None:
    """One occurrence with its actie; None when there is none, or the newest version of the actie lacks it or is vervallen."""
    row = connection.execute(_OCCURRENCE_BY_ID, {"verwerkt_object_id": verwerkt_object_id}).one_or_none()
    return None if row is None else _one_occurrence(connection, row)


def row_of_actie(connection: Connection, found: DatabaseRow[Any]) -> Row:
    """A row of ``verwerkingsactie`` as the APIs know it: opened (B2042)."""
    return opened_actie(dict(found._mapping), keys_of(connection))


def row_of_object(connection: Connection, found: DatabaseRow[Any]) -> Row:
    """A row of ``verwerkt_object`` as the APIs know it: opened (B2042)."""
    return opened_object(dict(found._mapping), keys_of(connection))


def _one_occurrence(connection: Connection, found: DatabaseRow[Any]) -> VersionRows:
    """Of a row of both tables."""
    return VersionRows(row_of_actie(connection, found), [row_of_object(connection, found)])


def _parameters(connection: Connection, search: Search) -> dict[str, Any]:
    persoon = search.persoon
    pseudonyms = keys_of(connection).pseudonyms(persoon.objecttype, persoon.soort_object_id, persoon.object_id)
    return {**search.parameters(), "pseudonyms": pseudonyms}
