"""Checks of absolute URIs (RFC 3986), and of those that must not be given to others."""

from __future__ import annotations

import re

__all__ = ["URI_PATTERN", "is_uri"]


def _any_case(word: str) -> str:
    return "".join(f"[{letter.upper()}{letter}]" if letter.isalpha() else letter for letter in word)


_ESCAPE = "%[0-9A-Fa-f]{2}"
_PLAIN = r"[A-Za-z0-9._~!$&'()*+,;=:@/-]"
_TAIL = rf"({_PLAIN}|{_ESCAPE})*(\?({_PLAIN}|[?]|{_ESCAPE})*)?(#({_PLAIN}|[?]|{_ESCAPE})*)?"
_HOST = rf"(\[[0-9A-Fa-f:.]+\]|([A-Za-z0-9._~!$&'()*+,;=-]|{_ESCAPE})+)"
_HTTP = rf"{_any_case('http')}[Ss]?:"
_NOWHERE = "|".join(map(_any_case, ("javascript", "vbscript", "data", "blob", "file", "filesystem", "about", "view-source")))
_ADDRESS = rf"{_HTTP}//{_HOST}(:[0-9]{{0,5}})?(?=[/?#]|$){_TAIL}"
_OTHER = rf"(?!{_HTTP}|({_NOWHERE}):)[A-Za-z][A-Za-z0-9+.-]*:(?=[^?#])(//({_HOST}@)?{_HOST}(:[0-9]*)?(?=[/?#]|$))?{_TAIL}"

URI_PATTERN = f"({_ADDRESS}|{_OTHER})"
"""What ``is_uri`` takes, as a pattern of Python and of JavaScript alike."""

_URI = re.compile(URI_PATTERN, re.ASCII)


def is_uri(text: str) -> bool:
    """Whether ``text`` is an absolute URI that can lead others somewhere.

    Not what a browser would run or look for on its own disk (``javascript:``, ``data:``, ``file:``), and no http(s) address without
    a host or with a user and his password.
    """
    return _URI.fullmatch(text) is not None
