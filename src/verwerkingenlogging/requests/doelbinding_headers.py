"""Doelbinding in HTTP headers: that of a caller, and our own on outgoing calls (B9177).

A header describes the caller, never us. A malformed value never switches logging off and never fails a request: the fault is
reported by name, without its value, and the attribute goes to the safe side. Whatever mentions confidentiality is confidential, of
several terms the longest counts, and what says who asks and why stays empty.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from urllib.parse import unquote
from uuid import UUID

import msgspec

from verwerkingenlogging.errors import InvalidValue
from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging.model.bewaartermijn import longest_bewaartermijn
from verwerkingenlogging.model.doelbinding import NO_DOELBINDING, Doelbinding
from verwerkingenlogging.model.limits import check_bewaartermijn, check_oin, check_uri

__all__ = ["VNG", "HeaderProfile"]

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_YEARS = re.compile(r"[0-9]{1,4}", re.ASCII)
_SOME_HEADERS = 1024
_SOME_DAY = "2001-01-01T00:00:00Z"
"""Which of several terms in one malformed header is the longest is decided before there is an actie: they differ by days at most."""
_WRAPPING = " \t\"'"
_ENCODED_AT_MOST = 3
_CONFIDENTIAL = (Vertrouwelijkheid.VERTROUWELIJK.value, Vertrouwelijkheid.OPGEHEVEN.value, "confidentieel", "confidential", "geheim")
_NO_LETTERS = re.compile(r"[^a-z]")
_WORDS = re.compile(r"[^\w]+")
_LONG_WORD = 40
_NEAR = 0.75


class HeaderProfile(msgspec.Struct, frozen=True, kw_only=True):
    """The name of each doelbinding header; None switches one off.

    The defaults are the standard's (profile ``VNG``). For a gateway that uses other names::

        HeaderProfile(oin="x-origin-oin", verwerking_id="x-verwerking-id", vertrouwelijkheid=None)
    """

    oin: str | None = "OIN"
    verwerkingsactiviteit_id: str | None = "VerwerkingsactiviteitId"
    verwerkingsactiviteit_url: str | None = "VerwerkingsactiviteitUrl"
    verwerking_id: str | None = "VerwerkingId"
    vertrouwelijkheid: str | None = "Vertrouwelijkheid"
    bewaartermijn: str | None = "Bewaartermijn"

    def read(self, headers: Iterable[tuple[bytes, bytes]]) -> Doelbinding:
        """The doelbinding in the raw headers of a request, names in any letter case. Never raises."""
        wanted, lengths = _wanted(self)
        # Most headers are others, and told apart soonest by how long their names are.
        found = tuple([(name, value) for name, value in headers if len(name) in lengths and name.lower() in wanted])
        return _read(self, found) if found else NO_DOELBINDING

    def write(self, doelbinding: Doelbinding) -> dict[str, str]:
        """The headers that carry ``doelbinding``, in the spelling of this profile. Empty attributes are left out."""
        return {
            header: str(value)
            for field in _PARSERS
            if (header := getattr(self, field)) and (value := getattr(doelbinding, field)) is not None
        }


VNG = HeaderProfile()
"""The header names of the standard, which exist in its pictures only."""


@lru_cache(maxsize=64)
def _wanted(profile: HeaderProfile) -> tuple[Mapping[bytes, str], frozenset[int]]:
    """The attributes by the names of their headers, in lower case; and the lengths of these names."""
    names = msgspec.structs.asdict(profile)
    wanted = {name.lower().encode("ascii"): field for field, name in names.items() if name}
    return wanted, frozenset(map(len, wanted))


@lru_cache(maxsize=_SOME_HEADERS)
def _read(profile: HeaderProfile, found: tuple[tuple[bytes, bytes], ...]) -> Doelbinding:
    values: dict[str, list[str]] = {}
    wanted, _ = _wanted(profile)
    for name, value in found:
        values.setdefault(wanted[name.lower()], []).append(value.decode("latin-1").strip())
    attributes: dict[str, object] = {}
    faults: list[str] = []
    for field, texts in values.items():
        attributes[field], fault = _PARSERS[field](texts)
        if fault:
            faults.append(f"{getattr(profile, field)}: {fault}")
    return Doelbinding(**attributes, faults=tuple(faults))  # type: ignore[arg-type]  # each parser gives its field's type


def _single(parse: Callable[[str], object]) -> Callable[[list[str]], tuple[object, str | None]]:
    """A parser for a header that may occur once: two occurrences contradict each other, even when they are equal."""

    def parser(texts: list[str]) -> tuple[object, str | None]:
        if len(texts) > 1:
            return None, "duplicate"
        if not texts[0]:
            return None, None
        try:
            return parse(texts[0]), None
        except (InvalidValue, ValueError):
            return None, "invalid"

    return parser


def _parse_uuid(text: str) -> UUID:
    if not _UUID.fullmatch(text):
        raise ValueError
    return UUID(text)


def _parse_bewaartermijn(texts: list[str]) -> tuple[object, str | None]:
    """The safe side: of all that can be read, however it is wrapped, the longest. Some record would be gone too soon otherwise."""
    said = [word.strip() for text in texts for word in text.split(",") if word.strip()]
    if not said:
        return None, None
    terms = [term for term in map(_term, said) if term is not None]
    fault = None
    if len(terms) < len(said):
        fault = "invalid"
    elif len(texts) > 1 or len(said) > 1:
        fault = "duplicate"
    elif terms != said:
        fault = "bare-number" if _YEARS.fullmatch(said[0]) else "invalid"
    return (longest_bewaartermijn(_SOME_DAY, *terms) if terms else None), fault


def _term(word: str) -> str | None:
    term = _plain(word).partition(";")[0].strip(_WRAPPING).upper()
    if _YEARS.fullmatch(term):
        term = f"P{int(term)}Y"  # the standard's older examples give years as a bare number (X32)
    try:
        return check_bewaartermijn("bewaartermijn", term)
    except InvalidValue:
        return None


def _parse_vertrouwelijkheid(texts: list[str]) -> tuple[object, str | None]:
    """The safe side: whatever mentions confidentiality makes the record confidential (X35)."""
    words = {word.strip().lower() for text in texts for word in text.split(",")} - {""}
    if not words:
        return None, None
    if not words <= set(Vertrouwelijkheid):
        confidential = any(_mentions_confidentiality(text) for text in texts)
        return (Vertrouwelijkheid.VERTROUWELIJK if confidential else None), "invalid"
    fault = "duplicate" if len(texts) > 1 or len(words) > 1 else ""
    if Vertrouwelijkheid.OPGEHEVEN in words:
        fault = "opgeheven"
    if words & {Vertrouwelijkheid.VERTROUWELIJK, Vertrouwelijkheid.OPGEHEVEN}:
        return Vertrouwelijkheid.VERTROUWELIJK, fault or None
    return (Vertrouwelijkheid.NORMAAL if not fault else None), fault or None


def _mentions_confidentiality(text: str) -> bool:
    """Whether one of its words stands in ``text``, whatever stands around it or between its letters, or comes near: a slip, a letter
    of another alphabet, a value that was cut off."""
    plain = _plain(text).lower()
    if any(word in _NO_LETTERS.sub("", plain) for word in _CONFIDENTIAL):
        return True
    words = (word for word in _WORDS.split(plain) if len(word) <= _LONG_WORD)
    return any(difflib.get_close_matches(word, _CONFIDENTIAL, n=1, cutoff=_NEAR) for word in words)


def _plain(text: str) -> str:
    """``text`` without percent-encoding, accents and the forms of letters that only look otherwise."""
    for _ in range(_ENCODED_AT_MOST):
        text = unquote(text)
    with suppress(UnicodeError):  # it was no UTF-8, or is decoded already
        text = text.encode("latin-1").decode()
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


_PARSERS: dict[str, Callable[[list[str]], tuple[object, str | None]]] = {
    "oin": _single(lambda text: check_oin("oin", text)),
    "verwerkingsactiviteit_id": _single(_parse_uuid),
    "verwerkingsactiviteit_url": _single(lambda text: check_uri("verwerkingsactiviteit_url", text)),
    "verwerking_id": _single(_parse_uuid),
    "vertrouwelijkheid": _parse_vertrouwelijkheid,
    "bewaartermijn": _parse_bewaartermijn,
}
