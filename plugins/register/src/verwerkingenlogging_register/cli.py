"""The command ``verwerkingenlog``: run the register, register its clients, make tokens for them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated
from uuid import UUID

import jwt
import typer

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.model import PERSOON
from verwerkingenlogging_register import cli_database, cli_keys, cli_retention
from verwerkingenlogging_register.access import ALGORITHM
from verwerkingenlogging_register.cli_options import DATABASE, Database, KeysCommand, KeysFile, loud
from verwerkingenlogging_register.clients import Client, Clients, new_secret, register_client
from verwerkingenlogging_register.database import open_reader, open_writer, prepare
from verwerkingenlogging_register.location import Location, location_of, shown
from verwerkingenlogging_register.scopes import Scope
from verwerkingenlogging_register.serving import check_workers, run
from verwerkingenlogging_register.settings import Settings
from verwerkingenlogging_register.store import prepare_to_serve

__all__ = ["main"]

app = typer.Typer(name="verwerkingenlog", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
client_app = typer.Typer(no_args_is_help=True, help="The clients that may use the register.")
app.add_typer(client_app, name="client")
app.add_typer(cli_keys.app, name="keys")
cli_database.add_commands(app)
cli_retention.add_commands(app)

Name = Annotated[str, typer.Argument(help="The client_id.")]


def main() -> None:
    """The entry point of the command."""
    app()


@app.command()
def serve(
    *,
    database: Database = DATABASE,
    host: Annotated[str, typer.Option(envvar="VERWERKINGENLOG_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="VERWERKINGENLOG_PORT", min=1, max=65535, help="Port to listen on.")] = 8080,
    base_url: Annotated[
        str | None,
        typer.Option(envvar="VERWERKINGENLOG_BASE_URL", help="Address at which clients reach the register.  [default: http://HOST:PORT]"),
    ] = None,
    log_inzage: Annotated[bool, typer.Option(envvar="VERWERKINGENLOG_LOG_INZAGE", help="Record every read as a verwerkingsactie.")] = True,
    inzage_activiteit: Annotated[
        UUID | None, typer.Option(envvar="VERWERKINGENLOG_INZAGE_ACTIVITEIT", help="Verwerkingsactiviteit of those records.")
    ] = None,
    require_inzage_headers: Annotated[
        bool, typer.Option(envvar="VERWERKINGENLOG_REQUIRE_INZAGE_HEADERS", help="The Inzage API demands the doelbinding headers.")
    ] = True,
    objecttype: Annotated[
        list[str] | None, typer.Option(envvar="VERWERKINGENLOG_OBJECTTYPE", help="Kind of object to register; repeat.")
    ] = None,
    tijdzone: Annotated[str, typer.Option(envvar="VERWERKINGENLOG_TIJDZONE", help="Where a day begins.")] = "Europe/Amsterdam",
    body_limit: Annotated[int, typer.Option(envvar="VERWERKINGENLOG_BODY_LIMIT", help="Most bytes of a request body.")] = 1024 * 1024,
    contact_email: Annotated[
        str | None, typer.Option(envvar="VERWERKINGENLOG_CONTACT_EMAIL", help="Whom users of the API can ask.")
    ] = None,
    keys: KeysFile = None,
    keys_command: KeysCommand = None,
    workers: Annotated[int, typer.Option(envvar="VERWERKINGENLOG_WORKERS", min=1, help="Processes; more than one on PostgreSQL only.")] = 1,
) -> None:
    """Run the register until it is told to stop (SIGTERM or Ctrl-C)."""
    with loud():
        settings = Settings(
            database=location_of(database),
            keys=keys,
            keys_command=keys_command,
            base_url=base_url or f"http://{host}:{port}",
            log_inzage=log_inzage,
            inzage_activiteit=inzage_activiteit,
            require_inzage_headers=require_inzage_headers,
            objecttypen=frozenset(objecttype or [PERSOON]),
            tijdzone=tijdzone,
            body_limit=body_limit,
            contact_email=contact_email,
        )
        check_workers(settings, workers)
        prepare_to_serve(settings)
    run(settings, host=host, port=port, workers=workers)


@client_app.command("add")
def add_client(
    name: Name,
    *,
    oin: Annotated[list[str] | None, typer.Option(help="Its OIN; repeat for those it may act for (D6).")] = None,
    scope: Annotated[list[Scope] | None, typer.Option(help="A scope it gets; repeat.")] = None,
    secret_file: Annotated[
        Path | None, typer.Option(envvar="VERWERKINGENLOG_CLIENT_SECRET_FILE", help="File that holds its secret, instead of a new one.")
    ] = None,
    database: Database = DATABASE,
) -> None:
    """Register a client. Prints its new secret, once; one that is given (file or VERWERKINGENLOG_CLIENT_SECRET) is not printed."""
    with loud():
        given = _given_secret(secret_file)
        client = Client(name=name, oins=tuple(oin or ()), scopes=frozenset(scope or ()), secret=given or new_secret())
        location = location_of(database)
        prepare(location)
        engine = open_writer(location)
        try:
            register_client(engine, client)
        finally:
            engine.dispose()
    typer.echo(f"verwerkingenlog: client {name} registered", err=True)
    if given is None:
        typer.echo(client.secret)


@client_app.command("list")
def list_clients(database: Database = DATABASE) -> None:
    """Show the registered clients: name, OINs and scopes, never a secret."""
    with loud():
        for client in _clients(location_of(database)):
            typer.echo(f"{client.name}\t{' '.join(client.oins) or '-'}\t{' '.join(sorted(client.scopes)) or '-'}")


@app.command()
def token(
    name: Name,
    *,
    expires: Annotated[int, typer.Option(min=1, help="Seconds that it is valid.")] = 3600,
    database: Database = DATABASE,
) -> None:
    """Print a bearer token for a registered client, with all its scopes."""
    with loud():
        client = next((client for client in _clients(location_of(database)) if client.name == name), None)
        if client is None:
            raise ConfigurationError(
                f"client {name}: not registered in {shown(location_of(database))}; add it with: verwerkingenlog client add {name}"
            )
    now = int(time.time())
    claims = {"iss": name, "client_id": name, "iat": now, "exp": now + expires, "scope": " ".join(sorted(client.scopes))}
    typer.echo(jwt.encode(claims, client.secret, algorithm=ALGORITHM))


def _clients(database: Location) -> list[Client]:
    if isinstance(database, Path) and not database.exists():
        raise ConfigurationError(f"setting database: {database} does not exist; register a client first")
    prepare(database)
    engine = open_reader(database)
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


if __name__ == "__main__":
    main()
