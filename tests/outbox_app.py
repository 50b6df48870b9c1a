"""One application as every server wants it: ASGI (``app``), WSGI (``wsgi``), a Celery task. Started by ``test_outbox_processes``.

Each answer says the verwerking whose record came before it. Settings come from the environment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from verwerkingenlogging import Activiteit, Activiteiten, NotRecorded, Recorder, Settings, persoon, recording, verwerkingsactie
from verwerkingenlogging.logs.outbox import OutboxLog
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware

OIN = "00000001821002193000"
activiteiten = Activiteiten({OIN: [Activiteit(naam="brp", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"))]})
outbox = OutboxLog.from_env()
recorder = Recorder(outbox, Settings(oin=OIN, activiteiten=activiteiten))


@verwerkingsactie("Ophalen", activiteit="brp", objecten=persoon("bsn"), verwerking_id="verwerking")
def read(bsn: str, verwerking: str) -> str:
    """Read a person, which is noted in a file: not without a record."""
    if notes := os.environ.get("NOTES"):
        with Path(notes).open("a", encoding="utf-8") as file:
            file.write(verwerking + "\n")
    return verwerking


@verwerkingsactie(
    "Ophalen",
    activiteit="brp",
    objecten=persoon("request.path_params.bsn"),
    verwerking_id=lambda request: request.path_params["verwerking"],
)
async def aread(request: Request) -> PlainTextResponse:
    """The same, for ASGI."""
    if notes := os.environ.get("NOTES"):
        with Path(notes).open("a", encoding="utf-8") as file:  # noqa: ASYNC230  # a few bytes
            file.write(request.path_params["verwerking"] + "\n")
    return PlainTextResponse(request.path_params["verwerking"])


app = Starlette(routes=[Route("/{bsn}/{verwerking}", aread)])
app.add_middleware(VerwerkingenloggingMiddleware, recorder=recorder)


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The same, for WSGI."""
    _, bsn, verwerking = environ["PATH_INFO"].split("/")
    try:
        with recording(recorder):
            content = read(bsn, verwerking).encode()
    except NotRecorded:
        start_response("503 Service Unavailable", [("Content-Length", "0")])
        return [b""]
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(content)))])
    return [content]


if folder := os.environ.get("CELERY_FOLDER"):
    from celery import Celery  # type: ignore[import-untyped]  # it has no types

    queue = Celery("outbox_app", broker="filesystem://", backend=f"file://{folder}/results")
    queue.conf.update(
        broker_transport_options={
            "data_folder_in": f"{folder}/queue",
            "data_folder_out": f"{folder}/queue",
            "control_folder": f"{folder}/control",
            "polling_interval": 0.05,
        },
        worker_hijack_root_logger=False,
    )

    @queue.task  # type: ignore[untyped-decorator]
    def task(bsn: str, verwerking: str) -> str:
        """The same, as a task."""
        with recording(recorder):
            return read(bsn, verwerking)
