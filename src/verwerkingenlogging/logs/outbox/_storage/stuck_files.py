"""Files that cannot be delivered, and why: written by the process that delivers, for whoever looks from outside."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress

import msgspec

from verwerkingenlogging.logs.outbox._storage.folder import Folder
from verwerkingenlogging.logs.outbox._storage.segment_files import NEW, read_small

__all__ = ["stuck_files", "write_stuck_files"]

_NAME = "delivery"


class _StuckFiles(msgspec.Struct):
    stuck: dict[str, str] = {}


def write_stuck_files(folder: Folder, stuck: Mapping[str, str]) -> None:
    """Write down which files are ``stuck`` and why. On a full disk this fails silently; the technical log has it too."""
    if stuck == stuck_files(folder):
        return
    path = folder.path / _NAME
    with suppress(OSError):
        if not stuck:
            path.unlink()
            return
        new = path.with_suffix(NEW)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(_StuckFiles(dict(stuck))))
        new.replace(path)


def stuck_files(folder: Folder) -> dict[str, str]:
    """The files that were last stuck, and why; empty when none were."""
    try:
        return msgspec.json.decode(read_small(folder.path / _NAME), type=_StuckFiles).stuck
    except (OSError, msgspec.MsgspecError, UnicodeError):
        return {}
