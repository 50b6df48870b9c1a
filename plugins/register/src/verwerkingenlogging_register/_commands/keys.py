"""The commands ``verwerkingenlog keys``: a key file, a new key in it, and which keys are in use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register._commands.progress import progress
from verwerkingenlogging_register._commands.shared import DATABASE, Database, KeysCommand, KeysFile, Operator, Reason, key_source_for, loud

if TYPE_CHECKING:
    from verwerkingenlogging_register._database.location import Location

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="The keys that protect the numbers of persons in the database.")


@app.command("init")
def init(*, keys: KeysFile = None, operator: Operator = None, reason: Reason = None, database: Database = DATABASE) -> None:
    """Make a key file with one key. Keep a copy of it apart from the copies of the database: without it, they cannot be read."""
    from verwerkingenlogging_register._database.location import location_of
    from verwerkingenlogging_register._keys.key_file import init_keys

    with loud():
        file = key_source_for(location_of(database), keys, None).file
        if file is None:
            raise ConfigurationError("setting keys: give a file, with --keys FILE")
        with _recorded(location_of(database), "keys init", file, operator, reason):
            init_keys(file)
    typer.echo(f"verwerkingenlog: made {file}; keep a copy of it apart from the copies of the database", err=True)


@app.command("rotate")
def rotate(*, keys: KeysFile = None, operator: Operator = None, reason: Reason = None, database: Database = DATABASE) -> None:
    """Add a key to the key file. Servers that read that file take it into use by themselves; older keys stay for older rows."""
    from verwerkingenlogging_register._database.location import location_of
    from verwerkingenlogging_register._keys.key_file import rotate_keys

    with loud():
        file = key_source_for(location_of(database), keys, None).file
        if file is None:
            raise ConfigurationError("setting keys: give a file, with --keys FILE")
        with _recorded(location_of(database), "keys rotate", file, operator, reason):
            key = rotate_keys(file)
    typer.echo(f"verwerkingenlog: added key {key.key_id} to {file}, in use from {key.since:%Y-%m-%d %H:%M:%S} UTC; keep a copy", err=True)


@app.command("status")
def status(*, keys: KeysFile = None, keys_command: KeysCommand = None, database: Database = DATABASE) -> None:
    """Show each key: its id, fingerprint, when it was made, whether it is in use, and how many objecten it protects."""
    from sqlalchemy import func, select

    from verwerkingenlogging_register._database.engines import open_reader, prepare
    from verwerkingenlogging_register._database.location import location_of
    from verwerkingenlogging_register._keys.key_file import active, load_keys
    from verwerkingenlogging_register._keys.protection import Keys, key_id_of
    from verwerkingenlogging_register._model.tables import verwerkt_object

    with loud():
        location = location_of(database)
        source = key_source_for(location, keys, keys_command)
        found = load_keys(source)
        prepare(location)
        reader = open_reader(location)
        try:
            with progress("keys status") as show, reader.begin() as connection:
                show("counting the objecten of each key")
                if connection.dialect.name == "postgresql":
                    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")  # it reads all of them
                Keys(source).check(connection)
                key_id = func.substr(verwerkt_object.c.object_id_sealed, 1, 2)
                protected = {
                    key_id_of(prefix): count for prefix, count in connection.execute(select(key_id, func.count()).group_by(key_id))
                }
        finally:
            reader.dispose()
    current = active(found)
    for key in found:
        state = "in use" if key == current else "older" if key.key_id < current.key_id else f"from {key.since:%Y-%m-%dT%H:%M:%SZ}"
        typer.echo(f"{key.key_id}\t{key.fingerprint}\t{key.made:%Y-%m-%dT%H:%M:%SZ}\t{state}\t{protected.get(key.key_id, 0)}")


@contextmanager
def _recorded(database: Location, command: str, file: Path, operator: str | None, reason: str | None) -> Iterator[None]:
    """Record that this command was run about ``file`` in the register it belongs to; a first key comes before there is one.

    The file is written within the transaction: where nothing can be recorded, no key is made.
    """
    from verwerkingenlogging_register._access.administration import AdminAction, checked_reason, operator_of, record
    from verwerkingenlogging_register._database.engines import open_writer, prepare

    action = AdminAction(operator=operator_of(operator), command=command, subject=str(file), reason=checked_reason(reason))
    if isinstance(database, Path) and not database.exists():
        yield
        return
    try:
        prepare(database)
    except ConfigurationError:
        if command != "keys init":
            raise
        yield  # on PostgreSQL the key file is made before the tables are
        return
    writer = open_writer(database)
    try:
        with writer.begin() as connection:
            record(connection, action)
            yield
    finally:
        writer.dispose()
