"""The retry queue: records that a log fails for while it accepts others, set apart so that only their verwerking waits.

Each verwerking has a file, in the form of a segment, and its records stand there in order. Nothing is thrown away: they are tried
again for as long as it takes, less and less often.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid5

from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging.logs.outbox._storage.damage import tell_rest, was_cut_off
from verwerkingenlogging.logs.outbox._storage.disk import sync_folder, synced, write_whole
from verwerkingenlogging.logs.outbox._storage.folder import Folder
from verwerkingenlogging.logs.outbox._storage.frame_reader import frames_in
from verwerkingenlogging.logs.outbox._storage.frames import HEADER_SIZE, Frame, Seal, frame
from verwerkingenlogging.logs.outbox._storage.segment_files import NEW, SEGMENT, cursor_of, header, open_segment, segments_in

__all__ = ["RETRY", "RetryQueue", "records_in_retry_queue", "retry"]

MOST = 1000
"""Verwerkingen that are set apart. With more of them it is not the records that are at fault."""
SECONDS = (1.0, 600.0)
"""After the first failure it is tried again in so many seconds, and at last in so many."""
RETRY = "retry"
"""Name of the file that says: try all of them now."""
_OTHERS = UUID("6a1f9f0e-6a39-4f2c-8d43-6e7d0c1f7a55")
"""Names the files of records that belong to no verwerking."""


@dataclass(slots=True)
class _Queue:
    """What is known of one file."""

    keys: set[str] = field(default_factory=set)
    failures: int = 0
    due: float = 0.0


class RetryQueue:
    """The records that are set apart in ``folder``. Only the process that delivers may use one."""

    def __init__(self, folder: Folder, seal: Seal | None) -> None:
        self._folder = folder
        self._seal = seal
        self._queues: dict[str, _Queue] = {}

    def look(self) -> None:
        """See what is there, also what a former process left. Raises OSError."""
        paths = segments_in(self._folder.held)
        for path in paths:
            if path.stem not in self._queues:
                self._queues[path.stem] = _Queue({one.key for one in self._left(path)})
        for name in self._queues.keys() - {path.stem for path in paths}:
            del self._queues[name]
        if self._queues and (self._folder.held / RETRY).exists():
            (self._folder.held / RETRY).unlink()
            for queue in self._queues.values():
                queue.due = 0.0

    def __bool__(self) -> bool:
        return bool(self._queues)

    def stands(self, verwerking: str | None) -> bool:
        """Whether a record of that verwerking is set apart, so that a later one must wait."""
        return verwerking is not None and _name(verwerking, "") in self._queues

    def put(self, record: Frame, body: bytes, verwerking: str | None, reason: str) -> None:
        """Set ``record`` apart; safe when this returns. Raises OSError, and LogUnavailable when too many are."""
        name = _name(verwerking, record.key)
        queue = self._queues.get(name)
        path = self._folder.held / (name + SEGMENT)
        if queue is None:
            if len(self._queues) >= MOST:
                raise LogUnavailable(f"the log behind the outbox fails for the records of more than {MOST} verwerkingen: {reason}")
            _make(path)
            queue = self._queues[name] = _Queue()
        if record.key in queue.keys:
            return  # this process's predecessor was killed between this and what it wrote down of it
        if not queue.failures:
            self._failed(queue)
        descriptor = open_segment(path, os.O_WRONLY | os.O_APPEND)
        try:
            end = os.fstat(descriptor).st_size
            try:
                write_whole(descriptor, frame(body, time=record.time, key=record.key, span=record.span, reason=reason, seal=self._seal))
                synced(descriptor)
            except BaseException:
                with suppress(OSError):
                    os.ftruncate(descriptor, end)
                raise
        finally:
            os.close(descriptor)
        queue.keys.add(record.key)

    def due(self) -> list[Path]:
        """The files whose first record is to be tried now."""
        now = time.monotonic()
        return [self._folder.held / (name + SEGMENT) for name, queue in list(self._queues.items()) if queue.due <= now]

    def failed(self, path: Path) -> None:
        """Note a failed attempt: wait longer."""
        self._failed(self._queues[path.stem])

    def done(self, path: Path) -> None:
        """All in it was delivered: remove it, or keep it beside the report of what could not be read. Raises OSError."""
        descriptor = open_segment(path)
        try:
            tell_rest(self._folder, path, descriptor, cursor_of(path))
        finally:
            os.close(descriptor)
        self._folder.forget(path)
        del self._queues[path.stem]

    def _left(self, path: Path) -> list[Frame]:
        """The records of a file that a former process left. It may have been killed while it added one: then that waits where it was."""
        records = list(frames_in(path, path.stem, HEADER_SIZE, lambda *_: None))
        end = records[-1].end if records else HEADER_SIZE
        descriptor = open_segment(path, os.O_RDWR)
        try:
            if was_cut_off(descriptor, end):
                os.ftruncate(descriptor, end)
        finally:
            os.close(descriptor)
        return records

    def _failed(self, queue: _Queue) -> None:
        first, longest = SECONDS
        queue.due = time.monotonic() + min(longest, first * 2 ** min(queue.failures, 16))
        queue.failures += 1


def records_in_retry_queue(folder: Folder) -> Iterator[Frame]:
    """The records that are set apart in ``folder``, by verwerking. Raises OSError."""
    for path in segments_in(folder.held):
        with suppress(FileNotFoundError):  # delivered meanwhile
            yield from frames_in(path, path.stem, cursor_of(path), lambda *_: None)


def retry(folder: Folder) -> int:
    """Let all of them be tried at once; gives how many records. Raises OSError."""
    count = sum(1 for _ in records_in_retry_queue(folder))
    if count:
        os.close(os.open(folder.held / RETRY, os.O_WRONLY | os.O_CREAT, 0o600))
    return count


def _name(verwerking: str | None, key: str) -> str:
    try:
        return str(UUID(verwerking or ""))
    except ValueError:
        return str(uuid5(_OTHERS, key))


def _make(path: Path) -> None:
    new = path.with_suffix(NEW)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        write_whole(descriptor, header())
        synced(descriptor)
    finally:
        os.close(descriptor)
    new.replace(path)
    sync_folder(path.parent)
