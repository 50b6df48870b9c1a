"""Looks up acties by id, by number or by verwerking. The statements are built once, when this module is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    false,
    select,
)
from sqlalchemy import Row as DatabaseRow

from verwerkingenlogging_register._acties.version_ids import actie_id_of
from verwerkingenlogging_register._keys.protection import keys_of, opened_actie, opened_object
from verwerkingenlogging_register._model.subjects import Verwerking
from verwerkingenlogging_register._model.tables import UuidText, successor, verwerkingsactie, verwerkt_object
from verwerkingenlogging_register._model.versions import Row, VersionRows

__all__ = [
    "actie_by_id",
    "newest_by_id",
    "newest_of_verwerking",
    "objecten_of",
    "occurrence_by_id",
    "occurrence_ids_of",
    "row_of_actie",
    "row_of_object",
    "rows_by_any_id",
    "versions_by_number",
    "with_objecten",
]

_AT_ONCE = 1000
"""Most versions whose objecten are read with one statement: databases limit the number of its parameters."""


_last: ColumnElement[bool] = (
    ~select(successor.c.versie)
    .where(successor.c.actie_id == verwerkingsactie.c.actie_id, successor.c.versie > verwerkingsactie.c.versie)
    .exists()
)
_newest: ColumnElement[bool] = and_(verwerkingsactie.c.vervallen == false(), _last)
# The instant is the same on both sides; PostgreSQL then looks into one partition.
_of_versie: ColumnElement[bool] = and_(
    verwerkt_object.c.versie == verwerkingsactie.c.versie,
    verwerkt_object.c.tijdstip_instant == verwerkingsactie.c.tijdstip_instant,
)
_VERSIONS = (
    select(verwerkingsactie)
    .where(verwerkingsactie.c.actie_id == bindparam("actie_id", type_=UuidText()))
    .order_by(verwerkingsactie.c.versie.desc())
)
_NEWEST_BY_ID = _VERSIONS.limit(1)
_BY_NUMBER = select(verwerkingsactie).where(verwerkingsactie.c.versie.in_(bindparam("versies", expanding=True)))
_OF_VERWERKING, _OF_VERWERKING_AFNEMER = [
    select(verwerkingsactie).where(column == bindparam("verwerking", type_=UuidText()), _last).order_by(verwerkingsactie.c.versie)
    for column in (verwerkingsactie.c.verwerking_id, verwerkingsactie.c.verwerking_id_afnemer)
]
_ALL_OBJECTS = (
    select(verwerkt_object)
    .where(
        verwerkt_object.c.versie.in_(bindparam("versies", expanding=True)),
        # Their instants bound the search: PostgreSQL then leaves the other partitions alone.
        verwerkt_object.c.tijdstip_instant.between(bindparam("first"), bindparam("last")),
    )
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


def newest_by_id(connection: Connection, actie_id: UUID) -> VersionRows | None:
    """The newest version of an actie with all its objecten, also when it is vervallen; None when there is no such actie."""
    found = with_objecten(connection, rows_by_any_id(connection, _NEWEST_BY_ID, actie_id))
    return found[0] if found else None


def rows_by_any_id(connection: Connection, statement: Select[Any], actie_id: UUID, **parameters: int) -> Sequence[DatabaseRow[Any]]:
    """The rows that ``statement`` finds for the actie with that id, or for the actie of which a version has that id (X01)."""
    found = connection.execute(statement, {"actie_id": actie_id, **parameters}).all()
    return found or connection.execute(statement, {"actie_id": actie_id_of(connection, actie_id), **parameters}).all()


def actie_by_id(connection: Connection, actie_id: UUID) -> VersionRows | None:
    """The newest version of an actie with all its objecten; None when there is none or it is vervallen (X03)."""
    newest = newest_by_id(connection, actie_id)
    return None if newest is None or newest.actie["vervallen"] else newest


def newest_of_verwerking(connection: Connection, verwerking: Verwerking) -> list[VersionRows]:
    """The newest version of every actie of that verwerking, with all its objecten, also of those that are vervallen."""
    statement = _OF_VERWERKING_AFNEMER if verwerking.of_afnemer else _OF_VERWERKING
    return with_objecten(connection, connection.execute(statement, {"verwerking": verwerking.id}).all())


def versions_by_number(connection: Connection, versies: Sequence[int]) -> dict[int, VersionRows]:
    """The versions with these numbers and all their objecten, by number, without those that were purged."""
    found: dict[int, VersionRows] = {}
    for start in range(0, len(versies), _AT_ONCE):
        acties = connection.execute(_BY_NUMBER, {"versies": list(versies[start : start + _AT_ONCE])}).all()
        found.update({rows.actie["versie"]: rows for rows in with_objecten(connection, acties)})
    return found


def occurrence_ids_of(connection: Connection, actie_id: UUID) -> frozenset[str]:
    """The verwerktObjectIds of all objecten that occur, or once occurred, in that actie."""
    return frozenset(connection.execute(_OCCURRENCE_IDS, {"actie_id": actie_id}).scalars())


def objecten_of(connection: Connection, instants: Mapping[int, int]) -> dict[int, list[Row]]:
    """All objecten of each version, given the tijdstip_instant of each."""
    objecten: dict[int, list[Row]] = {versie: [] for versie in instants}
    versies = list(instants)
    for start in range(0, len(versies), _AT_ONCE):
        some = versies[start : start + _AT_ONCE]
        bounds = [instants[versie] for versie in some]
        for row in connection.execute(_ALL_OBJECTS, {"versies": some, "first": min(bounds), "last": max(bounds)}):
            objecten[row.versie].append(row_of_object(connection, row))
    return objecten


def with_objecten(connection: Connection, acties: Sequence[DatabaseRow[Any]]) -> list[VersionRows]:
    """The rows of ``verwerkingsactie``, decrypted, each with all its objecten."""
    objecten = objecten_of(connection, {actie.versie: actie.tijdstip_instant for actie in acties})
    return [VersionRows(row_of_actie(connection, actie), objecten[actie.versie]) for actie in acties]


def occurrence_by_id(connection: Connection, verwerkt_object_id: UUID) -> VersionRows | None:
    """One occurrence with its actie; None when there is none, or the newest version of the actie lacks it or is vervallen."""
    row = connection.execute(_OCCURRENCE_BY_ID, {"verwerkt_object_id": verwerkt_object_id}).one_or_none()
    return None if row is None else VersionRows(row_of_actie(connection, row), [row_of_object(connection, row)])


def row_of_actie(connection: Connection, found: DatabaseRow[Any]) -> Row:
    """A row of ``verwerkingsactie`` as the APIs know it: decrypted (B2042)."""
    return opened_actie(dict(found._mapping), keys_of(connection))


def row_of_object(connection: Connection, found: DatabaseRow[Any]) -> Row:
    """A row of ``verwerkt_object`` as the APIs know it: decrypted (B2042)."""
    return opened_object(dict(found._mapping), keys_of(connection))
