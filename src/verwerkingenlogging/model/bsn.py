"""Numbers that can be a BSN, and BSNs in another spelling than nine digits.

A person is found by his exact number (R5), so what is logged as ``999.990.019`` is not found by ``999990019``. Nothing here changes a
number: only whoever sends it knows what it is.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

from verwerkingenlogging.model.limits import BSN_MAX

__all__ = ["Spelling", "is_bsn", "other_spelling_of_bsn", "with_leading_zero"]

_LENGTHS = (8, BSN_MAX)
_WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2, -1)
_BETWEEN = re.compile(r"[\s.\-_/,]+")


def is_bsn(text: str) -> bool:
    """Whether ``text`` is a number that can be a BSN, which may lack its leading zero."""
    if len(text) not in _LENGTHS or not text.isascii() or not text.isdigit():
        return False
    digits = [int(digit) for digit in with_leading_zero(text)]
    return any(digits) and sum(weight * digit for weight, digit in zip(_WEIGHTS, digits, strict=True)) % 11 == 0


def with_leading_zero(number: str) -> str:
    """``number`` in the nine digits of a BSN."""
    return number.zfill(BSN_MAX)


class Spelling(StrEnum):
    """How a number differs from the nine digits of a BSN."""

    DIGITS = "digits"
    """Full-width, Arabic or other digits than 0 to 9."""
    SEPARATORS = "separators"
    """Spaces, dots or hyphens around or between the digits."""
    ZEROS = "zeros"
    """Leading zeros too few or too many, while the rest passes the 11-test."""


def other_spelling_of_bsn(number: str) -> Spelling | None:
    """How ``number``, of soort ``BSN``, differs from a BSN in nine digits; None when it is one, or does not look like one."""
    if len(number) == BSN_MAX and number.isascii() and number.isdigit():
        return None
    visible = "".join(character for character in number if unicodedata.category(character) != "Cf")
    bare = _BETWEEN.sub("", visible)
    if not bare.isdecimal():
        return None
    digits = "".join(str(unicodedata.decimal(character)) for character in bare)
    significant = digits.lstrip("0")
    if len(digits) != BSN_MAX and (len(significant) > BSN_MAX or not is_bsn(significant.zfill(BSN_MAX))):
        return None
    if not bare.isascii():
        return Spelling.DIGITS
    return Spelling.SEPARATORS if bare != number else Spelling.ZEROS
