"""The state of an outbox, read from its folder: by the application itself, or from outside while it runs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from verwerkingenlogging.logs.outbox._storage.dead_letters import dead_letters
from verwerkingenlogging.logs.outbox._storage.folder import Folder
from verwerkingenlogging.logs.outbox._storage.frame_reader import frames_in
from verwerkingenlogging.logs.outbox._storage.frames import Frame
from verwerkingenlogging.logs.outbox._storage.retry_queue import records_in_retry_queue
from verwerkingenlogging.logs.outbox._storage.segment_files import SEGMENT, cursor_of, segments_in
from verwerkingenlogging.logs.outbox._storage.stuck_files import stuck_files

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
        held: records among those that wait, that are set apart: the register fails for one of them, or for an earlier one of their
            verwerking, while it takes others.
        stuck: files that cannot be delivered, by name, and why.
        free_bytes: room on the file system.
        alarms: what somebody must look at, in words without personal data; empty when all is well.
    """

    waiting: int
    waiting_bytes: int
    oldest_seconds: float | None
    refused: int
    damaged: int
    free_bytes: int
    held: int = 0
    stuck: Mapping[str, str] = field(default_factory=dict)
    alarms: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def status_of(folder: Folder, *, max_age: float, min_free: int, max_bytes: int) -> Status:
    """The state of the outbox in ``folder``, judged by the limits of its log. Reads all that waits. Raises OSError."""
    waiting = count = 0
    oldest: int | None = None
    for one in folder.waiting():
        with suppress(OSError):  # delivered meanwhile, or the disk fails for it: then it is stuck, and whoever delivers says so
            for frame in frames_in(folder.segment(one.name), one.name, one.cursor, lambda *_: None):
                oldest = frame.time if oldest is None else min(oldest, frame.time)
                count += 1
        waiting += one.size - one.cursor
    apart = 0
    for frame in records_in_retry_queue(folder):
        oldest = frame.time if oldest is None else min(oldest, frame.time)
        apart += 1
    age = None if oldest is None else max(0.0, time.time() - oldest / _NANO)
    system = os.statvfs(folder.path)
    free = system.f_bavail * system.f_frsize
    unread: list[str] = []
    refusals = sum(1 for _ in dead_letters(folder, unread.append))
    stuck = {**_still(folder), **folder.unreadable, **dict.fromkeys(unread, "holds refused records that cannot be read")}
    damaged = len(list(folder.damaged.glob("*.txt")))
    alarms = {
        f"the oldest record waits for {age or 0:.0f} s, longer than max_age": age is not None and age > max_age,
        f"{refusals} records were refused": refusals > 0,
        f"{damaged} segments are damaged": damaged > 0,
        f"{apart} records are set apart, for the register fails for them alone": apart > 0,
        **{f"{name} {reason}": True for name, reason in stuck.items()},
        "the file system has less free than min_free": free < min_free,
        "more waits than max_bytes": waiting > max_bytes,
    }
    return Status(
        waiting=count + apart,
        waiting_bytes=waiting,
        oldest_seconds=age,
        refused=refusals,
        damaged=damaged,
        free_bytes=free,
        held=apart,
        stuck=stuck,
        alarms=tuple(alarm for alarm, rings in alarms.items() if rings),
    )


def oldest_waiting(folder: Folder) -> Frame | None:
    """The record that waits longest, or None. Looks at the first of each segment only. Raises OSError."""
    return min(heads(folder), default=None)


def _still(folder: Folder) -> dict[str, str]:
    """What the process that delivers said of files that are still there."""
    names = set(folder.segments()) | {path.name for path in segments_in(folder.held)}
    return {
        f"{name.removesuffix(SEGMENT)}{SEGMENT}": f"cannot be delivered: {why}"
        for name, why in stuck_files(folder).items()
        if name in names
    }


def heads(folder: Folder) -> Iterator[Frame]:
    """The first record that waits in each segment, and of each verwerking that is set apart. Raises OSError."""
    for one in folder.waiting():
        with suppress(OSError):  # delivered meanwhile, or the disk fails for it
            yield from _first(folder.segment(one.name), one.cursor)
    for path in segments_in(folder.held):
        with suppress(OSError):
            yield from _first(path, cursor_of(path))


def _first(path: Path, cursor: int) -> list[Frame]:
    for frame in frames_in(path, path.stem, cursor, lambda *_: None, stretch=_ONE):
        return [frame]
    return []
