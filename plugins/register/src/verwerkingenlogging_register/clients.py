"""The clients of the register: who they are, which scopes they were granted, and what signs their tokens.

A registration is never changed: adding, rotating and revoking each add a row, and the newest row of a name counts.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.exc import DBAPIError

from verwerkingenlogging.errors import ConfigurationError, InvalidValue, LogUnavailable
from verwerkingenlogging.limits import check_oin
from verwerkingenlogging_register.at_once import AtOnce, TookLonger
from verwerkingenlogging_register.driver import bare_driver
from verwerkingenlogging_register.scopes import Scope
from verwerkingenlogging_register.tables import client as client_table

__all__ = ["SECRET_MIN", "Client", "Clients", "new_secret", "register_client", "revoke_client", "rotate_client"]

SECRET_MIN = 32
"""Fewest bytes of a secret (RFC 7518 section 3.2)."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered client. Raises ConfigurationError when it cannot be one.

    Attributes:
        name: its ``client_id``, the ``iss`` of its tokens.
        oins: its own OIN first, then those it may act for (D6); empty: it may send any.
        scopes: what it was granted; a token can narrow this down, never widen it (X50).
        secret: signs its tokens; at least 32 bytes. None for a client whose tokens an issuer signs.
        issuer: the ``iss`` of the issuer that signs its tokens, instead of a secret.
    """

    name: str
    oins: tuple[str, ...] = ()
    scopes: frozenset[Scope] = frozenset()
    secret: str | None = None
    issuer: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError("client name: use 1 to 100 letters, digits, dots, dashes and underscores")
        try:
            for oin in self.oins:
                check_oin("oin", oin)
        except InvalidValue as error:
            raise ConfigurationError(f"client {self.name}: {error}") from None
        if (self.secret is None) is (self.issuer is None):
            raise ConfigurationError(f"client {self.name}: give either a secret or an issuer")
        if self.secret is not None and len(self.secret.encode()) < SECRET_MIN:
            raise ConfigurationError(f"client {self.name}: the secret has fewer than {SECRET_MIN} bytes; leave it out to have one made")

    def __repr__(self) -> str:
        return f"Client(name={self.name!r}, oins={self.oins!r}, scopes={sorted(self.scopes)!r}, secret='***', issuer={self.issuer!r})"


def new_secret() -> str:
    """A secret nobody can guess: 32 random bytes as text."""
    return secrets.token_urlsafe(SECRET_MIN)


def register_client(engine: Engine, client: Client) -> None:
    """Add ``client``. Raises ConfigurationError when its name is taken; that of a revoked client is free."""
    with engine.begin() as connection:
        if _newest(connection, client.name) is not None:
            raise ConfigurationError(f"client {client.name}: already registered; choose another name")
        _add(connection, client)


def rotate_client(engine: Engine, name: str, secret: str) -> None:
    """Give a client another secret; the old one is refused from now on. Raises ConfigurationError when it has none."""
    with engine.begin() as connection:
        client = _registered(connection, name)
        if client.issuer is not None:
            raise ConfigurationError(f"client {name}: has no secret; its issuer signs its tokens")
        _add(connection, replace(client, secret=secret))


def revoke_client(engine: Engine, name: str) -> None:
    """Let a client no longer in. Raises ConfigurationError when there is no such client."""
    with engine.begin() as connection:
        _add(connection, _registered(connection, name), revoked=True)


def _registered(connection: Connection, name: str) -> Client:
    client = _newest(connection, name)
    if client is None:
        raise ConfigurationError(f"client {name}: not registered; see: verwerkingenlog client list")
    return client


def _newest(connection: Connection, name: str) -> Client | None:
    return _current(connection).get(name)


def _add(connection: Connection, client: Client, *, revoked: bool = False) -> None:
    row = {
        "name": client.name,
        "oins": " ".join(client.oins),
        "scopes": " ".join(sorted(client.scopes)),
        "secret": client.secret,
        "issuer": client.issuer,
        "revoked": revoked,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    connection.execute(insert(client_table), row)


def _current(connection: Connection) -> dict[str, Client]:
    """Who is registered now, by name."""
    newest: dict[str, Any] = {row.name: row for row in connection.execute(_ROWS)}
    return {
        name: Client(
            name=name,
            oins=tuple(row.oins.split()),
            scopes=frozenset(map(Scope, row.scopes.split())),
            secret=row.secret,
            issuer=row.issuer,
        )
        for name, row in sorted(newest.items())
        if not row.revoked
    }


_ROWS = select(client_table).order_by(client_table.c.versie)
_LAST_VERSIE = f"SELECT max(versie) FROM {client_table.name}"  # noqa: S608  # our own name


class Clients:
    """The registered clients, as they are at the moment of asking: a revoked one is out at once (A9726).

    Each answer rests on a look at the database that began after the question came. In a thread, who asks while one is under way
    shares the next, so that under load a look serves many requests; where it can be done ``at_once``, all those that had come
    by then share it.
    """

    def __init__(self, engine: Engine, at_once: AtOnce | None = None) -> None:
        self._engine = engine
        self._at_once = at_once
        self._thread = ThreadPoolExecutor(1, "verwerkingenlog-clients")
        self._closed = False
        self._turn = asyncio.Lock()
        self._next: asyncio.Future[Mapping[str, Client]] | None = None
        self._seen: tuple[int | None, Mapping[str, Client]] = (None, {})
        self._looked: tuple[float, Mapping[str, Client]] = (float("-inf"), {})

    async def get(self, name: str, came_at: float | None = None) -> Client | None:
        """The client of that name, if it is registered now, or was after ``came_at``, the moment of the question (perf_counter).

        Raises LogUnavailable when the database cannot be read.
        """
        if self._at_once is not None and not self._closed:
            looked_at, known = self._looked
            if came_at is not None and came_at < looked_at:
                return known.get(name)
            with suppress(TookLonger):
                began = time.perf_counter()
                known = self._at_once.read(self._see)
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
            known = _current(connection)
            self._seen = versie, known
        return known

    def all(self) -> list[Client]:
        """Every registered client, by name."""
        with self._engine.connect() as connection:
            return list(_current(connection).values())

    def close(self) -> None:
        """Let go of the thread that reads."""
        self._closed = True
        self._thread.shutdown()
