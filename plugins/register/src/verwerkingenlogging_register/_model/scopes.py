"""The scopes, and what each permits: the whole scope table of the standard (gemma.md 4.7)."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging_register._errors import NotPermitted

__all__ = [
    "Scope",
    "Visibility",
    "bewerking_visibility",
    "bewerking_visibility_by_id",
    "check_change",
    "check_changed",
    "check_create",
    "check_delete",
    "check_deleted",
    "check_history",
    "check_inspection",
    "check_replace",
    "check_replaced",
    "check_verwerking_filter",
    "inzage_visibility",
]

NORMAAL = Vertrouwelijkheid.NORMAAL
VERTROUWELIJK = Vertrouwelijkheid.VERTROUWELIJK
OPGEHEVEN = Vertrouwelijkheid.OPGEHEVEN
ALL = frozenset(Vertrouwelijkheid)


class Scope(StrEnum):
    """What a client may be granted (X51: with a colon). ``inspect:confidential`` is ours: the standard has no such scope."""

    CREATE_NORMAL = "create:normal"
    CREATE_CONFIDENTIAL = "create:confidential"
    READ_NORMAL = "read:normal"
    READ_CONFIDENTIAL = "read:confidential"
    UPDATE_NORMAL = "update:normal"
    UPDATE_CONFIDENTIAL = "update:confidential"
    DELETE_NORMAL = "delete:normal"
    DELETE_CONFIDENTIAL = "delete:confidential"
    INSPECT_CONFIDENTIAL = "inspect:confidential"


@dataclass(frozen=True, slots=True)
class Visibility:
    """The verwerkingsacties that a reader may see, by vertrouwelijkheid and history.

    Attributes:
        vertrouwelijkheden: the values their newest version may have.
        former: also those that are normaal now but once were not (X10).
    """

    vertrouwelijkheden: frozenset[Vertrouwelijkheid]
    former: bool

    def shows(self, vertrouwelijkheid: str, *, ooit_vertrouwelijk: bool) -> bool:
        """Whether an actie of that value and history may be seen."""
        return vertrouwelijkheid in self.vertrouwelijkheden and (self.former or vertrouwelijkheid != NORMAAL or not ooit_vertrouwelijk)


_NEVER_CONFIDENTIAL = Visibility(frozenset({NORMAAL}), former=False)


def check_create(scopes: AbstractSet[Scope], vertrouwelijkheid: Vertrouwelijkheid) -> None:
    """May this be created? ``normaal`` by every registered client (X49), ``opgeheven`` by nobody (R4)."""
    if vertrouwelijkheid is OPGEHEVEN:
        raise NotPermitted("Een nieuwe verwerkingsactie kan niet 'opgeheven' zijn.")
    if vertrouwelijkheid is VERTROUWELIJK and Scope.CREATE_CONFIDENTIAL not in scopes:
        raise NotPermitted("Hiervoor is de scope create:confidential nodig.")


def check_replace(scopes: AbstractSet[Scope], vertrouwelijkheid: Vertrouwelijkheid) -> None:
    """May anything be replaced by what has this vertrouwelijkheid? ``check_replaced`` decides about one actie."""
    _check_update(scopes, confidential=vertrouwelijkheid is not NORMAAL)


def check_replaced(scopes: AbstractSet[Scope], old: str, *, ooit_vertrouwelijk: bool, new: Vertrouwelijkheid) -> None:
    """May an actie of that value and history become ``new``? Not newly ``opgeheven``: PATCH does that (F3835, X48)."""
    _check_record(Scope.UPDATE_CONFIDENTIAL, scopes, old, ooit_vertrouwelijk=ooit_vertrouwelijk)
    if new is OPGEHEVEN and old != OPGEHEVEN:
        raise NotPermitted("Een correctie kan een verwerkingsactie niet 'opgeheven' maken.")


def check_change(scopes: AbstractSet[Scope], *, vertrouwelijkheid: bool) -> None:
    """May the term, or the vertrouwelijkheid too, of anything be changed? ``check_changed`` decides about one actie."""
    _check_update(scopes, confidential=vertrouwelijkheid)


def check_changed(scopes: AbstractSet[Scope], old: str, *, ooit_vertrouwelijk: bool) -> None:
    """May an actie of that value and history be changed with its verwerking?"""
    _check_record(Scope.UPDATE_CONFIDENTIAL, scopes, old, ooit_vertrouwelijk=ooit_vertrouwelijk)


def check_delete(scopes: AbstractSet[Scope]) -> None:
    """May anything be deleted? ``check_deleted`` decides about one actie."""
    if not {Scope.DELETE_NORMAL, Scope.DELETE_CONFIDENTIAL} & scopes:
        raise NotPermitted("Hiervoor is de scope delete:normal of delete:confidential nodig.")


def check_deleted(scopes: AbstractSet[Scope], old: str, *, ooit_vertrouwelijk: bool) -> None:
    """May an actie of that value and history be deleted?"""
    _check_record(Scope.DELETE_CONFIDENTIAL, scopes, old, ooit_vertrouwelijk=ooit_vertrouwelijk)


def _check_update(scopes: AbstractSet[Scope], *, confidential: bool) -> None:
    if Scope.UPDATE_CONFIDENTIAL in scopes:
        return
    if Scope.UPDATE_NORMAL not in scopes:
        raise NotPermitted("Hiervoor is de scope update:normal of update:confidential nodig.")
    if confidential:
        raise NotPermitted("Hiervoor is de scope update:confidential nodig.")


def _check_record(confidential: Scope, scopes: AbstractSet[Scope], old: str, *, ooit_vertrouwelijk: bool) -> None:
    """What is or ever was not ``normaal`` needs the scope for that (D1)."""
    if confidential not in scopes and not _NEVER_CONFIDENTIAL.shows(old, ooit_vertrouwelijk=ooit_vertrouwelijk):
        raise NotPermitted(f"Hiervoor is de scope {confidential} nodig.")


def check_history(scopes: AbstractSet[Scope]) -> None:
    """May the versions of an actie be seen? They show what was confidential, and what was deleted."""
    if Scope.READ_CONFIDENTIAL not in scopes:
        raise NotPermitted("Hiervoor is de scope read:confidential nodig.")


def check_inspection(scopes: AbstractSet[Scope], *, confidential: bool) -> None:
    """May a read be recorded so that the citizen does not see it? Who reads does not decide that for himself (threat 3)."""
    if confidential and Scope.INSPECT_CONFIDENTIAL not in scopes:
        raise NotPermitted("Voor een andere Vertrouwelijkheid van deze inzage dan 'normaal' is de scope inspect:confidential nodig.")


def check_verwerking_filter(scopes: AbstractSet[Scope]) -> None:
    """May acties be searched by their verwerking (X29)?"""
    check_history(scopes)


def bewerking_visibility(scopes: AbstractSet[Scope], asked: AbstractSet[Vertrouwelijkheid] | None) -> Visibility:
    """What a search of the Bewerking API may show, given its vertrouwelijkheid filter (X07, X08, D7).

    A filter that leaves a value out asks for that value itself, so what is normaal again counts only without one.
    """
    if Scope.READ_CONFIDENTIAL in scopes:
        values = frozenset(asked) if asked else ALL
        return Visibility(values, former=values == ALL)
    if Scope.READ_NORMAL not in scopes:
        raise NotPermitted("Hiervoor is de scope read:normal of read:confidential nodig.")
    if asked != {NORMAAL}:
        raise NotPermitted("Met de scope read:normal moet de parameter vertrouwelijkheid 'normaal' zijn.")
    return _NEVER_CONFIDENTIAL


def bewerking_visibility_by_id(scopes: AbstractSet[Scope]) -> Visibility:
    """What the Bewerking API may show of an actie that is asked for by its id (X63, D1)."""
    return bewerking_visibility(scopes, None if Scope.READ_CONFIDENTIAL in scopes else {NORMAAL})


def inzage_visibility(scopes: AbstractSet[Scope]) -> Visibility:
    """What the Inzage API may show: never what is vertrouwelijk now (X09, X10)."""
    if Scope.READ_CONFIDENTIAL in scopes:
        return Visibility(frozenset({NORMAAL, OPGEHEVEN}), former=True)
    if Scope.READ_NORMAL in scopes:
        return _NEVER_CONFIDENTIAL
    raise NotPermitted("Hiervoor is de scope read:normal of read:confidential nodig.")
