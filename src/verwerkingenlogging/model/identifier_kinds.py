"""The kind of an identifier, ``soortObjectId`` and ``soortAfnemerId``, in one spelling.

Numbers are found by their exact kind (R5), so ``bsn`` beside ``BSN`` made of one person two. What can only be meant as a kind that the
standard knows becomes that; what merely looks like it, such as a Cyrillic letter in ``BSN``, can be meant by nobody and is refused.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from verwerkingenlogging.errors import InvalidValue

__all__ = ["one_spelling"]

_KINDS = {"bsn": "BSN", "burgerservicenummer": "BSN", "oin": "OIN", "organisatieidentificatienummer": "OIN"}
_BETWEEN = re.compile(r"[\s.\-_]+")
# Letters of other scripts that print as those of the short kinds: from the confusables of Unicode (UTS 39).
_SHAPES = {"b": "ВвΒβЬƄ", "s": "ЅѕՏႽꓢ", "n": "ΝνՆꓠ", "o": "ОоΟοՕօꓳ", "i": "ІіΙιӀӏıꓲ"}  # noqa: RUF001  # ambiguous: that is what it is about
_LOOK_ALIKES = {ord(other): letter for letter, others in _SHAPES.items() for other in others}
_LONGEST = 60


def one_spelling(field: str, value: str) -> str:
    """``value``, a checked Naam, or the spelling that a kind of the standard has: ``bsn``, ``B.S.N.`` and full-width letters are ``BSN``.

    Raises InvalidValue for what looks like such a kind and is another.
    """
    if value in {"BSN", "OIN"} or len(value) > _LONGEST:
        return value
    found = _known(value)
    if found is None:
        raise InvalidValue(field, "invalid", "looks like a kind of identifier that the standard knows, but has other letters in it")
    return found


@lru_cache(maxsize=256)
def _known(value: str) -> str | None:
    """The spelling of ``value``; None where it only looks like a kind."""
    plain = unicodedata.normalize("NFKC", value)
    kind = _KINDS.get(_word(plain))
    if kind is not None:
        return kind
    if value.isascii():
        return value
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", plain) if unicodedata.category(letter) not in {"Mn", "Cf"})
    return None if _word(bare.translate(_LOOK_ALIKES)) in _KINDS else value


def _word(text: str) -> str:
    return _BETWEEN.sub("", text).casefold()
