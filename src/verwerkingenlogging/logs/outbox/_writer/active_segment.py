"""The active segment: appends to it, and begins the next one when it is full."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging.logs.outbox._storage.damage import report
from verwerkingenlogging.logs.outbox._storage.folder import Folder
from verwerkingenlogging.logs.outbox._storage.fork_lock import fork_lock
from verwerkingenlogging.logs.outbox._writer.quota import Quota
from verwerkingenlogging.logs.outbox._writer.segment import Segment

__all__ = ["ActiveSegment"]

_LINGER_SECONDS = 60.0


class ActiveSegment:
    """Appends to ``folder``, from any thread, to one segment after the other.

    Args:
        folder: of the outbox.
        quota: says whether there is room.
        segment_bytes: size at which a segment is followed by the next.
        deliver: called before each segment: nothing is taken that nobody will deliver. Raises LogUnavailable.
    """

    def __init__(self, folder: Folder, quota: Quota, *, segment_bytes: int, deliver: Callable[[], object]) -> None:
        self._folder = folder
        self._quota = quota
        self._segment_bytes = segment_bytes
        self._deliver = deliver
        self._closed = False
        self._begin()

    _segment: Segment | None
    _idle: tuple[int, float]

    def append(self, frames: bytes, *, to_sync: bool = False) -> tuple[Segment, int]:
        """Write ``frames``: they outlive this process. Gives the segment and where they end, to ``sync`` when ``to_sync`` says so.

        Raises LogUnavailable, and then nothing of them counts.
        """
        with self._lock:
            try:
                self._quota.take(len(frames))
                segment = self._segment
                if segment is None or segment.failed or segment.size >= self._segment_bytes:
                    segment = self._next()
                return segment, segment.append(frames, to_sync=to_sync)
            except BaseException as error:
                # Whatever it was, append no further behind it. And on a full disk, what is delivered can only then be removed.
                self._let_go()
                if isinstance(error, OSError):
                    raise LogUnavailable(f"outbox: {error.strerror}") from None
                raise

    def append_and_sync(self, frames: bytes) -> None:
        """Write ``frames`` and wait until the disk has them. Raises LogUnavailable."""
        segment, end = self.append(frames, to_sync=True)
        segment.sync(end)

    def close(self) -> None:
        """Accept no more records."""
        with self._lock:
            self._closed = True
            self._let_go()

    def keep_house(self) -> None:
        """Close a segment that failed or was idle for a while, so that it can be removed once it is delivered."""
        with self._lock:
            segment = self._segment
            if segment is None:
                return
            now = time.monotonic()
            size, since = self._idle
            if segment.size != size:
                self._idle = (segment.size, now)
            elif now - since > _LINGER_SECONDS:
                self._let_go()
                return
            if segment.removed:
                segment.give_up()
            if segment.failed:
                self._let_go()

    def after_fork(self) -> None:
        """In a forked child: begin anew."""
        inherited = self._segment
        self._begin()
        if inherited is not None:
            inherited.disown()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._segment = None
        self._idle = (0, 0.0)

    def _next(self) -> Segment:
        """A new segment to append to. Raises OSError, LogUnavailable when this was closed."""
        if self._closed:
            raise LogUnavailable("outbox: it was closed")
        self._let_go()
        self._deliver()
        with fork_lock:
            self._segment = Segment(self._folder, self._quota.ahead)
        return self._segment

    def _let_go(self) -> None:
        """Append no more to the segment under way. Raises nothing: who waits for the disk is told by his own wait."""
        segment, self._segment = self._segment, None
        if segment is None:
            return
        with suppress(LogUnavailable), fork_lock:  # else a child forked now would hold on to its lock
            segment.close()
        if segment.unsynced is not None:
            with suppress(OSError):
                report(self._folder, segment.name, f"bytes from {segment.unsynced}: the disk failed to take them")
