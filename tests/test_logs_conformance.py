"""The conformance suite, over each log that the core has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import msgspec
import pytest

from tests.conformance import Stored, VerwerkingenlogConformance
from tests.http_server import Server, answer, http_server
from verwerkingenlogging import LogUnavailable, MemoryLog, Verwerkingsactie
from verwerkingenlogging.logs.api import ApiLog


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
