"""An actieId for each version, as the letter of the standard has it, when the deployment wants that (X01).

All versions of an actie stand under the id of its first. Another id is kept beside it in the version that it was given to, and
leads to the same actie for ever: no address that was ever given out stops to work.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from verwerkingenlogging_register._model.tables import UuidText, verwerkingsactie
from verwerkingenlogging_register._model.versions import Row

__all__ = ["actie_id_of", "shown_id"]

_BY_VERSION = select(verwerkingsactie.c.actie_id).where(verwerkingsactie.c.versie_id == bindparam("versie_id", type_=UuidText()))


def actie_id_of(connection: Connection, given: UUID) -> UUID:
    """The common id of all versions of the actie of which one version has the id ``given``; else ``given`` itself."""
    found = connection.execute(_BY_VERSION, {"versie_id": given}).scalar()
    return given if found is None else UUID(found)


def shown_id(actie: Row) -> str:
    """The actieId that this version got when it was made, whatever the deployment wants now."""
    shown: str = actie["versie_id"] or actie["actie_id"]
    return shown
