"""The commands about the database as a whole: its tables, its retention, its state."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from verwerkingenlogging_register import postgresql, sqlite
from verwerkingenlogging_register.cli_options import DATABASE, Database, loud
from verwerkingenlogging_register.location import location_of, shown
from verwerkingenlogging_register.schema import HEAD

__all__ = ["add_commands"]


def add_commands(app: typer.Typer) -> None:
    """Give ``app`` these commands."""
    app.command("migrate")(migrate)


def migrate(
    *,
    database: Database = DATABASE,
    server_role: Annotated[
        str | None,
        typer.Option(envvar="VERWERKINGENLOG_SERVER_ROLE", help="PostgreSQL role of the server; it gets the right to read and to add."),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m"], help="First month with a partition of its own, for acties of before; PostgreSQL only."),
    ] = None,
) -> None:
    """Make or update the tables. On PostgreSQL run it as the role that owns them, also now and then to make new months."""
    with loud():
        location = location_of(database)
        if isinstance(location, Path):
            sqlite.update(location)
            made = ""
        else:
            since = since.replace(tzinfo=UTC) if since else None
            made = f", {postgresql.update(location, server_role=server_role, since=since)} partitions made"
    typer.echo(f"verwerkingenlog: {shown(location)} has tables of version {HEAD}{made}", err=True)
