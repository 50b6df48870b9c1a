"""Corrections: each is a new version of an actie, checked and written within one transaction (B3891, section 3).

The functions are jobs for ``Repository.write``: what one raises, it has not written. With ``own_ids`` each version that they add shows
an actieId of its own (X01).
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection

from verwerkingenlogging.model import Vertrouwelijkheid, Verwerkingsactie
from verwerkingenlogging_register._acties.insertion import insert_versions
from verwerkingenlogging_register._acties.lookup import newest_by_id, newest_of_verwerking, occurrence_ids_of
from verwerkingenlogging_register._errors import Fault, InvalidInput, NotCurrent
from verwerkingenlogging_register._model.scopes import Scope, check_changed, check_deleted, check_replaced
from verwerkingenlogging_register._model.subjects import Verwerking
from verwerkingenlogging_register._model.versions import ActieVersie, Row, VersionRows, instant_of
from verwerkingenlogging_register._rules.acceptance import Flag, Rules

__all__ = ["Change", "Replacement", "change", "delete", "replace"]


@dataclass(frozen=True, slots=True)
class Replacement:
    """The new contents of an actie: everything that a client can give, and the objecten that the client already knows.

    ``object_ids`` has for each verwerkt object its verwerktObjectId; None for a new one (X13).
    """

    actie: Verwerkingsactie
    object_ids: Sequence[UUID | None]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of all acties of a verwerking. None leaves an attribute as it is (X46)."""

    bewaartermijn: str | None
    vertrouwelijkheid: Vertrouwelijkheid | None

    def attributes(self) -> Row:
        """The columns that change."""
        changed: Row = {}
        if self.bewaartermijn is not None:
            changed["bewaartermijn"] = self.bewaartermijn
        if self.vertrouwelijkheid is not None:
            changed["vertrouwelijkheid"] = self.vertrouwelijkheid.value
        return changed


def replace(
    connection: Connection,
    actie_id: UUID,
    replacement: Replacement,
    scopes: AbstractSet[Scope],
    rules: Rules,
    *,
    own_ids: bool = False,
) -> tuple[VersionRows, list[Flag]]:
    """Add the version that ``replacement`` describes (F8316, F3835). Gives its rows and its flags.

    Raises NotCurrent when there is no such actie or it is vervallen, NotPermitted when the scopes do not reach it, and
    InvalidInput when an object is named that never was in it, or when the rules do not allow its term or its tijdstip.
    """
    old = _current(connection, actie_id)
    new = replacement.actie.vertrouwelijkheid
    ever = bool(old.actie["ooit_vertrouwelijk"])
    check_replaced(scopes, old.actie["vertrouwelijkheid"], ooit_vertrouwelijk=ever, new=new)
    actie_id = UUID(old.actie["actie_id"])
    _check_objects(connection, actie_id, replacement.object_ids)
    flags = rules.replaced(old.actie, replacement.actie)
    rows = ActieVersie(
        actie_id=actie_id,
        versie_id=uuid4() if own_ids else None,
        actie=replacement.actie,
        object_ids=tuple([object_id or uuid4() for object_id in replacement.object_ids]),
        registratie=datetime.now(UTC),
        ooit_vertrouwelijk=ever or new is not Vertrouwelijkheid.NORMAAL,
    ).rows()
    insert_versions(connection, [rows])
    return rows, flags


def change(
    connection: Connection, verwerking: Verwerking, wanted: Change, scopes: AbstractSet[Scope], rules: Rules, *, own_ids: bool = False
) -> int:
    """Change every actie of ``verwerking`` that is not vervallen, or none of them (F2969, F4415, X44); gives their number.

    Raises NotCurrent when there is none, NotPermitted when the scopes do not reach all of them, and InvalidInput when the term is less
    than the minimum of one of them, or more than its maximum.
    """
    name = "verwerkingIdAfnemer" if verwerking.of_afnemer else "verwerkingId"
    found = newest_of_verwerking(connection, verwerking)
    current = [rows for rows in found if not rows.actie["vervallen"]]
    if not current:
        raise NotCurrent(name, "vervallen" if found else "unknown")
    for rows in current:
        check_changed(scopes, rows.actie["vertrouwelijkheid"], ooit_vertrouwelijk=bool(rows.actie["ooit_vertrouwelijk"]))
        if wanted.bewaartermijn is not None:
            rules.check_changed(rows.actie, wanted.bewaartermijn)
    changed = wanted.attributes()
    insert_versions(connection, [_next(rows, own_ids, **changed) for rows in current])
    return len(current)


def delete(connection: Connection, actie_id: UUID, scopes: AbstractSet[Scope], *, own_ids: bool = False) -> None:
    """Add a version in which the actie is vervallen (F9906, F2265, B8641).

    Raises NotCurrent when there is no such actie or it is vervallen already, and NotPermitted when the scopes do not reach it.
    """
    old = _current(connection, actie_id)
    check_deleted(scopes, old.actie["vertrouwelijkheid"], ooit_vertrouwelijk=bool(old.actie["ooit_vertrouwelijk"]))
    insert_versions(connection, [_next(old, own_ids, vervallen=True)])


def _current(connection: Connection, actie_id: UUID) -> VersionRows:
    newest = newest_by_id(connection, actie_id)
    if newest is None:
        raise NotCurrent("actieId", "unknown")
    if newest.actie["vervallen"]:
        raise NotCurrent("actieId", "vervallen")
    return newest


def _check_objects(connection: Connection, actie_id: UUID, object_ids: Sequence[UUID | None]) -> None:
    """Each named object must have occurred in this actie, and be named once."""
    named = [object_id for object_id in object_ids if object_id is not None]
    if not named:
        return
    known = occurrence_ids_of(connection, actie_id)
    faults, seen = [], set()
    for number, object_id in enumerate(object_ids):
        place = f"verwerkteObjecten.{number}.verwerktObjectId"
        if object_id is not None and str(object_id) not in known:
            faults.append(Fault(place, "unknown", "Komt in deze verwerkingsactie niet voor."))
        elif object_id in seen:
            faults.append(Fault(place, "invalid", "Mag maar één keer voorkomen."))
        seen.add(object_id or place)
    if faults:
        raise InvalidInput(faults)


def _next(old: VersionRows, own_ids: bool, **changed: object) -> VersionRows:
    """The version after ``old``: the same but for what is ``changed``, registered now."""
    actie = {name: value for name, value in old.actie.items() if name != "versie"} | changed
    actie["ooit_vertrouwelijk"] = bool(actie["ooit_vertrouwelijk"]) or actie["vertrouwelijkheid"] != Vertrouwelijkheid.NORMAAL
    actie["registratie_instant"] = instant_of(datetime.now(UTC))
    actie["versie_id"] = str(uuid4()) if own_ids else None
    objecten = [{name: value for name, value in row.items() if name != "versie"} for row in old.objecten]
    return VersionRows(actie, objecten)
