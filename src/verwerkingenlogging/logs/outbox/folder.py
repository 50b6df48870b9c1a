"""The folder of an outbox: which files there are, what of them was delivered, and who may do what.

::

    <uuid>.log          a segment: a header, which says how much of it was delivered, and frames. It is appended to by one
                        process, which holds a lock on it for as long as it lives
    deliver.lock        held by the one process that delivers
    refused/<uuid>.log  records that a register refused, each with the reason
    damaged/            segments that could not be read whole, and beside each a report
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
from zlib import crc32

from uuid_utils.compat import uuid7

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.logs.outbox.forking import steady
from verwerkingenlogging.logs.outbox.frames import HEADER_SIZE, PLACE, VERSION

__all__ = ["Folder", "Waiting", "header", "sync_folder", "synced", "try_lock", "write_whole"]

logger = logging.getLogger("verwerkingenlogging.outbox")

SEGMENT = ".log"
NEW = ".new"
_ABANDONED_SECONDS = 3600
_OTHERS = 0o077
_LAST = 4096
"""Bytes that are read first to see where a segment ends: most end in a frame."""
_ZEROS = bytes(64 * 1024)

synced = getattr(os, "fdatasync", os.fsync)  # macOS has only the latter
"""Waits until what was written to a descriptor is on the disk."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A segment, and the part of it that waits: the bytes from ``cursor`` up to ``size``, behind which there are only zeros."""

    name: str
    cursor: int
    size: int


class Folder:
    """The folder at ``path``. Raises ConfigurationError when it cannot be made or written.

    Attributes:
        unreadable: names of segments that this process was not let to read.
    """

    def __init__(self, path: Path, *, make: bool = True) -> None:
        self.path = path
        self.refused = path / "refused"
        self.damaged = path / "damaged"
        self.lock = path / "deliver.lock"
        self.unreadable: set[str] = set()
        if not make and not path.is_dir():
            raise ConfigurationError(f"outbox: {path}: is no folder; name the one that the application was given")
        try:
            for folder in (path, self.refused, self.damaged):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"outbox: {path}: cannot be made ({error.strerror}); give a folder that the application owns"
            ) from None
        if not os.access(path, os.W_OK | os.X_OK):
            raise ConfigurationError(f"outbox: {path}: is not writable; let the application own it, with mode 0700")

    @property
    def is_private(self) -> bool:
        """Whether only its owner can look into it."""
        return not self.path.stat().st_mode & _OTHERS

    def segment(self, name: str) -> Path:
        """Where the segment of that name is."""
        return self.path / (name + SEGMENT)

    def report(self, name: str) -> Path:
        """Where stands what is wrong with the segment of that name, if anything is."""
        return self.damaged / (name + ".txt")

    def segments(self) -> list[str]:
        """The names of the segments, in the order in which they were begun."""
        return sorted(entry.name.removesuffix(SEGMENT) for entry in os.scandir(self.path) if entry.name.endswith(SEGMENT))

    def waiting(self) -> list[Waiting]:
        """Of each segment, what waits. A delivered one has nothing, and is listed too."""
        found = []
        for name in self.segments():
            try:
                with suppress(FileNotFoundError):  # delivered meanwhile
                    found.append(self._waiting(name))
            except PermissionError:
                self._tell_unreadable(name)
        return found

    def _waiting(self, name: str) -> Waiting:
        with self.segment(name).open("rb", buffering=0) as file:
            cursor = _cursor(file.read(HEADER_SIZE))
            size = _written(file.fileno(), cursor)
        return Waiting(name, min(cursor, size), size)

    def _tell_unreadable(self, name: str) -> None:
        """One file that somebody else put here, such as root, must not hold up all others; but what is in it is delivered by nobody."""
        if name not in self.unreadable:
            self.unreadable.add(name)
            logger.error(
                "outbox: segment %s may not be read, so nobody delivers it; give it to the user that the application runs as",
                self.segment(name),
            )

    def cursor(self, name: str) -> int:
        """How far the segment of that name was delivered. Raises OSError."""
        with self.segment(name).open("rb") as file:
            return _cursor(file.read(HEADER_SIZE))

    def advance(self, name: str, place: int) -> None:
        """Write down that the segment of that name was delivered up to ``place``. Raises OSError.

        In the segment itself: on a full disk there is no room for a file of its own, and without it nothing would ever be
        removed. Not synced: what was delivered, and is not known to be, is delivered again under the same keys.
        """
        number = place.to_bytes(8, "little")
        descriptor = os.open(self.segment(name), os.O_WRONLY)
        try:
            os.pwrite(descriptor, number + crc32(number).to_bytes(4, "little"), len(VERSION))
        finally:
            os.close(descriptor)

    def forget(self, name: str) -> None:
        """Remove a segment that was delivered. One that has a report is kept beside it."""
        if self.report(name).exists():
            self.segment(name).replace(self.damaged / (name + SEGMENT))
        else:
            self.segment(name).unlink()

    def sweep(self) -> None:
        """Remove what processes left that died while they made a segment. Raises OSError."""
        for folder in (self.path, self.refused):
            for path in folder.glob("*" + NEW):
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime < time.time() - _ABANDONED_SECONDS:
                        path.unlink()

    @contextmanager
    def born(self) -> Iterator[tuple[str, int]]:
        """A new segment: its name, and a descriptor that writes to it and holds its lock.

        It gets its own name only once it is locked and complete, so nobody takes it for one of a dead process. Raises OSError.
        """
        name = str(uuid7())
        new = self.path / (name + NEW)
        with steady:
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


def header() -> bytes:
    """The first bytes of a segment of which nothing was delivered yet."""
    return VERSION + bytes(PLACE.size)


def _cursor(header: bytes) -> int:
    if len(header) == HEADER_SIZE:
        place, checksum = PLACE.unpack_from(header, len(VERSION))
        if place and crc32(header[len(VERSION) : len(VERSION) + 8]) == checksum:
            return int(place)
    return HEADER_SIZE


def _written(descriptor: int, start: int) -> int:
    """Where what was written to a segment ends, if behind ``start``: what follows are zeros, which no frame begins with."""
    size = os.fstat(descriptor).st_size
    look = _LAST
    while size > start:
        before = max(start, size - look)
        read = os.pread(descriptor, size - before, before)
        if read != _ZEROS[: len(read)]:
            return before + len(read.rstrip(b"\0"))
        size, look = before, len(_ZEROS)
    return size


def write_whole(descriptor: int, content: bytes) -> None:
    """Write all of ``content``. Raises OSError."""
    while content:
        content = content[os.write(descriptor, content) :]


def sync_folder(path: Path) -> None:
    """Wait until the names in the folder at ``path`` are on the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def try_lock(path: Path, *, make: bool = False) -> int | None:
    """A descriptor that holds the lock on the file at ``path``, or None when somebody else holds it. Raises OSError.

    Call it within ``steady``, unless the descriptor is closed before that matters.
    """
    descriptor = os.open(path, os.O_RDWR | (os.O_CREAT if make else 0), 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return descriptor
