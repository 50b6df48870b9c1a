"""Opens the database: the same functions for a SQLite file and for PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from verwerkingenlogging_register._database import postgresql, sqlite
from verwerkingenlogging_register._database.location import Location
from verwerkingenlogging_register._keys.protection import Keys

__all__ = ["check_rights", "open_reader", "open_writer", "prepare", "reason_of"]


def prepare(location: Location) -> None:
    """Check that the database can be used. A new SQLite file is made here, with its tables.

    Raises ConfigurationError, naming the place and the remedy, when it cannot.
    """
    if isinstance(location, Path):
        sqlite.prepare(location)
    else:
        postgresql.prepare(location)


def reason_of(error: Exception) -> str:
    """The reason that the database failed, such as ``disk I/O error``, without a value (P3).

    Where the text could repeat one, as that of PostgreSQL about a row and that of any other error, it is the kind of error.
    """
    if not isinstance(error, DBAPIError):
        return type(error).__name__
    state = getattr(error.orig, "sqlstate", "")
    if state is None or state[:2] in _ABOUT_THE_SERVER:
        return " ".join(str(error.orig).split())
    return f"{type(error.orig).__name__} ({state})"


_ABOUT_THE_SERVER = frozenset({"", "08", "53", "57", "58"})
"""What SQLite says, and the classes of PostgreSQL's errors that are about connections, resources, operators and the system."""


def check_rights(location: Location) -> None:
    """Refuse, with ConfigurationError, a role that could rewrite the log. A SQLite file has no roles."""
    if not isinstance(location, Path):
        postgresql.check_rights(location)


def open_writer(location: Location, keys: Keys | None = None) -> Engine:
    """An engine for the one thread that writes: one connection, transactions with the write lock, and durable commits.

    With ``keys``, the numbers of persons are protected on their way in (``protection``).
    """
    options = {"execution_options": {"keys": keys}}
    return sqlite.open_writer(location, **options) if isinstance(location, Path) else postgresql.open_writer(location, **options)


def open_reader(location: Location, keys: Keys | None = None) -> Engine:
    """An engine whose connections only read. Each transaction sees one state of the database.

    With ``keys``, the numbers of persons can be read back.
    """
    options = {"execution_options": {"keys": keys}}
    return sqlite.open_reader(location, **options) if isinstance(location, Path) else postgresql.open_reader(location, **options)
