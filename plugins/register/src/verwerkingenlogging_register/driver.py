"""The bare driver below SQLAlchemy, for the few statements that run so often that what SQLAlchemy adds would double their cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

__all__ = ["bare_driver"]


@contextmanager
def bare_driver(connection: Connection, statement: str) -> Iterator[Any]:
    """The driver's own connection, to run ``statement`` on; outside a transaction, when none has begun.

    What it raises is raised as SQLAlchemy raises every other error of the database.
    """
    dialect, driver = connection.dialect, connection.connection.driver_connection
    driver_error = dialect.loaded_dbapi.Error
    try:
        yield driver
    except driver_error as error:
        if dialect.is_disconnect(error, driver, None):
            connection.invalidate()
        raise DBAPIError.instance(statement, None, error, driver_error, hide_parameters=True, dialect=dialect) from None
