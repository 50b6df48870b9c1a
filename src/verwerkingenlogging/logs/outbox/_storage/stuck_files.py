"""What the process that delivers has to say to who looks at the outbox from outside: why some of it cannot be delivered."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress

import msgspec

from verwerkingenlogging.logs.outbox._storage.folder import NEW, Folder, read_small

__all__ = ["notes", "write_notes"]

_NAME = "delivery"


class _Notes(msgspec.Struct):
    stuck: dict[str, str] = {}


def write_notes(folder: Folder, stuck: Mapping[str, str]) -> None:
    """Write down what is ``stuck``, by file, and why. On a full disk it is not: the technical log has it too."""
    if stuck == notes(folder):
        return
    path = folder.path / _NAME
    with suppress(OSError):
        if not stuck:
            path.unlink()
            return
        new = path.with_suffix(NEW)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(_Notes(dict(stuck))))
        new.replace(path)


def notes(folder: Folder) -> dict[str, str]:
    """What was last stuck, by file, and why; nothing where nobody said so."""
    try:
        return msgspec.json.decode(read_small(folder.path / _NAME), type=_Notes).stuck
    except (OSError, msgspec.MsgspecError, UnicodeError):
        return {}
