"""The command ``verwerkingenlog``: run the register, register its clients, make tokens for them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import jwt
import typer
from sqlalchemy import Engine

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.limits import PERSOON
from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging_register import cli_database, cli_keys, cli_retention, options
from verwerkingenlogging_register.access import ALGORITHM
from verwerkingenlogging_register.cli_options import DATABASE, Database, KeysCommand, KeysFile, loud
from verwerkingenlogging_register.clients import Client, Clients, new_secret, register_client, revoke_client, rotate_client
from verwerkingenlogging_register.database import open_reader, open_writer, prepare
from verwerkingenlogging_register.issuers import KeySet, load_issuers
from verwerkingenlogging_register.location import Location, location_of, shown
from verwerkingenlogging_register.schema import HEAD
from verwerkingenlogging_register.serving import Listening, check_workers, run
from verwerkingenlogging_register.settings import INZAGE_BEWAARTERMIJN, LegeVelden, Settings
from verwerkingenlogging_register.store import prepare_to_serve
from verwerkingenlogging_register.technical_log import LogFormat

__all__ = ["main"]

app = typer.Typer(name="verwerkingenlog", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
client_app = typer.Typer(no_args_is_help=True, help="The clients that may use the register.")
app.add_typer(client_app, name="client")
app.add_typer(cli_keys.app, name="keys")
cli_database.add_commands(app)
cli_retention.add_commands(app)


def main() -> None:
    """The entry point of the command."""
    app()


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"verwerkingenlogging-register {version('verwerkingenlogging-register')}, tables of version {HEAD}")
        raise typer.Exit


@app.callback()
def _any_command(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version, and that of the tables it needs.")
    ] = False,
) -> None:
    """The register of verwerkingsacties."""


@app.command()
def serve(
    *,
    database: Database = DATABASE,
    keys: KeysFile = None,
    keys_command: KeysCommand = None,
    host: options.Host = "127.0.0.1",
    port: options.Port = 8080,
    workers: options.Workers = 1,
    base_url: options.BaseUrl = None,
    contact_email: options.ContactEmail = None,
    log_inzage: options.LogInzage = True,
    inzage_activiteit: options.InzageActiviteit = None,
    inzage_bewaartermijn: options.InzageBewaartermijn = INZAGE_BEWAARTERMIJN,
    require_inzage_headers: options.RequireInzageHeaders = True,
    objecttype: options.Objecttypen = None,
    tijdzone: options.Tijdzone = "Europe/Amsterdam",
    onbekend_als_404: options.OnbekendAls404 = False,
    actie_id_per_versie: options.ActieIdPerVersie = False,
    lege_velden: options.LegeVeldenOption = LegeVelden.LEEG,
    issuers: options.Issuers = None,
    token_lifetime: options.TokenLifetime = 3600,
    subject_secrets: options.SubjectSecrets = None,
    otlp_vertrouwelijkheid: options.OtlpVertrouwelijkheid = Vertrouwelijkheid.VERTROUWELIJK,
    body_limit: options.BodyLimit = 1024 * 1024,
    batch_body_limit: options.BatchBodyLimit = 16 * 1024 * 1024,
    header_limit: options.HeaderLimit = 16 * 1024,
    depth_limit: options.DepthLimit = 32,
    queue_limit: options.QueueLimit = 10_000,
    rate_limit: options.RateLimit = 0,
    rate_burst: options.RateBurst = 100,
    log_format: options.LogFormatOption = LogFormat.TEXT,
    metrics_host: options.MetricsHost = "127.0.0.1",
    metrics_port: options.MetricsPort = 0,
) -> None:
    """Run the register until it is told to stop (SIGTERM or Ctrl-C)."""
    with loud():
        settings = Settings(
            database=location_of(database),
            keys=keys,
            keys_command=keys_command,
            base_url=base_url or f"http://{host}:{port}",
            contact_email=contact_email,
            log_inzage=log_inzage,
            inzage_activiteit=inzage_activiteit,
            inzage_bewaartermijn=inzage_bewaartermijn,
            require_inzage_headers=require_inzage_headers,
            objecttypen=frozenset(objecttype or [PERSOON]),
            tijdzone=tijdzone,
            onbekend_als_404=onbekend_als_404,
            actie_id_per_versie=actie_id_per_versie,
            lege_velden=lege_velden,
            issuers=load_issuers(issuers),
            token_lifetime=token_lifetime,
            subject_secrets=subject_secrets,
            otlp_vertrouwelijkheid=otlp_vertrouwelijkheid,
            body_limit=body_limit,
            batch_body_limit=batch_body_limit,
            header_limit=header_limit,
            depth_limit=depth_limit,
            queue_limit=queue_limit,
            rate_limit=rate_limit,
            rate_burst=rate_burst,
        )
        listening = Listening(
            host=host, port=port, workers=workers, log_format=log_format, metrics_host=metrics_host, metrics_port=metrics_port
        )
        check_workers(settings, listening)
        prepare_to_serve(settings)
        for one in settings.issuers:
            KeySet(one)  # here, since a worker has no way to say what is wrong with it
        run(settings, listening)


@client_app.command("add")
def add_client(
    name: options.Name,
    *,
    oin: options.Oins = None,
    scope: options.Scopes = None,
    secret_file: options.SecretFile = None,
    issuer: options.IssuerOption = None,
    database: Database = DATABASE,
) -> None:
    """Register a client. Prints its new secret, once; one that is given (file or VERWERKINGENLOG_CLIENT_SECRET) is not printed."""
    with loud():
        given = _given_secret(secret_file) if issuer is None else None
        secret = given or new_secret() if issuer is None else None
        client = Client(name=name, oins=tuple(oin or ()), scopes=frozenset(scope or ()), secret=secret, issuer=issuer)
        with _writing(location_of(database)) as engine:
            register_client(engine, client)
    typer.echo(f"verwerkingenlog: client {name} registered", err=True)
    if secret is not None and given is None:
        typer.echo(secret)


@client_app.command("rotate")
def rotate(name: options.Name, *, secret_file: options.SecretFile = None, database: Database = DATABASE) -> None:
    """Give a client another secret, which is printed unless it is given. The old one is refused from now on."""
    with loud():
        given = _given_secret(secret_file)
        secret = given or new_secret()
        Client(name=name, secret=secret)  # says what is wrong with it
        with _writing(_existing(location_of(database))) as engine:
            rotate_client(engine, name, secret)
    typer.echo(f"verwerkingenlog: client {name} has another secret", err=True)
    if given is None:
        typer.echo(secret)


@client_app.command("revoke")
def revoke(name: options.Name, *, database: Database = DATABASE) -> None:
    """Let a client in no longer, from now on."""
    with loud(), _writing(_existing(location_of(database))) as engine:
        revoke_client(engine, name)
    typer.echo(f"verwerkingenlog: client {name} revoked", err=True)


@client_app.command("list")
def list_clients(database: Database = DATABASE) -> None:
    """Show the registered clients: name, OINs, scopes and who signs their tokens; never a secret."""
    with loud():
        for client in _clients(location_of(database)):
            columns = (client.name, " ".join(client.oins), " ".join(sorted(client.scopes)), client.issuer or "secret")
            typer.echo("\t".join(column or "-" for column in columns))


@app.command()
def token(name: options.Name, *, expires: options.Expires = 3600, database: Database = DATABASE) -> None:
    """Print a bearer token for a registered client, with all its scopes."""
    with loud():
        client = next((client for client in _clients(location_of(database)) if client.name == name), None)
        if client is None:
            raise ConfigurationError(
                f"client {name}: not registered in {shown(location_of(database))}; add it with: verwerkingenlog client add {name}"
            )
        if client.secret is None:
            raise ConfigurationError(f"client {name}: its tokens come from {client.issuer}")
    now = int(time.time())
    # Without scopes no claim either: an empty one would take away what every client may.
    scopes = {"scope": " ".join(sorted(client.scopes))} if client.scopes else {}
    claims = {"iss": name, "client_id": name, "iat": now, "exp": now + expires, **scopes}
    typer.echo(jwt.encode(claims, client.secret, algorithm=ALGORITHM))


def _existing(database: Location) -> Location:
    if isinstance(database, Path) and not database.exists():
        raise ConfigurationError(f"setting database: {database} does not exist; register a client first")
    return database


@contextmanager
def _writing(database: Location) -> Iterator[Engine]:
    prepare(database)
    engine = open_writer(database)
    try:
        yield engine
    finally:
        engine.dispose()


def _clients(database: Location) -> list[Client]:
    prepare(_existing(database))
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
