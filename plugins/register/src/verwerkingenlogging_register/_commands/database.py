"""The commands about the database as a whole: its tables, its retention, its state."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register._commands.progress import progress
from verwerkingenlogging_register._commands.shared import (
    DATABASE,
    Database,
    KeysCommand,
    KeysFile,
    Operator,
    OwnBewaartermijn,
    Reason,
    checked_term,
    given_keys,
    key_source_for,
    loud,
)
from verwerkingenlogging_register.settings import INZAGE_BEWAARTERMIJN, Settings

__all__ = ["add_commands"]

_YEARS_BACK = 99
"""How far back months are made; what is older goes to the default partition."""


def add_commands(app: typer.Typer) -> None:
    """Give ``app`` these commands."""
    app.command("migrate")(migrate)
    app.command("check")(check_register)
    app.command("reveal")(reveal_numbers)


def migrate(
    *,
    database: Database = DATABASE,
    server_role: Annotated[
        str | None,
        typer.Option(envvar="VERWERKINGENLOG_SERVER_ROLE", help="PostgreSQL role of the server. It gets the right to read and to add."),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m"], help="First month that gets a partition, for older acties. PostgreSQL only."),
    ] = None,
    keys: KeysFile = None,
    keys_command: KeysCommand = None,
) -> None:
    """Make or update the tables. On PostgreSQL run it as the role that owns them, also now and then to make new months."""
    from verwerkingenlogging_register._database import postgresql, sqlite
    from verwerkingenlogging_register._database.location import location_of, shown
    from verwerkingenlogging_register._database.schema import HEAD

    with loud():
        location = location_of(database)
        since = _checked(since)
        known = given_keys(location, keys, keys_command)
        with progress("migrate") as show:
            if isinstance(location, Path):
                sqlite.update(location, show, known)
                made = ""
            else:
                made = f", {postgresql.update(location, server_role=server_role, since=since, progress=show, keys=known)} partitions made"
    typer.echo(f"verwerkingenlog: {shown(location)} has tables of version {HEAD}{made}", err=True)


def _checked(since: datetime | None) -> datetime | None:
    if since is None:
        return None
    now = datetime.now(UTC)
    if not now.year - _YEARS_BACK <= since.year <= now.year or since.replace(tzinfo=UTC) > now:
        raise ConfigurationError(f"setting since: give a month of the last {_YEARS_BACK} years, such as {now.year - 5}-01")
    return since.replace(tzinfo=UTC)


def check_register(*, database: Database = DATABASE, keys: KeysFile = None, keys_command: KeysCommand = None) -> None:
    """Check the configuration, the database, the rights of this role, the keys and the clock. Exit status 1 when one is wrong."""
    from verwerkingenlogging_register._commands.check import check
    from verwerkingenlogging_register._database.location import location_of

    with loud():
        settings = Settings(database=location_of(database), keys=keys, keys_command=keys_command)
        well = True
        for finding in check(settings):
            well &= finding.well
            typer.echo(f"{'ok  ' if finding.well else 'FAIL'}  {finding.name}: {finding.text}")
    if not well:
        raise typer.Exit(1)


def reveal_numbers(
    ids: Annotated[list[str], typer.Argument(help="actieIds, or pseudonyms as 32 hexadecimal digits.")],
    *,
    activiteit: Annotated[
        UUID | None, typer.Option(envvar="VERWERKINGENLOG_REVEAL_ACTIVITEIT", help="Verwerkingsactiviteit under which this is logged.")
    ] = None,
    bewaartermijn: OwnBewaartermijn = INZAGE_BEWAARTERMIJN,
    operator: Operator = None,
    reason: Reason = None,
    database: Database = DATABASE,
    keys: KeysFile = None,
    keys_command: KeysCommand = None,
) -> None:
    """Print the persons in those acties: the id, verwerktObjectId, kind and number. This is itself recorded, about each person."""
    from verwerkingenlogging_register._access.administration import AdminAction, checked_reason, operator_of, record
    from verwerkingenlogging_register._acties.reveal import reveal
    from verwerkingenlogging_register._database.engines import open_writer, prepare
    from verwerkingenlogging_register._database.location import location_of
    from verwerkingenlogging_register._keys.protection import Keys

    with loud():
        who, why = operator_of(operator), checked_reason(reason)
        term = checked_term(bewaartermijn)
        location = location_of(database)
        prepare(location)
        writer = open_writer(location, Keys(key_source_for(location, keys, keys_command)))
        try:
            with writer.begin() as connection:
                revealed = reveal(connection, ids, gebruiker=who, activiteit=activiteit, bewaartermijn=term)
                record(connection, AdminAction(operator=who, command="reveal", subject=f"{len(revealed)} objecten", reason=why))
        finally:
            writer.dispose()
    for found in revealed:
        typer.echo(f"{found.asked}\t{found.verwerkt_object_id}\t{found.persoon.soort_object_id}\t{found.persoon.object_id}")
    if not revealed:
        typer.echo("verwerkingenlog: nothing found", err=True)
        raise typer.Exit(1)
