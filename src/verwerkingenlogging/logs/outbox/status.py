"""How an outbox fares, read from its folder: by the application itself, or from outside while it runs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from verwerkingenlogging.logs.outbox.folder import Folder
from verwerkingenlogging.logs.outbox.frames import Frame
from verwerkingenlogging.logs.outbox.reading import frames_in
from verwerkingenlogging.logs.outbox.refusals import refused

__all__ = ["Status", "heads", "oldest_waiting", "status_of"]

_NANO = 1e9
_ONE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What is in an outbox.

    Attributes:
        waiting: records that were not delivered yet.
        waiting_bytes: their size on the disk.
        oldest_seconds: how long the oldest of them waits; None when there is none.
        refused: records that the register refused for good; `verwerkingenlogging outbox retry` puts them back.
        damaged: segments that were set aside because they could not be read whole.
        free_bytes: room on the file system.
        alarms: what somebody must look at, in words without personal data; empty when all is well.
    """

    waiting: int
    waiting_bytes: int
    oldest_seconds: float | None
    refused: int
    damaged: int
    free_bytes: int
    alarms: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def status_of(folder: Folder, *, max_age: float, min_free: int, max_bytes: int) -> Status:
    """Look into ``folder``; the limits are those of the log. Reads all that waits. Raises OSError."""
    waiting = count = 0
    oldest: int | None = None
    for one in folder.waiting():
        with suppress(FileNotFoundError):  # delivered meanwhile
            for frame in frames_in(folder.segment(one.name), one.name, one.cursor, lambda *_: None):
                oldest = frame.time if oldest is None else min(oldest, frame.time)
                count += 1
        waiting += one.size - one.cursor
    age = None if oldest is None else max(0.0, time.time() - oldest / _NANO)
    system = os.statvfs(folder.path)
    free = system.f_bavail * system.f_frsize
    refusals = sum(1 for _ in refused(folder))
    unreadable = len(folder.unreadable.intersection(folder.segments()))
    damaged = len(list(folder.damaged.glob("*.txt")))
    alarms = {
        f"the oldest record waits for {age or 0:.0f} s, longer than max_age": age is not None and age > max_age,
        f"{refusals} records were refused": refusals > 0,
        f"{damaged} segments are damaged": damaged > 0,
        f"{unreadable} segments belong to another user": unreadable > 0,
        "the file system has less free than min_free": free < min_free,
        "more waits than max_bytes": waiting > max_bytes,
    }
    return Status(
        waiting=count,
        waiting_bytes=waiting,
        oldest_seconds=age,
        refused=refusals,
        damaged=damaged,
        free_bytes=free,
        alarms=tuple(alarm for alarm, rings in alarms.items() if rings),
    )


def oldest_waiting(folder: Folder) -> Frame | None:
    """The record that waits longest, or None. Looks at the first of each segment only. Raises OSError."""
    return min(heads(folder), default=None)


def heads(folder: Folder) -> Iterator[Frame]:
    """The first record that waits in each segment. Raises OSError."""
    for one in folder.waiting():
        with suppress(FileNotFoundError):  # delivered meanwhile
            yield from _first(folder, one.name, one.cursor)


def _first(folder: Folder, name: str, cursor: int) -> list[Frame]:
    for frame in frames_in(folder.segment(name), name, cursor, lambda *_: None, stretch=_ONE):
        return [frame]
    return []
