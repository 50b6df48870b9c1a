"""The latest tijdstip at which an actie with a term can be expired, so that an index finds just those (X31)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from verwerkingenlogging.model.limits import bewaartermijn_end
from verwerkingenlogging_register._model.versions import instant_of, moment_of

__all__ = ["cutoff", "is_over", "registered_before"]

_DAY = timedelta(days=1)
_OFFSET_MAX = _DAY
"""No tijdstip has an offset as large as this (RFC 3339; ``check_tijdstip``)."""
_LAST_DAYS = 7
"""No two days that a term brings to one day are further apart: months differ by three days, offsets by two."""


def is_over(since: str, term: str, now: datetime) -> bool:
    """Whether ``term`` after a checked tijdstip ends before ``now``, by the calendar."""
    end = bewaartermijn_end(since, term)
    return end is not None and end < now


def registered_before(instant: int, term: str, now: datetime) -> bool:
    """Whether ``term`` after an instant of registration, in UTC, ends before ``now``."""
    return is_over(moment_of(instant), term, now)


@lru_cache(maxsize=1024)
def cutoff(term: str, now: datetime) -> int | None:
    """An instant such that ``term`` is not over yet, at ``now``, for any tijdstip at or after it, whatever its offset.

    None when it is over for no tijdstip at all. On most days the term is over for each that is before it; around days that
    not every month has, not for all, so each is judged by ``is_over`` too.
    """
    last = _last_day(term, now + _OFFSET_MAX)
    if last is None:
        return None
    days = [last - _DAY * back for back in range(_LAST_DAYS) if last - datetime.min.replace(tzinfo=UTC) >= _DAY * back]
    # A clock that shows that day shows a moment of it, and is at most a day behind.
    return max(instant_of(day + min(now - end, _DAY + _OFFSET_MAX)) for day in days if (end := _end(day, term)) is not None)


def _last_day(term: str, until: datetime) -> datetime | None:
    """The last day, as its midnight in UTC, whose ``term`` ends before ``until``. A later day never ends sooner."""
    low, high = 0, datetime.max.toordinal()  # the last that does, and the first that does not; 0 is none
    while high - low > 1:
        middle = (low + high) // 2
        end = _end(_midnight(middle), term)
        low, high = (middle, high) if end is not None and end < until else (low, middle)
    return _midnight(low) if low else None


def _midnight(ordinal: int) -> datetime:
    return datetime.fromordinal(ordinal).replace(tzinfo=UTC)


def _end(day: datetime, term: str) -> datetime | None:
    return bewaartermijn_end(day.isoformat(), term)
