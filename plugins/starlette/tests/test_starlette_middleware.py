"""The middleware in Starlette and FastAPI, beside what every middleware promises (``test_starlette_conformance.py``)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, Request, WebSocket
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from starlette.types import Message, Scope
from starlette.websockets import WebSocketDisconnect

from verwerkingenlogging import (
    ConfigurationError,
    LogUnavailable,
    MemoryLog,
    NotRecorded,
    Recorder,
    alog_actie,
    geen_verwerking,
    log_actie,
    persoon,
    verwerkingsactie,
)
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware

GEMEENTE, BUURGEMEENTE, DERDE = "00000001821002193000", "00000099000000001000", "00000001804770694000"
Guard = Callable[..., None]


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    app.state.ran = []

    @app.get("/personen/{bsn}")
    @verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
    async def read(bsn: str) -> str:
        app.state.ran.append(bsn)
        return bsn

    return app


def test_this_machine_is_trusted_when_nothing_else_is_said(app: FastAPI, recorder: Recorder, log: MemoryLog) -> None:
    app.add_middleware(VerwerkingenloggingMiddleware, recorder=recorder)
    for client in (("127.0.0.1", 1), ("::1", 1), ("10.0.0.1", 1), None):
        asyncio.run(call(app, "/personen/2308572", client=client, headers=[(b"oin", DERDE.encode())]))
    assert [actie.afnemer_id for actie in log.acties] == [DERDE, DERDE, None, None]


@pytest.mark.parametrize("routes", [None, {}])
def test_a_wrong_peer_is_named_when_the_application_starts(guard: Guard, routes: dict[str, object] | None) -> None:
    app = FastAPI()
    guard(app, trusted_peers=["10.1.0.0/99"], routes=routes)
    sent: list[Message] = []
    wrong = r'VerwerkingenloggingMiddleware: trusted_peers: "10\.1\.0\.0/99"'
    with pytest.raises(ConfigurationError, match=wrong):
        asyncio.run(call(app, "", type="lifespan", sent=sent))
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    with pytest.raises(ConfigurationError, match=wrong):  # under a server without lifespan
        TestClient(app).get("/")


def test_the_user_may_be_known_only_after_a_dependency(guard: Guard, log: MemoryLog) -> None:
    app = FastAPI()

    async def authenticate(request: Request) -> None:
        request.state.user_key = "2ecf8e86-1a18-46ba-aa13-992c1dc231a5"

    @app.get("/personen/{bsn}", dependencies=[Depends(authenticate)])
    @verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
    async def read(bsn: str) -> str:
        return bsn

    guard(app, gebruiker=lambda scope: scope["state"].get("user_key"))
    TestClient(app).get("/personen/2308572")
    assert log.acties[0].gebruiker == "2ecf8e86-1a18-46ba-aa13-992c1dc231a5"


class Passing(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        return await call_next(request)


@pytest.mark.parametrize("outside", [True, False])
def test_a_base_http_middleware_on_either_side_changes_nothing(app: FastAPI, guard: Guard, log: MemoryLog, outside: bool) -> None:
    if outside:
        guard(app)
        app.add_middleware(Passing)
    else:
        app.add_middleware(Passing)
        guard(app)
    client = TestClient(app)
    assert client.get("/personen/2308572", headers={"OIN": DERDE}).status_code == 200
    assert log.acties[0].afnemer_id == DERDE
    log.failure = LogUnavailable("down")
    assert client.get("/personen/2308572").status_code == 503
    assert app.state.ran == ["2308572"]


def test_background_tasks_belong_to_the_same_verwerking(guard: Guard, log: MemoryLog) -> None:
    app = FastAPI()

    async def send_letter(bsn: str) -> None:
        await alog_actie("Versturen brief", objecten=bsn)

    def archive(bsn: str) -> None:
        log_actie("Archiveren brief", objecten=bsn)

    @app.get("/personen/{bsn}")
    @verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"), verwerking_naam="Aanschrijven")
    async def read(bsn: str, background: BackgroundTasks) -> str:
        background.add_task(send_letter, bsn)
        background.add_task(archive, bsn)
        return bsn

    guard(app)
    TestClient(app).get("/personen/2308572", headers={"OIN": DERDE})
    assert [actie.actie_naam for actie in log.acties] == ["Ophalen persoonsgegevens", "Versturen brief", "Archiveren brief"]
    assert len({(actie.verwerking_id, actie.verwerking_naam, actie.afnemer_id) for actie in log.acties}) == 1


@pytest.fixture
def websocket_app(guard: Guard) -> FastAPI:
    app = FastAPI()
    app.state.ran = []

    @app.websocket("/chat/{bsn}")
    @verwerkingsactie("Volgen zaak", activiteit="brp", objecten=persoon("bsn"))
    async def chat(websocket: WebSocket, bsn: str) -> None:
        app.state.ran.append(bsn)
        await websocket.accept()
        async for text in websocket.iter_text():
            if text == "more":
                await alog_actie("Ophalen details", objecten=bsn)
            await websocket.send_text(text)

    guard(app)
    return app


def test_a_websocket_is_recorded_once_at_accept(websocket_app: FastAPI, log: MemoryLog) -> None:
    with TestClient(websocket_app).websocket_connect("/chat/2308572", headers={"OIN": DERDE}) as session:
        assert [actie.actie_naam for actie in log.acties] == ["Volgen zaak"]
        for text in ("hello", "again"):
            session.send_text(text)
            assert session.receive_text() == text
    assert [(actie.actie_naam, actie.afnemer_id) for actie in log.acties] == [("Volgen zaak", DERDE)]


def test_a_websocket_that_cannot_be_recorded_is_refused_with_503(websocket_app: FastAPI, log: MemoryLog) -> None:
    log.failure = LogUnavailable("down")
    with pytest.raises(WebSocketDisconnect) as caught, TestClient(websocket_app).websocket_connect("/chat/2308572"):
        pass
    assert getattr(caught.value, "status_code", None) == 503
    assert websocket_app.state.ran == []


def test_a_server_that_cannot_answer_a_handshake_closes_it(websocket_app: FastAPI, log: MemoryLog) -> None:
    log.failure = LogUnavailable("down")
    sent = asyncio.run(call(websocket_app, "/chat/2308572", type="websocket", subprotocols=[]))
    assert sent == [{"type": "websocket.close", "code": 1013, "reason": "Verwerking niet vastgelegd"}]


def test_a_websocket_whose_next_step_cannot_be_recorded_is_cut(websocket_app: FastAPI, log: MemoryLog) -> None:
    def step() -> None:
        with TestClient(websocket_app).websocket_connect("/chat/2308572") as session:
            log.failure = LogUnavailable("down")
            session.send_text("more")
            session.receive_text()

    with pytest.raises(NotRecorded):
        step()


def test_the_applications_own_error_stays_its_own(guard: Guard, log: MemoryLog) -> None:
    app = FastAPI()

    @app.get("/personen/{bsn}")
    @verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
    async def read(bsn: str) -> str:
        raise ValueError("mine")

    @app.exception_handler(ValueError)
    async def handle(request: Request, error: ValueError) -> JSONResponse:
        return JSONResponse({"handled": str(error)}, status_code=418)

    guard(app)
    response = TestClient(app).get("/personen/2308572")
    assert (response.status_code, response.json()) == (418, {"handled": "mine"})
    assert len(log.acties) == 1


def test_an_unknown_activiteit_stops_the_start_and_every_request(guard: Guard, log: MemoryLog) -> None:
    app = FastAPI()

    @app.get("/personen/{bsn}")
    @verwerkingsactie("Ophalen persoonsgegevens", activiteit="brpp", objecten=persoon("bsn"))
    async def read(bsn: str) -> str:
        pytest.fail("the body ran")

    guard(app)
    sent: list[Message] = []
    with pytest.raises(ConfigurationError, match="brpp"), TestClient(app):  # it waits for ever for one that only ends
        pass
    with pytest.raises(ConfigurationError, match="brpp"):
        asyncio.run(call(app, "", type="lifespan", sent=sent))
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    assert 'activiteiten.toml: ["00000001821002193000"].brpp: no such verwerkingsactiviteit' in sent[0]["message"]
    assert 'did you mean "brp"?' in sent[0]["message"]
    assert f'["{BUURGEMEENTE}"].brpp' in sent[0]["message"]
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="brpp"):
            TestClient(app).get("/personen/2308572")


def test_a_route_that_says_nothing_is_pointed_out_at_the_start(app: FastAPI, guard: Guard, caplog: pytest.LogCaptureFixture) -> None:
    @app.get("/stil/{bsn}")
    async def silent(bsn: str) -> str:
        return bsn

    guard(app)
    with caplog.at_level(logging.WARNING), TestClient(app):
        pass
    assert "GET /stil/{bsn} says nothing about personal data" in caplog.text
    assert "/personen/" not in caplog.text


def test_it_stands_around_an_application_that_is_not_starlettes(recorder: Recorder) -> None:
    async def bare(scope: Scope, receive: Any, send: Any) -> None:
        await PlainTextResponse("ok")(scope, receive, send)

    assert TestClient(VerwerkingenloggingMiddleware(bare, recorder=recorder)).get("/").text == "ok"


def test_it_stands_around_a_sub_application_only(recorder: Recorder, log: MemoryLog, app: FastAPI, guard: Guard) -> None:
    guard(app)
    outer = Starlette(routes=[Mount("/sub", app=app), Route("/", lambda request: PlainTextResponse("outer"))])
    client = TestClient(outer)
    assert (client.get("/").text, client.get("/sub/personen/2308572").json()) == ("outer", "2308572")
    assert len(log.acties) == 1


def test_a_mounted_application_that_cannot_record_is_refused_with_503(
    recorder: Recorder, log: MemoryLog, app: FastAPI, guard: Guard
) -> None:
    """It answers 500 by itself to what it does not know, in debug mode with all local variables, and then raises it."""
    app.debug = True
    outer = Starlette(routes=[Mount("/sub", app=app)])
    guard(outer)
    log.failure = LogUnavailable("down")
    wrapped = VerwerkingenloggingMiddleware(app, recorder=recorder)
    for refused in (TestClient(outer).get("/sub/personen/2308572"), TestClient(wrapped).get("/personen/2308572")):
        assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
    assert app.state.ran == []


def test_an_application_that_says_itself_that_it_could_not_record_is_refused_with_503(guard: Guard) -> None:
    """One that is mounted answers 500 to that by itself, before we hear of it."""

    async def fail(request: Request) -> Response:
        raise LogUnavailable("a log of its own is down")

    outer = Starlette(routes=[Mount("/sub", app=Starlette(routes=[Route("/", fail)]))])
    guard(outer)
    refused = TestClient(outer).get("/sub/")
    assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")


@pytest.mark.parametrize("foreign", [False, True])
def test_what_tasks_could_not_record_is_503_too(app: FastAPI, guard: Guard, log: MemoryLog, foreign: bool) -> None:
    @app.get("/samen")
    @geen_verwerking("its tasks record")
    async def together() -> None:
        async def step() -> None:
            await alog_actie("Ophalen details", activiteit="brp", objecten=["2308572"])

        async def fails() -> None:
            raise RuntimeError("of its own")

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(step())
            tasks.create_task(fails() if foreign else step())

    guard(app)
    log.failure = LogUnavailable("the log is down")
    assert TestClient(app, raise_server_exceptions=False).get("/samen").status_code == 503
    with pytest.raises(ExceptionGroup) if foreign else nullcontext():  # its own error is for its own log
        TestClient(app).get("/samen")


async def call(
    app: Callable[..., Awaitable[None]],
    path: str,
    *,
    type: str = "http",
    headers: Any = (),
    client: Any = ("testclient", 1),
    sent: list[Message] | None = None,
    **more: Any,  # ASGI's own name
) -> list[Any]:
    """Call an application as a server would, with a scope that the test client cannot make."""
    sent = [] if sent is None else sent
    start = {"http": "http.request", "websocket": "websocket.connect", "lifespan": "lifespan.startup"}[type]

    async def receive() -> Message:
        return {"type": start}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": type,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": list(headers),
        "client": client,
        "server": ("testserver", 80),
        **more,
    }
    await app(scope, receive, send)
    return sent
