"""Reads the whole frames of a segment in order. What is no whole frame is reported, and never skipped silently."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from verwerkingenlogging.logs.outbox._storage.frames import HEADER_SIZE, MARKER, OLD_MARKER, Frame, NoFrame, parse
from verwerkingenlogging.logs.outbox._storage.segment_files import open_segment

__all__ = ["STRETCH", "OnGap", "frames_in", "header_of", "next_frame", "whole_frame"]

STRETCH = 1024 * 1024
"""Most bytes that are read at a time. Each call to the disk lets other threads go first, so there had better be few of them."""
_FIRST = 64 * 1024
"""Bytes that are read at first, where it may end at that."""
_ZEROS = bytes(_FIRST)
_FIRST_OF_MARKER = MARKER[:1]
_SECOND_OF_MARKER = (MARKER[1:], OLD_MARKER[1:], b"")

OnGap = Callable[[str, int, int], None]
"""Is told the name of a segment and the places between which nothing can be read, before what follows is given."""


def header_of(path: Path) -> bytes:
    """The bytes where a segment has its header. Raises OSError."""
    return _read(path, 0, HEADER_SIZE)


def frames_in(path: Path, name: str, start: int, on_gap: OnGap, *, stretch: int = STRETCH) -> Iterator[Frame]:
    """The whole frames of the segment at ``path`` from ``start`` on, as far as it goes now. Memory stays flat. Raises OSError.

    ``stretch`` is how many bytes are read at most at a time, and fewer at first. It ends before bytes that no whole frame follows:
    they may be a write under way, or one that was cut off.
    """
    length = min(stretch, _FIRST)
    while buffer := _read(path, start, length):
        at = 0
        wanted = 0
        try:
            while at < len(buffer):
                frame = parse(buffer, at, name, start)
                yield frame
                at = frame.end - start
        except NoFrame as error:
            wanted = error.needed
        start += at
        if at:
            length = min(length * 4, stretch)
        elif wanted > len(buffer) == length:
            length = wanted  # longer than a stretch
        else:
            found = next_frame(path, name, start + 1)
            if found is None:
                return
            if whole_frame(path, name, start) is None:  # else it was a write under way, and has come to its end
                on_gap(name, start, found)
                start = found


def next_frame(path: Path, name: str, start: int) -> int | None:
    """Where the first whole frame begins at or after ``start``, or None when there is none. Raises OSError."""
    while buffer := _read(path, start, _FIRST):
        at = buffer.find(_FIRST_OF_MARKER)
        while at >= 0:
            if buffer[at + 1 : at + 2] in _SECOND_OF_MARKER and whole_frame(path, name, start + at) is not None:
                return start + at
            at = buffer.find(_FIRST_OF_MARKER, at + 1)
        if len(buffer) < _FIRST:
            return None
        start += len(buffer) - (len(MARKER) - 1)
        if buffer == _ZEROS:
            start = _next_data(path, start)
    return None


def _next_data(path: Path, start: int) -> int:
    """Where bytes were written behind ``start``: a file may be a terabyte long of which nothing was. Raises OSError."""
    descriptor = open_segment(path)
    try:
        return os.lseek(descriptor, start, os.SEEK_DATA)
    except OSError as error:
        if error.errno != errno.ENXIO:  # there are none
            raise
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def whole_frame(path: Path, name: str, at: int) -> Frame | None:
    """The frame that begins at ``at``, if one does. Raises OSError."""
    length = _FIRST
    while True:
        buffer = _read(path, at, length)
        try:
            return parse(buffer, 0, name, at) if buffer else None
        except NoFrame as error:
            if not error.needed > len(buffer) == length:
                return None
            length = error.needed


def _read(path: Path, start: int, length: int) -> bytes:
    # Opened for each stretch: there may be more segments than a process may have files open.
    descriptor = open_segment(path)
    try:
        return os.pread(descriptor, length, start)
    finally:
        os.close(descriptor)
