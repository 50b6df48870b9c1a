"""The clients of the register: their names, scopes and keys, and how these are stored.

A registration is never changed: adding, rotating, changing and revoking each add a row, and the newest row of a name counts. A
secret stands there sealed with the key file, so that a copy of the database lets nobody in. A public key lets nobody in anyhow.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, insert, select

from verwerkingenlogging.errors import ConfigurationError, InvalidValue
from verwerkingenlogging.model.limits import check_oin
from verwerkingenlogging_register._keys.protection import Keys, keys_of, seal_secret
from verwerkingenlogging_register._model.scopes import Scope
from verwerkingenlogging_register._model.tables import client as client_table

if TYPE_CHECKING:
    from verwerkingenlogging_register._keys.public_keys import PublicKey

__all__ = [
    "SECRET_MIN",
    "Client",
    "Registration",
    "change_client",
    "new_secret",
    "register_client",
    "registrations",
    "revoke_client",
    "rotate_client",
]

SECRET_MIN = 32
"""Fewest bytes of a secret (RFC 7518 section 3.2)."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered client. Raises ConfigurationError when an attribute is wrong.

    Attributes:
        name: its ``client_id``, the ``iss`` of its tokens.
        oins: its own OIN first, then those it may act for (D6); empty: it may send any.
        scopes: what it was granted; a token can narrow this down, never widen it (X50).
        secret: signs its tokens; at least 32 bytes.
        public_key: verifies its tokens, which it signs with a private key of its own; instead of a secret.
        issuer: the ``iss`` of the issuer that signs its tokens; instead of a secret.
    """

    name: str
    oins: tuple[str, ...] = ()
    scopes: frozenset[Scope] = frozenset()
    secret: str | None = field(default=None, repr=False)
    public_key: PublicKey | None = None
    issuer: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError("client name: use 1 to 100 letters, digits, dots, dashes and underscores")
        try:
            for oin in self.oins:
                check_oin("oin", oin)
        except InvalidValue as error:
            raise ConfigurationError(f"client {self.name}: {error}") from None
        if sum(credential is not None for credential in (self.secret, self.public_key, self.issuer)) != 1:
            raise ConfigurationError(f"client {self.name}: give one of a secret, a public key and an issuer")
        if self.secret is not None and len(self.secret.encode()) < SECRET_MIN:
            raise ConfigurationError(f"client {self.name}: the secret has fewer than {SECRET_MIN} bytes; leave it out to have one made")


def new_secret() -> str:
    """A secret nobody can guess: 32 random bytes as text."""
    return secrets.token_urlsafe(SECRET_MIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A client as it is stored, with its secret encrypted. The other attributes are those of ``Client``; ``versie`` is that of the row."""

    name: str
    oins: tuple[str, ...] = ()
    scopes: frozenset[Scope] = frozenset()
    secret_sealed: bytes | None = None
    public_key: str | None = None
    issuer: str | None = None
    versie: int = 0

    @property
    def signed_by(self) -> str:
        """The kind of key of its tokens: ``secret``, ``public key``, or the name of the issuer."""
        return self.issuer or ("secret" if self.public_key is None else "public key")

    def opened(self, keys: Keys) -> Client:
        """The client with its secret decrypted. Raises ConfigurationError when that fails, or it is the secret of another client."""
        from verwerkingenlogging_register._keys.public_keys import PublicKey  # noqa: PLC0415  # a list of clients does without

        return Client(
            name=self.name,
            oins=self.oins,
            scopes=self.scopes,
            secret=keys.open_secret(self.secret_sealed, self.name) if self.secret_sealed is not None else None,
            public_key=PublicKey(self.public_key) if self.public_key is not None else None,
            issuer=self.issuer,
        )


def registrations(connection: Connection) -> dict[str, Registration]:
    """The clients that are registered now, by name, in the order of the names."""
    newest = {row.name: row for row in connection.execute(_ROWS)}
    return {
        name: Registration(
            name=name,
            oins=tuple(row.oins.split()),
            scopes=frozenset(map(Scope, row.scopes.split())),
            secret_sealed=bytes(row.secret_sealed) if row.secret_sealed is not None else None,
            public_key=row.public_key,
            issuer=row.issuer,
            versie=row.versie,
        )
        for name, row in sorted(newest.items())
        if not row.revoked
    }


_ROWS = select(client_table).order_by(client_table.c.versie)


def register_client(engine: Engine, client: Client) -> None:
    """Add ``client``. ``engine`` has the keys, if the client has a secret.

    Raises ConfigurationError when its name is taken; that of a revoked client is free.
    """
    with engine.begin() as connection:
        if client.name in registrations(connection):
            raise ConfigurationError(f"client {client.name}: already registered; choose another name")
        _add(connection, _registration_of(connection, client))


def rotate_client(engine: Engine, name: str, credential: str | PublicKey) -> None:
    """Give a client a new secret or public key. The old one is refused from now on.

    Raises ConfigurationError when there is no such client, or an issuer signs its tokens.
    """
    with engine.begin() as connection:
        found = _registered(connection, name)
        if found.issuer is not None:
            raise ConfigurationError(f"client {name}: has no secret; its issuer signs its tokens")
        what = {"secret": credential} if isinstance(credential, str) else {"public_key": credential}
        client = Client(name=name, oins=found.oins, scopes=found.scopes, **what)
        _add(connection, _registration_of(connection, client))


def change_client(engine: Engine, name: str, *, oins: Collection[str] | None = None, scopes: Collection[Scope] | None = None) -> None:
    """Give a client other OINs or scopes from now on. None leaves these as they are; its secret or key stays too.

    Raises ConfigurationError when there is no such client, or an OIN is none.
    """
    with engine.begin() as connection:
        found = _registered(connection, name)
        changed = replace(
            found,
            oins=found.oins if oins is None else tuple(oins),
            scopes=found.scopes if scopes is None else frozenset(scopes),
        )
        Client(name=name, oins=changed.oins, issuer="checked:alike")  # says what is wrong with an OIN
        _add(connection, changed)


def revoke_client(engine: Engine, name: str) -> None:
    """Refuse a client from now on. Raises ConfigurationError when there is no such client."""
    with engine.begin() as connection:
        _add(connection, replace(_registered(connection, name), secret_sealed=None), revoked=True)


def _registered(connection: Connection, name: str) -> Registration:
    found = registrations(connection).get(name)
    if found is None:
        raise ConfigurationError(f"client {name}: not registered; see: verwerkingenlog client list")
    return found


def _registration_of(connection: Connection, client: Client) -> Registration:
    sealed = None
    if client.secret is not None:
        keys = keys_of(connection)
        key = keys.active()
        keys.register(connection, key)
        sealed = seal_secret(key, client.secret, client.name)
    public_key = client.public_key.jwk if client.public_key is not None else None
    return Registration(
        name=client.name, oins=client.oins, scopes=client.scopes, secret_sealed=sealed, public_key=public_key, issuer=client.issuer
    )


def _add(connection: Connection, registration: Registration, *, revoked: bool = False) -> None:
    row = {
        "name": registration.name,
        "oins": " ".join(registration.oins),
        "scopes": " ".join(sorted(registration.scopes)),
        "secret_sealed": registration.secret_sealed,
        "public_key": registration.public_key,
        "issuer": registration.issuer,
        "revoked": revoked,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    connection.execute(insert(client_table), row)
