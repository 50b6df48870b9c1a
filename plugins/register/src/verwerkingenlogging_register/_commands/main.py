"""The command ``verwerkingenlog``. ``serve``, which runs the register, is here; the others are in the modules ``cli_…``.

In these modules a command imports what it runs on when it is called: ``--help`` needs none of it, and ``client list`` no server.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import Annotated, Any

import typer

from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging.model.limits import PERSOON
from verwerkingenlogging_register._commands import administration, clients, database, keys, options, retention
from verwerkingenlogging_register._commands.clients import SECRET_VARIABLE
from verwerkingenlogging_register._commands.environment import check_environment
from verwerkingenlogging_register._commands.shared import DATABASE, Database, KeysCommand, KeysFile, loud
from verwerkingenlogging_register._technical_log import LogFormat
from verwerkingenlogging_register.settings import INZAGE_BEWAARTERMIJN, LegeVelden, Settings, TijdstipOutside

__all__ = ["main"]

app = typer.Typer(name="verwerkingenlog", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
clients.add_commands(app)
app.add_typer(keys.app, name="keys")
database.add_commands(app)
retention.add_commands(app)
administration.add_commands(app)


def main() -> None:
    """The entry point of the command."""
    app()


def _show_version(asked: bool) -> None:
    if asked:
        from verwerkingenlogging_register._database.schema import HEAD

        typer.echo(f"verwerkingenlogging-register {version('verwerkingenlogging-register')}, tables of version {HEAD}")
        raise typer.Exit


@app.callback()
def _any_command(
    context: typer.Context,
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version, and the version of the tables that it needs."
        ),
    ] = False,
) -> None:
    """The register of verwerkingsacties."""
    with loud():
        check_environment(os.environ, _variables(context.command))


def _variables(command: Any) -> set[str]:
    """The environment variables of ``command`` and of those in it, and the one that is no option since a secret is in it."""
    found = {parameter.envvar for parameter in command.params if isinstance(parameter.envvar, str)}
    return found.union({SECRET_VARIABLE}, *map(_variables, getattr(command, "commands", {}).values()))


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
    var_file: options.VarFile = None,
    tijdstip_past_days: options.TijdstipPastDays = 31,
    tijdstip_future_seconds: options.TijdstipFutureSeconds = 300,
    tijdstip_outside: options.TijdstipOutsideOption = TijdstipOutside.FLAG,
    require_inzage_headers: options.RequireInzageHeaders = True,
    objecttype: options.Objecttypen = None,
    tijdzone: options.Tijdzone = "Europe/Amsterdam",
    onbekend_als_404: options.OnbekendAls404 = False,
    actie_id_per_versie: options.ActieIdPerVersie = False,
    put_volledig: options.PutVolledig = False,
    lege_velden: options.LegeVeldenOption = LegeVelden.WEG,
    issuers: options.Issuers = None,
    token_lifetime: options.TokenLifetime = 3600,
    subject_secrets: options.SubjectSecrets = None,
    otlp_vertrouwelijkheid: options.OtlpVertrouwelijkheid = Vertrouwelijkheid.VERTROUWELIJK,
    refuse_bsn_in_text: options.RefuseBsnInText = False,
    body_limit: options.BodyLimit = 1024 * 1024,
    batch_body_limit: options.BatchBodyLimit = 16 * 1024 * 1024,
    header_limit: options.HeaderLimit = 16 * 1024,
    header_timeout: options.HeaderTimeout = 10.0,
    body_timeout: options.BodyTimeout = 30.0,
    idle_timeout: options.IdleTimeout = 65.0,
    connection_limit: options.ConnectionLimit = 4096,
    depth_limit: options.DepthLimit = 32,
    queue_limit: options.QueueLimit = 10_000,
    rate_limit: options.RateLimit = 1000.0,
    rate_burst: options.RateBurst = 2000,
    log_format: options.LogFormatOption = LogFormat.TEXT,
    metrics_host: options.MetricsHost = "127.0.0.1",
    metrics_port: options.MetricsPort = 0,
) -> None:
    """Run the register until it is told to stop (SIGTERM or Ctrl-C)."""
    from verwerkingenlogging_register._acties.repository import prepare_to_serve
    from verwerkingenlogging_register._database.location import location_of
    from verwerkingenlogging_register._database.server_lock import single_server
    from verwerkingenlogging_register._keys.issuers import KeySet, load_issuers
    from verwerkingenlogging_register._server.processes import Listening, check_workers, run

    with loud():
        settings = Settings(
            database=location_of(database),
            keys=keys,
            keys_command=keys_command,
            base_url=base_url or f"http://{f'[{host}]' if ':' in host else host}:{port}",
            contact_email=contact_email,
            log_inzage=log_inzage,
            inzage_activiteit=inzage_activiteit,
            inzage_bewaartermijn=inzage_bewaartermijn,
            var_file=var_file,
            tijdstip_past_days=tijdstip_past_days,
            tijdstip_future_seconds=tijdstip_future_seconds,
            tijdstip_outside=tijdstip_outside,
            require_inzage_headers=require_inzage_headers,
            objecttypen=frozenset(objecttype or [PERSOON]),
            tijdzone=tijdzone,
            onbekend_als_404=onbekend_als_404,
            actie_id_per_versie=actie_id_per_versie,
            put_volledig=put_volledig,
            lege_velden=lege_velden,
            issuers=load_issuers(issuers),
            token_lifetime=token_lifetime,
            subject_secrets=subject_secrets,
            otlp_vertrouwelijkheid=otlp_vertrouwelijkheid,
            refuse_bsn_in_text=refuse_bsn_in_text,
            body_limit=body_limit,
            batch_body_limit=batch_body_limit,
            header_limit=header_limit,
            header_timeout=header_timeout,
            body_timeout=body_timeout,
            idle_timeout=idle_timeout,
            connection_limit=connection_limit,
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
        with single_server(settings.database):  # here too, since the application says what is amiss in many lines
            pass
        for one in settings.issuers:
            KeySet(one)  # here, since a worker has no way to say what is wrong with it
        run(settings, listening)


if __name__ == "__main__":
    main()
