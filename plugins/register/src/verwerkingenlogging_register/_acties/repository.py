"""The repository of acties: what the APIs need of the database, and nothing of how."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import DBAPIError, OperationalError

from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging_register._acties.append import Append, Key
from verwerkingenlogging_register._acties.group_commit import Writer
from verwerkingenlogging_register._acties.lookup import versions_by_number
from verwerkingenlogging_register._database.engines import check_rights, open_reader, open_writer, prepare
from verwerkingenlogging_register._database.future_partitions import Months
from verwerkingenlogging_register._database.quick_reader import QuickReader, TookLonger
from verwerkingenlogging_register._errors import KeyUsed
from verwerkingenlogging_register._keys.protection import Keys, keys_for
from verwerkingenlogging_register._keys.subject_secrets import SubjectSecrets
from verwerkingenlogging_register._metrics import Metrics
from verwerkingenlogging_register._model.tables import idempotency_key, verwerkingsactie
from verwerkingenlogging_register._model.versions import ActieVersie, VersionRows
from verwerkingenlogging_register._rules.terms import read_terms
from verwerkingenlogging_register.settings import Settings

__all__ = ["Repository", "prepare_to_serve"]

T = TypeVar("T")

_READING = 8
"""Threads that read: as many as there are connections in the pool. Python runs one at a time, so more would only take turns."""
_CHECK_AGAIN_SECONDS = 1.0
_ONE_ROW = select(verwerkingsactie.c.versie).limit(1)


class _TakenBack(Exception):
    """Undoes what was written in vain."""


def _write_in_vain(connection: Connection) -> None:
    connection.execute(insert(idempotency_key), {"key": uuid4().urn, "client": "", "volgnummer": 0, "aantal": 0, "versie": 0})
    raise _TakenBack


def prepare_to_serve(settings: Settings) -> Keys:
    """Check all that a server needs: the database, the rights of its role, the keys and the terms. Gives the database's keys.

    A new SQLite file gets its tables here, and a key file beside it. Raises ConfigurationError, naming the remedy, when
    something is amiss.
    """
    prepare(settings.database)
    check_rights(settings.database)
    reader = open_reader(settings.database)
    try:
        with reader.connect() as connection:
            keys = keys_for(connection, settings.key_source, make=isinstance(settings.database, Path) and settings.keys is None)
    finally:
        reader.dispose()
    SubjectSecrets(settings.subject_secrets)
    read_terms(settings.var_file)
    return keys


class Repository:
    """The database of one register. Writes go through one writer, reads through connections of their own.

    Raises ConfigurationError when the database cannot be used. Close it when done: that stores what still waits.

    Attributes:
        keys: those of the database.
        reader: connections that read.
        quick_reader: reads a SQLite file on the event loop itself; None on PostgreSQL.
    """

    def __init__(self, settings: Settings, metrics: Metrics | None = None) -> None:
        self.keys = keys = prepare_to_serve(settings)
        self.reader = open_reader(settings.database, keys)
        self.quick_reader = QuickReader(settings.database, keys) if isinstance(settings.database, Path) else None
        self._reading = ThreadPoolExecutor(_READING, "verwerkingenlog-reader")
        self._writer = Writer(open_writer(settings.database, keys), limit=settings.queue_limit, metrics=metrics)
        self._months = None if isinstance(settings.database, Path) else Months(settings.database)
        self._checked_at = float("-inf")

    @property
    def failing(self) -> bool:
        """Whether the last commit failed a moment ago."""
        return self._writer.failing

    async def append(self, versie: ActieVersie | VersionRows, *, key: Key | None = None) -> VersionRows:
        """Store a version or its rows, and give its rows once they are on disk. Raises LogUnavailable when that fails.

        With a key that was used before, nothing is stored: returns the rows of the version that it made then. Raises
        KeyUsed when that was for another actie (X58).
        """
        rows = versie if isinstance(versie, VersionRows) else versie.rows()
        earlier = await self._writer.append(Append(rows, key))
        if earlier is None:
            return rows
        found = (await self.read(lambda connection: versions_by_number(connection, [earlier]))).get(earlier)
        if found is None or not rows.says_the_same(found):
            raise KeyUsed
        return found

    async def write(self, job: Callable[[Connection], T]) -> T:
        """Run ``job`` at its turn inside the writer's transaction, and give its result once that is on disk.

        What it raises undoes what it wrote and is raised here unchanged. Raises LogUnavailable when the commit fails.
        """
        return await self._writer.write(job)

    async def check(self) -> None:
        """Check that the database can be written and read, with a write that is rolled back. Raises LogUnavailable when it cannot.

        Somebody who asks over and over gets an answer of at most a second old.
        """
        if time.monotonic() - self._checked_at < _CHECK_AGAIN_SECONDS:
            return
        try:
            await self.write(_write_in_vain)
        except _TakenBack:
            await self.read(lambda connection: connection.execute(_ONE_ROW).first())
        except DBAPIError:
            raise LogUnavailable("the database cannot be written") from None
        self._checked_at = time.monotonic()

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run ``query``, which only reads, on one consistent state of the database; in a thread when it may take long.

        It may begin here and be done there. Raises LogUnavailable when the database is away.
        """
        if self.quick_reader is not None:
            with suppress(TookLonger):
                return self.quick_reader.read(query)
        return await asyncio.get_running_loop().run_in_executor(self._reading, self._read, query)

    def _read(self, query: Callable[[Connection], T]) -> T:
        try:
            with self.reader.connect() as connection:  # a transaction begins with its first statement
                return query(connection)
        except OperationalError:
            if self.reader.dialect.name == "sqlite":  # where that is said of a fault of ours too
                raise
            raise LogUnavailable("the database cannot be read") from None

    def close(self) -> None:
        """Store the writes that still wait, and close all connections."""
        if self._months is not None:
            self._months.close()
        self._writer.close()
        self._reading.shutdown()
        if self.quick_reader is not None:
            self.quick_reader.close()
        self.reader.dispose()
