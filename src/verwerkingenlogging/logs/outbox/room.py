"""Back-pressure: an outbox takes nothing that it has no room for, and drops nothing to make room."""

from __future__ import annotations

import os
import time

from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging.logs.outbox.folder import Folder

__all__ = ["Room"]

_FRESH_SECONDS = 1.0


class Room:
    """How much may still be appended in ``folder``.

    Attributes:
        min_free: bytes that must stay free on its file system.
        max_bytes: most bytes that may wait there.
    """

    def __init__(self, folder: Folder, *, min_free: int, max_bytes: int) -> None:
        self._folder = folder
        self.min_free = min_free
        self.max_bytes = max_bytes
        self._left = 0
        self._look_again = 0.0

    def take(self, size: int) -> None:
        """Claim ``size`` bytes. Looks at the disk once a second at most, unless there is too little. Raises LogUnavailable, OSError."""
        now = time.monotonic()
        if size > self._left or now > self._look_again:
            self._look(size)
            self._look_again = now + _FRESH_SECONDS
        self._left -= size

    def _look(self, size: int) -> None:
        free = self.free()
        if free - size < self.min_free:
            raise LogUnavailable("outbox: the file system has less free than min_free; make room on it")
        waiting = self.waiting()
        if waiting + size > self.max_bytes:
            raise LogUnavailable("outbox: max_bytes wait to be delivered; see to the register, or give it more")
        self._left = min(free - self.min_free, self.max_bytes - waiting)

    def free(self) -> int:
        """Bytes that are free on the file system. Raises OSError."""
        system = os.statvfs(self._folder.path)
        return system.f_bavail * system.f_frsize

    def waiting(self) -> int:
        """Bytes that wait. Raises OSError."""
        return sum(one.size - one.cursor for one in self._folder.waiting())
