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
from verwerkingenlogging_register import options
from verwerkingenlogging_register.cli_options import DATABASE, Database, Operator, Reason, loud

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from verwerkingenlogging_register.clients import Client
    from verwerkingenlogging_register.location import Location

__all__ = ["add_commands"]

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
    issuer: options.IssuerOption = None,
    operator: Operator = None,
    reason: Reason = None,
    database: Database = DATABASE,
) -> None:
    """Register a client. Prints its new secret, once; one that is given (file or VERWERKINGENLOG_CLIENT_SECRET) is not printed."""
    from verwerkingenlogging_register.clients import Client, new_secret, register_client

    with loud():
        given = _given_secret(secret_file) if issuer is None else None
        secret = given or new_secret() if issuer is None else None
        client = Client(name=name, oins=tuple(oin or ()), scopes=frozenset(scope or ()), secret=secret, issuer=issuer)
        with _writing(database, "client add", name, operator, reason) as engine:
            register_client(engine, client)
    typer.echo(f"verwerkingenlog: client {name} registered", err=True)
    if secret is not None and given is None:
        typer.echo(secret)


@client_app.command("rotate")
def rotate(
    name: options.Name,
    *,
    secret_file: options.SecretFile = None,
    operator: Operator = None,
    reason: Reason = None,
    database: Database = DATABASE,
) -> None:
    """Give a client another secret, which is printed unless it is given. The old one is refused from now on."""
    from verwerkingenlogging_register.clients import Client, new_secret, rotate_client

    with loud():
        given = _given_secret(secret_file)
        secret = given or new_secret()
        Client(name=name, secret=secret)  # says what is wrong with it
        with _writing(database, "client rotate", name, operator, reason, existing=True) as engine:
            rotate_client(engine, name, secret)
    typer.echo(f"verwerkingenlog: client {name} has another secret", err=True)
    if given is None:
        typer.echo(secret)


@client_app.command("revoke")
def revoke(name: options.Name, *, operator: Operator = None, reason: Reason = None, database: Database = DATABASE) -> None:
    """Let a client in no longer, from now on."""
    from verwerkingenlogging_register.clients import revoke_client

    with loud(), _writing(database, "client revoke", name, operator, reason, existing=True) as engine:
        revoke_client(engine, name)
    typer.echo(f"verwerkingenlog: client {name} revoked", err=True)


@client_app.command("list")
def list_clients(database: Database = DATABASE) -> None:
    """Show the registered clients: name, OINs, scopes and who signs their tokens; never a secret."""
    with loud():
        for client in _clients(database):
            columns = (client.name, " ".join(client.oins), " ".join(sorted(client.scopes)), client.issuer or "secret")
            typer.echo("\t".join(column or "-" for column in columns))


def token(
    name: options.Name,
    *,
    expires: options.Expires = 3600,
    operator: Operator = None,
    reason: Reason = None,
    database: Database = DATABASE,
) -> None:
    """Print a bearer token for a registered client, with all its scopes."""
    import jwt

    from verwerkingenlogging_register.access import ALGORITHM
    from verwerkingenlogging_register.location import location_of, shown

    with loud():
        client = next((client for client in _clients(database) if client.name == name), None)
        if client is None:
            raise ConfigurationError(
                f"client {name}: not registered in {shown(location_of(database))}; add it with: verwerkingenlog client add {name}"
            )
        if client.secret is None:
            raise ConfigurationError(f"client {name}: its tokens come from {client.issuer}")
        with _writing(database, "token", name, operator, reason) as engine, engine.begin():
            pass  # who has it can do all that the client may, in its name
    now = int(time.time())
    # Without scopes no claim either: an empty one would take away what every client may.
    scopes = {"scope": " ".join(sorted(client.scopes))} if client.scopes else {}
    claims = {"iss": name, "client_id": name, "iat": now, "exp": now + expires, **scopes}
    typer.echo(jwt.encode(claims, client.secret, algorithm=ALGORITHM))


def _location(database: str, *, existing: bool) -> Location:
    from verwerkingenlogging_register.location import location_of

    location = location_of(database)
    if existing and isinstance(location, Path) and not location.exists():
        raise ConfigurationError(f"setting database: {location} does not exist; register a client first")
    return location


@contextmanager
def _writing(
    database: str, command: str, name: str, operator: str | None, reason: str | None, *, existing: bool = False
) -> Iterator[Engine]:
    """An engine that writes, and records in its transaction that this command was run about the client of that name."""
    from verwerkingenlogging_register.administration import AdminAction, checked_reason, operator_of, record_each_transaction
    from verwerkingenlogging_register.database import open_writer, prepare

    action = AdminAction(operator=operator_of(operator), command=command, subject=name, reason=checked_reason(reason))
    location = _location(database, existing=existing)
    prepare(location)
    engine = open_writer(location)
    record_each_transaction(engine, action)
    try:
        yield engine
    finally:
        engine.dispose()


def _clients(database: str) -> list[Client]:
    from verwerkingenlogging_register.clients import Clients
    from verwerkingenlogging_register.database import open_reader, prepare

    location = _location(database, existing=True)
    prepare(location)
    engine = open_reader(location)
    try:
        return Clients(engine).all()
    finally:
        engine.dispose()


def _given_secret(secret_file: Path | None) -> str | None:
    """The secret from a file or the environment; never from the command line, where others can see it."""
    if secret_file is None:
        return os.environ.get("VERWERKINGENLOG_CLIENT_SECRET") or None
    try:
        return secret_file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        raise ConfigurationError(f"setting secret_file: {secret_file} cannot be read as text") from None
