"""A database in a SQLite file: its mode, and the durability of its commits."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, DisconnectionError
from sqlalchemy.pool import QueuePool

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register._database.schema import check_current, migrate, revision_of
from verwerkingenlogging_register._keys.protection import Keys

__all__ = ["open_reader", "open_writer", "prepare", "update"]

_OWNER_ONLY = 0o600
_READERS = 8
_MORE_READERS = 32

# FULL: a commit has reached the disk when it returns. A large cache and rare checkpoints keep it fast while the file grows.
_WRITER_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",  # what the purge removes is overwritten
    "busy_timeout=10000",
    "cache_size=-65536",
    "wal_autocheckpoint=4000",
)
# Reading through a map of the file spares a copy of each page.
_READER_PRAGMAS = ("query_only=ON", "busy_timeout=10000", "cache_size=-16384", "mmap_size=4294967296")
_DURABLE = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def prepare(path: Path) -> None:
    """Make the database file, readable by its owner only, and in a new one the tables.

    Raises ConfigurationError, naming the file and the remedy, when it cannot be used or its tables are of another version.
    """
    _with_tables(path, update=False)


def update(path: Path, progress: Callable[[str], None] = lambda _: None, keys: Keys | None = None) -> None:
    """Make the database file and its tables, or update them. What an update removed is then in none of its files.

    ``progress`` is told what takes long; ``keys`` are needed where secrets that stand in clear are sealed. Raises
    ConfigurationError when it cannot be used.
    """
    _with_tables(path, update=True, progress=progress, keys=keys)


def _with_tables(path: Path, *, update: bool, progress: Callable[[str], None] = lambda _: None, keys: Keys | None = None) -> None:
    _make_file(path)
    engine = open_writer(path, execution_options={"keys": keys})
    try:
        with engine.begin() as connection:
            if update or revision_of(connection) is None:
                migrate(connection, progress)
            check_current(connection, str(path))
        if update:
            _empty_log(engine, path)
    except DatabaseError as error:
        raise ConfigurationError(f"setting database: {path} is not a usable SQLite database ({error.orig})") from None
    finally:
        engine.dispose()


def _empty_log(engine: Engine, path: Path) -> None:
    """Bring what stands in the log beside the file into the file, and leave nothing in the log: old pages stand there too."""
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA busy_timeout=1000").close()
        (busy, *_) = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise ConfigurationError(
            f"setting database: {path} was updated, but {path}-wal still holds what was there before, since somebody reads the database; "
            "stop the register and run this again"
        )


def _make_file(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, _OWNER_ONLY))
    except OSError as error:
        raise ConfigurationError(f"setting database: {path}: {error.strerror}; give a file in a folder this user can write") from None
    for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):  # a log of before, that was put back with it, holds the same
        try:
            mode = stat.S_IMODE(file.stat().st_mode)
        except FileNotFoundError:
            continue
        if mode & ~_OWNER_ONLY:
            raise ConfigurationError(f"setting database: {file} has mode {mode:04o}, so others can read it; run: chmod 600 {file}")


def open_writer(path: Path, **options: Any) -> Engine:
    """An engine with one connection, for the one thread that writes. Its transactions hold the write lock from their start.

    A connection whose commits would not reach the disk is refused, with ConfigurationError.
    """
    engine = _open(path, _WRITER_PRAGMAS, begin="BEGIN IMMEDIATE", pool_size=1, max_overflow=0, **options)

    @event.listens_for(engine, "connect")
    def _check_durable(dbapi_connection: Any, _record: object) -> None:
        for pragma, needed in _DURABLE.items():
            if (found := dbapi_connection.execute(f"PRAGMA {pragma}").fetchone()[0]) != needed:
                raise ConfigurationError(
                    f"setting database: {path}: SQLite has {pragma}={found} where {needed} is needed for commits that last; "
                    "put the file on a local disk"
                )

    return engine


def open_reader(path: Path, **options: Any) -> Engine:
    """An engine whose connections refuse to write. A transaction sees one state of the database throughout."""
    return _open(path, _READER_PRAGMAS, begin="BEGIN", pool_size=_READERS, max_overflow=_MORE_READERS, **options)


class _Guarded(sqlite3.Connection):
    """A connection that knows its files, and notices when others stand in their place, or none.

    What is written to a file that was moved away, removed or replaced is nowhere. SQLite does not tell: it has the file open.
    """

    _files: dict[str, tuple[int, int]]

    def guard(self, path: Path) -> None:
        """From now on, heed the database at ``path`` and its log beside it."""
        self.execute("SELECT 1 FROM sqlite_schema LIMIT 1").close()  # opens its log too
        files = (str(path), f"{path}-wal")
        self._files = {file: found for file in files if (found := _identity(file)) is not None}

    @property
    def lost(self) -> bool:
        """Whether one of its files is not where it was."""
        return any(_identity(file) != known for file, known in self._files.items())

    def commit(self) -> None:
        """Commit. Raises OperationalError when that went into files that are not there any more: it counts as not committed."""
        super().commit()
        if self.lost:
            raise sqlite3.OperationalError("the database file was moved, removed or replaced while it was open")


def _identity(file: str) -> tuple[int, int] | None:
    try:
        found = os.stat(file)  # noqa: PTH116  # for every answer: half the cost
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _open(path: Path, pragmas: tuple[str, ...], *, begin: str, **options: Any) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool,
        pool_use_lifo=True,  # the connection that was used last has its pages at hand
        hide_parameters=True,  # an exception's text shows no value (P3)
        # Not to be made here when it is gone: an empty one would be taken for a database.
        creator=lambda: sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, check_same_thread=False, factory=_Guarded),
        **options,
    )

    @event.listens_for(engine, "connect")
    def _connect(dbapi_connection: Any, _record: object) -> None:
        dbapi_connection.isolation_level = None  # the driver starts no transactions of its own
        for pragma in pragmas:
            dbapi_connection.execute(f"PRAGMA {pragma}").close()
        dbapi_connection.guard(path)

    @event.listens_for(engine, "checkout")
    def _checkout(dbapi_connection: Any, _record: object, _proxy: object) -> None:
        if dbapi_connection.lost:
            raise DisconnectionError("the database file was moved, removed or replaced")  # another connection is tried

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
