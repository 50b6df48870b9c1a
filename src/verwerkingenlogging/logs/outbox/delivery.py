"""One round of delivery: everything that waits in the folder, whoever appended it, in order."""

from __future__ import annotations

import heapq
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging.logs.outbox.damage import is_foreign, report, settle
from verwerkingenlogging.logs.outbox.folder import Folder
from verwerkingenlogging.logs.outbox.frames import HEADER_SIZE, SEALED, Frame
from verwerkingenlogging.logs.outbox.reading import STRETCH, frames_in
from verwerkingenlogging.logs.outbox.refusals import Refusal, keep
from verwerkingenlogging.logs.outbox.sealing import Keys, SealBroken, opened
from verwerkingenlogging.logs.protocol import Entry, Receiver
from verwerkingenlogging.logs.untraced import untraced

__all__ = ["Delivery"]

logger = logging.getLogger("verwerkingenlogging.outbox")

_OVERHEAD = 80
"""Bytes that a receiver may add to each record, for its key."""
_REASON_MAX = 1000
"""Characters. A receiver may give a reason for each of a thousand objects; that must neither fill the log nor fail to be kept."""
_STRETCHES = 32 * 1024 * 1024
"""Bytes of all segments together that are in memory at once."""
_STRETCH_MIN = 4096
_CLOCK_SET_BACK = 10_000_000_000
"""Nanoseconds. A record from a later moment than that was appended before somebody set the clock back."""


class Delivery:
    """Brings what waits in ``folder`` to ``receiver``, at most ``limit`` records and about ``limit_bytes`` at a time.

    Only the process that holds the lock on delivery may use one.

    Attributes:
        asking_since: since when the receiver is asked, in the time of ``time.monotonic``; None while it is not.
    """

    def __init__(self, folder: Folder, receiver: Receiver, *, limit: int, limit_bytes: int, keys: Keys | None) -> None:
        self._folder = folder
        self._receiver = receiver
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._keys = keys
        self._foreign: set[str] = set()
        self.asking_since: float | None = None
        self._passed: list[str] = []  # segments of which all was read, since the last batch

    def round(self, stopping: Callable[[], bool]) -> None:
        """Deliver all that was appended before now, or what of it comes before ``stopping`` says so.

        What was acknowledged before another record was made goes before it: both its time and the end of its write lie before
        that record's time, so a round that delivers the other has seen it.

        Raises NotRecorded when the receiver did not take a batch, ConfigurationError when a key is missing, OSError.
        """
        until = time.time_ns()
        self._passed = []
        found = self._folder.waiting()
        self._settle([one.name for one in found if one.cursor >= one.size])
        waiting = [one for one in found if one.cursor < one.size and self._can_read(one.name)]
        # Of each segment a stretch is in memory, and thousands of processes may have left one.
        stretch = max(_STRETCH_MIN, min(STRETCH, _STRETCHES // max(1, len(waiting))))
        merged = heapq.merge(*(self._frames(one.name, one.cursor, until, stretch) for one in waiting))
        for batch in self._batches(merged):
            if stopping():
                break
            self._deliver(batch)
            # Not at the end: that may be hours away, or a failure, and a full disk needs the room now.
            self._settle(self._passed)
            self._passed = []
        self.settle()

    def settle(self) -> None:
        """Remove the segments that were delivered whole and whose process is gone. Raises OSError."""
        self._settle(self._folder.segments())

    def _settle(self, names: Iterable[str]) -> None:
        for name in names:
            settle(self._folder, name)

    def _can_read(self, name: str) -> bool:
        if not is_foreign(self._folder, name):
            return True
        if name not in self._foreign:
            self._foreign.add(name)
            logger.error("outbox: segment %s was made by another version of this library, which alone can deliver it", name)
        return False

    def _frames(self, name: str, start: int, until: int, stretch: int) -> Iterator[Frame]:
        for frame in frames_in(self._folder.segment(name), name, max(start, HEADER_SIZE), self._gap, stretch=stretch):
            if until <= frame.time < until + _CLOCK_SET_BACK:
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
        entries, kept = self._entries(batch)
        self.asking_since = time.monotonic()
        try:
            with untraced():
                results = self._receiver.deliver(entries) if entries else []
        finally:
            self.asking_since = None
        if len(results) != len(entries):
            raise LogUnavailable(f"{type(self._receiver).__name__} did not say of each record what became of it")
        refusals: list[Refusal] = [
            (frame, entry.body, str(result)[:_REASON_MAX])
            for frame, entry, result in zip(kept, entries, results, strict=True)
            if result is not None
        ]
        if refusals:
            keep(self._folder, refusals, self._keys.seal if self._keys else None)
            self._tell(refusals)
        for name, end in {frame.segment: frame.end for frame in batch}.items():
            self._folder.advance(name, end)

    def _entries(self, batch: Sequence[Frame]) -> tuple[list[Entry], Sequence[Frame]]:
        if not any(frame.flags & SEALED for frame in batch):
            return [Entry(key=frame.key, body=frame.body, span=frame.span) for frame in batch], batch
        entries, kept = [], []
        for frame in batch:
            try:
                body = opened(frame, self._keys)
            except SealBroken:
                report(self._folder, frame.segment, f"bytes {frame.offset} to {frame.end}: the seal is broken")
                continue
            entries.append(Entry(key=frame.key, body=body, span=frame.span))
            kept.append(frame)
        return entries, kept

    def _tell(self, refusals: Sequence[Refusal]) -> None:
        reasons = sorted({reason for _, _, reason in refusals})
        logger.error(
            "outbox: %d records were refused and are kept in %s: %s; mend the cause, then run: verwerkingenlogging outbox retry %s",
            len(refusals),
            self._folder.refused,
            "; ".join(reasons[:5]),
            self._folder.path,
        )
