"""Shared by the commands: the options that name the register, and how a wrong setting ends a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qsl, urlsplit

import typer

from verwerkingenlogging.errors import ConfigurationError, InvalidValue, LogUnavailable
from verwerkingenlogging.model.limits import check_bewaartermijn
from verwerkingenlogging_register.settings import DEFAULT_DATABASE, Settings, key_file_beside

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.exc import DBAPIError

    from verwerkingenlogging_register._database.location import Location
    from verwerkingenlogging_register._keys.key_source import KeySource
    from verwerkingenlogging_register._keys.protection import Keys

__all__ = [
    "DATABASE",
    "Database",
    "KeysCommand",
    "KeysFile",
    "Operator",
    "OwnBewaartermijn",
    "Reason",
    "checked_term",
    "given_keys",
    "key_source_for",
    "loud",
    "reading",
]

_NO_PRIVILEGE = "42501"
DATABASE = str(DEFAULT_DATABASE)

_SECRET_PARAMETERS = frozenset({"password", "sslpassword", "oauth_client_secret", "scram_client_key"})
"""What libpq takes in a URL, and nobody else may see."""


def _without_password(context: typer.Context, parameter: typer.CallbackParam, database: str) -> str:
    """Refuse a password in an argument: everybody on the machine can see those. In the environment nobody else can."""
    source = context.get_parameter_source(parameter.name or "")
    if source is not None and source.name == "COMMANDLINE" and _holds_password(database):
        _end(
            "setting database: everybody on this machine can see a password in an argument; leave it out and give it in ~/.pgpass, "
            "in PGPASSWORD or in a service file, or give the whole URL in VERWERKINGENLOG_DATABASE"
        )
    return database


def _holds_password(database: str) -> bool:
    if "://" not in database:
        return False
    try:
        parts = urlsplit(database)
    except ValueError:
        return "@" in database
    return bool(parts.password) or bool({name.lower() for name, _ in parse_qsl(parts.query)} & _SECRET_PARAMETERS)


Database = Annotated[
    str,
    typer.Option(
        "--database",
        envvar="VERWERKINGENLOG_DATABASE",
        help="A SQLite file, or postgresql://ROLE@HOST/DATABASE.",
        show_envvar=True,
        callback=_without_password,
    ),
]
KeysFile = Annotated[
    Path | None,
    typer.Option("--keys", envvar="VERWERKINGENLOG_KEYS", help="The key file.  [default for SQLite: .keys beside the database]"),
]
KeysCommand = Annotated[
    str | None, typer.Option("--keys-command", envvar="VERWERKINGENLOG_KEYS_COMMAND", help="A command that prints the key file.")
]

Operator = Annotated[
    str | None,
    typer.Option("--operator", envvar="VERWERKINGENLOG_OPERATOR", help="Who runs this; it is recorded.  [default: your login name]"),
]
Reason = Annotated[str | None, typer.Option("--reason", help="Why you do this; it is recorded. Name no person.")]

OwnBewaartermijn = Annotated[
    str,
    typer.Option(
        "--inzage-bewaartermijn", envvar="VERWERKINGENLOG_INZAGE_BEWAARTERMIJN", help="How long the record of this command is kept."
    ),
]


@contextmanager
def loud() -> Iterator[None]:
    """End the command with one line for a wrong setting, or for a database that refuses."""
    try:
        yield
    except (ConfigurationError, LogUnavailable) as error:
        _end(str(error))
    except _database_error() as error:
        # What the database says names tables, roles and places; hide_parameters keeps values out of it.
        remedy = "; run this as the role that owns the tables" if getattr(error.orig, "sqlstate", "") == _NO_PRIVILEGE else ""
        _end(f"the database refused: {' '.join(str(error.orig).split())}{remedy}")


@contextmanager
def reading(database: str) -> Iterator[Connection]:
    """A connection that reads the register at ``database``. Raises ConfigurationError when that cannot be used."""
    from verwerkingenlogging_register._database.engines import open_reader, prepare
    from verwerkingenlogging_register._database.location import location_of

    location = location_of(database)
    prepare(location)
    reader = open_reader(location)
    try:
        with reader.begin() as connection:
            yield connection
    finally:
        reader.dispose()


def given_keys(database: Location, keys: Path | None, keys_command: str | None) -> Keys | None:
    """The keys of the register at ``database``: those that the options name, else those beside it, else None."""
    if keys is None and keys_command is None:
        beside = key_file_beside(database)
        if beside is None or not beside.exists():
            return None
    from verwerkingenlogging_register._keys.protection import Keys

    return Keys(key_source_for(database, keys, keys_command))


def key_source_for(database: Location, keys: Path | None, keys_command: str | None) -> KeySource:
    """Where those keys are."""
    return Settings(database=database, keys=keys, keys_command=keys_command).key_source


def checked_term(bewaartermijn: str) -> str:
    """Check the term of a record that a command makes, and give it back. Raises ConfigurationError when it is wrong."""
    try:
        return check_bewaartermijn("inzage_bewaartermijn", bewaartermijn)
    except InvalidValue as error:
        raise ConfigurationError(f"setting {error}") from None


def _database_error() -> type[DBAPIError]:
    """Evaluated once something was raised; until then nobody needs SQLAlchemy for this."""
    from sqlalchemy.exc import DBAPIError

    return DBAPIError


def _end(message: str) -> None:
    typer.echo(f"verwerkingenlog: {message}", err=True)
    raise typer.Exit(1) from None
