"""The middleware: who is believed, on whose behalf, and what a log that fails becomes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, Request, WebSocket
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from starlette.types import Message, Scope
from starlette.websockets import WebSocketDisconnect

from verwerkingenlogging import (
    ConfigurationError,
    HeaderProfile,
    LogUnavailable,
    MemoryLog,
    NotRecorded,
    Recorder,
    Vertrouwelijkheid,
    alog_actie,
    gevonden,
    log_actie,
    persoon,
    verwerkingsactie,
)
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware

GEMEENTE, BUURGEMEENTE, DERDE = "00000001821002193000", "00000099000000001000", "00000001804770694000"
Guard = Callable[..., None]
HEADERS = {
    "OIN": DERDE,
    "VerwerkingsactiviteitId": "40fc7068-050d-45cc-8f60-770cd6d9de64",
    "VerwerkingsactiviteitUrl": "https://var.derde.example/40fc7068",
    "VerwerkingId": "16a69cb6-41b0-4ea0-8c80-7a735e3609e0",
    "Vertrouwelijkheid": "Vertrouwelijk",
    "Bewaartermijn": "P150Y",
}


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    app.state.ran = []

    @app.get("/personen/{bsn}")
    @verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
    async def read(bsn: str) -> str:
        app.state.ran.append(bsn)
        return bsn

    @app.get("/zoek")
    @verwerkingsactie("Zoeken personen", activiteit="brp", objecten=gevonden(lambda found: found))
    def search() -> list[str]:
        app.state.ran.append("search")
        return ["2308572"]

    return app


def test_the_callers_doelbinding_reaches_the_record(app: FastAPI, guard: Guard, log: MemoryLog) -> None:
    guard(app)
    assert TestClient(app).get("/personen/2308572", headers=HEADERS).status_code == 200
    (actie,) = log.acties
    assert (actie.soort_afnemer_id, actie.afnemer_id) == ("OIN", DERDE)
    assert actie.verwerkingsactiviteit_id_afnemer == UUID("40fc7068-050d-45cc-8f60-770cd6d9de64")
    assert actie.verwerkingsactiviteit_url_afnemer == "https://var.derde.example/40fc7068"
    assert actie.verwerking_id_afnemer == UUID("16a69cb6-41b0-4ea0-8c80-7a735e3609e0")
    assert (actie.vertrouwelijkheid, actie.bewaartermijn) == (Vertrouwelijkheid.VERTROUWELIJK, "P150Y")
    # … and none of it became ours (P4).
    assert actie.verwerkingsactiviteit_id == UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf")
    assert actie.verwerking_id not in {None, UUID("16a69cb6-41b0-4ea0-8c80-7a735e3609e0")}


def test_a_request_without_headers_is_recorded_without_an_afnemer(app: FastAPI, guard: Guard, log: MemoryLog) -> None:
    guard(app)
    TestClient(app).get("/personen/2308572")
    (actie,) = log.acties
    assert (actie.afnemer_id, actie.verwerking_id_afnemer, actie.bewaartermijn) == (None, None, None)
    assert actie.vertrouwelijkheid is Vertrouwelijkheid.NORMAAL


def test_a_malformed_header_is_counted_and_logged_without_its_value(
    app: FastAPI, guard: Guard, log: MemoryLog, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    guard(app)
    response = TestClient(app).get("/personen/2308572", headers={**HEADERS, "OIN": "0000-secret", "Bewaartermijn": "-P1Y"})
    assert response.status_code == 200
    assert (log.acties[0].afnemer_id, log.acties[0].bewaartermijn) == (None, None)
    assert dict(recorder.faults) == {
        "header OIN: invalid": 1,
        "header Bewaartermijn: invalid": 1,
        "confidentiality asked for by a caller": 1,
    }
    assert "OIN: invalid" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("peers", "client", "trusted"),
    [
        (["testclient"], ("testclient", 1), True),
        (["10.1.0.0/16"], ("10.1.2.3", 1), True),
        (["10.1.2.3"], ("10.1.2.3", 1), True),
        (["10.1.0.0/16"], ("10.2.2.3", 1), False),
        (["2001:db8::/32"], ("2001:db8::1", 1), True),
        ([], ("127.0.0.1", 1), False),
        (["10.1.0.0/16"], ("not an address", 1), False),
        (["10.1.0.0/16"], None, False),
    ],
)
def test_only_trusted_peers_are_believed(
    app: FastAPI, guard: Guard, log: MemoryLog, recorder: Recorder, peers: list[str], client: tuple[str, int] | None, trusted: bool
) -> None:
    guard(app, trusted_peers=peers)
    asyncio.run(call(app, "/personen/2308572", client=client, headers=[(b"oin", DERDE.encode())]))
    assert log.acties[0].afnemer_id == (DERDE if trusted else None)
    assert recorder.faults["header doelbinding: untrusted peer"] == (0 if trusted else 1)


def test_this_machine_is_trusted_when_nothing_else_is_said(app: FastAPI, recorder: Recorder, log: MemoryLog) -> None:
    app.add_middleware(VerwerkingenloggingMiddleware, recorder=recorder)
    for address in ("127.0.0.1", "::1", "10.0.0.1"):
        asyncio.run(call(app, "/personen/2308572", client=(address, 1), headers=[(b"oin", DERDE.encode())]))
    assert [actie.afnemer_id for actie in log.acties] == [DERDE, DERDE, None]


@pytest.mark.parametrize("peer", ["10.1.0.0/99", "not/an/address", "10.1.2.3/16", ""])
def test_a_wrong_peer_stops_the_start(recorder: Recorder, peer: str) -> None:
    with pytest.raises(ConfigurationError, match="trusted_peers"):
        VerwerkingenloggingMiddleware(Starlette(), recorder=recorder, trusted_peers=[peer])


@pytest.mark.parametrize(
    ("proven", "headers", "status", "afnemer", "fault"),
    [
        (DERDE, {"OIN": DERDE}, 200, DERDE, 0),
        (DERDE, {}, 200, DERDE, 0),
        (DERDE, {"VerwerkingId": "16a69cb6-41b0-4ea0-8c80-7a735e3609e0"}, 200, DERDE, 0),
        (DERDE, {"OIN": GEMEENTE}, 403, None, 0),
        (None, {"OIN": DERDE}, 200, None, 1),
        (None, {}, 200, None, 0),
    ],
)
def test_a_header_is_held_against_what_the_caller_proves(
    app: FastAPI,
    guard: Guard,
    log: MemoryLog,
    recorder: Recorder,
    proven: str | None,
    headers: dict[str, str],
    status: int,
    afnemer: str | None,
    fault: int,
) -> None:
    guard(app, verified_oin=lambda scope: proven, trusted_peers=[])
    response = TestClient(app).get("/personen/2308572", headers=headers)
    assert response.status_code == status
    assert [actie.afnemer_id for actie in log.acties] == ([afnemer] if status == 200 else [])
    assert recorder.faults["header doelbinding: no verified OIN"] == fault
    if status == 403:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["code"] == "oin-komt-niet-overeen"
        assert app.state.ran == []


def test_one_installation_serves_several_municipalities(app: FastAPI, guard: Guard, log: MemoryLog) -> None:
    """Threat 18: the tenant comes from what is verified, and does not linger."""
    guard(app, organisatie=lambda scope: BUURGEMEENTE if dict(scope["headers"])[b"host"] == b"buur.example" else GEMEENTE)
    client = TestClient(app)
    for host in ("buur.example", "gemeente.example", "buur.example"):
        client.get("/personen/2308572", headers={"Host": host})
    ours, theirs = UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"), UUID("4f6db294-830d-4d14-b9bd-3c6d17c40d65")
    assert [actie.verwerkingsactiviteit_id for actie in log.acties] == [theirs, ours, theirs]


def test_an_organisation_that_is_not_configured_processes_nothing(app: FastAPI, guard: Guard, log: MemoryLog) -> None:
    guard(app, organisatie=lambda scope: "0" * 20)
    assert TestClient(app).get("/personen/2308572").status_code == 503
    assert (app.state.ran, log.acties) == ([], [])


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


def test_the_user_is_off_when_nothing_is_said(app: FastAPI, guard: Guard, log: MemoryLog) -> None:
    guard(app)
    TestClient(app).get("/personen/2308572")
    assert log.acties[0].gebruiker is None


def test_another_header_profile_can_be_used(app: FastAPI, guard: Guard, log: MemoryLog) -> None:
    guard(app, profile=HeaderProfile(oin="x-origin-oin"))
    TestClient(app).get("/personen/2308572", headers={"x-origin-oin": DERDE})
    assert log.acties[0].afnemer_id == DERDE


@pytest.mark.parametrize("path", ["/personen/2308572", "/zoek"])
@pytest.mark.parametrize("debug", [False, True])
def test_a_log_that_is_down_becomes_503(
    app: FastAPI, guard: Guard, log: MemoryLog, path: str, debug: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app.debug = debug
    guard(app)
    log.failure = LogUnavailable("the register answered 500")
    response = TestClient(app).get(path)
    assert (response.status_code, response.headers["content-type"]) == (503, "application/problem+json")
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {
        "title": "Verwerking niet vastgelegd",
        "status": 503,
        "detail": "Deze verwerking van persoonsgegevens kon niet worden vastgelegd en is daarom niet uitgevoerd. Probeer het later opnieuw.",
        "code": "niet-vastgelegd",
    }
    assert app.state.ran == ([] if path != "/zoek" else ["search"])
    assert "2308572" not in response.text + caplog.text
    assert "the register answered 500" in caplog.text


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
def streaming_app(log: MemoryLog) -> FastAPI:
    app = FastAPI()

    @app.get("/export/{bsn}")
    @verwerkingsactie("Exporteren persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
    async def export(bsn: str, fail: bool = False) -> StreamingResponse:
        async def rows() -> AsyncIterator[str]:
            yield f"{len(log.acties)};"
            if fail:
                log.failure = LogUnavailable("down")
            await alog_actie("Ophalen details", objecten=bsn)
            yield f"{len(log.acties)};"

        return StreamingResponse(rows())

    return app


def test_a_stream_is_recorded_before_its_first_byte(streaming_app: FastAPI, guard: Guard, log: MemoryLog) -> None:
    guard(streaming_app)
    assert TestClient(streaming_app).get("/export/2308572").text == "1;2;"
    assert log.acties[0].verwerking_id == log.acties[1].verwerking_id


def test_a_stream_whose_next_step_cannot_be_recorded_is_cut(streaming_app: FastAPI, guard: Guard, log: MemoryLog) -> None:
    guard(streaming_app)
    with pytest.raises(NotRecorded):
        TestClient(streaming_app).get("/export/2308572?fail=true")
    assert len(log.acties) == 1


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
