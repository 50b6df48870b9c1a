"""The command ``verwerkingenlog``: run the register, register its clients, make tokens for them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import jwt
import typer
import uvicorn

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.model import PERSOON
from verwerkingenlogging_register.access import ALGORITHM
from verwerkingenlogging_register.app import create_app
from verwerkingenlogging_register.clients import Client, Clients, new_secret, register_client
from verwerkingenlogging_register.database import open_reader, open_writer, prepare
from verwerkingenlogging_register.scopes import Scope
from verwerkingenlogging_register.settings import DEFAULT_DATABASE, Settings

__all__ = ["main"]

_GRACE_SECONDS = 30
_LOG_CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"uvicorn.error": {"level": "INFO"}, "verwerkingenlogging_register": {"level": "INFO"}},
}

app = typer.Typer(name="verwerkingenlog", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
client_app = typer.Typer(no_args_is_help=True, help="The clients that may use the register.")
app.add_typer(client_app, name="client")

Database = Annotated[
    Path, typer.Option("--database", envvar="VERWERKINGENLOG_DATABASE", help="The SQLite file; made when it is not there.")
]
Name = Annotated[str, typer.Argument(help="The client_id.")]


def main() -> None:
    """The entry point of the command."""
    app()


@contextmanager
def _loud() -> Iterator[None]:
    """A wrong setting ends the command with one line that names it."""
    try:
        yield
    except ConfigurationError as error:
        typer.echo(f"verwerkingenlog: {error}", err=True)
        raise typer.Exit(1) from None


@app.command()
def serve(
    *,
    database: Database = DEFAULT_DATABASE,
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
) -> None:
    """Run the register until it is told to stop (SIGTERM or Ctrl-C)."""
    with _loud():
        settings = Settings(
            database=database,
            base_url=base_url or f"http://{host}:{port}",
            log_inzage=log_inzage,
            inzage_activiteit=inzage_activiteit,
            require_inzage_headers=require_inzage_headers,
            objecttypen=frozenset(objecttype or [PERSOON]),
            tijdzone=tijdzone,
            body_limit=body_limit,
            contact_email=contact_email,
        )
        prepare(settings.database)
    # The access log of uvicorn holds query strings, and they hold BSNs (X57): TechnicalLog writes ours.
    uvicorn.run(
        create_app(settings),
        host=host,
        port=port,
        access_log=False,
        log_config=_LOG_CONFIG,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


@client_app.command("add")
def add_client(
    name: Name,
    *,
    oin: Annotated[list[str] | None, typer.Option(help="Its OIN; repeat for those it may act for (D6).")] = None,
    scope: Annotated[list[Scope] | None, typer.Option(help="A scope it gets; repeat.")] = None,
    secret_file: Annotated[
        Path | None, typer.Option(envvar="VERWERKINGENLOG_CLIENT_SECRET_FILE", help="File that holds its secret, instead of a new one.")
    ] = None,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Register a client. Prints its new secret, once; one that is given (file or VERWERKINGENLOG_CLIENT_SECRET) is not printed."""
    with _loud():
        given = _given_secret(secret_file)
        client = Client(name=name, oins=tuple(oin or ()), scopes=frozenset(scope or ()), secret=given or new_secret())
        prepare(database)
        engine = open_writer(database)
        try:
            register_client(engine, client)
        finally:
            engine.dispose()
    typer.echo(f"verwerkingenlog: client {name} registered", err=True)
    if given is None:
        typer.echo(client.secret)


@client_app.command("list")
def list_clients(database: Database = DEFAULT_DATABASE) -> None:
    """Show the registered clients: name, OINs and scopes, never a secret."""
    with _loud():
        for client in _clients(database):
            typer.echo(f"{client.name}\t{' '.join(client.oins) or '-'}\t{' '.join(sorted(client.scopes)) or '-'}")


@app.command()
def token(
    name: Name,
    *,
    expires: Annotated[int, typer.Option(min=1, help="Seconds that it is valid.")] = 3600,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Print a bearer token for a registered client, with all its scopes."""
    with _loud():
        client = next((client for client in _clients(database) if client.name == name), None)
        if client is None:
            raise ConfigurationError(f"client {name}: not registered in {database}; add it with: verwerkingenlog client add {name}")
        if client.secret is None:
            raise ConfigurationError(f"client {name}: its tokens come from {client.issuer}")
    now = int(time.time())
    claims = {"iss": name, "client_id": name, "iat": now, "exp": now + expires, "scope": " ".join(sorted(client.scopes))}
    typer.echo(jwt.encode(claims, client.secret, algorithm=ALGORITHM))


def _clients(database: Path) -> list[Client]:
    if not database.exists():
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
