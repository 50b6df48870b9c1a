"""The lock that allows one server at a time on a SQLite file. It ends with the process, in whatever way."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register._database.location import Location

__all__ = ["single_server"]

_OWNER_ONLY = 0o600


@contextmanager
def single_server(database: Location) -> Iterator[None]:
    """Hold the lock of the only server on ``database`` if it is a SQLite file. Raises ConfigurationError when another has it.

    Two would each keep limits of their own, wait for each other's writes by polling, and store a third less than one. The lock
    is on a file of its own beside the database: on some systems SQLite would take one on its own file for that of a writer.
    """
    if not isinstance(database, Path):
        yield
        return
    file = database.resolve()
    beside = file.with_name(f"{file.name}.lock")
    try:
        lock = os.open(beside, os.O_RDWR | os.O_CREAT, _OWNER_ONLY)
    except OSError as error:
        raise ConfigurationError(f"setting database: {beside}: {error.strerror}; give a file in a folder this user can write") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(
                f"setting database: {database} is served by another process; stop that one first, or use PostgreSQL for more than one"
            ) from None
        yield
    finally:
        os.close(lock)
