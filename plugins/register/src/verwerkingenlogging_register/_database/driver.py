"""The bare driver below SQLAlchemy, for the few statements that run so often that SQLAlchemy would double their cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

__all__ = ["POOLED", "bare_driver"]

POOLED = "verwerkingenlog_pooled"
"""In the ``info`` of a connection: whether it goes through a pooler, where a session is ours in a transaction only."""


@contextmanager
def bare_driver(connection: Connection, statement: str) -> Iterator[Any]:
    """The driver's own connection for ``statement``; outside a transaction when none has begun and none is needed.

    What it raises is raised as SQLAlchemy raises every other error of the database.
    """
    if connection.info.get(POOLED) and not connection.in_transaction():
        connection.begin()
    dialect, driver = connection.dialect, connection.connection.driver_connection
    driver_error = dialect.loaded_dbapi.Error
    try:
        yield driver
    except driver_error as error:
        if dialect.is_disconnect(error, driver, None):
            connection.invalidate()
        raise DBAPIError.instance(statement, None, error, driver_error, hide_parameters=True, dialect=dialect) from None
