"""The command ``verwerkingenlog administration``: who did what with the register."""

from __future__ import annotations

import typer

from verwerkingenlogging_register._commands.shared import DATABASE, Database, loud, reading

__all__ = ["add_commands"]


def add_commands(app: typer.Typer) -> None:
    """Give ``app`` this command."""
    app.command("administration")(list_actions)


def list_actions(*, database: Database = DATABASE) -> None:
    """Show who ran purge, hold, reveal, client, token and keys commands: when, who, what, about what and why; oldest first."""
    from verwerkingenlogging_register._access.administration import admin_actions

    with loud(), reading(database) as connection:
        found = admin_actions(connection)
    for row in found:
        typer.echo(f"{row['executed']}\t{row['operator']}\t{row['command']}\t{row['subject']}\t{row['reason'] or '-'}")
