"""The lookup of clients: who is registered at this moment. It runs for each request and costs next to nothing."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from verwerkingenlogging.errors import ConfigurationError, LogUnavailable
from verwerkingenlogging_register._access.clients import Client, Registration, registrations
from verwerkingenlogging_register._database.driver import bare_driver
from verwerkingenlogging_register._database.quick_reader import QuickReader, TookLonger
from verwerkingenlogging_register._keys.protection import Keys, keys_of
from verwerkingenlogging_register._model.tables import client as client_table

__all__ = ["Clients"]

logger = logging.getLogger("verwerkingenlogging_register")

_LAST_VERSIE = f"SELECT max(versie) FROM {client_table.name}"  # noqa: S608  # our own name


class Clients:
    """The clients that are registered at the moment of the question: a revoked one is refused at once (A9726).

    Each answer rests on a look at the database that began after the question came. In a thread, who asks while one is under way
    shares the next, so that under load a look serves many requests; where a quick reader does it, all those that had come
    by then share it.
    """

    def __init__(self, engine: Engine, quick_reader: QuickReader | None = None) -> None:
        self._engine = engine
        self._quick = quick_reader
        self._thread = ThreadPoolExecutor(1, "verwerkingenlog-clients")
        self._closed = False
        self._turn = asyncio.Lock()
        self._next: asyncio.Future[Mapping[str, Client]] | None = None
        self._seen: tuple[int | None, Mapping[str, Client]] = (None, {})
        self._opened: Mapping[int, Client | None] = {}
        self._looked: tuple[float, Mapping[str, Client]] = (float("-inf"), {})

    async def get(self, name: str, came_at: float | None = None) -> Client | None:
        """The client of that name, if it is registered now, or was after ``came_at``, when the request came (perf_counter).

        Raises LogUnavailable when the database cannot be read.
        """
        if self._quick is not None and not self._closed:
            looked_at, known = self._looked
            if came_at is not None and came_at < looked_at:
                return known.get(name)
            with suppress(TookLonger):
                began = time.perf_counter()
                known = self._quick.read(self._see)
                self._looked = began, known
                return known.get(name)
        if self._next is None:
            self._next = asyncio.ensure_future(self._look())
        return (await asyncio.shield(self._next)).get(name)

    async def _look(self) -> Mapping[str, Client]:
        async with self._turn:
            self._next = None  # who asks from here on needs a look of its own
            if self._closed:
                raise LogUnavailable("the register is stopping")
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._read)

    def _read(self) -> Mapping[str, Client]:
        try:
            with self._engine.connect() as connection:
                return self._see(connection)
        except DBAPIError:
            raise LogUnavailable("the registered clients could not be read") from None

    def _see(self, connection: Connection) -> Mapping[str, Client]:
        """Who is registered now. Version and clients are kept as one: the event loop and the thread may both look."""
        with bare_driver(connection, _LAST_VERSIE) as driver:
            (versie,) = driver.execute(_LAST_VERSIE).fetchone()
        seen, known = self._seen
        if versie != seen:
            known = self._current(connection)
            self._seen = versie, known
        return known

    def _current(self, connection: Connection) -> Mapping[str, Client]:
        """Who is registered now, by name. A registration is opened once, for it never changes."""
        keys, before, opened = keys_of(connection), self._opened, {}
        for registration in registrations(connection).values():
            versie = registration.versie
            opened[versie] = before[versie] if versie in before else _opened(registration, keys)
        self._opened = opened
        return {client.name: client for client in opened.values() if client is not None}

    def close(self) -> None:
        """End the thread that reads."""
        self._closed = True
        self._thread.shutdown()


def _opened(registration: Registration, keys: Keys) -> Client | None:
    """The client, or None for one that somebody tampered with: that one is let in no longer, the others are."""
    try:
        return registration.opened(keys)
    except ConfigurationError as error:
        logger.error("client %s is not let in: %s", registration.name, error)  # noqa: TRY400  # the message says it all
        return None
