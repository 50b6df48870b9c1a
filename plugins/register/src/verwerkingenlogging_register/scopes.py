"""The scopes, and what each lets a caller do: the whole of the standard's scope table (gemma.md 4.7) in one place."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from verwerkingenlogging.model import Vertrouwelijkheid

__all__ = ["NotPermitted", "Scope", "Visibility", "bewerking_visibility", "check_create", "inzage_visibility"]

NORMAAL = Vertrouwelijkheid.NORMAAL
VERTROUWELIJK = Vertrouwelijkheid.VERTROUWELIJK
OPGEHEVEN = Vertrouwelijkheid.OPGEHEVEN
ALL = frozenset(Vertrouwelijkheid)


class Scope(StrEnum):
    """What a client may be granted (X51: with a colon)."""

    CREATE_NORMAL = "create:normal"
    CREATE_CONFIDENTIAL = "create:confidential"
    READ_NORMAL = "read:normal"
    READ_CONFIDENTIAL = "read:confidential"
    UPDATE_NORMAL = "update:normal"
    UPDATE_CONFIDENTIAL = "update:confidential"
    DELETE_NORMAL = "delete:normal"
    DELETE_CONFIDENTIAL = "delete:confidential"


class NotPermitted(Exception):
    """The caller's scopes do not allow this: 403. The message is Dutch and meant for the caller; it holds no value."""


@dataclass(frozen=True, slots=True)
class Visibility:
    """Which verwerkingsacties a reader may see.

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
