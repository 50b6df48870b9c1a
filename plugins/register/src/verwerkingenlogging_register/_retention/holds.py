"""Holds: acties that the purge must keep until somebody releases them. Holds and releases are only added."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, bindparam, func, insert, or_, select

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register._acties.version_ids import actie_id_of
from verwerkingenlogging_register._keys.protection import keys_of, seal
from verwerkingenlogging_register._model.subjects import Persoon
from verwerkingenlogging_register._model.tables import UuidText, hold, hold_release, verwerkingsactie, verwerkt_object
from verwerkingenlogging_register._model.versions import Row

__all__ = ["HOLD_ACTIE_NAAM", "add_hold", "count_held", "held_acties", "holds", "release_hold"]

HOLD_ACTIE_NAAM = "Vasthouden verwerkingsacties"
"""What it is called in the log when all about somebody is held."""


def add_hold(connection: Connection, what: UUID | Persoon, reason: str, *, verwerking: bool = False) -> str:
    """Hold an actie, all acties of a verwerking, or all acties about a person. Gives the id of the hold."""
    hold_id = str(uuid4())
    row: Row = {"hold_id": hold_id, "created": _now(), "reason": reason}
    if isinstance(what, UUID):
        row |= {"verwerking_id": str(what)} if verwerking else {"actie_id": str(actie_id_of(connection, what))}
    else:
        key = keys_of(connection).active()
        keys_of(connection).register(connection, key)
        row |= {"objecttype": what.objecttype, "soort_object_id": what.soort_object_id}
        row["object_id_sealed"] = seal(key, what.object_id, hold_id)
    connection.execute(insert(hold), row)
    return hold_id


def release_hold(connection: Connection, hold_id: UUID, reason: str) -> None:
    """End a hold. Raises ConfigurationError when there is none of that id, or it has ended."""
    if str(hold_id) not in {row["hold_id"] for row in holds(connection) if row["released"] is None}:
        raise ConfigurationError(f"hold {hold_id}: is not there, or was released before; see: verwerkingenlog hold list")
    connection.execute(insert(hold_release), {"hold_id": str(hold_id), "released": _now(), "reason": reason})


def holds(connection: Connection) -> Sequence[Row]:
    """All holds, oldest first, with ``released``: when it ended, or None."""
    statement = select(hold, hold_release.c.released).outerjoin(hold_release, hold_release.c.hold_id == hold.c.hold_id)
    return [dict(row._mapping) for row in connection.execute(statement.order_by(hold.c.created, hold.c.hold_id))]


_of_acties = verwerkingsactie.c.actie_id.in_(bindparam("acties", expanding=True, type_=UuidText()))
_of_verwerkingen = bindparam("verwerkingen", expanding=True, type_=UuidText())
_OF_VERWERKING = select(verwerkingsactie.c.actie_id).where(
    _of_acties,
    or_(verwerkingsactie.c.verwerking_id.in_(_of_verwerkingen), verwerkingsactie.c.verwerking_id_afnemer.in_(_of_verwerkingen)),
)
_OF_VERSIE = (verwerkt_object.c.versie == verwerkingsactie.c.versie) & (
    verwerkt_object.c.tijdstip_instant == verwerkingsactie.c.tijdstip_instant
)
_OF_PERSOON = (
    select(verwerkingsactie.c.actie_id)
    .join(verwerkt_object, _OF_VERSIE)
    .where(_of_acties, verwerkt_object.c.pseudonym.in_(bindparam("pseudonyms", expanding=True)))
)


def held_acties(connection: Connection, acties: Iterable[str]) -> set[str]:
    """The ``acties`` that are under a hold. A hold on one version, however old, holds the whole actie."""
    asked = list(acties)
    in_force = [row for row in holds(connection) if row["released"] is None]
    if not asked or not in_force:
        return set()
    held = {row["actie_id"] for row in in_force} & set(asked)
    verwerkingen = [row["verwerking_id"] for row in in_force if row["verwerking_id"] is not None]
    if verwerkingen:
        held |= set(connection.execute(_OF_VERWERKING, {"acties": asked, "verwerkingen": verwerkingen}).scalars())
    personen = [row for row in in_force if row["object_id_sealed"] is not None]
    if personen:
        keys = keys_of(connection)
        pseudonyms = [
            pseudonym
            for row in personen
            for pseudonym in keys.pseudonyms(row["objecttype"], row["soort_object_id"], keys.open(row["object_id_sealed"], row["hold_id"]))
        ]
        held |= set(connection.execute(_OF_PERSOON, {"acties": asked, "pseudonyms": pseudonyms}).scalars())
    return held


_COUNT = select(func.count(verwerkingsactie.c.actie_id.distinct()))


def count_held(connection: Connection, what: UUID | Persoon, *, verwerking: bool = False) -> int:
    """The number of acties that a hold of ``what`` holds now, so that whoever adds it can see whether it is the right one."""
    if isinstance(what, Persoon):
        pseudonyms = keys_of(connection).pseudonyms(what.objecttype, what.soort_object_id, what.object_id)
        statement = _COUNT.join(verwerkt_object, _OF_VERSIE).where(verwerkt_object.c.pseudonym.in_(pseudonyms))
    elif verwerking:
        statement = _COUNT.where(or_(verwerkingsactie.c.verwerking_id == str(what), verwerkingsactie.c.verwerking_id_afnemer == str(what)))
    else:
        statement = _COUNT.where(verwerkingsactie.c.actie_id == str(actie_id_of(connection, what)))
    return connection.execute(statement).scalar_one()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
