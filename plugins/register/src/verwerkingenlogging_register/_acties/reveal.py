"""Reveals the numbers of the persons in an actie or behind a pseudonym, for a migration (B2042). This is itself recorded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, Select, and_, bindparam, select

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register._acties.lookup import row_of_object
from verwerkingenlogging_register._acties.own_acties import record_own_actie
from verwerkingenlogging_register._acties.version_ids import actie_id_of
from verwerkingenlogging_register._model.subjects import Persoon
from verwerkingenlogging_register._model.tables import UuidText, verwerkingsactie, verwerkt_object
from verwerkingenlogging_register._model.versions import Row

__all__ = ["Revealed", "reveal"]

ACTIE_NAAM = "Onthullen persoonsnummers"
_PSEUDONYM = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Revealed:
    """One revealed object: the id that was asked for, the occurrence and the number."""

    asked: str
    verwerkt_object_id: str
    persoon: Persoon


_columns = verwerkt_object.c["verwerkt_object_id", "objecttype", "soort_object_id", "object_id_sealed"]
_OF_ACTIE = (
    select(*_columns)
    .join(
        verwerkingsactie,
        and_(
            verwerkt_object.c.versie == verwerkingsactie.c.versie,
            verwerkt_object.c.tijdstip_instant == verwerkingsactie.c.tijdstip_instant,
        ),
    )
    .where(verwerkingsactie.c.actie_id == bindparam("asked", type_=UuidText()))
    .order_by(verwerkt_object.c.versie, verwerkt_object.c.volgnummer)
)
_OF_PSEUDONYM = select(*_columns).where(verwerkt_object.c.pseudonym == bindparam("asked")).limit(1)


def reveal(
    connection: Connection, ids: Iterable[str], *, gebruiker: str, activiteit: UUID | None = None, bewaartermijn: str | None = None
) -> Sequence[Revealed]:
    """The numbers of all persons who are or were in these acties, or have these pseudonyms (32 hexadecimal digits).

    Adds a verwerkingsactie about everybody revealed, in the transaction of ``connection``: show nothing before its commit.
    Raises ConfigurationError for an id of another form.
    """
    revealed = [Revealed(asked, row["verwerkt_object_id"], _persoon(row)) for asked in ids for row in _objects(connection, asked)]
    unique = list(dict.fromkeys(revealed))
    if unique:
        personen = [found.persoon for found in unique]
        record_own_actie(connection, ACTIE_NAAM, personen, gebruiker=gebruiker, activiteit=activiteit, bewaartermijn=bewaartermijn)
    return unique


def _objects(connection: Connection, asked: str) -> list[Row]:
    statement: Select[tuple[str, str, str, bytes]]
    parameter: bytes | UUID
    if _PSEUDONYM.fullmatch(asked):
        statement, parameter = _OF_PSEUDONYM, bytes.fromhex(asked)
    else:
        try:
            statement, parameter = _OF_ACTIE, actie_id_of(connection, UUID(asked))
        except ValueError:
            raise ConfigurationError("reveal: give actieIds (UUIDs) or pseudonyms (32 hexadecimal digits)") from None
    return [row_of_object(connection, row) for row in connection.execute(statement, {"asked": parameter})]


def _persoon(row: Row) -> Persoon:
    return Persoon(row["objecttype"], row["soort_object_id"], row["object_id"])
