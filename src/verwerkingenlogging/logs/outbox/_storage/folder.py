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
from uuid import UUID
from zlib import crc32

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.logs.outbox._storage.fork_lock import fork_lock
from verwerkingenlogging.logs.outbox._storage.frames import HEADER_SIZE, PLACE, VERSION
from verwerkingenlogging.support.ids import new_ordered_id

__all__ = [
    "Folder",
    "Waiting",
    "advance",
    "cursor_of",
    "header",
    "open_segment",
    "place_in",
    "read_small",
    "segments_in",
    "sync_folder",
    "synced",
    "try_lock",
    "write_whole",
    "written_end",
]

logger = logging.getLogger("verwerkingenlogging.outbox")

SEGMENT = ".log"
NEW = ".new"
_ABANDONED_SECONDS = 3600
_OTHERS = 0o077
_LAST = 4096
"""Bytes that are read first to see where a segment ends: most end in a frame."""
_ZEROS = bytes(64 * 1024)
_MUCH = 1024 * 1024
"""More zeros than are written ahead."""

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
                reason = _no_segment(entry)
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
            cursor = _cursor(os.pread(descriptor, HEADER_SIZE, 0))
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


def header() -> bytes:
    """The first bytes of a segment of which nothing was delivered yet."""
    return VERSION + bytes(PLACE.size)


def segments_in(folder: Path) -> list[Path]:
    """The segments in ``folder``, and no other files, in the order in which they were begun. Raises OSError."""
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.name.endswith(SEGMENT) and _no_segment(entry) is None)
    except FileNotFoundError:  # an outbox of an earlier version had no such folder
        return []


def _no_segment(entry: os.DirEntry[str]) -> str | None:
    """Why an entry of the folder is no segment, whatever its name ends in; None where it is one."""
    try:
        UUID(entry.name.removesuffix(SEGMENT))
    except ValueError:
        # Under another name its records would have other keys, and a register that has them already would have them twice.
        return "has not the name of a segment; move it away, or give it back its name"
    if entry.is_symlink():
        return "is a symbolic link; put the file itself here"
    if entry.is_dir():
        return "is a folder; move it away"
    return None if entry.is_file() else "is no file; move it away"


def open_segment(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open a segment without blocking and without following a link, whatever stands there. Raises OSError."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def read_small(path: Path) -> bytes:
    """A small file, or the beginning of what stands in its place. Raises OSError, also where that is no file."""
    descriptor = open_segment(path)
    try:
        return os.pread(descriptor, _MUCH, 0)
    finally:
        os.close(descriptor)


def cursor_of(path: Path) -> int:
    """How far the segment at ``path`` was delivered. Raises OSError."""
    descriptor = open_segment(path)
    try:
        return _cursor(os.pread(descriptor, HEADER_SIZE, 0))
    finally:
        os.close(descriptor)


def advance(path: Path, place: int) -> None:
    """Write down that the segment at ``path`` was delivered up to ``place``. Raises OSError."""
    number = place.to_bytes(8, "little")
    descriptor = open_segment(path, os.O_WRONLY)
    try:
        os.pwrite(descriptor, number + crc32(number).to_bytes(4, "little"), len(VERSION))
    finally:
        os.close(descriptor)


def _cursor(header: bytes) -> int:
    return place_in(header) or HEADER_SIZE


def place_in(header: bytes) -> int | None:
    """The place that delivery has reached: 0 when it has not begun, None when the header is not valid."""
    place, checksum = PLACE.unpack_from(header.ljust(HEADER_SIZE, b"\0"), len(VERSION))
    if not place and not checksum:
        return 0
    believed = place and crc32(header[len(VERSION) : len(VERSION) + 8]) == checksum
    return int(place) if believed else None


def written_end(descriptor: int, start: int) -> int:
    """Where what was written to a segment ends, if behind ``start``: what follows are zeros, which no frame begins with."""
    size = os.fstat(descriptor).st_size
    look = _LAST
    while size > start:
        before = max(start, size - look)
        read = os.pread(descriptor, size - before, before)
        if read != _ZEROS[: len(read)]:
            return before + len(read.rstrip(b"\0"))
        size, look = before, len(_ZEROS)
        if size - start > _MUCH:
            size = min(size, _data_end(descriptor, start))
    return size


def _data_end(descriptor: int, start: int) -> int:
    """Where the last bytes end that lie on the disk behind ``start``: a file may be a terabyte long of which nothing was written."""
    end = start
    with suppress(OSError):  # there are no more
        while True:
            end = os.lseek(descriptor, os.lseek(descriptor, end, os.SEEK_DATA), os.SEEK_HOLE)
    return end


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

    Call it within ``fork_lock``, unless the descriptor is closed before that matters.
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
