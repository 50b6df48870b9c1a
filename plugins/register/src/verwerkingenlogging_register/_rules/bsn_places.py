"""Finds BSNs in texts, where none belongs, and BSNs in another spelling, which nobody would find.

A number is never changed, and no text of ours holds one: only its place, or in what it differs.
"""

from __future__ import annotations

import logging
import re
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator

from verwerkingenlogging.model import Verwerkingsactie
from verwerkingenlogging.model.bsn import Spelling, is_bsn, other_spelling_of_bsn
from verwerkingenlogging.model.limits import BSN_MAX
from verwerkingenlogging.telemetry.logging_guard import MASK, without_bsns
from verwerkingenlogging_register._errors import Fault
from verwerkingenlogging_register._metrics import Metrics
from verwerkingenlogging_register._model.subjects import Persoon

__all__ = ["BSN_IN_TEXT", "SpellingWatch", "faults_in_texts", "has_bsn", "texts_with_bsn", "without_numbers"]

logger = logging.getLogger("verwerkingenlogging_register")

BSN_IN_TEXT = "Bevat een nummer dat een BSN kan zijn; dat hoort alleen in objectId en afnemerId."
_TEXTS = {
    "actie_naam": "actieNaam",
    "handeling_naam": "handelingNaam",
    "verwerking_naam": "verwerkingNaam",
    "verwerkingsactiviteit_url": "verwerkingsactiviteitUrl",
    "systeem": "systeem",
    "gebruiker": "gebruiker",
    "gegevensbron": "gegevensbron",
    "soort_afnemer_id": "soortAfnemerId",
    "verwerkingsactiviteit_url_afnemer": "verwerkingsactiviteitUrlAfnemer",
}
"""The attributes of an actie that are texts, by their names on the wire."""
_IN_GROUPS = re.compile(r"(?<![0-9])(?:[0-9]{3}([. ])[0-9]{3}\1[0-9]{3}|[0-9]{4}([. ])[0-9]{2}\2[0-9]{3})(?![0-9])")
_BETWEEN = re.compile(r"[. ]")
_AGAIN_SECONDS = 3600.0


def has_bsn(text: str) -> bool:
    """Whether a number in ``text`` can be a BSN: eight or nine digits, perhaps in groups, that pass the 11-test."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return without_bsns(plain) != plain or any(is_bsn(_BETWEEN.sub("", found[0])) for found in _IN_GROUPS.finditer(plain))


def without_numbers(text: str, *, but: str) -> str:
    """``text`` with ``***`` for every number that can be a BSN, other than ``but``."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    own = but.zfill(BSN_MAX)

    def masked(found: re.Match[str]) -> str:
        digits = _BETWEEN.sub("", found[0])
        return MASK if is_bsn(digits) and digits != own else found[0]

    cleaned = _IN_GROUPS.sub(masked, without_bsns(plain, but=but))
    return text if cleaned == plain else cleaned


def texts_with_bsn(actie: Verwerkingsactie) -> Iterator[str]:
    """The places of the texts in ``actie`` that hold a BSN, by their names on the wire: ``verwerkteObjecten.0.betrokkenheid``."""
    for name, on_the_wire in _TEXTS.items():
        text = getattr(actie, name)
        if text is not None and has_bsn(text):
            yield on_the_wire
    for index, objekt in enumerate(actie.verwerkte_objecten):
        place = f"verwerkteObjecten.{index}"
        if has_bsn(objekt.soort_object_id):
            yield f"{place}.soortObjectId"
        if objekt.betrokkenheid is not None and has_bsn(objekt.betrokkenheid):
            yield f"{place}.betrokkenheid"
        for number, soort in enumerate(objekt.verwerkte_soorten_gegevens):
            if has_bsn(soort.soort_gegeven):
                yield f"{place}.verwerkteSoortenGegevens.{number}.soortGegeven"


def faults_in_texts(actie: Verwerkingsactie) -> list[Fault]:
    """A fault for each text in ``actie`` that holds a BSN."""
    return [Fault(place, "invalid", BSN_IN_TEXT) for place in texts_with_bsn(actie)]


class SpellingWatch:
    """Counts BSNs in another spelling, and warns in the technical log: once an hour for each client and spelling.

    They are kept as they came: R5 wants them exact, and to refuse one would lose a record.
    """

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._clock = clock
        self._warned: dict[tuple[str, Spelling, str], float] = {}

    def stored(self, client: str, acties: Iterable[Verwerkingsactie]) -> None:
        """Check the objecten in ``acties`` of ``client``."""
        for actie in acties:
            for objekt in actie.verwerkte_objecten:
                if objekt.soort_object_id == "BSN":
                    self._look(client, objekt.object_id, "stored")

    def asked(self, client: str, persoon: Persoon | None) -> None:
        """Check the person about whom ``client`` asks: in another spelling the person is not found."""
        if persoon is not None and persoon.soort_object_id == "BSN":
            self._look(client, persoon.object_id, "asked")

    def _look(self, client: str, number: str, where: str) -> None:
        spelling = other_spelling_of_bsn(number)
        if spelling is None:
            return
        self._metrics.other_spelling(spelling, where)
        now, kind = self._clock(), (client, spelling, where)
        if now - self._warned.get(kind, -_AGAIN_SECONDS) >= _AGAIN_SECONDS:
            self._warned[kind] = now
            logger.warning("client %s %s", client, _SAYS[where] % spelling)


_SAYS = {
    "stored": "logs a BSN in another spelling (%s): who is looked for by nine digits does not find it (R5); mend that application",
    "asked": "asks for a BSN in another spelling (%s), and finds what is logged in that spelling only (R5)",
}
