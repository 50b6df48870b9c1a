"""Reading: the newest versions that are not vervallen, and of them what the reader may see.

The statements are built once, when this module is loaded; a search fills in their parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Table,
    and_,
    bindparam,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy import Row as DatabaseRow

from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging_register.protection import keys_of, opened_actie, opened_object
from verwerkingenlogging_register.scopes import Visibility
from verwerkingenlogging_register.tables import UuidText, successor, verwerkingsactie, verwerkt_object
from verwerkingenlogging_register.version_ids import actie_id_of
from verwerkingenlogging_register.versions import Row, VersionRows

__all__ = [
    "Found",
    "Persoon",
    "Search",
    "Verwerking",
    "actie_by_id",
    "history_of",
    "newest_by_id",
    "newest_of_verwerking",
    "occurrence_by_id",
    "occurrence_ids_of",
    "row_of_actie",
    "row_of_object",
    "search_acties",
    "search_occurrences",
    "versions_by_number",
]

EARLIEST = -(2**62)
LATEST = 2**62
_NO_PARAMETERS: Mapping[str, Any] = MappingProxyType({})
_AT_ONCE = 1000
"""Most versions whose objecten are read with one statement: databases limit the number of its parameters."""


@dataclass(frozen=True, slots=True)
class Persoon:
    """Whose records are asked for: the three parts that identify a verwerkt object. Exact comparison (R5)."""

    objecttype: str
    soort_object_id: str
    object_id: str


@dataclass(frozen=True, slots=True)
class Verwerking:
    """Which verwerking is meant: one of our own, or one of the afnemer that was served (X28, X29)."""

    id: UUID
    of_afnemer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search: who, when, why, as seen by whom, and which part of the result.

    ``begin`` is included and ``end`` is not (X39); both are UTC microseconds. Without ``persoon`` there is a ``verwerking``
    (D9), and then everybody in it is found.
    """

    persoon: Persoon | None
    verwerking: Verwerking | None = None
    visibility: Visibility
    begin: int = EARLIEST
    end: int = LATEST
    verwerkingsactiviteit_id: UUID | None = None
    offset: int
    limit: int

    def parameters(self) -> dict[str, Any]:
        """The parameters of a search statement; who is searched for comes with the keys."""
        verwerking = self.verwerking
        return {
            "verwerking": verwerking.id if verwerking and not verwerking.of_afnemer else None,
            "verwerking_afnemer": verwerking.id if verwerking and verwerking.of_afnemer else None,
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


_last: ColumnElement[bool] = (
    ~select(successor.c.versie)
    .where(successor.c.actie_id == verwerkingsactie.c.actie_id, successor.c.versie > verwerkingsactie.c.versie)
    .exists()
)
_newest: ColumnElement[bool] = and_(verwerkingsactie.c.vervallen == false(), _last)
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

_actie_in_period: ColumnElement[bool] = and_(
    verwerkingsactie.c.tijdstip_instant >= bindparam("begin"),
    verwerkingsactie.c.tijdstip_instant < bindparam("end"),
)


def _if_given(column: Column[Any], parameter: str) -> ColumnElement[bool]:
    return or_(bindparam(parameter, type_=UuidText()).is_(None), column == bindparam(parameter, type_=UuidText()))


_filtered: ColumnElement[bool] = and_(
    _if_given(verwerkingsactie.c.verwerkingsactiviteit_id, "activiteit"),
    _if_given(verwerkingsactie.c.verwerking_id, "verwerking"),
    _if_given(verwerkingsactie.c.verwerking_id_afnemer, "verwerking_afnemer"),
)


def _in_order(acties: FromClause) -> tuple[ColumnElement[Any], ...]:
    """By instant, whatever its offset (D5)."""
    return acties.c.tijdstip_instant.desc(), acties.c.registratie_instant.desc(), acties.c.actie_id


def _page(statement: Select[Any]) -> Select[Any]:
    return (
        statement.where(_newest, _visible, _filtered)
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
    )  # fmt: skip


_total = func.count().over().label("total")
_hit = select(verwerkt_object.c.versie, verwerkt_object.c.tijdstip_instant).where(_of_persoon, _in_period).distinct().subquery("hit")

_SEARCH_ACTIES = _page(
    select(verwerkingsactie, _total)
    .join(_hit, and_(_hit.c.versie == verwerkingsactie.c.versie, _hit.c.tijdstip_instant == verwerkingsactie.c.tijdstip_instant))
    .order_by(*_in_order(verwerkingsactie))
)  # fmt: skip


def _looked_up(hits: FromClause) -> FromClause:
    """The acties of ``hits``, each looked up by itself.

    PostgreSQL would rather scan all months than look into one for each hit: it cannot know beforehand which one that is. The
    OFFSET keeps it from taking the look-ups together.
    """
    of_hit = and_(verwerkingsactie.c.versie == hits.c.versie, verwerkingsactie.c.tijdstip_instant == hits.c.tijdstip_instant)
    acties = select(verwerkingsactie).where(of_hit, _newest, _visible, _filtered).correlate(hits)
    return acties.offset(literal_column("0")).lateral("actie")


def _page_of_look_ups(hits: FromClause, *more: Table) -> Select[Any]:
    acties = _looked_up(hits)
    return (
        select(acties, *more, _total)
        .select_from(hits.join(acties, true()))
        .order_by(*_in_order(acties), *[table.c.volgnummer for table in more])
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
    )


_LOOK_UP_ACTIES = _page_of_look_ups(_hit)
_LOOK_UP_OCCURRENCES = _page_of_look_ups(verwerkt_object, verwerkt_object).where(_of_persoon, _in_period)
_OBJECTS_OF_PERSOON = (
    select(verwerkt_object)
    .where(verwerkt_object.c.versie.in_(bindparam("versies", expanding=True)), _of_persoon, _in_period)
    .order_by(verwerkt_object.c.versie, verwerkt_object.c.volgnummer)
)
_SEARCH_OCCURRENCES = _page(
    select(verwerkingsactie, verwerkt_object, _total)
    .join_from(verwerkt_object, verwerkingsactie, _of_versie)
    .where(_of_persoon, _in_period)
    .order_by(*_in_order(verwerkingsactie), verwerkt_object.c.volgnummer)
)  # fmt: skip
# By their own columns, so that their indexes are used.
_SEARCH_VERWERKING, _SEARCH_VERWERKING_AFNEMER = [
    _page(
        select(verwerkingsactie, _total)
        .where(column == bindparam(parameter, type_=UuidText()), _actie_in_period)
        .order_by(*_in_order(verwerkingsactie))
    )
    for column, parameter in (
        (verwerkingsactie.c.verwerking_id, "verwerking"),
        (verwerkingsactie.c.verwerking_id_afnemer, "verwerking_afnemer"),
    )
]  # fmt: skip
_VERSIONS = (
    select(verwerkingsactie)
    .where(verwerkingsactie.c.actie_id == bindparam("actie_id", type_=UuidText()))
    .order_by(verwerkingsactie.c.versie.desc())
)
_NEWEST_BY_ID = _VERSIONS.limit(1)
_HISTORY = _VERSIONS.add_columns(_total).limit(bindparam("limit")).offset(bindparam("offset"))
_BY_NUMBER = select(verwerkingsactie).where(verwerkingsactie.c.versie.in_(bindparam("versies", expanding=True)))
_OF_VERWERKING, _OF_VERWERKING_AFNEMER = [
    select(verwerkingsactie).where(column == bindparam("verwerking", type_=UuidText()), _last).order_by(verwerkingsactie.c.versie)
    for column in (verwerkingsactie.c.verwerking_id, verwerkingsactie.c.verwerking_id_afnemer)
]
_ALL_OBJECTS = (
    select(verwerkt_object)
    .where(verwerkt_object.c.versie.in_(bindparam("versies", expanding=True)), _in_period)
    .order_by(verwerkt_object.c.versie, verwerkt_object.c.volgnummer)
)
_OCCURRENCE_IDS = (
    select(verwerkt_object.c.verwerkt_object_id)
    .join_from(verwerkt_object, verwerkingsactie, _of_versie)
    .where(verwerkingsactie.c.actie_id == bindparam("actie_id", type_=UuidText()))
    .distinct()
)
_OCCURRENCE_BY_ID = (
    select(verwerkingsactie, verwerkt_object)
    .join_from(verwerkt_object, verwerkingsactie, _of_versie)
    .where(verwerkt_object.c.verwerkt_object_id == bindparam("verwerkt_object_id", type_=UuidText()), _newest)
)


def search_acties(connection: Connection, search: Search) -> Found:
    """One page of the acties in which that persoon occurs, each with the occurrences of that persoon only.

    Without a persoon: of the acties of that verwerking, each with everybody in it (D9).
    """
    parameters = _parameters(connection, search)
    if search.persoon is not None:
        statement = _LOOK_UP_ACTIES if connection.dialect.name == "postgresql" else _SEARCH_ACTIES
        acties, objecten = connection.execute(statement, parameters).all(), _OBJECTS_OF_PERSOON
    else:
        of_afnemer = search.verwerking is not None and search.verwerking.of_afnemer
        statement = _SEARCH_VERWERKING_AFNEMER if of_afnemer else _SEARCH_VERWERKING
        acties, objecten = connection.execute(statement, parameters).all(), _ALL_OBJECTS
    if not acties:
        return Found([], 0)
    return Found(_with_objects(connection, acties, objecten, parameters), acties[0].total)


def search_occurrences(connection: Connection, search: Search) -> Found:
    """One page of the occurrences of that persoon, each with the actie that it occurs in; nobody else's."""
    statement = _LOOK_UP_OCCURRENCES if connection.dialect.name == "postgresql" else _SEARCH_OCCURRENCES
    rows = connection.execute(statement, _parameters(connection, search)).all()
    return Found([_one_occurrence(connection, row) for row in rows], rows[0].total if rows else 0)


def newest_by_id(connection: Connection, actie_id: UUID) -> VersionRows | None:
    """The newest version of an actie with all its objecten, also when it is vervallen; None when there is no such actie."""
    found = _with_objects(connection, _by_any_id(connection, _NEWEST_BY_ID, actie_id))
    return found[0] if found else None


def _by_any_id(connection: Connection, statement: Select[Any], actie_id: UUID, **parameters: int) -> Sequence[DatabaseRow[Any]]:
    """What ``statement`` finds of the actie with that id, or of the one of which a version has it (X01)."""
    found = connection.execute(statement, {"actie_id": actie_id, **parameters}).all()
    return found or connection.execute(statement, {"actie_id": actie_id_of(connection, actie_id), **parameters}).all()


def actie_by_id(connection: Connection, actie_id: UUID) -> VersionRows | None:
    """The newest version of an actie with all its objecten; None when there is none or it is vervallen (X03)."""
    newest = newest_by_id(connection, actie_id)
    return None if newest is None or newest.actie["vervallen"] else newest


def history_of(connection: Connection, actie_id: UUID, *, offset: int, limit: int) -> Found:
    """One page of the versions of an actie, newest first, each with all its objecten."""
    versions = _by_any_id(connection, _HISTORY, actie_id, offset=offset, limit=limit)
    return Found(_with_objects(connection, versions), versions[0].total if versions else 0)


def newest_of_verwerking(connection: Connection, verwerking: Verwerking) -> list[VersionRows]:
    """The newest version of every actie of that verwerking, with all its objecten, also of those that are vervallen."""
    statement = _OF_VERWERKING_AFNEMER if verwerking.of_afnemer else _OF_VERWERKING
    return _with_objects(connection, connection.execute(statement, {"verwerking": verwerking.id}).all())


def versions_by_number(connection: Connection, versies: Sequence[int]) -> dict[int, VersionRows]:
    """Those versions with all their objecten, by number; one that the purge took away is not among them."""
    found: dict[int, VersionRows] = {}
    for start in range(0, len(versies), _AT_ONCE):
        acties = connection.execute(_BY_NUMBER, {"versies": list(versies[start : start + _AT_ONCE])}).all()
        found.update({rows.actie["versie"]: rows for rows in _with_objects(connection, acties)})
    return found


def occurrence_ids_of(connection: Connection, actie_id: UUID) -> frozenset[str]:
    """The verwerktObjectId of everybody who occurs, or once did, in that actie."""
    return frozenset(connection.execute(_OCCURRENCE_IDS, {"actie_id": actie_id}).scalars())


def _with_objects(
    connection: Connection,
    acties: Sequence[DatabaseRow[Any]],
    statement: Select[Any] = _ALL_OBJECTS,
    parameters: Mapping[str, Any] = _NO_PARAMETERS,
) -> list[VersionRows]:
    """Each of ``acties`` with its objecten, or those of them that ``statement`` selects."""
    objecten: dict[int, list[Row]] = {actie.versie: [] for actie in acties}
    versies = list(objecten)
    for start in range(0, len(versies), _AT_ONCE):
        # Their instants bound the search: PostgreSQL then leaves the other partitions alone.
        instants = [actie.tijdstip_instant for actie in acties[start : start + _AT_ONCE]]
        bounds = {"begin": min(instants), "end": max(instants) + 1, "versies": versies[start : start + _AT_ONCE]}
        for row in connection.execute(statement, {**parameters, **bounds}):
            objecten[row.versie].append(row_of_object(connection, row))
    return [VersionRows(row_of_actie(connection, actie), objecten[actie.versie]) for actie in acties]


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
    if persoon is None:
        return search.parameters()
    pseudonyms = keys_of(connection).pseudonyms(persoon.objecttype, persoon.soort_object_id, persoon.object_id)
    return {**search.parameters(), "pseudonyms": pseudonyms}
