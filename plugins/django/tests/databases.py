"""Real databases for tests: a SQLite file or a PostgreSQL cluster, beside the one of Django's test runner."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import django
from asgiref.sync import SyncToAsync
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from plugins.register.tests.clusters import Cluster

from verwerkingenlogging import Verwerkingsactie
from verwerkingenlogging_django._log.rows import entry_of
from verwerkingenlogging_django._log.second_connection import close_second_connections
from verwerkingenlogging_django.models import Lease, Record

__all__ = ["Make", "added", "change", "changes", "names", "postgresql", "records", "sqlite"]

Make = Callable[..., str]
"""Makes a database under an alias, with other settings where they are given; gives the alias."""
SAYS_HOW = django.VERSION >= (5, 1)
"""Whether the settings can say how SQLite is to be used."""
WAL = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"


def sqlite(folder: Path, alias: str, **settings: Any) -> dict[str, Any]:
    """The settings of a SQLite database in a file."""
    options = {**({"init_command": WAL} if SAYS_HOW else {}), **settings.pop("OPTIONS", {})}
    if not SAYS_HOW:  # the file itself keeps it
        with closing(sqlite3.connect(folder / f"{alias}.sqlite3")) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / f"{alias}.sqlite3"), "OPTIONS": options, **settings}


def postgresql(cluster: Cluster, database: str, **settings: Any) -> dict[str, Any]:
    """The settings of a database in a cluster."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database,
        "HOST": str(cluster.folder),
        "USER": "postgres",
        "OPTIONS": {},
        **settings,
    }


@contextmanager
def added(alias: str, settings: Mapping[str, Any]) -> Iterator[str]:
    """Let Django know a database under ``alias``, with our tables and one of an application: ``regel``."""
    connections.settings[alias] = {**connections.settings["default"], "CONN_MAX_AGE": None, **settings}
    opened: list[Any] = []

    def note(connection: BaseDatabaseWrapper, **_: Any) -> None:
        if connection.alias == alias:
            opened.append(connection.connection)

    connection_created.connect(note)
    try:
        with connections[alias].schema_editor() as editor:  # sooner done than `migrate`, which one test does
            for model in (Record, Lease):
                editor.create_model(model)
        with connections[alias].cursor() as cursor:
            cursor.execute("CREATE TABLE regel (nummer integer)")
        yield alias
    finally:
        connection_created.disconnect(note)
        for forget in (close_second_connections, lambda: _forget(alias)):
            forget()
            # Asynchronous code has its connections in a thread of asgiref's.
            SyncToAsync.single_thread_executor.submit(forget).result()
        for each in opened:  # Django leaves those of a thread that has ended to the garbage collector
            each.close()
        del connections.settings[alias]


def _forget(alias: str) -> None:
    if hasattr(connections._connections, alias):  # type: ignore[attr-defined]  # unknown to the stubs
        connections[alias].close()
        del connections[alias]


def change(alias: str, number: int) -> None:
    """A change of the application."""
    with connections[alias].cursor() as cursor:
        cursor.execute("INSERT INTO regel (nummer) VALUES (%s)", [number])


def changes(alias: str) -> list[int]:
    """The changes that are there."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT nummer FROM regel ORDER BY nummer")
        return [number for (number,) in cursor.fetchall()]


def records(alias: str) -> list[Verwerkingsactie]:
    """The acties that are in the log there, in the order of their ids."""
    rows = Record.objects.using(alias).order_by("id")
    return [entry_of(row.key, bytes(row.body), None if row.place is None else bytes(row.place)).actie for row in rows]


def names(alias: str) -> list[str | None]:
    """What the acties that are in the log there are called."""
    return [one.actie_naam for one in records(alias)]
