"""The owner of an outbox: the client as which its records are delivered.

A register knows a record that it has had before by its client and its key. So what one client left must not be delivered as
another: it would be the other's, and what had arrived already would be there twice.
"""

from __future__ import annotations

import os
from contextlib import suppress

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.logs.outbox._storage.disk import synced, try_lock, write_whole
from verwerkingenlogging.logs.outbox._storage.folder import Folder
from verwerkingenlogging.logs.outbox._storage.fork_lock import fork_lock
from verwerkingenlogging.logs.outbox._storage.segment_files import NEW, read_small, segments_in

__all__ = ["claim", "hand_over", "owner_of"]

_NAME = "owner"


def owner_of(folder: Folder) -> str | None:
    """The client that owns the outbox; None when it has no owner yet. Raises OSError."""
    with suppress(FileNotFoundError):
        return read_small(folder.path / _NAME).decode(errors="replace").strip() or None
    return None


def claim(folder: Folder, client: str) -> None:
    """Make ``client`` the owner, if there is no owner yet, or if the outbox is empty and nobody delivers from it.

    Raises ConfigurationError when it is another's, OSError.
    """
    owner = owner_of(folder)
    if owner == client:
        return
    if owner is None or _is_idle(folder):
        hand_over(folder, client)
        return
    raise ConfigurationError(
        f"outbox: {folder.path}: is that of client {owner!r}, and this is {client!r}; give each application a folder of its own. "
        f"Where the client has another name now: run verwerkingenlogging outbox flush {folder.path} as {owner!r} first, or, if the "
        f"register has no such client any more: verwerkingenlogging outbox owner {folder.path} {client}"
    )


def hand_over(folder: Folder, client: str) -> None:
    """Make ``client`` the owner, also of what waits. Safe when this returns. Raises OSError."""
    path = folder.path / _NAME
    new = path.with_name(f"{_NAME}.{os.getpid()}{NEW}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        write_whole(descriptor, client.encode() + b"\n")
        synced(descriptor)
    finally:
        os.close(descriptor)
    new.replace(path)


def _is_idle(folder: Folder) -> bool:
    if any(segments_in(each) for each in (folder.path, folder.held, folder.refused)):
        return False
    with fork_lock:
        lock = try_lock(folder.lock, make=True)
        if lock is not None:
            os.close(lock)
    return lock is not None
