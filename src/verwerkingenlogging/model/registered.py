"""A verwerkingsactie as a register gives it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from verwerkingenlogging.model.verwerkingsactie import Verwerkingsactie, VerwerktObject

__all__ = ["RegisteredVerwerkingsactie", "RegisteredVerwerktObject", "read_registered"]


def read_registered(body: Mapping[str, Any]) -> RegisteredVerwerkingsactie:
    """The verwerkingsactie in an answer of a register, which gives empty attributes as empty texts (X20).

    Raises InvalidValue or msgspec.ValidationError when ``body`` is not one.
    """
    return msgspec.convert(_without_empty(body), RegisteredVerwerkingsactie)


def _without_empty(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_empty(item) for name, item in value.items() if item not in ("", None)}
    return [_without_empty(item) for item in value] if isinstance(value, list) else value


class RegisteredVerwerktObject(VerwerktObject, frozen=True, kw_only=True):
    """A verwerkt object as a register gives it back: with the id and the address of this one occurrence (X54)."""

    url: str
    verwerkt_object_id: UUID


class RegisteredVerwerkingsactie(Verwerkingsactie, frozen=True, kw_only=True):
    """A verwerkingsactie as a register gives it back. These attributes are the register's alone (R2, R3).

    Attributes:
        url: address of the actie.
        actie_id: its id, the same through every correction (X01).
        tijdstip_registratie: when the register stored this version (B3707).
        vervallen: logically deleted (B8641). Kept within the register, never exchanged (X42).
    """

    url: str
    actie_id: UUID
    tijdstip_registratie: str
    vervallen: bool = False
