"""One round of delivery: everything that waits in the folder, of all processes, in order."""

from __future__ import annotations

import heapq
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from verwerkingenlogging.errors import ConfigurationError, LogRefused, LogUnavailable
from verwerkingenlogging.logs.delivery.backoff import told
from verwerkingenlogging.logs.delivery.isolation import Isolation, Outcome, delivered, verwerking_of
from verwerkingenlogging.logs.delivery.untraced import untraced
from verwerkingenlogging.logs.outbox._storage.damage import is_foreign, report, settle
from verwerkingenlogging.logs.outbox._storage.dead_letters import DeadLetter, keep_dead_letters
from verwerkingenlogging.logs.outbox._storage.folder import Folder
from verwerkingenlogging.logs.outbox._storage.frame_reader import STRETCH, frames_in
from verwerkingenlogging.logs.outbox._storage.frames import HEADER_SIZE, SEALED, Frame
from verwerkingenlogging.logs.outbox._storage.retry_queue import RetryQueue
from verwerkingenlogging.logs.outbox._storage.segment_files import advance, cursor_of
from verwerkingenlogging.logs.outbox._storage.stuck_files import write_stuck_files
from verwerkingenlogging.logs.outbox.encryption import Keys, SealBroken, opened
from verwerkingenlogging.logs.protocol import Entry, Receiver

__all__ = ["Delivery"]

logger = logging.getLogger("verwerkingenlogging.outbox")

_OVERHEAD = 80
"""Bytes that a receiver may add to each record, for its key."""
_REASON_MAX = 1000
"""Characters. A receiver may give a reason for each of a thousand objects; that must neither fill the log nor fail to be kept."""
_STRETCHES = 32 * 1024 * 1024
"""Bytes of all segments together that are in memory at once."""
_STRETCH_MIN = 4096
_BEHIND = "it waits behind an earlier record of its verwerking"
_RETRIED_AT_ONCE = 20
"""Verwerkingen that are set apart of which the first record is tried again in one round: what goes on must not wait for them all."""
_IN_DOUBT_MAX = 10_000
"""Records of one verwerking that are looked past for another, to see whether the log behind takes that."""
_CLOCK_SET_BACK = 10_000_000_000
"""Nanoseconds. A record from a later moment than that was appended before somebody set the clock back."""


class Delivery:
    """Delivers what waits in ``folder`` to ``receiver``, at most ``limit`` records and about ``limit_bytes`` at a time.

    Only the process that holds the lock on delivery may use one.

    Attributes:
        asking_since: since when the receiver is asked, in the time of ``time.monotonic``; None while it is not.
    """

    def __init__(self, folder: Folder, receiver: Receiver, *, limit: int, limit_bytes: int, keys: Keys | None) -> None:
        self._folder = folder
        self._receiver = receiver
        self._isolation = Isolation(receiver)
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._keys = keys
        self._retry_queue = RetryQueue(folder, keys.seal if keys is not None else None)
        self._stuck: dict[str, str] = {}  # by segment, why no more of it can be delivered in this round
        self._told: dict[str, str] = {}
        self._in_doubt: list[tuple[Frame, Entry, LogUnavailable]] = []
        self._reached: dict[str, int] = {}  # what could not be written down
        self.asking_since: float | None = None
        self._passed: list[str] = []  # segments of which all was read, since the last batch

    def round(self, stopping: Callable[[], bool]) -> None:
        """Deliver all records that were appended before now, until ``stopping`` says so.

        What was acknowledged before another record was made goes before it: both its time and the end of its write lie before
        that record's time, so a round that delivers the other has seen it.

        A segment that cannot be read, and a record that the receiver does not take though it takes others, hold up nothing else.
        Raises NotRecorded when the receiver took nothing, OSError when the folder cannot be read.
        """
        until = time.time_ns()
        self._passed, self._stuck, self._in_doubt = [], {}, []
        with self._sticking("held"):
            self._retry_queue.look()
        found = self._folder.waiting()
        self._settle([one.name for one in found if one.cursor >= one.size])
        waiting = [one for one in found if one.cursor < one.size and self._can_read(one.name)]
        # Of each segment a stretch is in memory, and thousands of processes may have left one.
        stretch = max(_STRETCH_MIN, min(STRETCH, _STRETCHES // max(1, len(waiting))))
        merged = heapq.merge(*(self._frames(one.name, one.cursor, until, stretch) for one in waiting))
        try:
            for batch in self._batches(merged):
                if stopping():
                    break
                self._deliver(batch)
                # Not at the end: that may be hours away, or a failure, and a full disk needs the room now.
                self._settle(self._passed)
                self._passed = []
            if self._in_doubt:
                raise self._in_doubt[0][2]  # there was no other to compare them with
            self._retry_due(stopping)
            self.settle()
        finally:
            self._tell_stuck()

    def settle(self) -> None:
        """Remove the segments that were delivered whole and whose process is gone. Raises OSError."""
        self._settle(self._folder.segments())

    def _settle(self, names: Iterable[str]) -> None:
        for name in names:
            with self._sticking(name):
                settle(self._folder, name)

    @contextmanager
    def _sticking(self, name: str) -> Iterator[None]:
        """What the disk, or a key that is not here, does to one segment holds up that one only."""
        try:
            yield
        except FileNotFoundError:
            pass  # delivered meanwhile, or taken away
        except OSError as error:
            self._stuck[name] = told(error)

    def _can_read(self, name: str) -> bool:
        with self._sticking(name):
            if not is_foreign(self._folder, name):
                return True
            self._stuck[name] = "was made by another version of this library, which alone can deliver it"
        return False

    def _frames(self, name: str, start: int, until: int, stretch: int) -> Iterator[Frame]:
        start = max(start, HEADER_SIZE, self._reached.get(name, 0))
        stuck = self._stuck
        with self._sticking(name):
            for frame in frames_in(self._folder.segment(name), name, start, self._gap, stretch=stretch):
                if until <= frame.time < until + _CLOCK_SET_BACK or (stuck and name in stuck):
                    return
                yield frame
            self._passed.append(name)

    def _gap(self, name: str, start: int, stop: int) -> None:
        report(self._folder, name, f"bytes {start} to {stop}: not a record")

    def _batches(self, frames: Iterator[Frame]) -> Iterator[list[Frame]]:
        batch: dict[str, Frame] = {}
        size = 0
        limit, limit_bytes = self._limit, self._limit_bytes
        for frame in frames:
            # A register would refuse the second of two with one key; after the first has been stored it knows that it has it.
            size += len(frame.body) + _OVERHEAD
            if batch and (size > limit_bytes or len(batch) == limit or frame.key in batch):
                yield list(batch.values())
                batch = {}
                size = len(frame.body) + _OVERHEAD
            batch[frame.key] = frame
        if batch:
            yield list(batch.values())

    def _deliver(self, batch: Sequence[Frame]) -> None:
        entries, frames = self._entries(batch)
        ends = {frame.segment: frame.end for frame in batch}
        if self._stuck:  # of those, only as far as what cannot be opened
            ends = {name: end for name, end in ends.items() if name not in self._stuck}
            ends |= {frame.segment: frame.end for frame in frames if frame.segment in self._stuck}
        lost: set[str] = set()
        if self._retry_queue or self._in_doubt:
            entries, frames = self._without_those_behind(entries, frames, lost)
        outcomes = self._asked(self._isolation.deliver, entries)
        if self._in_doubt or any(outcomes):
            ends = self._set_apart(frames, entries, outcomes, ends)
        for name, end in ends.items():
            if name not in lost:
                self._advance(name, end)

    def _set_apart(
        self, frames: Sequence[Frame], entries: Sequence[Entry], outcomes: Sequence[Outcome], ends: dict[str, int]
    ) -> dict[str, int]:
        """See to what was not kept; gives ``ends`` as far as delivery has come to them. Raises LogUnavailable when nothing is kept."""
        results = list(zip(frames, entries, outcomes, strict=True))
        later = [(frame, entry, result) for frame, entry, result in results if isinstance(result, LogUnavailable)]
        if len(later) == len(results):  # nobody knows yet whether it is these, or all: the next batch will tell
            if later and self._in_doubt:
                raise later[0][2]
            self._in_doubt += later
            return {}
        lost: set[str] = set()
        for frame, entry, reason in [*self._in_doubt, *later]:
            ends.setdefault(frame.segment, frame.end)
            with self._keeping([frame], lost):
                self._set_aside(frame, entry, str(reason))
        self._in_doubt = []
        refusals: list[DeadLetter] = [
            (frame, entry.body, str(result)[:_REASON_MAX]) for frame, entry, result in results if isinstance(result, LogRefused)
        ]
        with self._keeping([frame for frame, *_ in refusals], lost):
            self._keep_dead_letters(refusals)
        return {name: end for name, end in ends.items() if name not in lost}

    @contextmanager
    def _keeping(self, frames: Sequence[Frame], lost: set[str]) -> Iterator[None]:
        """Where the disk does not take what is to be set apart, ``frames`` wait where they are, and with them what follows there."""
        try:
            yield
        except OSError as error:
            for frame in frames:
                lost.add(frame.segment)
                self._stuck[frame.segment] = f"a record in it cannot be set apart: {told(error)}"

    def _asked(self, deliver: Callable[[Sequence[Entry]], Sequence[Outcome]], entries: Sequence[Entry]) -> Sequence[Outcome]:
        self.asking_since = time.monotonic()
        try:
            with untraced():
                return deliver(entries) if entries else []
        finally:
            self.asking_since = None

    def _entries(self, batch: Sequence[Frame]) -> tuple[list[Entry], list[Frame]]:
        if not any(frame.flags & SEALED for frame in batch):
            return [Entry(key=frame.key, body=frame.body, span=frame.span) for frame in batch], list(batch)
        entries, frames = [], []
        for frame in batch:
            if frame.segment in self._stuck:
                continue
            try:
                body = opened(frame, self._keys)
            except SealBroken:
                report(self._folder, frame.segment, f"bytes {frame.offset} to {frame.end}: the seal is broken")
                continue
            except ConfigurationError as error:
                self._stuck[frame.segment] = str(error)
                continue
            entries.append(Entry(key=frame.key, body=body, span=frame.span))
            frames.append(frame)
        return entries, frames

    def _without_those_behind(self, entries: Sequence[Entry], frames: Sequence[Frame], lost: set[str]) -> tuple[list[Entry], list[Frame]]:
        """Those of which no earlier record of the same verwerking is set apart, or in doubt; the others are set apart behind it."""
        doubtful = {verwerking_of(entry) for _, entry, _ in self._in_doubt}
        some: list[tuple[Entry, Frame]] = []
        for entry, frame in zip(entries, frames, strict=True):
            verwerking = verwerking_of(entry)
            if self._retry_queue.stands(verwerking):
                with self._keeping([frame], lost):
                    self._set_aside(frame, entry, _BEHIND)
            elif verwerking is not None and verwerking in doubtful:
                self._in_doubt.append((frame, entry, LogUnavailable(_BEHIND)))
                if len(self._in_doubt) > _IN_DOUBT_MAX:
                    raise self._in_doubt[0][2]
            else:
                some.append((entry, frame))
        return [entry for entry, _ in some], [frame for _, frame in some]

    def _set_aside(self, frame: Frame, entry: Entry, reason: str) -> None:
        reason = reason[:_REASON_MAX]
        if not self._retry_queue.stands(verwerking_of(entry)):
            logger.error(
                "outbox: a record is set apart in %s, with what follows of its verwerking, while others are delivered: %s",
                self._folder.held,
                reason,
            )
        self._retry_queue.put(frame, entry.body, verwerking_of(entry), reason)

    def _keep_dead_letters(self, refusals: Sequence[DeadLetter]) -> None:
        if refusals:
            keep_dead_letters(self._folder, refusals, self._keys.seal if self._keys else None)
            self._tell(refusals)

    def _advance(self, name: str, end: int) -> None:
        with self._sticking(name):
            self._reached[name] = end
            self._folder.advance(name, end)
            del self._reached[name]

    def _retry_due(self, stopping: Callable[[], bool]) -> None:
        for path in self._retry_queue.due()[:_RETRIED_AT_ONCE]:
            if stopping():
                return
            with self._sticking(path.name):
                self._try(path)

    def _try(self, path: Path) -> None:
        """Deliver what is set apart of one verwerking, one after the other, as far as it is taken. Raises OSError."""
        for frame in frames_in(path, path.stem, cursor_of(path), self._gap):
            entries, _ = self._entries([frame])
            try:
                outcomes = self._asked(partial(delivered, self._receiver), entries)
            except Exception:
                outcomes = [LogUnavailable()]
            (outcome,) = outcomes or [None]
            if isinstance(outcome, LogUnavailable) or frame.segment in self._stuck:
                self._retry_queue.failed(path)
                return
            if outcome is not None:
                self._keep_dead_letters([(frame, entries[0].body, str(outcome)[:_REASON_MAX])])
            advance(path, frame.end)
        self._retry_queue.done(path)

    def _tell_stuck(self) -> None:
        """Say of what cannot be delivered why, once, and write it down for who looks from outside."""
        for name, reason in self._stuck.items():
            if self._told.get(name) != reason:
                logger.error("outbox: segment %s cannot be delivered: %s; all others are", name, reason)
        self._told = self._stuck
        write_stuck_files(self._folder, self._stuck)

    def _tell(self, refusals: Sequence[DeadLetter]) -> None:
        reasons = sorted({reason for _, _, reason in refusals})
        logger.error(
            "outbox: %d records were refused and are kept in %s: %s; mend the cause, then run: verwerkingenlogging outbox retry %s",
            len(refusals),
            self._folder.refused,
            "; ".join(reasons[:5]),
            self._folder.path,
        )
