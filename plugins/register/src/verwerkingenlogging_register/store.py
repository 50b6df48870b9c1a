"""The store: what the APIs need of the database, and nothing of how. Operations to come are added here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, func, select
from starlette.concurrency import run_in_threadpool

from verwerkingenlogging_register.clients import Clients
from verwerkingenlogging_register.database import check_rights, open_reader, open_writer, prepare
from verwerkingenlogging_register.keys import init_keys
from verwerkingenlogging_register.months import Months
from verwerkingenlogging_register.protection import Keys
from verwerkingenlogging_register.settings import Settings
from verwerkingenlogging_register.tables import protection_key
from verwerkingenlogging_register.versions import ActieVersie, VersionRows
from verwerkingenlogging_register.writer import Writer

__all__ = ["Store", "prepare_to_serve"]

T = TypeVar("T")


def prepare_to_serve(settings: Settings) -> Keys:
    """Check all that a server needs: the database, what its role may not do, and the keys. Gives the keys.

    A new SQLite file gets its tables here, and a key file beside it. Raises ConfigurationError, naming the remedy, when
    something is amiss.
    """
    prepare(settings.database)
    check_rights(settings.database)
    reader = open_reader(settings.database)
    try:
        with reader.connect() as connection:
            new = connection.execute(select(func.count()).select_from(protection_key)).scalar_one() == 0
            file = settings.key_source.file
            if new and isinstance(settings.database, Path) and settings.keys is None and file is not None and not file.exists():
                init_keys(file)
            keys = Keys(settings.key_source)
            keys.check(connection)
    finally:
        reader.dispose()
    return keys


class Store:
    """The database of one register. Writes go through one writer, reads through connections of their own.

    Raises ConfigurationError when the database cannot be used. Close it when done: that stores what still waits.
    """

    def __init__(self, settings: Settings) -> None:
        keys = prepare_to_serve(settings)
        self._reader = open_reader(settings.database, keys)
        self._writer = Writer(open_writer(settings.database, keys), limit=settings.queue_limit)
        self._months = None if isinstance(settings.database, Path) else Months(settings.database)
        self.clients = Clients(self._reader)

    async def append(self, versie: ActieVersie) -> VersionRows:
        """Store a version; returns its rows once they are on disk. Raises LogUnavailable when they are not."""
        rows = versie.rows()
        await self._writer.append(rows)
        return rows

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run ``query``, in a thread, on one consistent state of the database. Raises LogUnavailable when that is away."""
        return await run_in_threadpool(self._read, query)

    def _read(self, query: Callable[[Connection], T]) -> T:
        with self._reader.begin() as connection:
            return query(connection)

    def close(self) -> None:
        """Store what still waits and close all connections."""
        if self._months is not None:
            self._months.close()
        self._writer.close()
        self._reader.dispose()
