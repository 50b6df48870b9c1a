"""A segment that this process appends to. Its callers share one wait for the disk."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from contextlib import suppress

from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging.logs.outbox._storage.disk import synced
from verwerkingenlogging.logs.outbox._storage.folder import Folder
from verwerkingenlogging.logs.outbox._storage.frames import HEADER_SIZE

__all__ = ["Segment"]


class Segment:
    """A new segment in ``folder``. Raises OSError when it cannot be made.

    Zeros are written ahead of the frames, ``ahead()`` bytes of them whenever they are used up. A frame that takes their place
    changes neither the size of the file nor where it lies, so that a wait for the disk need not wait for a journal too.

    Attributes:
        name: its own.
        size: bytes that were written to it.
        unsynced: where what the disk failed to take begins, once it did.
        failed: a write or a sync of it failed; nothing more may be written, and what was not synced is not safe.
    """

    def __init__(self, folder: Folder, ahead: Callable[[], int]) -> None:
        self.size = HEADER_SIZE
        self._next = HEADER_SIZE  # where the next frames go
        self._zeros_end = HEADER_SIZE
        self._ahead = ahead
        self.failed = False
        self.unsynced: int | None = None
        self._synced = HEADER_SIZE
        self._wanted = HEADER_SIZE
        self._syncing = False
        self._changed = threading.Condition()
        with folder.born() as (name, descriptor):
            self.name = name
            self._descriptor = descriptor
            self._counts_names = _names(descriptor) > 0  # not every file system does

    @property
    def removed(self) -> bool:
        """Whether somebody removed its file meanwhile: what is written to it from then on is lost."""
        return self._counts_names and not _names(self._descriptor)

    def append(self, frames: bytes, *, to_sync: bool) -> int:
        """Write ``frames``, one caller at a time; gives the place where they end, which that caller may ``sync``.

        Raises OSError, and then nothing of them counts.
        """
        start = self._next
        self._next = end = start + len(frames)  # first: a signal may raise before they are counted, and nothing may take their place
        if end <= self._zeros_end:
            written = os.pwrite(self._descriptor, frames, start)
        else:
            written = os.pwrite(self._descriptor, frames + bytes(self._ahead()), start)
            self._zeros_end = start + written
        if start + written < end:
            # A reader may already have had the first of them, so no other may ever stand in their place: this segment ends here.
            self.failed = True
            os.ftruncate(self._descriptor, start)
            raise OSError(0, "the disk took a part of it")
        self.size = end
        if to_sync:
            self._wanted = end
        return end

    def sync(self, end: int) -> None:
        """Wait until everything before ``end`` is on the disk. Of many callers one waits for the disk, on behalf of all.

        Raises LogUnavailable when that failed, once or ever: a disk that forgot a page does not say so twice.
        """
        with self._changed:
            while self._synced < end and self._syncing:
                self._changed.wait()
            if self._synced >= end:
                return
            if self.failed:
                raise LogUnavailable("outbox: what was written before did not reach the disk")
            self._syncing = True
            reached = self.size
        done, failure = False, None
        try:
            self._to_disk()
            done = True
        except OSError as error:
            failure = error
        finally:  # also when a signal raises here: the others must not wait for ever
            self._tell(reached if done else None, failed=failure is not None)
        if failure is not None:
            raise LogUnavailable(f"outbox: the disk did not take it ({failure.strerror})")

    def _to_disk(self) -> None:
        synced(self._descriptor)
        if self.removed:
            raise OSError(errno.ENOENT, "its file was removed")

    def _tell(self, reached: int | None, *, failed: bool) -> None:
        with self._changed:
            self._syncing = False
            if reached is not None:
                self._synced = reached
            if failed:
                self.failed = True
                self.unsynced = self._synced
            self._changed.notify_all()

    def give_up(self) -> None:
        """Take nothing more: its file was removed."""
        with self._changed:
            self.failed = True
            self.unsynced = self._synced

    def close(self) -> None:
        """Close it, after the callers that wait for the disk. The caller makes sure that nobody appends.

        Raises LogUnavailable as ``sync`` does.
        """
        try:
            if self._wanted > self._synced and not self.failed:
                self.sync(self._wanted)
            self._trim()
        finally:
            self.abandon()

    def _trim(self) -> None:
        """Give back what was written ahead. Readers know it where that was left out, as after kill -9."""
        if self._zeros_end > self._next and not self.failed:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._next)

    def abandon(self) -> None:
        """Close it without a sync, after a failure."""
        with self._changed:
            while self._syncing:
                self._changed.wait()
            self.failed = True
            descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def disown(self) -> None:
        """In a forked child: drop the parent's segment. The threads that used it are not here."""
        with suppress(OSError):
            os.close(self._descriptor)


def _names(descriptor: int) -> int:
    """How many names a file has: none, once it is removed."""
    return os.fstat(descriptor).st_nlink
