"""The commands ``verwerkingenlog purge`` and ``verwerkingenlog hold``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from verwerkingenlogging.errors import ConfigurationError, InvalidValue
from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging.model.limits import PERSOON, check_identificator, check_soort_id
from verwerkingenlogging_register._commands.progress import progress, stoppable
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
    loud,
    reading,
)
from verwerkingenlogging_register.settings import INZAGE_BEWAARTERMIJN

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from verwerkingenlogging_register._retention.purge import Purged
    from verwerkingenlogging_register._rules.terms import Terms

__all__ = ["add_commands"]

hold_app = typer.Typer(no_args_is_help=True, help="Holds: the acties that the purge must keep.")
HoldReason = Annotated[str, typer.Option("--reason", help="Why you do this; it is recorded. Name no person.")]


def add_commands(app: typer.Typer) -> None:
    """Give ``app`` these commands."""
    app.command("purge")(purge_expired)
    app.add_typer(hold_app, name="hold")


def purge_expired(
    *,
    database: Database = DATABASE,
    execute: Annotated[bool, typer.Option("--execute", help="Really remove. Without it, only count what would be removed.")] = False,
    var_file: Annotated[
        Path | None,
        typer.Option(envvar="VERWERKINGENLOG_VAR_FILE", help="TOML file with the terms of the organisation.", show_envvar=True),
    ] = None,
    bewaartermijn: Annotated[
        str | None, typer.Option(envvar="VERWERKINGENLOG_BEWAARTERMIJN", help="Term for acties that have no other, such as P10Y.")
    ] = None,
    operator: Operator = None,
    reason: Reason = None,
    keys: KeysFile = None,
    keys_command: KeysCommand = None,
) -> None:
    """Remove the verwerkingsacties whose bewaartermijn is over. On PostgreSQL run it as the role that owns the tables.

    Ctrl-C and SIGTERM end it after the current transaction. It then says what it removed, and the next purge goes on.
    """
    from verwerkingenlogging_register._access.administration import AdminAction, checked_reason, operator_of, record
    from verwerkingenlogging_register._database.engines import open_reader, open_writer, prepare
    from verwerkingenlogging_register._database.location import location_of
    from verwerkingenlogging_register._rules.terms import read_terms

    with loud():
        terms = read_terms(var_file, bewaartermijn)
        what = f"terms of {var_file or '-'}, else {bewaartermijn or '-'}"
        who = operator_of(operator) if execute else ""
        action = AdminAction(operator=who, command="purge", subject=what, reason=checked_reason(reason))
        location = location_of(database)
        prepare(location)
        known = given_keys(location, keys, keys_command)
        reader = open_reader(location, known)
        writer = open_writer(location, known) if execute else None
        try:
            if writer is not None:
                with writer.begin() as connection:  # before the first is gone
                    record(connection, action)
            stopped_by = _purge(reader, writer, terms)
        finally:
            reader.dispose()
            if writer is not None:
                writer.dispose()
    if stopped_by is not None:
        typer.echo("verwerkingenlog: stopped before the end; start it again to go on", err=True)
        raise typer.Exit(128 + stopped_by)


def _purge(reader: Engine, writer: Engine | None, terms: Terms) -> signal.Signals | None:
    """Purge, and say what was done, also where it fails half-way. Gives the signal that stopped it before the end, if any."""
    from verwerkingenlogging_register._retention.purge import Purged, purge

    so_far = Purged()
    done = "would go" if writer is None else "removed"
    try:
        with progress("purge") as show, stoppable() as stop:

            def go_on(purged: Purged) -> bool:
                nonlocal so_far
                so_far = purged
                show(f"{purged.acties:,} acties {done}, {purged.looked_at:,} versies looked at")
                return stop.by is None

            so_far = purge(reader, writer, terms, go_on=go_on)
    finally:
        _say(so_far, execute=writer is not None)
    return stop.by if so_far.stopped else None


def _say(purged: Purged, *, execute: bool) -> None:
    typer.echo(
        f"{'removed' if execute else 'would remove (dry run)'}: "
        f"{purged.acties} acties in {purged.versies} versies with {purged.objecten} objecten and {purged.keys} idempotency keys"
        f"{', ' if purged.first else ''}{purged.period()}"
    )
    if purged.months or purged.months_in_use:
        typer.echo(f"emptied months dropped: {purged.months}; in use, left for the next purge: {purged.months_in_use}")
    typer.echo(f"under a hold: {purged.held}; activiteiten without any term: {purged.without_term}")


@hold_app.command("add")
def add(
    *,
    reason: HoldReason,
    actie: Annotated[UUID | None, typer.Option(help="Hold this actie.")] = None,
    verwerking: Annotated[UUID | None, typer.Option(help="Hold every actie of this verwerking.")] = None,
    person: Annotated[bool, typer.Option("--person", help="Hold every actie about the objectId on standard input.")] = False,
    soort_object_id: Annotated[str, typer.Option(help="Kind of that objectId.")] = "BSN",
    objecttype: Annotated[str, typer.Option(help="Kind of that object.")] = PERSOON,
    activiteit: Annotated[
        UUID | None, typer.Option(envvar="VERWERKINGENLOG_HOLD_ACTIVITEIT", help="Verwerkingsactiviteit under which --person is logged.")
    ] = None,
    bewaartermijn: OwnBewaartermijn = INZAGE_BEWAARTERMIJN,
    operator: Operator = None,
    database: Database = DATABASE,
    keys: KeysFile = None,
    keys_command: KeysCommand = None,
) -> None:
    """Keep an actie, a verwerking or all about a person from the purge. Prints the id of the hold, and how many acties it holds now."""
    from verwerkingenlogging_register._access.administration import AdminAction, checked_reason, operator_of, record
    from verwerkingenlogging_register._acties.own_acties import record_own_actie
    from verwerkingenlogging_register._model.subjects import Persoon
    from verwerkingenlogging_register._retention.holds import HOLD_ACTIE_NAAM, add_hold, count_held

    with loud():
        who, why, term = operator_of(operator), checked_reason(reason), checked_term(bewaartermijn)
        if sum((actie is not None, verwerking is not None, person)) != 1:
            raise ConfigurationError("hold: say what to hold with one of --actie, --verwerking and --person")
        try:
            soort = check_soort_id("soort_object_id", soort_object_id)
            what = actie or verwerking or Persoon(objecttype, soort, check_identificator("object_id", sys.stdin.readline().strip()))
        except InvalidValue as error:
            raise ConfigurationError(f"hold: {error}") from None
        with _writing(database, keys, keys_command) as connection:
            hold_id = add_hold(connection, what, reason, verwerking=verwerking is not None)
            held = count_held(connection, what, verwerking=verwerking is not None)
            record(connection, AdminAction(operator=who, command="hold add", subject=hold_id, reason=why))
            if isinstance(what, Persoon):
                hidden = Vertrouwelijkheid.VERTROUWELIJK  # it tells somebody that he is under investigation
                record_own_actie(
                    connection, HOLD_ACTIE_NAAM, [what], gebruiker=who, activiteit=activiteit, bewaartermijn=term, vertrouwelijkheid=hidden
                )
    typer.echo(f"verwerkingenlog: holds {held} acties now{'' if held else '; if it should be more, look at what you gave'}", err=True)
    typer.echo(hold_id)


@hold_app.command("release")
def release(
    hold_id: Annotated[UUID, typer.Argument(help="As hold list shows it.")],
    *,
    reason: HoldReason,
    operator: Operator = None,
    database: Database = DATABASE,
) -> None:
    """End a hold. The next purge may remove what it held."""
    from verwerkingenlogging_register._access.administration import AdminAction, checked_reason, operator_of, record
    from verwerkingenlogging_register._retention.holds import release_hold

    with loud():
        action = AdminAction(operator=operator_of(operator), command="hold release", subject=str(hold_id), reason=checked_reason(reason))
        with _writing(database, None, None) as connection:
            release_hold(connection, hold_id, reason)
            record(connection, action)


@hold_app.command("list")
def list_holds(*, database: Database = DATABASE) -> None:
    """Show every hold: id, since when, until when, what and why; never the number of a person."""
    from verwerkingenlogging_register._retention.holds import holds

    with loud(), reading(database) as connection:
        found = holds(connection)
    for row in found:
        what = (
            f"actie {row['actie_id']}" if row["actie_id"]
            else f"verwerking {row['verwerking_id']}" if row["verwerking_id"]
            else f"a {row['objecttype']} by {row['soort_object_id']}"
        )  # fmt: skip
        typer.echo(f"{row['hold_id']}\t{row['created']}\t{row['released'] or '-'}\t{what}\t{row['reason']}")


@contextmanager
def _writing(database: str, keys: Path | None, keys_command: str | None) -> Iterator[Connection]:
    from verwerkingenlogging_register._database.engines import open_writer, prepare
    from verwerkingenlogging_register._database.location import location_of

    location = location_of(database)
    prepare(location)
    writer = open_writer(location, given_keys(location, keys, keys_command))
    try:
        with writer.begin() as connection:
            yield connection
    finally:
        writer.dispose()
