"""Damage: what cannot be read is set aside and reported, and never skipped silently."""

from __future__ import annotations

import fcntl
import logging
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from verwerkingenlogging.logs.outbox._storage.disk import sync_folder, synced, write_whole
from verwerkingenlogging.logs.outbox._storage.folder import Folder
from verwerkingenlogging.logs.outbox._storage.fork_lock import fork_lock
from verwerkingenlogging.logs.outbox._storage.frame_reader import header_of, next_frame
from verwerkingenlogging.logs.outbox._storage.frames import HEADER_SIZE, is_cut_off, of_another_version
from verwerkingenlogging.logs.outbox._storage.segment_files import open_segment, place_in, read_small, written_end

__all__ = ["is_foreign", "report", "settle", "tell_rest", "was_cut_off"]

logger = logging.getLogger("verwerkingenlogging.outbox")

_SECTOR = 512
"""Bytes that a disk writes whole or not at all, and a part of the pages that the kernel copies."""
_ZEROS_IN_A_ROW = 16
"""Most zeros that follow one another in a frame: those of a span without a parent. There are none in JSON."""
_LEAD_MAX = 64
"""Bytes in which the lead of a frame is, of whichever version."""


def report(folder: Folder, name: str, what: str) -> None:
    """Write down ``what`` is wrong with a segment, so that it is set aside rather than removed. Safe when this returns. Raises OSError."""
    path = folder.report(name)
    with suppress(FileNotFoundError):
        if what.encode() in read_small(path):
            return  # delivery failed since, and came by here again
    logger.error("outbox: segment %s is damaged: %s; it is set aside in %s", name, what, folder.damaged)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        write_whole(descriptor, f"{datetime.now(UTC).isoformat(timespec='seconds')} {what}\n".encode())
        synced(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(folder.damaged)


def is_foreign(folder: Folder, name: str) -> bool:
    """Whether the segment of that name was made by another version. Reports a header that means nothing. Raises OSError."""
    header = header_of(folder.segment(name))
    foreign = of_another_version(header)
    if foreign is None:
        report(folder, name, "its header is not one")  # what follows it may be whole
    elif not foreign and place_in(header) is None:
        report(folder, name, "the place in its header that delivery had reached is not one, so all of it is delivered again")
    return bool(foreign)


def settle(folder: Folder, name: str) -> None:
    """Remove the segment of that name when its process is gone and all was delivered; report what in it is no record.

    Raises OSError.
    """
    path = folder.segment(name)
    with fork_lock, suppress(FileNotFoundError, PermissionError):
        descriptor = open_segment(path, os.O_RDWR)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # its process lives
            cursor, size = folder.cursor(name), os.fstat(descriptor).st_size
            if cursor < size and (is_foreign(folder, name) or next_frame(path, name, cursor) is not None):
                return  # not ours to judge, or written since we looked
            tell_rest(folder, path, descriptor, cursor)
            folder.forget(path)
        finally:
            os.close(descriptor)


def tell_rest(folder: Folder, path: Path, descriptor: int, cursor: int) -> None:
    """Report what stands in a segment behind ``cursor`` and is no whole frame, unless a killed process can have left it.

    Raises OSError.
    """
    name, size = path.stem, os.fstat(descriptor).st_size
    if size < HEADER_SIZE:
        report(folder, name, f"its {size} bytes are less than a header")  # a segment gets its name when that is on the disk
        return
    if size < cursor:
        report(folder, name, f"it ends at byte {size}, though it was delivered up to {cursor}: what followed is gone")
        return
    end = written_end(descriptor, cursor)
    if end <= cursor:
        return  # zeros that were written ahead
    if was_cut_off(descriptor, cursor):
        # It never came to its end, so it was never acknowledged.
        logger.warning("outbox: segment %s ends in a write of %d bytes that was cut off and never acknowledged", name, end - cursor)
        return
    report(folder, name, f"bytes {cursor} to {end}: not a record")


def was_cut_off(descriptor: int, at: int) -> bool:
    """Whether what was written behind ``at`` is the beginning of a frame of which the rest never reached the file. Raises OSError.

    The kernel copies a write page by page, and a disk takes sectors: a killed process, or a power failure, leaves the whole of some
    and nothing of the next. What ends anywhere else was cut off by something else, after it was written.
    """
    end = written_end(descriptor, at)
    sector_end = -(-end // _SECTOR) * _SECTOR
    if sector_end > os.fstat(descriptor).st_size or sector_end - end > _ZEROS_IN_A_ROW:
        return False
    return is_cut_off(os.pread(descriptor, _LEAD_MAX, at), sector_end - at, lambda: os.pread(descriptor, sector_end - at, at))
