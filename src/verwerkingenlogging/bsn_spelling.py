"""Numbers that look like a BSN in another spelling than its own nine digits.

A person is found by his exact number (R5), so what is logged as ``999.990.019`` is not found by ``999990019``. Nothing here changes a
number: only whoever sends it knows what it is.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

from verwerkingenlogging.limits import BSN_MAX
from verwerkingenlogging.logging_guard import is_bsn

__all__ = ["Spelling", "other_spelling_of_bsn"]

_BETWEEN = re.compile(r"[\s.\-_/,]+")


class Spelling(StrEnum):
    """How a number differs from the nine digits of a BSN."""

    DIGITS = "digits"
    """Full-width, Arabic or other digits than 0 to 9."""
    SEPARATORS = "separators"
    """Spaces, dots or hyphens around or between the digits."""
    ZEROS = "zeros"
    """Leading zeros too few or too many, while the rest passes the 11-test."""


def other_spelling_of_bsn(number: str) -> Spelling | None:
    """In what ``number``, of soort ``BSN``, looks like a BSN that is spelled otherwise; None where it does not, or is one."""
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
