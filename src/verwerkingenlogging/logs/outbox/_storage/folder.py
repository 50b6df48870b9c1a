"""The folder of an outbox: its files, how far each was delivered, and its locks.

::

    <uuid>.log          a segment: a header, which says how much of it was delivered, and frames. It is appended to by one
                        process, which holds a lock on it for as long as it lives
    deliver.lock        held by the one process that delivers
    refused/<uuid>.log  records that a register refused, each with the reason
    held/<uuid>.log     records that it does not take now, though it takes others: one that fails, and those of its verwerking
    damaged/            segments that could not be read whole, and beside each a report
    owner               whose records these are: the client that they are delivered as
    delivery            what the process that delivers has to say
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.logs.outbox._storage.disk import sync_folder, synced, write_whole
from verwerkingenlogging.logs.outbox._storage.fork_lock import fork_lock
from verwerkingenlogging.logs.outbox._storage.frames import HEADER_SIZE
from verwerkingenlogging.logs.outbox._storage.segment_files import (
    NEW,
    SEGMENT,
    advance,
    cursor_in,
    cursor_of,
    header,
    open_segment,
    segments_in,
    why_no_segment,
    written_end,
)
from verwerkingenlogging.support.ids import new_ordered_id

__all__ = ["Folder", "Waiting"]

logger = logging.getLogger("verwerkingenlogging.outbox")

_ABANDONED_SECONDS = 3600
_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class Waiting:
    """A segment, and the part of it that waits: the bytes from ``cursor`` up to ``size``, behind which there are only zeros."""

    name: str
    cursor: int
    size: int


class Folder:
    """The folder at ``path``. Raises ConfigurationError when it cannot be made or written.

    Attributes:
        unreadable: by file, why ``waiting`` could not look into it: nobody delivers what is in it while that is so.
    """

    def __init__(self, path: Path, *, make: bool = True) -> None:
        self.path = path
        self.refused = path / "refused"
        self.held = path / "held"
        self.damaged = path / "damaged"
        self.lock = path / "deliver.lock"
        self.unreadable: dict[str, str] = {}
        if not make and not path.is_dir():
            raise ConfigurationError(f"outbox: {path}: is no folder; name the one that the application was given")
        for folder in (path, self.refused, self.held, self.damaged) if make else ():  # else somebody looks, who may be another user
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigurationError(
                    f"outbox: {folder}: cannot be made ({error.strerror}); give a folder that the application owns"
                ) from None
        if not os.access(path, os.W_OK | os.X_OK):
            raise ConfigurationError(f"outbox: {path}: is not writable; let the application own it, with mode 0700")

    @property
    def is_private(self) -> bool:
        """Whether only its owner can read it."""
        return not self.path.stat().st_mode & _OTHERS

    def segment(self, name: str) -> Path:
        """The path of the segment with that name."""
        return self.path / (name + SEGMENT)

    def report(self, name: str) -> Path:
        """The path of the damage report of the segment with that name."""
        return self.damaged / (name + ".txt")

    def segments(self) -> list[str]:
        """The names of the segments, in the order in which they were begun."""
        return sorted(path.stem for path in segments_in(self.path))

    def waiting(self) -> list[Waiting]:
        """The part of each segment that waits; nothing for a delivered one. An unreadable segment does not hold up others."""
        found = []
        unreadable = {}
        with os.scandir(self.path) as entries:
            for entry in entries:
                if not entry.name.endswith(SEGMENT):
                    continue
                reason = why_no_segment(entry)
                if reason is None:
                    name = entry.name.removesuffix(SEGMENT)
                    try:
                        found.append(self._waiting(name))
                        continue
                    except FileNotFoundError:  # delivered meanwhile
                        continue
                    except PermissionError:
                        reason = "may not be read; give it to the user that the application runs as"
                    except OSError as error:
                        reason = error.strerror or type(error).__name__
                unreadable[entry.name] = reason
        for name, reason in unreadable.items():
            if self.unreadable.get(name) != reason:
                logger.error("outbox: %s is delivered by nobody: it %s", self.path / name, reason)
        self.unreadable = unreadable
        return sorted(found, key=lambda one: one.name)

    def _waiting(self, name: str) -> Waiting:
        descriptor = open_segment(self.segment(name))
        try:
            cursor = cursor_in(os.pread(descriptor, HEADER_SIZE, 0))
            size = written_end(descriptor, cursor)
        finally:
            os.close(descriptor)
        return Waiting(name, min(cursor, size), size)

    def cursor(self, name: str) -> int:
        """The place up to which the segment with that name was delivered. Raises OSError."""
        return cursor_of(self.segment(name))

    def advance(self, name: str, place: int) -> None:
        """Write down that the segment of that name was delivered up to ``place``. Raises OSError.

        In the segment itself: on a full disk there is no room for a file of its own, and without it nothing would ever be
        removed. Not synced: what was delivered, and is not known to be, is delivered again under the same keys.
        """
        advance(self.segment(name), place)

    def forget(self, path: Path) -> None:
        """Remove a segment that was delivered. One that has a report is kept beside it."""
        if self.report(path.stem).exists():
            path.replace(self.damaged / path.name)
        else:
            path.unlink()

    def sweep(self) -> None:
        """Remove the leftovers of processes that died while they made a segment. Raises OSError."""
        for folder in (self.path, self.refused):
            for path in folder.glob("*" + NEW):
                with suppress(OSError):  # it is gone, or it is no file of ours
                    if path.stat().st_mtime < time.time() - _ABANDONED_SECONDS:
                        path.unlink()

    @contextmanager
    def born(self) -> Iterator[tuple[str, int]]:
        """A new segment: its name, and a descriptor that writes to it and holds its lock.

        It gets its own name only once it is locked and complete, so nobody takes it for one of a dead process. Raises OSError.
        """
        name = str(new_ordered_id())
        new = self.path / (name + NEW)
        with fork_lock:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                write_whole(descriptor, header())
                synced(descriptor)
                new.replace(self.segment(name))
                sync_folder(self.path)
                yield name, descriptor
            except BaseException:
                os.close(descriptor)
                for path in (new, self.segment(name)):
                    with suppress(OSError):
                        path.unlink()
                raise
