"""The rules of the organisation for a verwerkingsactie: its retention period, and a tijdstip not too old or in the future.

Who is logged decides neither how long the log lives nor when he says that he did it (threats 3 and 12). What is new is kept all the
same, for nobody's processing stops over it: too short a term gives way to the minimum, a tijdstip outside the window is flagged, or
refused where the deployment wants that. A correction has no such haste, and is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from verwerkingenlogging.model import Verwerkingsactie, filled
from verwerkingenlogging.model.bewaartermijn import in_one_order, longest_bewaartermijn
from verwerkingenlogging.model.limits import tijdstip_of
from verwerkingenlogging_register._errors import Fault, InvalidInput
from verwerkingenlogging_register._model.versions import Row, instant_of
from verwerkingenlogging_register._rules.terms import Terms, read_terms
from verwerkingenlogging_register.settings import Settings, TijdstipOutside

__all__ = ["Flag", "Offered", "OutsideWindow", "Rules", "Window", "rules_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SOME_DAY = "2001-01-01T00:00:00Z"


class Flag(StrEnum):
    """The reason that a stored actie is flagged, as the metrics count it."""

    TIJDSTIP_PAST = "tijdstip-past"
    TIJDSTIP_FUTURE = "tijdstip-future"
    BELOW_MINIMUM = "bewaartermijn-below-minimum"
    ABOVE_MAXIMUM = "bewaartermijn-above-maximum"


class OutsideWindow(InvalidInput):
    """The tijdstip is outside the window, and the deployment refuses that: 400."""

    def __init__(self) -> None:
        super().__init__([Fault("tijdstip", "invalid", "Ligt te ver van nu: het register neemt dit tijdstip niet aan.")])


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The window in which the tijdstip of a new actie should lie.

    Attributes:
        past: how long ago; wide, for an outbox that could not deliver.
        future: how far ahead; narrow, for clocks that differ.
        outside: what becomes of one that was earlier or is later.
    """

    past: timedelta
    future: timedelta
    outside: TijdstipOutside

    def flag(self, tijdstip: datetime, now: datetime) -> Flag | None:
        """The flag of a tijdstip outside the window around ``now``; None when it is inside."""
        if tijdstip < now - self.past:
            return Flag.TIJDSTIP_PAST
        return Flag.TIJDSTIP_FUTURE if tijdstip > now + self.future else None


class Offered(NamedTuple):
    """A new actie as it is stored, and its flags."""

    actie: Verwerkingsactie
    flags: list[Flag]

    @property
    def term_raised(self) -> bool:
        """Whether its bewaartermijn was raised to the minimum."""
        return Flag.BELOW_MINIMUM in self.flags


@dataclass(frozen=True, slots=True)
class Rules:
    """The terms and the window of one register."""

    terms: Terms
    window: Window

    def offered(self, actie: Verwerkingsactie) -> Offered:
        """``actie`` as it is stored. Raises OutsideWindow when its tijdstip is refused."""
        flags = []
        flag = self.window.flag(tijdstip_of(actie.tijdstip), datetime.now(UTC))
        if flag is not None:
            self._check_outside()
            flags.append(flag)
        activiteit = _text(actie.verwerkingsactiviteit_id)
        term = actie.bewaartermijn
        if term is not None:
            floor = self.terms.floor(activiteit)
            if _shorter(actie.tijdstip, term, floor):
                actie = filled(actie, bewaartermijn=floor)
                flags.append(Flag.BELOW_MINIMUM)
            elif _longer(actie.tijdstip, term, self.terms.ceiling(activiteit)):
                flags.append(Flag.ABOVE_MAXIMUM)
        return Offered(actie, flags)

    def replaced(self, old: Row, actie: Verwerkingsactie) -> list[Flag]:
        """The flags of the version that replaces ``old`` by ``actie``.

        Raises InvalidInput for a term that is not allowed, and OutsideWindow. A tijdstip that stays is not looked at: an actie of
        long ago can be corrected. One that changes is looked at from when the actie was taken, or from now.
        """
        new = _text(actie.verwerkingsactiviteit_id)
        # Under another activiteit it must not be gone sooner than its own would let it.
        floors = {self.terms.floor(new), self.terms.floor(old["verwerkingsactiviteit_id"])} - {None}
        if actie.bewaartermijn is not None:
            faults = [fault for floor in floors for fault in self._too_short(actie.tijdstip, actie.bewaartermijn, floor)]
            if actie.bewaartermijn != old["bewaartermijn"]:
                faults += self._too_long(actie.tijdstip, actie.bewaartermijn, new)
        else:
            held = self.terms.of(None, new) or self.terms.floor(new)
            faults = [] if held is None else [fault for floor in floors for fault in self._too_short(actie.tijdstip, held, floor)]
        if faults:
            raise InvalidInput(faults[:1])
        tijdstip, taken = tijdstip_of(actie.tijdstip), _EPOCH + timedelta(microseconds=old["registratie_instant"])
        if instant_of(tijdstip) == old["tijdstip_instant"] or self.window.flag(tijdstip, taken) is None:
            return []
        flag = self.window.flag(tijdstip, datetime.now(UTC))
        if flag is None:
            return []
        self._check_outside()
        return [flag]

    def check_changed(self, old: Row, bewaartermijn: str) -> None:
        """Raise InvalidInput when a new term is less than the minimum of the activiteit, or more than the maximum."""
        activiteit = old["verwerkingsactiviteit_id"]
        faults = [
            *self._too_short(old["tijdstip"], bewaartermijn, self.terms.floor(activiteit)),
            *self._too_long(old["tijdstip"], bewaartermijn, activiteit),
        ]
        if faults:
            raise InvalidInput(faults)

    def term_of_inspection(self, tijdstip: str, settings: Settings, asked: str | None) -> str:
        """The term of the record of an inspection: the longest of the deployment's, the minimum, and what the reader ``asked``."""
        terms = (settings.inzage_bewaartermijn, self.terms.floor(_text(settings.inzage_activiteit)), asked)
        given = [term for term in terms if term is not None]
        return given[0] if len(given) == 1 else longest_bewaartermijn(tijdstip, *given)

    def _check_outside(self) -> None:
        if self.window.outside is TijdstipOutside.REFUSE:
            raise OutsideWindow

    def _too_short(self, tijdstip: str, bewaartermijn: str, floor: str | None) -> Iterator[Fault]:
        if _shorter(tijdstip, bewaartermijn, floor):
            yield Fault("bewaartermijn", "invalid", f"Is korter dan hier ten minste moet: {floor}.")

    def _too_long(self, tijdstip: str, bewaartermijn: str, activiteit: str | None) -> Iterator[Fault]:
        ceiling = self.terms.ceiling(activiteit)
        if _longer(tijdstip, bewaartermijn, ceiling):
            yield Fault("bewaartermijn", "invalid", f"Is langer dan hier ten hoogste mag: {ceiling}.")


def rules_of(settings: Settings) -> Rules:
    """The rules of a deployment. Raises ConfigurationError when its file of terms is wrong or unreadable."""
    window = Window(
        past=timedelta(days=settings.tijdstip_past_days),
        future=timedelta(seconds=settings.tijdstip_future_seconds),
        outside=settings.tijdstip_outside,
    )
    return Rules(read_terms(settings.var_file), window)


def _text(activiteit: UUID | None) -> str | None:
    return None if activiteit is None else str(activiteit)


def _shorter(tijdstip: str, term: str, floor: str | None) -> bool:
    """Whether a term ends before another one does, from a tijdstip: terms of the calendar have no fixed length."""
    if floor is None or term == floor:
        return False
    always = _always_shorter(term, floor)
    return longest_bewaartermijn(tijdstip, term, floor) != term if always is None else always


def _longer(tijdstip: str, term: str, ceiling: str | None) -> bool:
    return ceiling is not None and _shorter(tijdstip, ceiling, term)


@lru_cache(maxsize=1024)
def _always_shorter(term: str, other: str) -> bool | None:
    """Whether a term is the shorter of two from whatever day they count; None where that depends on the day."""
    return longest_bewaartermijn(_SOME_DAY, term, other) != term if in_one_order(term, other) else None
