"""The options of the commands, each with its environment variable. ``docs/reference/register.md`` lists them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging_register._model.scopes import Scope
from verwerkingenlogging_register._technical_log import LogFormat
from verwerkingenlogging_register.settings import LegeVelden, TijdstipOutside

_V = "VERWERKINGENLOG_"

Workers = Annotated[int, typer.Option(envvar=f"{_V}WORKERS", min=1, help="Processes; more than one on PostgreSQL only.")]
Name = Annotated[str, typer.Argument(help="The client_id.")]

Host = Annotated[str, typer.Option(envvar=f"{_V}HOST", help="Address to listen on.")]
Port = Annotated[int, typer.Option(envvar=f"{_V}PORT", min=1, max=65535, help="Port to listen on.")]
BaseUrl = Annotated[
    str | None, typer.Option(envvar=f"{_V}BASE_URL", help="Address at which clients reach the register.  [default: http://HOST:PORT]")
]
ContactEmail = Annotated[str | None, typer.Option(envvar=f"{_V}CONTACT_EMAIL", help="Whom users of the API can ask.")]

LogInzage = Annotated[bool, typer.Option(envvar=f"{_V}LOG_INZAGE", help="Record every read as a verwerkingsactie.")]
InzageActiviteit = Annotated[UUID | None, typer.Option(envvar=f"{_V}INZAGE_ACTIVITEIT", help="Verwerkingsactiviteit of those records.")]
InzageBewaartermijn = Annotated[
    str, typer.Option(envvar=f"{_V}INZAGE_BEWAARTERMIJN", help="How long they are kept at least, such as P5Y; a reader may lengthen it.")
]
RequireInzageHeaders = Annotated[
    bool, typer.Option(envvar=f"{_V}REQUIRE_INZAGE_HEADERS", help="The Inzage API demands the doelbinding headers.")
]
VarFile = Annotated[
    Path | None, typer.Option(envvar=f"{_V}VAR_FILE", help="TOML file with the terms of the organisation, as the purge reads it.")
]
TijdstipPastDays = Annotated[
    int, typer.Option(envvar=f"{_V}TIJDSTIP_PAST_DAYS", help="How long ago an actie that is offered may have been.")
]
TijdstipFutureSeconds = Annotated[int, typer.Option(envvar=f"{_V}TIJDSTIP_FUTURE_SECONDS", help="How far ahead it may be.")]
TijdstipOutsideOption = Annotated[
    TijdstipOutside,
    typer.Option("--tijdstip-outside", envvar=f"{_V}TIJDSTIP_OUTSIDE", help="Flag an actie of another tijdstip, or refuse it."),
]
Objecttypen = Annotated[
    list[str] | None, typer.Option("--objecttype", envvar=f"{_V}OBJECTTYPE", help="Kind of object to register; repeat.")
]
Tijdzone = Annotated[str, typer.Option(envvar=f"{_V}TIJDZONE", help="Where a day begins.")]
OnbekendAls404 = Annotated[
    bool, typer.Option(envvar=f"{_V}ONBEKEND_ALS_404", help="What PUT, PATCH and DELETE do not find is 404 instead of 400.")
]
ActieIdPerVersie = Annotated[
    bool, typer.Option(envvar=f"{_V}ACTIE_ID_PER_VERSIE", help="A correction gives a new actieId; those of before lead to it still.")
]
PutVolledig = Annotated[bool, typer.Option(envvar=f"{_V}PUT_VOLLEDIG", help="A PUT must have each attribute, be it empty.")]
LegeVeldenOption = Annotated[
    LegeVelden, typer.Option(envvar=f"{_V}LEGE_VELDEN", help="What was not given is left out, or comes back empty.")
]

Issuers = Annotated[Path | None, typer.Option(envvar=f"{_V}ISSUERS", help="TOML file of who may sign tokens, beside the clients.")]
TokenLifetime = Annotated[int, typer.Option(envvar=f"{_V}TOKEN_LIFETIME", help="Longest life of a token, in seconds.")]
SubjectSecrets = Annotated[
    Path | None, typer.Option(envvar=f"{_V}SUBJECT_SECRETS", help="File of the secrets that applications encrypt numbers with.")
]
OtlpVertrouwelijkheid = Annotated[
    Vertrouwelijkheid, typer.Option(envvar=f"{_V}OTLP_VERTROUWELIJKHEID", help="Of a span that does not say it: normaal or vertrouwelijk.")
]
RefuseBsnInText = Annotated[
    bool, typer.Option(envvar=f"{_V}REFUSE_BSN_IN_TEXT", help="An actie with what can be a BSN in its texts is 400.")
]
BodyLimit = Annotated[int, typer.Option(envvar=f"{_V}BODY_LIMIT", help="Most bytes of a request body.")]
BatchBodyLimit = Annotated[int, typer.Option(envvar=f"{_V}BATCH_BODY_LIMIT", help="The same for a batch.")]
HeaderLimit = Annotated[int, typer.Option(envvar=f"{_V}HEADER_LIMIT", help="Most bytes of the address and headers of a request.")]
HeaderTimeout = Annotated[float, typer.Option(envvar=f"{_V}HEADER_TIMEOUT", help="Seconds for the headers of a request to come.")]
BodyTimeout = Annotated[
    float, typer.Option(envvar=f"{_V}BODY_TIMEOUT", help="Seconds for a request to come, or an answer to be taken; large ones have more.")
]
IdleTimeout = Annotated[float, typer.Option(envvar=f"{_V}IDLE_TIMEOUT", help="Seconds that a connection stays open after an answer.")]
ConnectionLimit = Annotated[int, typer.Option(envvar=f"{_V}CONNECTION_LIMIT", help="Most connections of one process.")]
DepthLimit = Annotated[int, typer.Option(envvar=f"{_V}DEPTH_LIMIT", help="Deepest nesting of a request body.")]
QueueLimit = Annotated[int, typer.Option(envvar=f"{_V}QUEUE_LIMIT", help="Most writes that wait for the disk.")]
RateLimit = Annotated[float, typer.Option(envvar=f"{_V}RATE_LIMIT", help="Most requests per second of one client; 0: no limit.")]
RateBurst = Annotated[int, typer.Option(envvar=f"{_V}RATE_BURST", help="How many of them may come at once.")]

LogFormatOption = Annotated[LogFormat, typer.Option(envvar=f"{_V}LOG_FORMAT", help="How a line of the technical log is written.")]
MetricsHost = Annotated[str, typer.Option(envvar=f"{_V}METRICS_HOST", help="Address to serve the metrics on.")]
MetricsPort = Annotated[
    int, typer.Option(envvar=f"{_V}METRICS_PORT", min=0, max=65535, help="Port to serve the metrics on; 0: they are not served.")
]

Oins = Annotated[list[str] | None, typer.Option("--oin", help="Its OIN; repeat for those it may act for (D6).")]
Scopes = Annotated[list[Scope] | None, typer.Option("--scope", help="A scope it gets; repeat.")]
IssuerOption = Annotated[str | None, typer.Option("--issuer", help="The iss of the issuer that signs its tokens, instead of a secret.")]
NoOin = Annotated[bool, typer.Option("--no-oin", help="It has no OIN of its own: it may send any.")]
NoScope = Annotated[bool, typer.Option("--no-scope", help="It has no scope: it may create what is normaal, and no more (X49).")]
PublicKeyFile = Annotated[
    Path | None, typer.Option("--public-key", help="File of the public key (PEM or JWK) that verifies its tokens, instead of a secret.")
]
SecretFile = Annotated[
    Path | None, typer.Option(envvar=f"{_V}CLIENT_SECRET_FILE", help="File that holds its secret, instead of a new one.")
]
Expires = Annotated[int, typer.Option(min=1, help="Seconds that it is valid.")]
