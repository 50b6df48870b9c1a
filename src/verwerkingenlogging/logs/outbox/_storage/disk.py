"""What is asked of the disk: to have something, and to say who may go on."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

__all__ = ["sync_folder", "synced", "try_lock", "write_whole"]

synced = getattr(os, "fdatasync", os.fsync)  # macOS has only the latter
"""Waits until what was written to a descriptor is on the disk."""


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
