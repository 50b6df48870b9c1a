"""What an application starts in one request and uses in another bears nobody else's user (A6)."""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from fastapi import FastAPI
from mcp.server.mcpserver import MCPServer
from starlette.testclient import TestClient

from verwerkingenlogging import LogUnavailable, MemoryLog, NotRecorded, carried, persoon, verwerkingsactie

BSN, OTHER = "2308572", "999990019"
Guard = Callable[..., None]


@verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
async def read(bsn: str) -> str:
    return bsn


@verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
def read_in_thread(bsn: str) -> str:
    return bsn


def user_of(scope: Any) -> str | None:
    return dict(scope["headers"]).get(b"x-user", b"").decode() or None


def in_a_worker_task() -> FastAPI:
    app = FastAPI()
    tasks: list[asyncio.Task[None]] = []
    asked: asyncio.Queue[tuple[str, asyncio.Future[str]]] = asyncio.Queue()
    app.state.stop = bool

    async def work() -> None:
        while True:
            bsn, answer = await asked.get()
            answer.set_result(await read(bsn))

    @app.get("/personen/{bsn}")
    async def ask(bsn: str) -> str:
        if not tasks:
            tasks.append(asyncio.create_task(work()))
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        await asked.put((bsn, answer))
        return await answer

    return app


def in_a_worker_thread() -> FastAPI:
    """The context variables of the first request went along, as a library of threads may do."""
    app = FastAPI()
    workers: list[threading.Thread] = []
    asked: queue.Queue[tuple[str, queue.Queue[str]] | None] = queue.Queue()
    app.state.stop = lambda: asked.put(None)

    def work() -> None:
        while (one := asked.get()) is not None:
            one[1].put(read_in_thread(one[0]))

    @app.get("/personen/{bsn}")
    def ask(bsn: str) -> str:
        if not workers:
            workers.append(threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True))
            workers[0].start()
        answer: queue.Queue[str] = queue.Queue()
        asked.put((bsn, answer))
        return answer.get()

    return app


def in_a_task_for_several_requests() -> FastAPI:
    """A loader that gathers what several requests ask: the task of the first one answers all."""
    app = FastAPI()
    waiting: list[tuple[str, asyncio.Future[str]]] = []

    async def load() -> None:
        await gathered.wait()
        for bsn, answer in waiting:
            answer.set_result(await read(bsn))
        waiting.clear()
        gathered.clear()

    gathered = asyncio.Event()

    @app.get("/personen/{bsn}")
    async def ask(bsn: str, last: bool = True) -> str:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        waiting.append((bsn, answer))
        if len(waiting) == 1:
            app.state.task = asyncio.create_task(load())
        if not last:
            return ""
        gathered.set()
        return await answer

    return app


@pytest.mark.parametrize("make", [in_a_worker_task, in_a_worker_thread])
def test_a_worker_that_the_first_request_started_does_not_bear_its_user(
    guard: Guard, log: MemoryLog, make: Callable[[], FastAPI], caplog: pytest.LogCaptureFixture
) -> None:
    app = make()
    guard(app, gebruiker=user_of)
    with TestClient(app) as client:
        for user, bsn in (("first", BSN), ("second", OTHER)):
            assert client.get(f"/personen/{bsn}", headers={"X-User": user}).json() == bsn
        app.state.stop()
    assert [actie.gebruiker for actie in log.acties] == ["first", None]
    assert log.acties[0].verwerking_id != log.acties[1].verwerking_id
    assert "code runs on after the request or job in which it was started" in caplog.text


def test_a_task_that_answers_a_later_request_does_not_bear_the_first_ones_user(guard: Guard, log: MemoryLog) -> None:
    app = in_a_task_for_several_requests()
    guard(app, gebruiker=user_of)
    with TestClient(app) as client:
        client.get(f"/personen/{BSN}?last=0", headers={"X-User": "first"})
        assert client.get(f"/personen/{OTHER}", headers={"X-User": "second"}).json() == OTHER
    assert [actie.gebruiker for actie in log.acties] == [None, None]


def test_a_session_of_mcp_does_not_bear_the_user_who_opened_it(guard: Guard, log: MemoryLog) -> None:
    """The SDK answers all messages of a session in a task of the first. It must be told whose message it is, or run without sessions."""
    server = MCPServer("personen")
    server.tool(name="read")(read)
    app = server.streamable_http_app(json_response=True)
    guard(app, gebruiker=user_of)
    headers = {"Accept": "application/json, text/event-stream", "X-User": "first"}
    opening = {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    with TestClient(app, base_url="http://localhost:8000") as client:
        opened = client.post("/mcp", json={"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": opening}, headers=headers)
        headers |= {"Mcp-Session-Id": opened.headers["mcp-session-id"], "X-User": "second"}
        client.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=headers)
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "read", "arguments": {"bsn": BSN}}}
        assert BSN in client.post("/mcp", json=call, headers=headers).text
        log.failure = LogUnavailable("down")
        assert BSN not in client.post("/mcp", json=call | {"id": 2}, headers=headers).text
    assert {actie.gebruiker for actie in log.acties} <= {None, "second"}


def test_a_task_that_nobody_awaits_belongs_to_its_request_when_it_is_carried_over(guard: Guard, log: MemoryLog) -> None:
    app, go = FastAPI(), asyncio.Event()
    tasks: list[asyncio.Task[None]] = []

    async def write(bsn: str) -> None:
        await go.wait()
        await read(bsn)

    @app.get("/personen/{bsn}")
    async def ask(bsn: str) -> str:
        tasks.append(asyncio.create_task(write(bsn), context=carried()))
        return await read(bsn)

    @app.get("/go")
    async def finish() -> None:
        go.set()
        await asyncio.gather(*tasks)

    guard(app, gebruiker=user_of)
    with TestClient(app) as client:
        client.get(f"/personen/{BSN}", headers={"X-User": "first"})
        client.get("/go", headers={"X-User": "second"})
    assert [actie.gebruiker for actie in log.acties] == ["first", "first"]
    assert len({actie.verwerking_id for actie in log.acties}) == 1


async def test_what_fails_after_its_request_is_told_though_nobody_asks(
    guard: Guard, log: MemoryLog, caplog: pytest.LogCaptureFixture
) -> None:
    app, go = FastAPI(), asyncio.Event()
    tasks: list[asyncio.Task[None]] = []

    async def write(bsn: str) -> None:
        await go.wait()
        with suppress(NotRecorded):
            await read(bsn)

    @app.get("/personen/{bsn}")
    async def ask(bsn: str) -> str:
        tasks.append(asyncio.create_task(write(bsn)))
        return bsn

    @app.get("/go")
    async def finish() -> None:
        go.set()
        await asyncio.gather(*tasks)

    guard(app)
    with TestClient(app) as client:
        client.get(f"/personen/{BSN}")
        log.failure = LogUnavailable("down")
        client.get("/go")
    assert "not recorded, so not processed: down" in caplog.text
