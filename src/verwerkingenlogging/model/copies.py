"""Copies of a value of the information model with other attributes, which are not checked again: made for every record."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import force_setattr

from verwerkingenlogging.model.verwerkingsactie import Verwerkingsactie, VerwerktObject

__all__ = ["filled", "happening", "identified"]

_P = TypeVar("_P", bound=msgspec.Struct)


def filled(prototype: _P, **attributes: Any) -> _P:
    """A copy of ``prototype`` with these ``attributes`` instead, which the caller has checked.

    Checking every attribute costs more than the rest of recording, and most are the same from call to call.
    """
    # Unlike msgspec.structs.replace, this checks nothing again; copy.copy does the same, after looking for it.
    part: _P = prototype.__copy__()  # type: ignore[attr-defined]  # missing in the stubs of msgspec
    for field, value in attributes.items():
        force_setattr(part, field, value)
    return part


def happening(
    prototype: Verwerkingsactie, tijdstip: str, verwerking_id: UUID, gebruiker: str | None, verwerkte_objecten: tuple[VerwerktObject, ...]
) -> Verwerkingsactie:
    """``filled`` for the attributes that differ for each record. It runs for every record; naming the attributes makes it twice as fast."""
    actie: Verwerkingsactie = prototype.__copy__()  # type: ignore[attr-defined]  # missing in the stubs of msgspec
    force_setattr(actie, "tijdstip", tijdstip)
    force_setattr(actie, "verwerking_id", verwerking_id)
    force_setattr(actie, "gebruiker", gebruiker)
    force_setattr(actie, "verwerkte_objecten", verwerkte_objecten)
    return actie


def identified(prototype: VerwerktObject, object_id: str) -> VerwerktObject:
    """``filled`` with another id, as fast as ``happening`` for the same reason."""
    objekt: VerwerktObject = prototype.__copy__()  # type: ignore[attr-defined]  # missing in the stubs of msgspec
    force_setattr(objekt, "object_id", object_id)
    return objekt
