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
ContactEmail = Annotated[str | None, typer.Option(envvar=f"{_V}CONTACT_EMAIL", help="Address that users of the API can write to.")]

LogInzage = Annotated[bool, typer.Option(envvar=f"{_V}LOG_INZAGE", help="Record every read as a verwerkingsactie.")]
InzageActiviteit = Annotated[
    UUID | None, typer.Option(envvar=f"{_V}INZAGE_ACTIVITEIT", help="Verwerkingsactiviteit of the records that --log-inzage makes.")
]
InzageBewaartermijn = Annotated[
    str,
    typer.Option(
        envvar=f"{_V}INZAGE_BEWAARTERMIJN", help="How long these records are kept at least, such as P5Y. A reader can make it longer."
    ),
]
RequireInzageHeaders = Annotated[
    bool, typer.Option(envvar=f"{_V}REQUIRE_INZAGE_HEADERS", help="The Inzage API demands the doelbinding headers.")
]
VarFile = Annotated[
    Path | None, typer.Option(envvar=f"{_V}VAR_FILE", help="TOML file with the terms of the organisation, as the purge reads it.")
]
TijdstipPastDays = Annotated[
    int, typer.Option(envvar=f"{_V}TIJDSTIP_PAST_DAYS", help="How many days ago the tijdstip of a new actie may be.")
]
TijdstipFutureSeconds = Annotated[
    int, typer.Option(envvar=f"{_V}TIJDSTIP_FUTURE_SECONDS", help="How many seconds in the future it may be.")
]
TijdstipOutsideOption = Annotated[
    TijdstipOutside,
    typer.Option(
        "--tijdstip-outside", envvar=f"{_V}TIJDSTIP_OUTSIDE", help="Keep and count (flag) or refuse an actie with another tijdstip."
    ),
]
Objecttypen = Annotated[
    list[str] | None, typer.Option("--objecttype", envvar=f"{_V}OBJECTTYPE", help="Kind of object to register; repeat.")
]
Tijdzone = Annotated[str, typer.Option(envvar=f"{_V}TIJDZONE", help="Where a day begins.")]
OnbekendAls404 = Annotated[
    bool, typer.Option(envvar=f"{_V}ONBEKEND_ALS_404", help="PUT, PATCH and DELETE answer 404 instead of 400 when the actie is not found.")
]
ActieIdPerVersie = Annotated[
    bool, typer.Option(envvar=f"{_V}ACTIE_ID_PER_VERSIE", help="A correction gives a new actieId. Earlier ids still lead to the actie.")
]
PutVolledig = Annotated[bool, typer.Option(envvar=f"{_V}PUT_VOLLEDIG", help="A PUT must have each attribute, if need be empty.")]
LegeVeldenOption = Annotated[
    LegeVelden,
    typer.Option(
        envvar=f"{_V}LEGE_VELDEN", help="An attribute that was not given is left out of answers (weg), or comes back empty (leeg)."
    ),
]

Issuers = Annotated[Path | None, typer.Option(envvar=f"{_V}ISSUERS", help="TOML file of the issuers that may sign tokens.")]
TokenLifetime = Annotated[int, typer.Option(envvar=f"{_V}TOKEN_LIFETIME", help="Longest life of a token, in seconds.")]
SubjectSecrets = Annotated[
    Path | None, typer.Option(envvar=f"{_V}SUBJECT_SECRETS", help="File with the secrets with which applications encrypt numbers.")
]
OtlpVertrouwelijkheid = Annotated[
    Vertrouwelijkheid,
    typer.Option(
        envvar=f"{_V}OTLP_VERTROUWELIJKHEID", help="Vertrouwelijkheid of a span that does not give one: normaal or vertrouwelijk."
    ),
]
RefuseBsnInText = Annotated[
    bool, typer.Option(envvar=f"{_V}REFUSE_BSN_IN_TEXT", help="Refuse (400) an actie with a possible BSN in one of its texts.")
]
BodyLimit = Annotated[int, typer.Option(envvar=f"{_V}BODY_LIMIT", help="Most bytes of a request body.")]
BatchBodyLimit = Annotated[int, typer.Option(envvar=f"{_V}BATCH_BODY_LIMIT", help="Most bytes of a batch, or of spans.")]
HeaderLimit = Annotated[int, typer.Option(envvar=f"{_V}HEADER_LIMIT", help="Most bytes of the address and headers of a request.")]
HeaderTimeout = Annotated[float, typer.Option(envvar=f"{_V}HEADER_TIMEOUT", help="Seconds in which the headers of a request must arrive.")]
BodyTimeout = Annotated[
    float,
    typer.Option(envvar=f"{_V}BODY_TIMEOUT", help="Seconds in which a request must arrive, or an answer be taken. Large ones get more."),
]
IdleTimeout = Annotated[float, typer.Option(envvar=f"{_V}IDLE_TIMEOUT", help="Seconds that a connection stays open after an answer.")]
ConnectionLimit = Annotated[int, typer.Option(envvar=f"{_V}CONNECTION_LIMIT", help="Most connections of one process.")]
DepthLimit = Annotated[int, typer.Option(envvar=f"{_V}DEPTH_LIMIT", help="Deepest nesting of a request body.")]
QueueLimit = Annotated[int, typer.Option(envvar=f"{_V}QUEUE_LIMIT", help="Most writes that may wait for the disk.")]
RateLimit = Annotated[float, typer.Option(envvar=f"{_V}RATE_LIMIT", help="Most requests per second of one client; 0: no limit.")]
RateBurst = Annotated[int, typer.Option(envvar=f"{_V}RATE_BURST", help="How many of them may come at once.")]

LogFormatOption = Annotated[LogFormat, typer.Option(envvar=f"{_V}LOG_FORMAT", help="How a line of the technical log is written.")]
MetricsHost = Annotated[str, typer.Option(envvar=f"{_V}METRICS_HOST", help="Address to serve the metrics on.")]
MetricsPort = Annotated[
    int, typer.Option(envvar=f"{_V}METRICS_PORT", min=0, max=65535, help="Port to serve the metrics on; 0: they are not served.")
]

Oins = Annotated[list[str] | None, typer.Option("--oin", help="Its own OIN. Repeat for OINs that it may act for (D6).")]
Scopes = Annotated[list[Scope] | None, typer.Option("--scope", help="A scope that it gets. Repeat for more.")]
IssuerOption = Annotated[str | None, typer.Option("--issuer", help="The iss of the issuer that signs its tokens, instead of a secret.")]
NoOin = Annotated[bool, typer.Option("--no-oin", help="Give it no OIN: it may then send any.")]
NoScope = Annotated[
    bool, typer.Option("--no-scope", help="Give it no scope: it may then create acties that are normaal, and do nothing else (X49).")
]
PublicKeyFile = Annotated[
    Path | None, typer.Option("--public-key", help="File of the public key (PEM or JWK) that verifies its tokens, instead of a secret.")
]
SecretFile = Annotated[
    Path | None, typer.Option(envvar=f"{_V}CLIENT_SECRET_FILE", help="File that holds its secret, instead of a new one.")
]
Expires = Annotated[int, typer.Option(min=1, help="Seconds that it is valid.")]
