"""The conformance suite, over each log that the core has."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from crash.receivers import Sink, register
from plugins.register.tests import engines
from sqlalchemy import select
from tests.conformance import Stored, VerwerkingenlogConformance
from tests.http_server import Server, answer, http_server
from tests.servers import BIN, free_port, run, serving

from verwerkingenlogging import LogUnavailable, MemoryLog, Verwerkingsactie, VerwerktObject
from verwerkingenlogging.logs.api import ApiLog, ClientToken
from verwerkingenlogging.logs.outbox import OutboxLog
from verwerkingenlogging_register import Settings as RegisterSettings
from verwerkingenlogging_register._acties.lookup import row_of_object
from verwerkingenlogging_register._keys.protection import Keys
from verwerkingenlogging_register._model.tables import verwerkingsactie, verwerkt_object


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
        log = ApiLog(server.url, token="abc", timeout=60)
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


def stored_in(database: Path, keys: Path | None = None) -> Stored:
    """From the database itself, so that it can be read when the server is gone."""
    both = select(verwerkingsactie, verwerkt_object).join(verwerkt_object, verwerkt_object.c.versie == verwerkingsactie.c.versie)

    def read() -> list[Verwerkingsactie]:
        protected = Keys(RegisterSettings(database=database, keys=keys).key_source)
        with engines.reader(database, protected) as reader, reader.begin() as connection:
            rows = [row_of_object(connection, row) for row in connection.execute(both.order_by(verwerkingsactie.c.versie))]
        return [
            Verwerkingsactie(
                tijdstip=row["tijdstip"], actie_naam=row["actie_naam"], verwerkte_objecten=(VerwerktObject(object_id=row["object_id"]),)
            )
            for row in rows
        ]

    return read


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
        log = ApiLog(f"http://127.0.0.1:{register[0]}/api/v1", token=ClientToken("app", secret), timeout=60)
        yield log
        log.close()
        await log.aclose()

    @pytest.fixture
    def stored(self, tmp_path: Path) -> Stored:
        return stored_in(tmp_path / "verwerkingenlog.sqlite")

    @pytest.fixture
    def break_it(self, register: tuple[int, subprocess.Popen[bytes]]) -> Callable[[], None]:
        def kill() -> None:
            register[1].kill()
            register[1].wait()

        return kill


def fill_up(outbox: OutboxLog) -> None:
    """Log until it takes no more, not even one."""
    for number in (50, 1):
        with contextlib.suppress(LogUnavailable):
            while True:
                # It remembers for a while how much room there was: less than there is, once the first record was delivered.
                outbox._quota._look_again = 0.0
                outbox.process_safe.log([Verwerkingsactie(tijdstip="2024-04-05T14:35:42+01:00", actie_naam="x")] * number)


class TestOutboxLog(VerwerkingenlogConformance):
    """Over a log in memory. It breaks when that is down and the outbox is full."""

    @pytest.fixture
    def memory(self) -> MemoryLog:
        return MemoryLog()

    @pytest.fixture
    def log(self, tmp_path: Path, memory: MemoryLog) -> Iterator[OutboxLog]:
        with OutboxLog(tmp_path / "outbox", memory, max_bytes=100_000) as log:
            yield log
            memory.failure = None

    @pytest.fixture
    def stored(self, log: OutboxLog, memory: MemoryLog) -> Stored:
        def stored() -> list[Verwerkingsactie]:
            assert memory.failure or log.flush(30)
            return memory.acties

        return stored

    @pytest.fixture
    def break_it(self, log: OutboxLog, memory: MemoryLog) -> Callable[[], None]:
        def break_it() -> None:
            assert log.flush(30)
            memory.failure = LogUnavailable("broken")
            fill_up(log)

        return break_it


class TestOutboxLogOverApiLog(VerwerkingenlogConformance):
    """Over HTTP to our own register. It breaks when that is killed and the outbox is full."""

    @pytest.fixture
    def sink(self, tmp_path: Path) -> Iterator[Sink]:
        with register(tmp_path) as running:
            yield running

    @pytest.fixture
    def log(self, tmp_path: Path, sink: Sink) -> Iterator[OutboxLog]:
        log = OutboxLog(tmp_path / "outbox", ApiLog(sink.address, token=sink.token, timeout=60), max_bytes=100_000)
        yield log
        log.close(timeout=0)

    @pytest.fixture
    def stored(self, tmp_path: Path, log: OutboxLog) -> Stored:
        kept = stored_in(tmp_path / "register.sqlite", tmp_path / "keys")

        def stored() -> list[Verwerkingsactie]:
            assert log.status().waiting_bytes > 50_000 or log.flush(30)
            return kept()

        return stored

    @pytest.fixture
    def break_it(self, log: OutboxLog, sink: Sink) -> Callable[[], None]:
        def break_it() -> None:
            assert log.flush(30)
            sink.stop()
            fill_up(log)

        return break_it
