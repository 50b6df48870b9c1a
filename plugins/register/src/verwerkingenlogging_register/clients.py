"""The clients of the register: who they are, which scopes they were granted, and the secret that signs their tokens."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from verwerkingenlogging.errors import ConfigurationError, InvalidValue
from verwerkingenlogging.model import check_oin
from verwerkingenlogging_register.scopes import Scope
from verwerkingenlogging_register.tables import client as client_table

__all__ = ["SECRET_MIN", "Client", "Clients", "new_secret", "register_client"]

SECRET_MIN = 32
"""Fewest bytes of a secret (RFC 7518 section 3.2)."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_FRESH_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered client. Raises ConfigurationError when it cannot be one.

    Attributes:
        name: its ``client_id``, the ``iss`` of its tokens.
        oins: its own OIN first, then those it may act for (D6); empty: it may send any.
        scopes: what it was granted; a token can narrow this down, never widen it (X50).
        secret: signs its tokens; at least 32 bytes.
    """

    name: str
    oins: tuple[str, ...] = ()
    scopes: frozenset[Scope] = frozenset()
    secret: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError("client name: use 1 to 100 letters, digits, dots, dashes and underscores")
        try:
            for oin in self.oins:
                check_oin("oin", oin)
        except InvalidValue as error:
            raise ConfigurationError(f"client {self.name}: {error}") from None
        if len(self.secret.encode()) < SECRET_MIN:
            raise ConfigurationError(f"client {self.name}: the secret has fewer than {SECRET_MIN} bytes; leave it out to have one made")

    def __repr__(self) -> str:
        return f"Client(name={self.name!r}, oins={self.oins!r}, scopes={sorted(self.scopes)!r}, secret='***')"


def new_secret() -> str:
    """A secret nobody can guess: 32 random bytes as text."""
    return secrets.token_urlsafe(SECRET_MIN)


def register_client(engine: Engine, client: Client) -> None:
    """Add ``client``. Raises ConfigurationError when its name is taken."""
    row = {
        "name": client.name,
        "oins": " ".join(client.oins),
        "scopes": " ".join(sorted(client.scopes)),
        "secret": client.secret,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    try:
        with engine.begin() as connection:
            connection.execute(insert(client_table), row)
    except IntegrityError:
        raise ConfigurationError(f"client {client.name}: already registered; choose another name") from None


class Clients:
    """The registered clients, read from the database and remembered for a few seconds."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[str, Client] = {}
        self._read_at = float("-inf")

    def remembered(self, name: str) -> Client | None:
        """The client of that name, if it was read a moment ago; else None, and ``get`` has to be asked."""
        return self._known.get(name) if time.monotonic() - self._read_at < _FRESH_SECONDS else None

    def get(self, name: str) -> Client | None:
        """The client of that name, read anew: one that was added just now is found."""
        self._known = {client.name: client for client in self.all()}
        self._read_at = time.monotonic()
        return self._known.get(name)

    def all(self) -> list[Client]:
        """Every registered client, by name."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(client_table).order_by(client_table.c.name)).all()
        return [
            Client(
                name=row.name,
                oins=tuple(row.oins.split()),
                scopes=frozenset(map(Scope, row.scopes.split())),
                secret=row.secret,
            )
            for row in rows
        ]
