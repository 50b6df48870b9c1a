"""Where the records of an application go: a real register, or a collector that loses nothing."""

from __future__ import annotations

import gzip
import http.server
import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import jwt
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.servers import free_port

with suppress(ModuleNotFoundError):  # beside the lowest versions of what an application has, there is no register: .ci/lowest
    from plugins.register.tests import engines
    from sqlalchemy import select

    from verwerkingenlogging_register import Settings
    from verwerkingenlogging_register._access.clients import Client, register_client
    from verwerkingenlogging_register._database.engines import prepare
    from verwerkingenlogging_register._keys.key_file import init_keys
    from verwerkingenlogging_register._keys.protection import Keys
    from verwerkingenlogging_register._model.scopes import Scope
    from verwerkingenlogging_register._model.tables import verwerkingsactie
    from verwerkingenlogging_register._server.processes import Listening, run

__all__ = ["SECRET", "Sink", "collector", "processes", "register"]

SECRET = "geheim-van-de-lading-van-32-bytes-of-meer"  # noqa: S105  # of a register that lives for seconds
_OK = 200
_TOKEN_SECONDS = 24 * 60 * 60
_START_SECONDS = 120.0
processes = multiprocessing.get_context("forkserver")
"""Starts processes from one that has loaded the modules: else most of the time goes to imports. There is one such, so one list of them."""
processes.set_forkserver_preload(
    [
        "crash.application",
        "crash.register_loop",
        "django.core.handlers.wsgi",  # Django without a project yet
        "django.core.management.commands.migrate",
        "django.db.backends.sqlite3.base",
        "gunicorn.arbiter",
        "gunicorn.workers.sync",
        "verwerkingenlogging_register._server.processes",
    ]
)


@dataclass(slots=True, kw_only=True)
class Sink:
    """What takes records.

    Attributes:
        address: of the Bewerking API, or for spans.
        token: what it asks for, if anything.
        recorded: verwerkingId and actieNaam of what it has, in order.
        stop, start: of a register: kill it, and let it be there again.
    """

    address: str
    recorded: Callable[[], list[tuple[str, str]]]
    token: str = ""
    stop: Callable[[], None] = lambda: None
    start: Callable[[], None] = lambda: None


@contextmanager
def register(folder: Path, scopes: Collection[Scope] | None = None) -> Iterator[Sink]:
    """A real register that listens, its files in ``folder``.

    Its client is called ``lading`` and has ``SECRET``, and ``scopes``, or those of who logs.
    """
    settings = Settings(database=folder / "register.sqlite", keys=folder / "keys", log_inzage=False, token_lifetime=_TOKEN_SECONDS)
    init_keys(folder / "keys")
    prepare(settings.database)
    with engines.writer(settings.database, Keys(settings.key_source)) as writer:
        register_client(writer, Client(name="lading", scopes=frozenset(scopes or {Scope.CREATE_NORMAL}), secret=SECRET))
    port = free_port()
    running: list[multiprocessing.process.BaseProcess] = []

    def start() -> None:
        running.append(processes.Process(target=_serve, args=(settings, port, folder / "register")))
        running[-1].start()

    def stop() -> None:
        while running:
            running[-1].kill()
            running.pop().join()

    def recorded() -> list[tuple[str, str]]:
        with engines.reader(settings.database) as reader, reader.begin() as connection:
            rows = connection.execute(
                select(verwerkingsactie.c.verwerking_id, verwerkingsactie.c.actie_naam).order_by(verwerkingsactie.c.versie)
            ).all()
        return [(str(UUID(str(verwerking))), naam) for verwerking, naam in rows]

    now = int(time.time())
    token = jwt.encode({"iss": "lading", "iat": now, "exp": now + _TOKEN_SECONDS}, SECRET, algorithm="HS256")
    start()
    try:
        _wait_until_it_listens(port, running[-1])
        yield Sink(address=f"http://127.0.0.1:{port}/api/v1", token=token, recorded=recorded, stop=stop, start=start)
    finally:
        stop()


def _wait_until_it_listens(port: int, process: multiprocessing.process.BaseProcess) -> None:
    """An application that records to it while it loads would not start without it."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), timeout=_START_SECONDS):
            return
        if not process.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the register did not start")
        time.sleep(0.02)


def _serve(settings: Settings, port: int, output: Path) -> None:
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(file, stream)
    run(settings, Listening(host="127.0.0.1", port=port))


@contextmanager
def collector() -> Iterator[Sink]:
    """Takes spans over OTLP, and never fails or loses one."""
    taken: list[tuple[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = ExportTraceServiceRequest()
            request.ParseFromString(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    taken.extend((attribute.value.string_value, span.name) for span in scope.spans for attribute in span.attributes)
            self.send_response(_OK)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Sink(address=f"http://127.0.0.1:{server.server_address[1]}/v1/traces", recorded=lambda: list(taken))
        finally:
            server.shutdown()
