"""A verwerkingsactie as the JSON of the standard."""

from __future__ import annotations

from typing import Any

import msgspec

from verwerkingenlogging.model.copies import filled
from verwerkingenlogging.model.verwerkingsactie import Verwerkingsactie

__all__ = ["plain", "wire_form"]


def plain(value: Any) -> str:
    """A text of a subclass of ``str`` as a plain ``str``. For msgspec, which accepts only the exact type."""
    if isinstance(value, str):
        return str.__str__(value)
    raise TypeError(f"{type(value).__name__} is no part of a verwerkingsactie")


_ENCODER = msgspec.json.Encoder(enc_hook=plain)


def wire_form(actie: Verwerkingsactie) -> bytes:
    """``actie`` as the JSON of the standard's API."""
    return _ENCODER.encode(actie if actie.span is None else filled(actie, span=None))
