"""Quick reads of a SQLite file on the event loop itself, as long as they take only a moment.

The driver lets go of Python's lock at each row, and a thread that reads waits for its turn each time, so that handing a search
over takes a fifth of its processor time. On the event loop nobody else is at work. But what a disk or a large result would make
long must not hold up everybody: then it stops, and the caller reads in a thread.
"""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from verwerkingenlogging_register._database.sqlite import open_reader
from verwerkingenlogging_register._keys.protection import Keys

__all__ = ["QuickReader", "TookLonger"]

T = TypeVar("T")

_THREAD = getattr(resource, "RUSAGE_THREAD", None)  # Linux has it
_UNKNOWN = count()

_SECONDS = 0.01
"""How long a read may hold up the event loop: a search of a person takes a fiftieth of that."""
_STEPS = 200
"""How many steps of SQLite's machine go between two looks at the clock: a record or two, so a few pages of a cold file."""
_AWAY_SECONDS = 1.0
"""After a read that took longer, the next ones may too: the file is cold, or somebody asks for much."""


class TookLonger(Exception):
    """This read takes too long for the event loop, and must be done in a thread."""


class QuickReader:
    """One connection for the thread of the event loop. Close it when done.

    ``seconds`` is how long a read may hold that up; after one that would take longer, none is begun for ``away`` seconds.
    """

    def __init__(self, path: Path, keys: Keys, *, seconds: float = _SECONDS, away: float = _AWAY_SECONDS) -> None:
        self._seconds, self._away = seconds, away
        self._turn = threading.Lock()  # an application may run on several event loops
        self._late_at = self._busy_until = float("inf")
        self._waits = 0
        self._again_at = float("-inf")
        self._engine = open_reader(path, execution_options={"keys": keys})
        self._connection = self._engine.connect()
        self._driver = cast("Any", self._connection.connection.driver_connection)
        self._driver.execute("PRAGMA busy_timeout=0").close()  # who holds a lock is waited for elsewhere
        self._driver.set_progress_handler(self._is_late, _STEPS)

    def read(self, query: Callable[[Connection], T]) -> T:
        """The result of ``query`` on one consistent state of the database. Raises TookLonger, also for any error of the database."""
        now = time.monotonic()
        # What a file says that was moved away is not what is there: a thread makes another connection, if there is one to make.
        if now < self._again_at or self._driver.lost or not self._turn.acquire(blocking=False):
            raise TookLonger
        try:
            self._late_at, self._busy_until, self._waits = now + self._seconds, time.thread_time() + self._seconds, _waits()
            return query(self._connection)
        except DBAPIError:
            self._again_at = time.monotonic() + self._away
            raise TookLonger from None
        finally:
            if self._connection.in_transaction():
                self._connection.rollback()
            self._turn.release()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
        self._engine.dispose()

    def _is_late(self) -> bool:
        """Whether it held up the loop for too long. Not while others had the processor: a thread would have waited for it too."""
        if time.monotonic() <= self._late_at:
            return False
        return time.thread_time() > self._busy_until or _waits() != self._waits


def _waits() -> int:
    """How often this thread waited for a disk; where the system does not tell, every time."""
    if _THREAD is None:
        return next(_UNKNOWN)
    usage = resource.getrusage(_THREAD)
    return usage.ru_majflt + usage.ru_inblock
