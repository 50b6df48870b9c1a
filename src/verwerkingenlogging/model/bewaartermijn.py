"""How long a record is kept when settings, annotation and caller each give a term, and which term is the longest.

Terms are periods of the calendar, and a month has no fixed length: after 1 July ``P2M`` (62 days) is longer than ``P60D``, after
1 January (59 days) it is not. So terms are compared from the tijdstip of the actie itself. Most are in one order whatever that is,
and ``Kept.always`` says so; then nobody has to compare again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from itertools import combinations

import msgspec

from verwerkingenlogging.model.limits import bewaartermijn_end, bewaartermijn_of

__all__ = ["Kept", "in_one_order", "longest_bewaartermijn", "never_shorter"]

_DAYS_IN_MONTH = 146_097 / 4_800
"""The Gregorian calendar repeats itself after 4,800 months."""
_AT_MOST_ASTRAY = 5
"""No number of months, from whatever day, differs by so many days from that many average ones (4.4 at most; a test counts it)."""
_STARTS = tuple(f"{year}-{month:02}-01T00:00:00Z" for year in range(2001, 2005) for month in range(1, 13))
_NEVER = datetime.max.replace(tzinfo=UTC)


def longest_bewaartermijn(tijdstip: str, *terms: str) -> str:
    """The longest of some checked terms, counted from a checked tijdstip. When terms end at the same moment, the first of them."""
    return max(terms, key=lambda term: bewaartermijn_end(tijdstip, term) or _NEVER)


def never_shorter(term: str, other: str) -> bool:
    """Whether one checked term is at least as long as another, counted from the first of each month in four years."""
    return all(longest_bewaartermijn(tijdstip, term, other) == term for tijdstip in _STARTS)


def in_one_order(*terms: str) -> bool:
    """Whether these checked terms have the same order from any day. May be False for some that have."""
    return all(_in_order(one, other) for one, other in combinations(set(terms), 2))


@lru_cache(maxsize=1024)
def _in_order(one: str, other: str) -> bool:
    (months, days), (other_months, other_days) = _parts(one), _parts(other)
    more_months, more_days = months - other_months, days - other_days
    if more_months * more_days >= 0:  # one of them has no less of either
        return True
    return abs(more_months * _DAYS_IN_MONTH + more_days) > _AT_MOST_ASTRAY


def _parts(term: str) -> tuple[int, float]:
    """The two parts of a term that do not go into one another: months, and days of 24 hours."""
    units = bewaartermijn_of(term)
    hours = units.get("hours", 0) + units.get("minutes", 0) / 60 + units.get("seconds", 0) / 3600
    return units.get("years", 0) * 12 + units.get("months", 0), units.get("weeks", 0) * 7 + units.get("days", 0) + hours / 24


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """How long a record is kept: the longest of our own terms and the caller's, that one within limits (threat 3).

    Attributes:
        own: what is known here: by annotation, activiteit, settings and verwerking.
        asked: what the caller asks for. It only lengthens.
        minimum: what it lengthens where nothing is known here, up to the maximum: who is logged does not decide how soon that is gone.
        maximum: the most that it makes of it.
    """

    own: tuple[str, ...]
    asked: str | None
    minimum: str
    maximum: str

    def always(self) -> tuple[str | None, Kept | None]:
        """The term of a record with any tijdstip, and None; when it depends on the tijdstip, None and what to ask ``at`` of."""
        return _always(self)

    def at(self, tijdstip: str) -> str | None:
        """The term of a record with that checked tijdstip; None when nobody gives a term."""
        if self.asked is None:
            return longest_bewaartermijn(tijdstip, *self.own) if self.own else None
        known = self.own or (_at_most(self.maximum, self.minimum, tijdstip),)
        return longest_bewaartermijn(tijdstip, *known, _at_most(self.maximum, self.asked, tijdstip))


def _at_most(maximum: str, term: str, tijdstip: str) -> str:
    return term if longest_bewaartermijn(tijdstip, maximum, term) == maximum else maximum


# Each task of a caller has an id of its own and so is new to the recorder, but the terms are the same few.
@lru_cache(maxsize=1024)
def _always(kept: Kept) -> tuple[str | None, Kept | None]:
    said = kept.own if kept.asked is None else (*(kept.own or (kept.minimum,)), kept.asked, kept.maximum)
    return (kept.at(_STARTS[0]), None) if in_one_order(*said) else (None, kept)
