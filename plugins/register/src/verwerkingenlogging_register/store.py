"""The store: what the APIs need of the database, and nothing of how. Operations to come are added here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from verwerkingenlogging_register.clients import Clients
from verwerkingenlogging_register.database import open_reader, open_writer, prepare
from verwerkingenlogging_register.settings import Settings
from verwerkingenlogging_register.versions import ActieVersie, VersionRows
from verwerkingenlogging_register.writer import Writer

__all__ = ["Store"]

T = TypeVar("T")


class Store:
    """The database of one register. Writes go through one writer, reads through connections of their own.

    Raises ConfigurationError when the database cannot be used. Close it when done: that stores what still waits.
    """

    def __init__(self, settings: Settings) -> None:
        prepare(settings.database)
        self._reader = open_reader(settings.database)
        self._writer = Writer(open_writer(settings.database), limit=settings.queue_limit)
        self.clients = Clients(self._reader)

    async def append(self, versie: ActieVersie) -> VersionRows:
        """Store a version; returns its rows once they are on disk. Raises LogUnavailable when they are not."""
        rows = versie.rows()
        await self._writer.append(rows)
        return rows

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run ``query``, in a thread, on one consistent state of the database."""
        return await run_in_threadpool(self._read, query)

    def _read(self, query: Callable[[Connection], T]) -> T:
        with self._reader.begin() as connection:
            return query(connection)

    def close(self) -> None:
        """Store what still waits and close all connections."""
        self._writer.close()
        self._reader.dispose()
