"""Find the records that a log fails for while it accepts others, so that one record does not stop all.

For whatever delivers in the background: an outbox, a database.
"""

from __future__ import annotations

import random
from collections.abc import Hashable, Sequence
from typing import cast

import msgspec

from verwerkingenlogging.errors import LogRefused, LogUnavailable
from verwerkingenlogging.logs.delivery.backoff import told
from verwerkingenlogging.logs.protocol import Entry, Receiver

__all__ = ["Isolation", "Outcome", "delivered", "verwerking_of"]

Outcome = LogRefused | LogUnavailable | None
"""What became of an entry: it was kept, it is refused for good, or this one is not taken now."""
_PROBE_AGAIN = 8
"""So many fail in a row after one was taken: then that one is asked for again, to see whether the log is still there."""


class _Verwerking(msgspec.Struct, rename="camel"):
    verwerking_id: str | None = None


_DECODER = msgspec.json.Decoder(_Verwerking)


def verwerking_of(entry: Entry) -> str | None:
    """The verwerking that an entry belongs to; None when its body names none."""
    try:
        return _DECODER.decode(entry.body).verwerking_id
    except (msgspec.MsgspecError, UnicodeError):
        return None


class Isolation:
    """Delivers to ``receiver``, and finds the entries that it fails for.

    A failure is tried again as it was first, for most pass. Only when the next attempt comes to it, records go one at a time, the
    oldest and another, and after that halves of what is left. Nothing is delivered before an earlier record of its verwerking.
    """

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._in_doubt = False
        self._outcomes: Sequence[object] = ()

    def judged(self) -> list[tuple[int, LogRefused | None]]:
        """The places of those that were kept or refused for good, with which of the two, also when ``deliver`` has raised."""
        return [(place, outcome) for place, outcome in enumerate(self._outcomes) if outcome is None or isinstance(outcome, LogRefused)]

    def deliver(self, entries: Sequence[Entry]) -> Sequence[Outcome]:
        """The result of each of ``entries``. LogUnavailable for all of them means that there was no other entry to compare with.

        Raises what the receiver raises, when that is known to be nobody's, or is the first time.
        """
        self._outcomes = ()
        if not entries:
            return []
        if not self._in_doubt:
            self._in_doubt = True
            self._outcomes = results = delivered(self._receiver, entries)
            if any(results):
                for result in results:
                    if isinstance(result, LogUnavailable):
                        raise result
            self._in_doubt = False
            return results
        attempt = _Attempt(self._receiver, entries)
        self._outcomes = attempt.outcomes
        attempt.run()
        self._in_doubt = attempt.taken is None
        return [cast("Outcome", outcome) for outcome in attempt.outcomes]


def delivered(receiver: Receiver, entries: Sequence[Entry]) -> Sequence[Outcome]:
    """The answer of ``receiver`` for each of ``entries``. Raises what it raises, and LogUnavailable when an answer is missing."""
    results: Sequence[Outcome] = receiver.deliver(entries) if entries else []
    if len(results) != len(entries):
        raise LogUnavailable(f"{type(receiver).__name__} did not say of each record what became of it")
    return results


_UNDECIDED = object()
_BEHIND = "it waits behind an earlier record of its verwerking"


class _Attempt:
    """One attempt at ``entries``, of which some may be at fault.

    Attributes:
        outcomes: of each, as far as it is known.
        taken: place of one that the receiver judged, the last.
    """

    def __init__(self, receiver: Receiver, entries: Sequence[Entry]) -> None:
        self._receiver = receiver
        self._entries = entries
        self._verwerkingen: list[Hashable] = [verwerking_of(entry) or entry.key for entry in entries]
        self._failed = 0
        self.outcomes: list[object] = [_UNDECIDED] * len(entries)
        self.taken: int | None = None

    def run(self) -> None:
        firsts = list({verwerking: place for place, verwerking in reversed(list(enumerate(self._verwerkingen)))}.values())
        self._go([0])
        others = [place for place in firsts if place > 0]
        if others and self.taken is None:
            self._go([random.choice(others)])  # noqa: S311  # another each time: the first may be as bad
            if self.taken is None:
                raise cast("LogUnavailable", self.outcomes[0])
        if self.taken is not None:
            self._go(range(len(self._entries)))

    def _go(self, places: Sequence[int]) -> None:
        """Find out what becomes of those at ``places`` of which that is not known."""
        places = [place for place in places if self.outcomes[place] is _UNDECIDED]
        if not places:
            return
        failure = self._try(places)
        if failure is None:
            return
        left = [place for place in places if self.outcomes[place] is _UNDECIDED]
        if len(places) == 1:
            self._stands_apart(places[0], failure)
        elif len(left) < len(places):
            self._go(left)
        else:
            middle = len(left) // 2
            self._go(left[:middle])
            self._go(left[middle:])

    def _try(self, places: Sequence[int]) -> LogUnavailable | None:
        """Deliver those; gives why some of them are still undecided, if any are. Raises what is nobody's fault."""
        try:
            results = delivered(self._receiver, [self._entries[place] for place in places])
        except LogUnavailable as error:
            if error.for_all:
                raise
            return error
        except LogRefused:  # of the client, not of a record
            raise
        except Exception as error:
            return LogUnavailable(told(error))
        failure = None
        for place, result in zip(places, results, strict=True):
            if isinstance(result, LogUnavailable):
                failure = result
            else:
                self.outcomes[place] = result
                self.taken = place
                self._failed = 0
        return failure

    def _stands_apart(self, place: int, failure: LogUnavailable) -> None:
        self.outcomes[place] = failure
        for later in range(place + 1, len(self._entries)):
            if self._verwerkingen[later] == self._verwerkingen[place] and self.outcomes[later] is _UNDECIDED:
                self.outcomes[later] = LogUnavailable(_BEHIND)
        self._failed += 1
        if self.taken is not None and self._failed % _PROBE_AGAIN == 0:
            delivered(self._receiver, [self._entries[self.taken]])
