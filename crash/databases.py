"""Databases for the Django application that is killed, and what is in its table."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from plugins.register.tests.clusters import Cluster, binaries

__all__ = ["Place", "place"]

Place = tuple[Mapping[str, Any], Callable[[], Sequence[str]]]
"""The settings of the database, and what gives the ids in its table."""
_ROWS = "SELECT verwerking FROM regel"


@contextmanager
def place(kind: str, folder: Path) -> Iterator[Place]:
    """A database of that kind: ``sqlite`` or ``postgresql``."""
    if kind == "sqlite":
        path = folder / "application.sqlite"

        def rows() -> Sequence[str]:
            with closing(sqlite3.connect(path)) as connection:
                return [row for (row,) in connection.execute(_ROWS)]

        options = {"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL", "timeout": 30}
        yield {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": options}, rows
        return
    with closing(Cluster(next(iter(binaries().values())))) as cluster:
        cluster.start()

        def rows_() -> Sequence[str]:
            with psycopg.connect(cluster.dsn()) as connection:
                return [row for (row,) in connection.execute(_ROWS).fetchall()]

        yield {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "postgres", "HOST": str(cluster.folder)}, rows_
