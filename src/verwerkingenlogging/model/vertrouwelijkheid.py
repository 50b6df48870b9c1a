"""Confidentiality, as the standard has it."""

from __future__ import annotations

from enum import StrEnum

from verwerkingenlogging.errors import InvalidValue

__all__ = ["Vertrouwelijkheid", "check_vertrouwelijkheid"]


class Vertrouwelijkheid(StrEnum):
    """Confidentiality of a verwerking (B3908). ``opgeheven``: it was confidential and no longer is."""

    NORMAAL = "normaal"
    VERTROUWELIJK = "vertrouwelijk"
    OPGEHEVEN = "opgeheven"


def check_vertrouwelijkheid(field: str, value: Vertrouwelijkheid | str) -> Vertrouwelijkheid:
    """``value``, which may be given as text. Raises InvalidValue when it is none: taken for normaal, it would be shown."""
    try:
        return Vertrouwelijkheid(value)
    except ValueError:
        raise InvalidValue(field, "invalid-choice", f"must be one of {', '.join(Vertrouwelijkheid)}") from None
