"""A second connection, for records that must be committed even when the application's transaction is rolled back."""

from __future__ import annotations

import os
import threading
from typing import Any

from django.core.signals import request_finished, request_started
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["close_second_connections", "second_connection_to"]


class _SecondConnections(threading.local):
    """The connections of one thread, by the name of their database, and the process in which they were made."""

    def __init__(self) -> None:
        self.connections: dict[str, BaseDatabaseWrapper] = {}
        self.pid = os.getpid()


_local = _SecondConnections()
_inherited: list[BaseDatabaseWrapper] = []


def second_connection_to(alias: str) -> BaseDatabaseWrapper:
    """This thread's own second connection to that database, in autocommit.

    It is made when it is first needed, and closed with the first one, or at the end of a request as ``CONN_MAX_AGE`` says.
    """
    mine = _mine()
    connection = mine.get(alias)
    if connection is None:
        first = connections[alias]
        # The settings as they are now: a test runner has given it the name of another database. From no pool: who has a connection of it
        # already would wait for a second one, which others may hold that wait as well.
        options = {name: value for name, value in first.settings_dict["OPTIONS"].items() if name != "pool"}
        connection = type(first)({**first.settings_dict, "OPTIONS": options, "AUTOCOMMIT": True, "ATOMIC_REQUESTS": False}, alias)
        _close_with(first)
        mine[alias] = connection
    return connection


def _close_with(first: BaseDatabaseWrapper) -> None:
    """Let the second connection be closed whenever the first is: at the end of a thread, before a test database is dropped."""
    held: dict[str, Any] = vars(first)
    if "close" in held:
        return
    close = first.close

    def both() -> None:
        second = _mine().pop(first.alias, None)
        if second is not None:
            second.close()
        close()

    held["close"] = both


def close_second_connections() -> None:
    """Close the second connections of this thread."""
    mine = _mine()
    for connection in mine.values():
        connection.close()
    mine.clear()


def _close_old(**_: Any) -> None:
    """As Django does with its own, at the beginning and the end of a request."""
    if _local.connections:
        for connection in _mine().values():
            connection.close_if_unusable_or_obsolete()


def _mine() -> dict[str, BaseDatabaseWrapper]:
    """The connections of this thread and process: a forked child has none, whether or not Python was told of the fork."""
    if _local.pid != os.getpid():
        # Kept open: to close them here would end the parent's session, or take SQLite's files from under it.
        _inherited.extend(_local.connections.values())
        _local.connections = {}
        _local.pid = os.getpid()
    return _local.connections


request_started.connect(_close_old, dispatch_uid="verwerkingenlogging_django._log.second_connection")
request_finished.connect(_close_old, dispatch_uid="verwerkingenlogging_django._log.second_connection")
