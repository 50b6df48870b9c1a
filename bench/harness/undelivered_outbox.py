"""An outbox of which nothing is delivered: what it costs to be safe on the disk, and nothing else."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from verwerkingenlogging import LogRefused, Verwerkingsactie
from verwerkingenlogging.logs.outbox import OutboxLog
from verwerkingenlogging.logs.outbox._storage.damage import settle
from verwerkingenlogging.logs.outbox._storage.disk import try_lock
from verwerkingenlogging.logs.outbox._storage.folder import Folder
from verwerkingenlogging.logs.outbox._storage.frame_reader import frames_in
from verwerkingenlogging.logs.protocol import Entry, Safety

__all__ = ["Kept", "disk"]


def disk() -> Path:
    """Where files are made: ``BENCH_CACHE``, or beside the bench: on a real disk, so that a wait for it costs what it costs."""
    folder = Path(os.environ.get("BENCH_CACHE") or Path(__file__).parents[1] / ".cache").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Nobody:
    """A Receiver that is never asked."""

    def deliver(self, entries: Sequence[Entry]) -> Sequence[LogRefused | None]:
        raise NotImplementedError

    def log(self, acties: Sequence[Verwerkingsactie]) -> None:
        raise NotImplementedError

    async def alog(self, acties: Sequence[Verwerkingsactie]) -> None:
        raise NotImplementedError


class Kept:
    """An outbox whose records this finds back on the disk. Somebody else seems to deliver: its lock is taken.

    Attributes:
        log: the outbox.
    """

    def __init__(self, safety: Safety = "process") -> None:
        path = Path(tempfile.mkdtemp(dir=disk()))
        atexit.register(shutil.rmtree, path, ignore_errors=True)
        self.log = OutboxLog(path / "outbox", Nobody(), safety=safety)
        self._folder = Folder(path / "outbox")
        self._lock = try_lock(self._folder.lock, make=True)

    def take(self) -> list[Verwerkingsactie]:
        """What was kept since the last time, and forget it."""
        acties = []
        for one in self._folder.waiting():
            for frame in frames_in(self._folder.segment(one.name), one.name, one.cursor, lambda *_: None):
                acties.append(Entry(key=frame.key, body=frame.body).actie)
                end = frame.end
            if one.cursor < one.size:
                self._folder.advance(one.name, end)
            settle(self._folder, one.name)
        return acties
