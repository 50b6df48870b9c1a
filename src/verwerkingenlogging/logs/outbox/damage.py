"""What cannot be read is set aside and told, loudly; it is never passed over in silence."""

from __future__ import annotations

import fcntl
import logging
import os
from contextlib import suppress
from datetime import UTC, datetime

from verwerkingenlogging.logs.outbox.folder import Folder, sync_folder, synced, write_whole
from verwerkingenlogging.logs.outbox.forking import steady
from verwerkingenlogging.logs.outbox.frames import KIND, VERSION, NoFrame, parse
from verwerkingenlogging.logs.outbox.reading import header_of, next_frame

__all__ = ["is_foreign", "report", "settle"]

logger = logging.getLogger("verwerkingenlogging.outbox")

_SECTOR = 512
"""Bytes that a disk writes whole or not at all, and a part of the pages that the kernel copies."""


def report(folder: Folder, name: str, what: str) -> None:
    """Write down ``what`` is wrong with a segment, so that it is set aside rather than removed. Safe when this returns. Raises OSError."""
    path = folder.report(name)
    if path.exists() and what in path.read_text(encoding="utf-8"):
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
    if header.startswith(VERSION):
        return False
    if not header.startswith(KIND):
        report(folder, name, "its header is not one")  # what follows it may be whole
        return False
    return True


def settle(folder: Folder, name: str) -> None:
    """Remove the segment of that name when its process is gone and all of it was delivered; tell what of it is no record.

    Raises OSError.
    """
    path = folder.segment(name)
    with steady, suppress(FileNotFoundError, PermissionError):
        descriptor = os.open(path, os.O_RDWR)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # its process lives
            cursor, size = folder.cursor(name), os.fstat(descriptor).st_size
            if cursor < size:
                if is_foreign(folder, name) or next_frame(path, name, cursor) is not None:
                    return  # not ours to judge, or written since we looked
                _tail(folder, name, os.pread(descriptor, size - cursor, cursor), cursor)
            folder.forget(name)
        finally:
            os.close(descriptor)


def _tail(folder: Folder, name: str, rest: bytes, at: int) -> None:
    """What stands behind the last whole frame of a dead process, ``rest``, which begins at ``at``."""
    written = len(rest.rstrip(b"\0"))
    if not written:
        return  # zeros that were written ahead
    # A write is cut off at its file's end, or in zeros that begin where a sector does; a byte more may be the frame's own.
    end = min(-(-(at + written) // _SECTOR) * _SECTOR - at, len(rest))
    try:
        parse(rest[:end], 0, name, at)
    except NoFrame as error:
        if error.needed > end:
            # It never came to its end, so it was never acknowledged.
            logger.warning("outbox: segment %s ends in a write of %d bytes that was cut off and never acknowledged", name, written)
            return
    report(folder, name, f"bytes {at} to {at + written}: not a record")
