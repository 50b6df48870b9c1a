"""The conformance suite, over each log that the core has."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from tests.conformance import Stored, VerwerkingenlogConformance
from tests.http_server import Server, answer, http_server
from tests.servers import BIN, free_port, run, serving
from verwerkingenlogging import LogUnavailable, MemoryLog, Verwerkingsactie, VerwerktObject
from verwerkingenlogging.logs.api import ApiLog, ClientToken


class TestMemoryLog(VerwerkingenlogConformance):
    @pytest.fixture
    def log(self) -> MemoryLog:
        return MemoryLog()

    @pytest.fixture
    def stored(self, log: MemoryLog) -> Stored:
        return lambda: log.acties

    @pytest.fixture
    def break_it(self, log: MemoryLog) -> Callable[[], None]:
        return lambda: setattr(log, "failure", LogUnavailable("broken"))


class TestApiLog(VerwerkingenlogConformance):
    @pytest.fixture
    def server(self) -> Iterator[Server]:
        with http_server() as running:
            running.answer = answer(201, {"actieId": "7a22eb38-bca6-463f-9955-54ab040287cb"})
            yield running

    @pytest.fixture
    async def log(self, server: Server) -> AsyncIterator[ApiLog]:
        log = ApiLog(server.url, token="abc")
        yield log
        log.close()
        await log.aclose()

    @pytest.fixture
    def stored(self, server: Server) -> Stored:
        return lambda: [
            msgspec.json.decode(body, type=Verwerkingsactie)
            for (_, _, body), answered in zip(server.requests, server.answers, strict=True)
            if b" 201 " in answered
        ]

    @pytest.fixture
    def break_it(self, server: Server) -> Callable[[], None]:
        return lambda: setattr(server, "answer", answer(503))


class TestApiLogOnTheRegister(VerwerkingenlogConformance):
    """The same over HTTP to our own register, killed where the suite breaks it."""

    @pytest.fixture
    def register(self, tmp_path: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
        port = free_port()
        command = [str(BIN / "verwerkingenlog"), "serve", "--port", str(port), "--no-log-inzage"]
        with serving(command, port, folder=tmp_path) as process:
            yield port, process

    @pytest.fixture
    async def log(self, tmp_path: Path, register: tuple[int, object]) -> AsyncIterator[ApiLog]:
        secret = run("verwerkingenlog", "client", "add", "app", "--scope", "create:normal", "--scope", "read:normal", folder=tmp_path)
        log = ApiLog(f"http://127.0.0.1:{register[0]}/api/v1", token=ClientToken("app", secret))
        yield log
        log.close()
        await log.aclose()

    @pytest.fixture
    def stored(self, tmp_path: Path) -> Stored:
        """From the database file itself, so that it can be read when the server is gone."""

        def read() -> list[Verwerkingsactie]:
            with contextlib.closing(sqlite3.connect(tmp_path / "verwerkingenlog.sqlite")) as database:
                rows = database.execute(
                    "SELECT tijdstip, actie_naam, object_id FROM verwerkingsactie JOIN verwerkt_object USING (versie) ORDER BY versie"
                ).fetchall()
            return [
                Verwerkingsactie(tijdstip=tijdstip, actie_naam=naam, verwerkte_objecten=(VerwerktObject(object_id=object_id),))
                for tijdstip, naam, object_id in rows
            ]

        return read

    @pytest.fixture
    def break_it(self, register: tuple[int, subprocess.Popen[bytes]]) -> Callable[[], None]:
        def kill() -> None:
            register[1].kill()
            register[1].wait()

        return kill
