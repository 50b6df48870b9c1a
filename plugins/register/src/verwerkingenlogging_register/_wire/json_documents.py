"""Reads the JSON document in a body, before it is validated, and finds names that occur twice."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from typing import Any

from verwerkingenlogging.support import strict_json
from verwerkingenlogging_register._errors import Fault
from verwerkingenlogging_register._wire.problems import FAULTS_MAX

__all__ = ["BODY", "NAME_OF_A_PROPERTY", "NO_JSON", "doubled_faults", "read_document"]

BODY = "body"
"""What the whole of a body is called where a fault is named."""
NO_JSON = Fault(BODY, "invalid", "Moet geldige JSON zijn, in UTF-8.")
NAME_OF_A_PROPERTY = re.compile(r"[A-Za-z_]{1,60}", re.ASCII)
"""What an unknown property may be called, to be named in an answer: anything else could be a value (P3)."""
_DOUBLED = "Mag maar één keer voorkomen."
_DOUBLED_WITHIN = "Bevat een eigenschap die meer dan één keer voorkomt."


def read_document(body: bytes) -> tuple[Any, tuple[strict_json.Place, ...]]:
    """The document in a JSON text, and the places of names that an object has twice (C11). Raises ValueError when it is no JSON.

    With such a name the document is worth nothing but for what stands beside it.
    """
    try:
        return strict_json.read(body), ()
    except strict_json.DoubledNames as error:
        return error.document, error.places


def doubled_faults(places: Iterable[strict_json.Place], whole: str = BODY) -> list[Fault]:
    """A fault for each of these places. A part that could be a value is not shown; ``whole`` is the name of what has no other."""
    return list(dict.fromkeys(_fault(place, whole) for place in islice(places, FAULTS_MAX + 1)))


def _fault(place: strict_json.Place, whole: str) -> Fault:
    for depth, part in enumerate(place):
        if isinstance(part, str) and not NAME_OF_A_PROPERTY.fullmatch(part):
            return Fault(".".join(map(str, place[:depth])) or whole, "invalid", _DOUBLED_WITHIN)
    return Fault(".".join(map(str, place)), "invalid", _DOUBLED) if place else Fault(whole, "invalid", _DOUBLED_WITHIN)
