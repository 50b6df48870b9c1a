"""What could not be recorded is not answered, whatever an application of Starlette or FastAPI makes of the error (A1).

Plain code that eats it is in the suite of every middleware; here are the ways that only this kind of application has.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Annotated, Any

import httpx2
import pytest
import strawberry
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request, WebSocket
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect
from strawberry.fastapi import GraphQLRouter

from verwerkingenlogging import (
    LogUnavailable,
    MemoryLog,
    NotRecorded,
    alog_actie,
    carried,
    gevonden,
    persoon,
    recording,
    verwerkingsactie,
)
from verwerkingenlogging.context import current

BSN, EATEN = "2308572", "the application's own answer"
Guard = Callable[..., None]
Ask = Callable[..., httpx2.Response]


@verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
async def known(bsn: str) -> str:
    return bsn


@verwerkingsactie("Zoeken personen", activiteit="brp", objecten=gevonden(lambda found: found))
async def found(bsn: str) -> list[str]:
    return [bsn]


def eaten_by_a_handler(kind: type[Exception], status: int) -> FastAPI:
    app = FastAPI()

    @app.get("/personen/{bsn}")
    async def read(bsn: str) -> str:
        return await known(bsn)

    @app.exception_handler(kind)
    async def handle(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse(EATEN, status_code=status)

    return app


def eaten_by_a_base_http_middleware() -> FastAPI:
    app = FastAPI()

    class Forgiving(BaseHTTPMiddleware):
        async def dispatch(self, request: Request, call_next: Callable[[Request], Any]) -> Response:
            try:
                response: Response = await call_next(request)
            except Exception:
                response = PlainTextResponse(EATEN)
            return response

    app.add_middleware(Forgiving)

    @app.get("/personen/{bsn}")
    async def read(bsn: str) -> str:
        return await known(bsn)

    return app


def eaten_by_a_plain_middleware() -> FastAPI:
    app = FastAPI()

    class Forgiving:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await self.app(scope, receive, send)
            except Exception:
                await PlainTextResponse(EATEN, 500)(scope, receive, send)

    app.add_middleware(Forgiving)

    @app.get("/personen/{bsn}")
    async def read(bsn: str) -> str:
        return await known(bsn)

    return app


async def person(bsn: str) -> str | None:
    with suppress(Exception):
        return await known(bsn)
    return None


async def session() -> AsyncIterator[None]:
    try:
        yield
    except NotRecorded:
        raise HTTPException(404, EATEN) from None


def eaten_in_a_dependency() -> FastAPI:
    app = FastAPI()

    @app.get("/personen/{bsn}")
    async def read(person: Annotated[str | None, Depends(person)]) -> str:
        return person or EATEN

    return app


def eaten_by_a_dependency_that_ends() -> FastAPI:
    app = FastAPI()

    @app.get("/personen/{bsn}")
    async def read(bsn: str, _: Annotated[None, Depends(session)]) -> str:
        return await known(bsn)

    return app


def eaten_by_a_class() -> Starlette:
    class Person(HTTPEndpoint):
        async def get(self, request: Request) -> Response:
            return PlainTextResponse(await known(request.path_params["bsn"]))

        async def dispatch(self) -> None:
            try:
                await super().dispatch()
            except Exception:
                await PlainTextResponse(EATEN)(self.scope, self.receive, self.send)

    return Starlette(routes=[Route("/personen/{bsn}", Person)])


def eaten_in_a_mounted_application() -> Starlette:
    return Starlette(routes=[Mount("/", app=eaten_by_a_handler(Exception, 200))])


def eaten_in_a_stream_that_has_not_begun() -> FastAPI:
    app = FastAPI()

    @app.get("/personen/{bsn}")
    async def read(bsn: str) -> StreamingResponse:
        parts = [EATEN]
        with suppress(Exception):
            parts = [await known(bsn)]

        async def rows() -> AsyncIterator[str]:
            for part in parts:
                yield part

        return StreamingResponse(rows())

    return app


def eaten_around_a_job() -> FastAPI:
    """A handler that does what a nightly job does, in a context of its own."""
    app = FastAPI()

    @app.get("/personen/{bsn}")
    async def read(bsn: str) -> str:
        with suppress(Exception), recording(current().recorder, gebruiker="job"):
            return await known(bsn)
        return EATEN

    return app


def eaten_of_what_was_carried_over() -> FastAPI:
    app = FastAPI()

    @app.get("/personen/{bsn}")
    async def read(bsn: str) -> str:
        (one,) = await asyncio.gather(asyncio.create_task(known(bsn), context=carried()), return_exceptions=True)
        return EATEN if isinstance(one, BaseException) else one

    return app


WAYS: dict[str, Callable[[], Starlette]] = {
    "handler of NotRecorded": lambda: eaten_by_a_handler(NotRecorded, 500),
    "handler of Exception": lambda: eaten_by_a_handler(Exception, 200),
    "BaseHTTPMiddleware": eaten_by_a_base_http_middleware,
    "plain middleware": eaten_by_a_plain_middleware,
    "dependency": eaten_in_a_dependency,
    "dependency with yield": eaten_by_a_dependency_that_ends,
    "class": eaten_by_a_class,
    "mounted application": eaten_in_a_mounted_application,
    "stream": eaten_in_a_stream_that_has_not_begun,
    "job in the request": eaten_around_a_job,
    "carried over": eaten_of_what_was_carried_over,
}


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_in_the_place_of_the_error_is_503_all_the_same(way: str, guard: Guard, log: MemoryLog) -> None:
    app = WAYS[way]()
    guard(app)
    client = TestClient(app)
    assert BSN in client.get(f"/personen/{BSN}").text
    log.failure = LogUnavailable("down")
    refused = client.get(f"/personen/{BSN}")
    assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
    assert EATEN not in refused.text


@pytest.fixture
def graphql(guard: Guard) -> Starlette:
    @strawberry.type
    class Query:
        @strawberry.field
        async def known(self, bsn: str) -> str | None:
            return await known(bsn)

        @strawberry.field
        async def found(self, bsn: str) -> list[str] | None:
            return await found(bsn)

        @strawberry.field
        def other(self) -> str:
            return "other"

    app = FastAPI()
    app.include_router(GraphQLRouter(strawberry.Schema(Query)), prefix="/graphql")
    guard(app)
    return app


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # strawberry's own
@pytest.mark.parametrize("field", ["known", "found"])
def test_a_resolver_that_could_not_record_makes_the_whole_answer_503(graphql: Starlette, log: MemoryLog, field: str) -> None:
    """GraphQL makes an error of it beside the data of other fields, and 200."""
    client = TestClient(graphql)
    query = {"query": f'{{ {field}(bsn: "{BSN}") other }}'}
    assert BSN in client.post("/graphql", json=query).text
    log.failure = LogUnavailable("down")
    refused = client.post("/graphql", json=query)
    assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
    assert "other" not in refused.text


@pytest.mark.parametrize("asked", ["known", "found"])
def test_a_tool_that_could_not_record_makes_the_answer_503(asked: str, guard: Guard, log: MemoryLog) -> None:
    """MCP makes a result of it, with the text of the error, and 200."""
    server = pytest.importorskip("mcp.server.mcpserver").MCPServer("personen")  # it takes no httpx2 as old as .ci/lowest has
    server.tool(name="known")(known)
    server.tool(name="found")(found)
    app = server.streamable_http_app(stateless_http=True, json_response=True)
    guard(app)
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": asked, "arguments": {"bsn": BSN}}}
    headers = {"Accept": "application/json, text/event-stream"}
    with TestClient(app, base_url="http://localhost:8000") as client:
        assert BSN in client.post("/mcp", json=call, headers=headers).text
        log.failure = LogUnavailable("down")
        refused = client.post("/mcp", json=call, headers=headers)
        assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")


def swallowing_stream(app: FastAPI, log: MemoryLog) -> None:
    @app.get("/export/{bsn}")
    async def export(bsn: str) -> StreamingResponse:
        async def rows() -> AsyncIterator[str]:
            yield "first;"
            log.failure = LogUnavailable("down")
            with suppress(NotRecorded):
                await known(bsn)
            yield EATEN

        return StreamingResponse(rows())


async def test_a_stream_that_eats_the_error_is_cut(guard: Guard, log: MemoryLog) -> None:
    app = FastAPI()
    swallowing_stream(app, log)
    guard(app)
    sent: list[Message] = []
    with pytest.raises(NotRecorded):
        await asked(app, f"/export/{BSN}", sent)
    assert [message.get("body") for message in sent] == [None, b"first;"]


async def test_a_stream_that_eats_even_what_it_is_told_by_sending_is_cut(guard: Guard, log: MemoryLog) -> None:
    """It never ends: the server hears no last message, but the error."""

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first;", "more_body": True})
        log.failure = LogUnavailable("down")
        for body, more in ((b"second", True), (b"", False)):
            with suppress(NotRecorded):
                await known(BSN)
            with suppress(Exception):
                await send({"type": "http.response.body", "body": body, "more_body": more})

    app = Starlette(routes=[Mount("/", app=endpoint)])
    guard(app)
    sent: list[Message] = []
    with pytest.raises(NotRecorded):
        await asked(app, "/", sent)
    assert [message.get("body") for message in sent] == [None, b"first;"]


async def test_what_is_sent_before_an_answer_begins_does_not_begin_it(guard: Guard, log: MemoryLog) -> None:
    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.early_hint", "links": [b"</style.css>; rel=preload"]})
        log.failure = LogUnavailable("down")
        with suppress(NotRecorded):
            await known(BSN)
        await PlainTextResponse(EATEN)(scope, receive, send)

    app = Starlette(routes=[Mount("/", app=endpoint)])
    guard(app)
    sent: list[Message] = []
    await asked(app, "/", sent)
    assert [message.get("status") for message in sent] == [None, 503, None]


async def test_a_task_after_the_answer_that_eats_the_error_leaves_the_answer_as_it_was(guard: Guard, log: MemoryLog) -> None:
    """It left when all that it shows was recorded. The technical log tells of the rest."""
    app = FastAPI()

    async def write() -> None:
        log.failure = LogUnavailable("down")
        with suppress(NotRecorded):
            await alog_actie("Versturen brief", objecten=BSN)

    @app.get("/personen/{bsn}")
    async def read(bsn: str, tasks: BackgroundTasks) -> str:
        tasks.add_task(write)
        return await known(bsn)

    guard(app)
    sent: list[Message] = []
    await asked(app, f"/personen/{BSN}", sent)
    assert [message.get("status") for message in sent] == [200, None]


async def test_what_is_sent_after_the_end_of_an_answer_is_dropped_when_something_was_not_recorded(guard: Guard, log: MemoryLog) -> None:
    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("all of it")(scope, receive, send)
        log.failure = LogUnavailable("down")
        with suppress(NotRecorded):
            await known(BSN)
        await send({"type": "http.response.body", "body": EATEN.encode()})

    app = Starlette(routes=[Mount("/", app=endpoint)])
    guard(app)
    sent: list[Message] = []
    await asked(app, "/", sent)
    assert [message.get("body") for message in sent] == [None, b"all of it"]


def test_an_error_of_its_own_is_raised_as_it_is_and_answered_with_503(guard: Guard, log: MemoryLog) -> None:
    """Somebody may look for it in the server's log. One that comes of ours is told once, by us."""
    app = FastAPI()

    @app.get("/personen/{bsn}")
    async def read(bsn: str, own: bool = False) -> str:
        failed = None
        try:
            return await known(bsn)
        except NotRecorded as error:
            failed = error
        if own:
            raise RuntimeError("of its own")
        raise RuntimeError("of ours") from failed

    guard(app)
    log.failure = LogUnavailable("down")
    assert TestClient(app).get(f"/personen/{BSN}").status_code == 503
    assert TestClient(app, raise_server_exceptions=False).get(f"/personen/{BSN}?own=1").status_code == 503
    with pytest.raises(RuntimeError, match="of its own"):
        TestClient(app).get(f"/personen/{BSN}?own=1")


@pytest.fixture
def eating_websocket(guard: Guard) -> FastAPI:
    app = FastAPI()

    @app.websocket("/volg/{bsn}")
    async def follow(websocket: WebSocket, bsn: str, late: bool = False) -> None:
        if late:
            await websocket.accept()
            await websocket.receive_text()
        try:
            await known(bsn)
        except Exception:
            await asyncio.sleep(0)
        if not late:
            await websocket.accept()
        await websocket.send_text(EATEN)
        await websocket.close()

    guard(app)
    return app


def test_a_websocket_that_eats_the_error_is_refused_before_it_is_accepted(eating_websocket: FastAPI, log: MemoryLog) -> None:
    log.failure = LogUnavailable("down")
    with pytest.raises(WebSocketDisconnect) as caught, TestClient(eating_websocket).websocket_connect(f"/volg/{BSN}"):
        pass
    assert getattr(caught.value, "status_code", None) == 503


def test_a_websocket_that_eats_the_error_is_cut_when_it_was_accepted(eating_websocket: FastAPI, log: MemoryLog) -> None:
    def step() -> None:
        with TestClient(eating_websocket).websocket_connect(f"/volg/{BSN}?late=1") as session:
            log.failure = LogUnavailable("down")
            session.send_text("more")
            assert session.receive_text() != EATEN

    with pytest.raises(NotRecorded):
        step()


async def asked(app: ASGIApp, path: str, sent: list[Message]) -> None:
    """Ask as a server does, and keep what it would write."""
    body = iter([{"type": "http.request", "body": b"", "more_body": False}])
    gone = asyncio.Event()

    async def receive() -> Message:
        for message in body:
            return message
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
    }
    scope |= {"path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": [], "client": ("127.0.0.1", 1)}
    await app(scope, receive, send)
