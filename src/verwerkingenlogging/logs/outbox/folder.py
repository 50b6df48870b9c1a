"""The folder of an outbox: which files there are, what of them was delivered, and who may do what.

::

    <uuid>.log          a segment: frames, appended by one process, which holds a lock on it for as long as it lives
    <uuid>.at           how much of that segment was delivered; when it is lost, it is delivered again under the same keys
    deliver.lock        held by the one process that delivers
    refused/<uuid>.log  records that a register refused, each with the reason
    damaged/            segments that could not be read whole, and beside each a report
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from uuid_utils.compat import uuid7

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.logs.outbox.forking import steady
from verwerkingenlogging.logs.outbox.frames import HEADER, HEADER_SIZE

__all__ = ["Folder", "Waiting", "sync_folder", "synced", "try_lock", "write_whole"]

SEGMENT = ".log"
_CURSOR = ".at"
_NEW = ".new"
_PLACE = struct.Struct("<QI")
_ABANDONED_SECONDS = 3600
_OTHERS = 0o077

synced = getattr(os, "fdatasync", os.fsync)  # macOS has only the latter
"""Waits until what was written to a descriptor is on the disk."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A segment, and the part of it that waits: the bytes from ``cursor`` up to ``size``."""

    name: str
    cursor: int
    size: int


class Folder:
    """The folder at ``path``. Raises ConfigurationError when it cannot be made or written."""

    def __init__(self, path: Path, *, make: bool = True) -> None:
        self.path = path
        self.refused = path / "refused"
        self.damaged = path / "damaged"
        self.lock = path / "deliver.lock"
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
            with suppress(FileNotFoundError):  # delivered meanwhile
                size = self.segment(name).stat().st_size
                found.append(Waiting(name, min(self.cursor(name), size), size))
        return found

    def cursor(self, name: str) -> int:
        """How far the segment of that name was delivered."""
        try:
            content = (self.path / (name + _CURSOR)).read_bytes()
        except FileNotFoundError:
            return HEADER_SIZE
        if len(content) == _PLACE.size:
            place, checksum = _PLACE.unpack(content)
            if crc32(content[:8]) == checksum:
                return int(place)
        return HEADER_SIZE

    def advance(self, name: str, place: int) -> None:
        """Write down that the segment of that name was delivered up to ``place``. Not synced: see ``Folder``."""
        descriptor = os.open(self.path / (name + _CURSOR), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            number = struct.pack("<Q", place)
            os.pwrite(descriptor, number + struct.pack("<I", crc32(number)), 0)
        finally:
            os.close(descriptor)

    def forget(self, name: str) -> None:
        """Remove a segment that was delivered. One that has a report is kept beside it."""
        if self.report(name).exists():
            self.segment(name).replace(self.damaged / (name + SEGMENT))
        else:
            self.segment(name).unlink()
        (self.path / (name + _CURSOR)).unlink(missing_ok=True)  # last: without it, the whole segment would be delivered again

    def sweep(self) -> None:
        """Remove what processes left that died while they made a segment or forgot one."""
        names = set(self.segments())
        for entry in list(os.scandir(self.path)):
            stem, dot, suffix = entry.name.rpartition(".")
            with suppress(FileNotFoundError):
                orphan = dot + suffix == _CURSOR and stem not in names
                unborn = dot + suffix == _NEW and entry.stat().st_mtime < time.time() - _ABANDONED_SECONDS
                if orphan or unborn:
                    Path(entry.path).unlink()

    @contextmanager
    def born(self) -> Iterator[tuple[str, int]]:
        """A new segment: its name, and a descriptor that appends to it and holds its lock.

        It gets its own name only once it is locked and complete, so nobody takes it for one of a dead process. Raises OSError.
        """
        name = str(uuid7())
        new = self.path / (name + _NEW)
        with steady:
            descriptor = os.open(new, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                write_whole(descriptor, HEADER)
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
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
