"""The conformance suite, over each log that the core has."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from tests.conformance import Stored, VerwerkingenlogConformance
from tests.http_server import Server, answer, http_server
from tests.servers import BIN, free_port, run, serving
from verwerkingenlogging import LogUnavailable, MemoryLog, Verwerkingsactie, VerwerktObject
from verwerkingenlogging.logs.api import ApiLog, ClientToken
from verwerkingenlogging_register import Settings as RegisterSettings
from verwerkingenlogging_register.database import open_reader
from verwerkingenlogging_register.protection import Keys
from verwerkingenlogging_register.query import row_of_object
from verwerkingenlogging_register.tables import verwerkingsactie, verwerkt_object


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
        """From the database itself, so that it can be read when the server is gone."""
        database = tmp_path / "verwerkingenlog.sqlite"
        both = select(verwerkingsactie, verwerkt_object).join(verwerkt_object, verwerkt_object.c.versie == verwerkingsactie.c.versie)

        def read() -> list[Verwerkingsactie]:
            engine = open_reader(database, Keys(RegisterSettings(database=database).key_source))
            with engine.begin() as connection:
                rows = [row_of_object(connection, row) for row in connection.execute(both.order_by(verwerkingsactie.c.versie))]
            engine.dispose()
            return [
                Verwerkingsactie(
                    tijdstip=row["tijdstip"], actie_naam=row["actie_naam"], verwerkte_objecten=(VerwerktObject(object_id=row["object_id"]),)
                )
                for row in rows
            ]

        return read

    @pytest.fixture
    def break_it(self, register: tuple[int, subprocess.Popen[bytes]]) -> Callable[[], None]:
        def kill() -> None:
            register[1].kill()
            register[1].wait()

        return kill
