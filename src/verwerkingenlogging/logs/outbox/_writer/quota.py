"""The quota of an outbox: it refuses records that it has no room for, and drops nothing to make room."""

from __future__ import annotations

import os
import time

from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging.logs.outbox._storage.folder import Folder
from verwerkingenlogging.logs.outbox._storage.segment_files import segments_in

__all__ = ["Quota"]

_FRESH_SECONDS = 1.0
_AHEAD = 128 * 1024
"""Some two hundred records. Twice as many zeros cost the processor more than they save; half is too few for 64 that wait."""
_BLOCK = 512
_PAUSE = 50
"""How many times longer than the last look it is until the next: thousands of segments take long to look at."""


class Quota:
    """The number of bytes that may still be appended in ``folder``.

    Attributes:
        min_free: bytes that must stay free on its file system.
        max_bytes: most bytes that may wait there.
    """

    def __init__(self, folder: Folder, *, min_free: int, max_bytes: int) -> None:
        self._folder = folder
        self.min_free = min_free
        self.max_bytes = max_bytes
        self._left = 0
        self._why = ""
        self._look_again = self._look_sooner = 0.0

    def take(self, size: int) -> None:
        """Claim ``size`` bytes. Raises LogUnavailable, OSError.

        Looks at the disk once a second at most, sooner when there is too little, and never for more than a fiftieth of the time.
        """
        now = time.monotonic()
        if now >= self._look_again or (size > self._left and now >= self._look_sooner):
            self._look()
            after = time.monotonic()
            self._look_sooner = after + _PAUSE * (after - now)
            self._look_again = max(self._look_sooner, after + _FRESH_SECONDS)
        if size > self._left:
            raise LogUnavailable(self._why)
        self._left -= size

    def ahead(self) -> int:
        """The bytes that may be reserved ahead of the records: a part of what is left, so that a disk is not filled with zeros."""
        return min(_AHEAD, max(0, self._left) // 8)

    def _look(self) -> None:
        by_free, by_waiting = self.free() - self.min_free, self.max_bytes - self.waiting()
        self._left = min(by_free, by_waiting)
        self._why = (
            "outbox: the file system has less free than min_free; make room on it"
            if by_free <= by_waiting
            else "outbox: max_bytes wait to be delivered; see to the register, or give it more"
        )

    def free(self) -> int:
        """Bytes that are free on the file system. Raises OSError."""
        system = os.statvfs(self._folder.path)
        return system.f_bavail * system.f_frsize

    def waiting(self) -> int:
        """Bytes that wait. Raises OSError."""
        return sum(one.size - one.cursor for one in self._folder.waiting()) + self._set_apart()

    def _set_apart(self) -> int:
        try:
            return sum(path.stat().st_blocks * _BLOCK for path in segments_in(self._folder.held))
        except OSError:  # delivered meanwhile, or not ours to read: nobody is to be refused for that
            return 0
