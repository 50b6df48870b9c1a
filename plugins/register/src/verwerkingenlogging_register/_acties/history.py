"""The history of one actie in pages, newest version first. All pages show the versions that the first page had."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select

from verwerkingenlogging_register._acties.lookup import rows_by_any_id, with_objecten
from verwerkingenlogging_register._model.positions import Position
from verwerkingenlogging_register._model.results import Found
from verwerkingenlogging_register._model.tables import UuidText, verwerkingsactie

__all__ = ["history_of"]

_versie = verwerkingsactie.c.versie
_OF_ACTIE = select(verwerkingsactie).where(verwerkingsactie.c.actie_id == bindparam("actie_id", type_=UuidText()))
_ALL = (
    _OF_ACTIE.add_columns(func.count().over().label("total"), func.max(_versie).over().label("horizon"))
    .order_by(_versie.desc())
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_BEFORE = _OF_ACTIE.where(_versie < bindparam("place")).order_by(_versie.desc()).limit(bindparam("limit"))
_AFTER = _OF_ACTIE.where(_versie > bindparam("place"), _versie <= bindparam("horizon")).order_by(_versie).limit(bindparam("limit"))


def history_of(connection: Connection, actie_id: UUID, *, offset: int, limit: int, position: Position | None = None) -> Found:
    """One page of the versions of an actie, newest first, each with all its objecten: after ``offset``, or at ``position``."""
    if position is not None and isinstance(position.place, int):
        return _continued(connection, actie_id, position, position.place, limit)
    versions = rows_by_any_id(connection, _ALL, actie_id, offset=offset, limit=limit)
    if not versions:
        return Found([], 0)
    first, last, count, horizon = versions[0].versie, versions[-1].versie, versions[0].total, versions[0].horizon
    return Found(
        with_objecten(connection, versions),
        count,
        next=Position(horizon=horizon, count=count, place=last) if offset + len(versions) < count else None,
        previous=Position(horizon=horizon, count=count, place=first, backward=True) if offset else None,
    )


def _continued(connection: Connection, actie_id: UUID, position: Position, place: int, limit: int) -> Found:
    """A version is never changed or hidden here, so there are always some beside a place, until the purge takes all of them."""
    statement = _AFTER if position.backward else _BEFORE
    found = rows_by_any_id(connection, statement, actie_id, place=place, horizon=position.horizon, limit=limit + 1)
    versions = list(found[:limit])
    if position.backward:
        versions.reverse()
    if not versions:
        return Found([], position.count)

    def beside(versie: int, *, backward: bool) -> Position:
        return Position(horizon=position.horizon, count=position.count, place=versie, backward=backward)

    more = len(found) > limit
    return Found(
        with_objecten(connection, versions),
        position.count,
        next=beside(versions[-1].versie, backward=False) if position.backward or more else None,
        previous=beside(versions[0].versie, backward=True) if not position.backward or more else None,
    )
