"""Masks: an answer about one person hides the numbers of others, wherever they stand (C3677, AVG art. 15 lid 4).

The objecten of others never come into such an answer. But an afnemer may be a person, a gebruiker may be logged by his BSN, and any
text may have been given a number. A text is searched for what can be a BSN, by the 11-test, in one piece or in groups. Who reads
an actie as a whole, by its id or by its verwerking, reads it as it is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from verwerkingenlogging.telemetry.logging_guard import MASK
from verwerkingenlogging_register._keys.protection import is_oin_of_afnemer
from verwerkingenlogging_register._model.subjects import Persoon
from verwerkingenlogging_register._rules.bsn_places import without_numbers

__all__ = ["hide_others"]

_BSN_LENGTHS = (8, 9)
_BETWEEN = "\0"
"""No text can hold it (D11), so that all texts of an answer are looked at together."""
_INZAGE_TEXTS = (
    "actieNaam",
    "handelingNaam",
    "verwerkingNaam",
    "verwerkingsactiviteitUrl",
    "soortAfnemerId",
    "verwerkingsactiviteitUrlAfnemer",
)
_BEWERKING_TEXTS = (*_INZAGE_TEXTS, "systeem", "gebruiker", "gegevensbron")
_of_inzage, _of_bewerking = itemgetter(*_INZAGE_TEXTS), itemgetter(*_BEWERKING_TEXTS)
_SHAPES = bytes(ord("0") if chr(byte).isdecimal() else byte for byte in range(256))
_NUMBERS = (b"0" * min(_BSN_LENGTHS), b"000.000", b"000 000", b"0000.00.", b"0000 00 ", b"%")
"""What a text holds, with 0 for each digit, that may hold a number: in one piece, in groups, or percent-encoded."""


def hide_others(actie: dict[str, Any], persoon: Persoon) -> None:
    """Mask in the answer ``actie``, which holds objecten of ``persoon`` only, every number that can be another person's.

    An afnemer that is neither an organisation nor ``persoon`` becomes empty; a number in a text becomes ``***``.
    """
    if actie["afnemerId"] and not _may_be_shown(actie["soortAfnemerId"], actie["afnemerId"], persoon):
        actie["afnemerId"] = ""
    own, gebruiker = persoon.object_id, actie.get("gebruiker")
    if gebruiker and gebruiker != own and len(gebruiker) in _BSN_LENGTHS and gebruiker.isdecimal():
        actie["gebruiker"] = MASK  # the standard wants a key without a meaning here (B9207): no number of a person passes for one
    texts = _texts_of(actie)
    together = _BETWEEN.join(texts)
    if _may_hold_a_number(together):
        cleaned = without_numbers(together, but=own)
        if cleaned is not together:
            _write(actie, iter(cleaned.split(_BETWEEN)))


def _may_be_shown(soort: str, number: str, persoon: Persoon) -> bool:
    if is_oin_of_afnemer(soort or None, number):
        return True
    return number == persoon.object_id and (not soort or soort.lower() == persoon.soort_object_id.lower())


def _texts_of(actie: dict[str, Any]) -> list[str]:
    texts = [*(_of_bewerking if "gebruiker" in actie else _of_inzage)(actie)]
    for verwerkt in actie["verwerkteObjecten"]:
        texts.append(verwerkt["betrokkenheid"])
        texts += [soort["soortGegeven"] for soort in verwerkt["verwerkteSoortenGegevens"]]
    return texts


def _write(actie: dict[str, Any], texts: Iterator[str]) -> None:
    """Put ``texts`` where ``_texts_of`` found them."""
    for name in _BEWERKING_TEXTS if "gebruiker" in actie else _INZAGE_TEXTS:
        actie[name] = next(texts)
    for verwerkt in actie["verwerkteObjecten"]:
        verwerkt["betrokkenheid"] = next(texts)
        for soort in verwerkt["verwerkteSoortenGegevens"]:
            soort["soortGegeven"] = next(texts)


def _may_hold_a_number(text: str) -> bool:
    """Nearly no text does, and to search each would cost as much as all the rest of an answer."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)  # full-width digits are digits
    shape = plain.encode("ascii", "replace").translate(_SHAPES)
    return any(number in shape for number in _NUMBERS)
