"""The application that is killed: one route, its records kept by our outbox or by OpenTelemetry's batch processor.

It is served by two processes that share a socket, as a server with workers does.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import uvicorn
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from verwerkingenlogging import Activiteit, Activiteiten, Recorder, Settings, persoon, verwerkingsactie
from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging.logs.outbox import OutboxLog
from verwerkingenlogging.logs.protocol import Safety
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware

__all__ = ["OTEL", "Place", "outbox_of", "serve"]

OTEL = "OTel"
_WORKERS = 2
_OIN = "00000099123456780000"
_Handler = Callable[[Request], Awaitable[PlainTextResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an application keeps its records, and whereto they go.

    Attributes:
        kind: the safety of our outbox, or ``OTel``.
        outbox: its folder.
        address: the register, or what takes spans.
        token: for the register.
        output: file that gets what the application says.
    """

    kind: str
    outbox: Path
    address: str
    token: str
    output: Path


def outbox_of(place: Place) -> OutboxLog:
    """The outbox, in this process."""
    safety: Safety = "process" if place.kind == "process" else "power"
    return OutboxLog(place.outbox, ApiLog(place.address, token=place.token), safety=safety)


def serve(place: Place, descriptor: int) -> None:
    """Serve on the listening socket ``descriptor``, in a process group of its own."""
    os.setpgid(0, 0)
    output = os.open(place.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    for _ in range(_WORKERS - 1):
        if os.fork() == 0:
            break
    application = _with_otel(place) if place.kind == OTEL else _with_outbox(place)
    server = uvicorn.Server(uvicorn.Config(application, access_log=False, log_level="warning"))
    server.run(sockets=[socket.socket(fileno=descriptor)])
    os._exit(0)


async def _read(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.path_params["verwerking"])


def _with_outbox(place: Place) -> Starlette:
    activiteit = Activiteit(naam="brp", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"))
    annotate = verwerkingsactie(
        "Ophalen persoonsgegevens",
        activiteit="brp",
        objecten=persoon("request.path_params.bsn"),
        verwerking_id=lambda request: request.path_params["verwerking"],
    )
    application = Starlette(routes=[Route("/{bsn}/{verwerking}", annotate(_read))])
    settings = Settings(oin=_OIN, activiteiten=Activiteiten({_OIN: [activiteit]}))
    application.add_middleware(VerwerkingenloggingMiddleware, recorder=Recorder(outbox_of(place), settings))
    return application


def _with_otel(place: Place) -> Starlette:
    """A span for each request, as the SDK makes, batches and sends them by default."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(place.address)))
    tracer = provider.get_tracer("crash")

    async def read(request: Request) -> PlainTextResponse:
        with tracer.start_as_current_span("Ophalen persoonsgegevens", attributes={"verwerking": request.path_params["verwerking"]}):
            return await _read(request)

    return Starlette(routes=[Route("/{bsn}/{verwerking}", read)])
