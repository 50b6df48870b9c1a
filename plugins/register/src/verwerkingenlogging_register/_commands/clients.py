"""The commands ``verwerkingenlog client`` and ``verwerkingenlog token``: who may use the register."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register._commands import options
from verwerkingenlogging_register._commands.shared import DATABASE, Database, KeysCommand, KeysFile, Operator, Reason, key_source_for, loud

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from verwerkingenlogging_register._access.administration import AdminAction
    from verwerkingenlogging_register._access.clients import Registration
    from verwerkingenlogging_register._database.location import Location
    from verwerkingenlogging_register._keys.protection import Keys
    from verwerkingenlogging_register._keys.public_keys import PublicKey

__all__ = ["SECRET_VARIABLE", "add_commands"]

SECRET_VARIABLE = "VERWERKINGENLOG_CLIENT_SECRET"  # noqa: S105  # the name of a variable
"""Holds a secret that is given; no option does, since others can see the options of a command."""

client_app = typer.Typer(no_args_is_help=True, help="The clients that may use the register.")


def add_commands(app: typer.Typer) -> None:
    """Give ``app`` these commands."""
    app.add_typer(client_app, name="client")
    app.command("token")(token)


@client_app.command("add")
def add_client(
    name: options.Name,
    *,
    oin: options.Oins = None,
    scope: options.Scopes = None,
    secret_file: options.SecretFile = None,
    public_key: options.PublicKeyFile = None,
    issuer: options.IssuerOption = None,
    operator: Operator = None,
    reason: Reason = None,
    database: Database = DATABASE,
    keys: KeysFile = None,
    keys_command: KeysCommand = None,
) -> None:
    """Register a client, and print its new secret once. A secret that you give (file or VERWERKINGENLOG_CLIENT_SECRET) is not printed."""
    from verwerkingenlogging_register._access.clients import Client, new_secret, register_client

    with loud():
        action = _action("client add", name, operator, reason)
        if issuer is not None and public_key is not None:
            raise ConfigurationError(f"client {name}: give --public-key or --issuer, not both")
        key = _given_public_key(public_key)
        given = _given_secret(secret_file) if issuer is None and key is None else None
        secret = given or new_secret() if issuer is None and key is None else None
        client = Client(name=name, oins=tuple(oin or ()), scopes=frozenset(scope or ()), secret=secret, public_key=key, issuer=issuer)
        location = _location(database, existing=False)
        opened = _keys(location, keys, keys_command) if secret is not None else None
        with _writing(location, action, keys=opened) as engine:
            register_client(engine, client)
    typer.echo(f"verwerkingenlog: client {name} registered", err=True)
    if secret is not None and given is None:
        typer.echo(secret)


@client_app.command("rotate")
def rotate(
    name: options.Name,
    *,
    secret_file: options.SecretFile = None,
    public_key: options.PublicKeyFile = None,
    operator: Operator = None,
    reason: Reason = None,
    database: Database = DATABASE,
    keys: KeysFile = None,
    keys_command: KeysCommand = None,
) -> None:
    """Give a client a new secret, which is printed unless you give it, or a public key. The old one is refused from now on."""
    from verwerkingenlogging_register._access.clients import Client, new_secret, rotate_client

    with loud():
        action = _action("client rotate", name, operator, reason)
        location = _location(database, existing=True)
        key = _given_public_key(public_key)
        given = _given_secret(secret_file) if key is None else None
        secret = given or new_secret()
        if key is None:
            Client(name=name, secret=secret)  # says what is wrong with it
        opened = _keys(location, keys, keys_command) if key is None else None
        with _writing(location, action, keys=opened) as engine:
            rotate_client(engine, name, key or secret)
    typer.echo(f"verwerkingenlog: client {name} has another {'secret' if key is None else 'public key'}", err=True)
    if key is None and given is None:
        typer.echo(secret)


@client_app.command("change")
def change(
    name: options.Name,
    *,
    oin: options.Oins = None,
    no_oin: options.NoOin = False,
    scope: options.Scopes = None,
    no_scope: options.NoScope = False,
    operator: Operator = None,
    reason: Reason = None,
    database: Database = DATABASE,
) -> None:
    """Give a client other OINs or scopes, from now on. Name all that it should have: they replace the old ones."""
    from verwerkingenlogging_register._access.clients import change_client

    with loud():
        action = _action("client change", name, operator, reason)
        if (oin and no_oin) or (scope and no_scope) or not (oin or no_oin or scope or no_scope):
            raise ConfigurationError(f"client {name}: say what it gets, with --oin or --no-oin, and with --scope or --no-scope")
        with _writing(_location(database, existing=True), action) as engine:
            change_client(engine, name, oins=[] if no_oin else oin or None, scopes=[] if no_scope else scope or None)
    typer.echo(f"verwerkingenlog: client {name} changed", err=True)


@client_app.command("revoke")
def revoke(name: options.Name, *, operator: Operator = None, reason: Reason = None, database: Database = DATABASE) -> None:
    """Refuse a client from now on."""
    from verwerkingenlogging_register._access.clients import revoke_client

    with loud():
        action = _action("client revoke", name, operator, reason)
        with _writing(_location(database, existing=True), action) as engine:
            revoke_client(engine, name)
    typer.echo(f"verwerkingenlog: client {name} revoked", err=True)


@client_app.command("list")
def list_clients(database: Database = DATABASE) -> None:
    """Show the registered clients: name, OINs, scopes and who signs their tokens; never a secret."""
    with loud():
        for client in _registrations(_location(database, existing=True)).values():
            columns = (client.name, " ".join(client.oins), " ".join(sorted(client.scopes)), client.signed_by)
            typer.echo("\t".join(column or "-" for column in columns))


def token(
    name: options.Name,
    *,
    expires: options.Expires = 3600,
    operator: Operator = None,
    reason: Reason = None,
    database: Database = DATABASE,
    keys: KeysFile = None,
    keys_command: KeysCommand = None,
) -> None:
    """Print a bearer token for a registered client, with all its scopes."""
    import jwt

    from verwerkingenlogging_register._database.location import shown
    from verwerkingenlogging_register._requests.authentication import ALGORITHM

    with loud():
        action = _action("token", name, operator, reason)
        location = _location(database, existing=True)
        registration = _registrations(location).get(name)
        if registration is None:
            raise ConfigurationError(f"client {name}: not registered in {shown(location)}; add it with: verwerkingenlog client add {name}")
        if registration.issuer is not None:
            raise ConfigurationError(f"client {name}: its tokens come from {registration.issuer}")
        secret = registration.opened(_keys(location, keys, keys_command)).secret if registration.secret_sealed is not None else None
        if secret is None:
            raise ConfigurationError(f"client {name}: signs its tokens with its private key, which only the client has")
        with _writing(location, action) as engine, engine.begin():
            pass  # who has it can do all that the client may, in its name
    now = int(time.time())
    # Without scopes no claim either: an empty one would take away what every client may.
    scopes = {"scope": " ".join(sorted(registration.scopes))} if registration.scopes else {}
    claims = {"iss": name, "client_id": name, "iat": now, "exp": now + expires, **scopes}
    typer.echo(jwt.encode(claims, secret, algorithm=ALGORITHM))


def _location(database: str, *, existing: bool) -> Location:
    from verwerkingenlogging_register._database.location import location_of

    location = location_of(database)
    if existing and isinstance(location, Path) and not location.exists():
        raise ConfigurationError(f"setting database: {location} does not exist; register a client first")
    return location


def _action(command: str, name: str, operator: str | None, reason: str | None) -> AdminAction:
    """That this command is run about the client of that name: made first, so that nothing is done when it cannot be recorded."""
    from verwerkingenlogging_register._access.administration import AdminAction, checked_reason, operator_of

    return AdminAction(operator=operator_of(operator), command=command, subject=name, reason=checked_reason(reason))


@contextmanager
def _writing(location: Location, action: AdminAction, *, keys: Keys | None = None) -> Iterator[Engine]:
    """An engine that writes, and records ``action`` in its transaction."""
    from verwerkingenlogging_register._access.administration import record_each_transaction
    from verwerkingenlogging_register._database.engines import open_writer, prepare

    prepare(location)
    engine = open_writer(location, keys)
    record_each_transaction(engine, action)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _reading(location: Location) -> Iterator[Connection]:
    from verwerkingenlogging_register._database.engines import open_reader, prepare

    prepare(location)
    engine = open_reader(location)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _registrations(location: Location) -> dict[str, Registration]:
    from verwerkingenlogging_register._access.clients import registrations

    with _reading(location) as connection:
        return registrations(connection)


def _keys(location: Location, keys: Path | None, keys_command: str | None) -> Keys:
    """The keys of that database; a new SQLite file gets a key file beside it, as ``serve`` makes one."""
    from verwerkingenlogging_register._keys.protection import keys_for

    source = key_source_for(location, keys, keys_command)
    with _reading(location) as connection:
        return keys_for(connection, source, make=isinstance(location, Path) and keys is None)


def _given_public_key(file: Path | None) -> PublicKey | None:
    if file is None:
        return None
    from verwerkingenlogging_register._keys.public_keys import PublicKey
    from verwerkingenlogging_register._keys.secret_files import bytes_of_trusted_file

    try:
        return PublicKey(bytes_of_trusted_file(file, "public_key").decode())
    except (OSError, ValueError):
        raise ConfigurationError(f"setting public_key: {file} cannot be read as text") from None


def _given_secret(secret_file: Path | None) -> str | None:
    """The secret from a file or the environment; never from the command line, where others can see it."""
    if secret_file is None:
        return os.environ.get(SECRET_VARIABLE) or None
    from verwerkingenlogging_register._keys.secret_files import text_of_secret_file

    return text_of_secret_file(secret_file, "secret_file", "leave it out to have a secret made").strip()
