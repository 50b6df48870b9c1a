"""A quota that the workers of one server count together: a moment per client, in a file that no other process knows."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from verwerkingenlogging_register._access.quotas import Moment

__all__ = ["SharedMoments"]

_NAME_BYTES = 16
_RECORD = struct.Struct(f"{_NAME_BYTES}sd")


class SharedMoments:
    """For ``RateLimit``, when several processes count together.

    A record per client in a file, under a lock that the system takes back from a process that is killed. That costs some
    microseconds per request; records are never taken away, and there are no more of them than clients were registered.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._places: dict[str, int] = {}

    @contextmanager
    def of(self, client: str) -> Iterator[Moment]:
        """The moment of ``client``, for exclusive use; 0 when there is none yet."""
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            place = self._place_of(client)
            moment = Moment(_RECORD.unpack(os.pread(self._file, _RECORD.size, place))[1])
            yield moment
            os.pwrite(self._file, struct.pack("d", moment.value), place + _NAME_BYTES)
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _place_of(self, client: str) -> int:
        """Where its record begins; one is added for a client that no worker has seen yet."""
        place = self._places.get(client)
        if place is None:
            name = blake2b(client.encode(), digest_size=_NAME_BYTES).digest()
            records = os.pread(self._file, os.fstat(self._file).st_size, 0)
            known = [found for found, _ in _RECORD.iter_unpack(records)]
            place = (known.index(name) if name in known else len(known)) * _RECORD.size
            if place == len(records):
                os.pwrite(self._file, _RECORD.pack(name, 0.0), place)
            self._places[client] = place
        return place
