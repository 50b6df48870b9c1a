"""The files of segments, one at a time: which they are, how far each was delivered, and where what was written to it ends."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from uuid import UUID
from zlib import crc32

from verwerkingenlogging.logs.outbox._storage.frames import HEADER_SIZE, PLACE, VERSION

__all__ = [
    "NEW",
    "SEGMENT",
    "advance",
    "cursor_in",
    "cursor_of",
    "header",
    "open_segment",
    "place_in",
    "read_small",
    "segments_in",
    "why_no_segment",
    "written_end",
]

SEGMENT = ".log"
NEW = ".new"
_LAST = 4096
"""Bytes that are read first to see where a segment ends: most end in a frame."""
_ZEROS = bytes(64 * 1024)
_MUCH = 1024 * 1024
"""More zeros than are written ahead."""


def header() -> bytes:
    """The first bytes of a segment of which nothing was delivered yet."""
    return VERSION + bytes(PLACE.size)


def segments_in(folder: Path) -> list[Path]:
    """The segments in ``folder``, and no other files, in the order in which they were begun. Raises OSError."""
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.name.endswith(SEGMENT) and why_no_segment(entry) is None)
    except FileNotFoundError:  # an outbox of an earlier version had no such folder
        return []


def why_no_segment(entry: os.DirEntry[str]) -> str | None:
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
        return cursor_in(os.pread(descriptor, HEADER_SIZE, 0))
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


def cursor_in(header: bytes) -> int:
    """How far the segment that begins with ``header`` was delivered."""
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
