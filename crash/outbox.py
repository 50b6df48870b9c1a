"""The loop for the application side: load it, kill its processes, and at the end compare its answers with what the register has."""

from __future__ import annotations

import asyncio
import gzip
import http.server
import multiprocessing
import os
import random
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
import jwt
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from sqlalchemy import select

from crash.application import OTEL, Place, outbox_of, serve
from verwerkingenlogging_register import Settings
from verwerkingenlogging_register.clients import Client, register_client
from verwerkingenlogging_register.database import open_reader, open_writer, prepare
from verwerkingenlogging_register.keys import init_keys
from verwerkingenlogging_register.scopes import Scope
from verwerkingenlogging_register.serving import Listening, run
from verwerkingenlogging_register.tables import verwerkingsactie

__all__ = ["OTEL", "Result", "crash"]

CONNECTIONS = 8
_BSN = "002308572"
_SECRET = "geheim-van-de-lading-van-32-bytes-of-meer"  # noqa: S105  # of a register that lives for seconds
_RECOVERY_SECONDS = 30
_DELIVERY_SECONDS = 120
_OK = 200
# The modules of the application are loaded once, in a process that is forked for every start: else most of the time goes to imports.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["crash.application", "verwerkingenlogging_register.serving"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of it.

    Attributes:
        kills: how often the application's process group was killed.
        acknowledged: requests that were answered.
        lost: of those, how many have no record in the register (of OpenTelemetry: no span that was sent).
        doubled: requests with more than one record.
        unacknowledged: records of requests that were not answered; that is allowed.
        slowest_recovery: seconds from the slowest start after a kill until the first answer.
    """

    kills: int
    acknowledged: int
    lost: int
    doubled: int
    unacknowledged: int
    slowest_recovery: float
    seconds: float


def crash(kind: str, folder: Path, *, kills: int, lives: tuple[float, float] = (0.02, 0.4)) -> Result:
    """Kill an application that often, each after a random time between ``lives``, in seconds, under load.

    ``kind`` is a safety of our outbox, or ``OTEL``. Its files are in ``folder``.
    """
    sink = _collector if kind == OTEL else _register
    with sink(folder) as (address, token, recorded):
        place = Place(kind=kind, outbox=folder / "outbox", address=address, token=token, output=folder / "output")
        loop = _Loop(place, lives)
        started = time.monotonic()
        asyncio.run(loop.run(kills))
        if kind != OTEL:
            with outbox_of(place) as outbox:
                if not outbox.flush(_DELIVERY_SECONDS):
                    raise AssertionError(f"{outbox.status()}: {place.output.read_text()[-4000:]}")
        return loop.compare(Counter(recorded()), kills, time.monotonic() - started)


class _Loop:
    def __init__(self, place: Place, lives: tuple[float, float]) -> None:
        self._place = place
        self._lives = lives
        self._acknowledged: set[str] = set()
        self._slowest = 0.0

    async def run(self, kills: int) -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            async with httpx2.AsyncClient(base_url=url, timeout=_RECOVERY_SECONDS, trust_env=False) as http:
                for _ in range(kills):
                    process = _start(self._place, listening)
                    try:
                        await self._first_answer(http)
                        await self._load_until(http, lambda process=process: _kill(process))  # type: ignore[misc]  # bound now
                    finally:
                        _kill(process)

    async def _first_answer(self, http: httpx2.AsyncClient) -> None:
        began = time.monotonic()
        while not await self._get(http):
            if time.monotonic() - began > _RECOVERY_SECONDS:
                raise AssertionError(f"the application did not recover: {self._place.output.read_text()[-4000:]}")
            await asyncio.sleep(0.005)
        self._slowest = max(self._slowest, time.monotonic() - began)

    async def _load_until(self, http: httpx2.AsyncClient, kill: Callable[[], None]) -> None:
        """Ask on many connections, and ``kill`` at a random moment among them."""
        stopped = asyncio.Event()

        async def ask_all_the_time() -> None:
            while not stopped.is_set():
                if not await self._get(http):
                    await asyncio.sleep(0.002)

        load = [asyncio.ensure_future(ask_all_the_time()) for _ in range(CONNECTIONS)]
        await asyncio.sleep(random.uniform(*self._lives))  # noqa: S311  # no secret
        await asyncio.to_thread(kill)
        stopped.set()
        # A request may have got no further than the socket, which stays open for the next application; it was never answered.
        _, unanswered = await asyncio.wait(load, timeout=0.2)
        for one in unanswered:
            one.cancel()
        await asyncio.gather(*load, return_exceptions=True)

    async def _get(self, http: httpx2.AsyncClient) -> bool:
        verwerking = str(uuid4())
        try:
            response = await http.get(f"/{_BSN}/{verwerking}")
        except httpx2.TransportError:
            return False
        if response.status_code != _OK:
            raise AssertionError(f"{response.status_code}: {response.text}")
        self._acknowledged.add(verwerking)
        return True

    def compare(self, recorded: Counter[str], kills: int, seconds: float) -> Result:
        return Result(
            kills=kills,
            acknowledged=len(self._acknowledged),
            lost=len(self._acknowledged - recorded.keys()),
            doubled=sum(count > 1 for count in recorded.values()),
            unacknowledged=len(recorded.keys() - self._acknowledged),
            slowest_recovery=round(self._slowest, 3),
            seconds=round(seconds, 1),
        )


def _start(place: Place, listening: socket.socket) -> multiprocessing.process.BaseProcess:
    process = _processes.Process(target=_serve, args=(place, listening))
    process.start()
    return process


def _serve(place: Place, listening: socket.socket) -> None:
    serve(place, listening.detach())


def _kill(process: multiprocessing.process.BaseProcess) -> None:
    """All of its process group, at once."""
    if process.is_alive() and process.pid is not None:
        while True:  # it may not have its group yet
            try:
                os.killpg(process.pid, signal.SIGKILL)
                break
            except ProcessLookupError:
                time.sleep(0.001)
    process.join()


@contextmanager
def _register(folder: Path) -> Iterator[tuple[str, str, Callable[[], Iterator[str]]]]:
    """A real register; gives its address, a token, and what tells the verwerkingIds of its records."""
    settings = Settings(database=folder / "register.sqlite", keys=folder / "keys", log_inzage=False)
    init_keys(folder / "keys")
    prepare(settings.database)
    engine = open_writer(settings.database)
    register_client(engine, Client(name="lading", scopes=frozenset(Scope), secret=_SECRET))
    engine.dispose()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = _processes.Process(target=_serve_register, args=(settings, port, folder / "register"))
    process.start()
    now = int(time.time())
    token = jwt.encode({"iss": "lading", "iat": now, "exp": now + 86400}, _SECRET, algorithm="HS256")

    def recorded() -> Iterator[str]:
        reader = open_reader(settings.database)
        with reader.begin() as connection:
            found = connection.execute(select(verwerkingsactie.c.verwerking_id)).scalars().all()
        reader.dispose()
        return (str(UUID(str(one))) for one in found)

    try:
        yield f"http://127.0.0.1:{port}/api/v1", token, recorded
    finally:
        process.terminate()
        process.join()


def _serve_register(settings: Settings, port: int, output: Path) -> None:
    os.setpgid(0, 0)
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(file, stream)
    run(settings, Listening(host="127.0.0.1", port=port))


@contextmanager
def _collector(_folder: Path) -> Iterator[tuple[str, str, Callable[[], Iterator[str]]]]:
    """Takes spans over OTLP, and never fails or loses one."""
    taken: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = ExportTraceServiceRequest()
            request.ParseFromString(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    taken.extend(attribute.value.string_value for span in scope.spans for attribute in span.attributes)
            self.send_response(_OK)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/traces", "", lambda: iter(list(taken))
        server.shutdown()
