"""Endpoints that yield: FastAPI streams their items, and each is recorded before it leaves; the first of them before the answer begins."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.sse import EventSourceResponse
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.types import Message

from verwerkingenlogging import LogUnavailable, MemoryLog, gevonden, persoon, verwerkingsactie

from .conftest import Guard

BSN = "999990019"
OTHER = "999990020"
known = verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
found = verwerkingsactie("Zoeken personen", activiteit="brp", objecten=gevonden(lambda found: [one.bsn for one in found]))


class Persoon(BaseModel):
    bsn: str


def streaming(annotate: bool) -> FastAPI:
    """Each way in which FastAPI streams what an endpoint yields."""
    app = FastAPI()
    before: Callable[[Any], Any] = known if annotate else lambda function: function
    after: Callable[[Any], Any] = found if annotate else lambda function: function

    @app.get("/known/json/{bsn}")
    @before
    async def known_json(bsn: str) -> AsyncIterable[Persoon]:
        yield Persoon(bsn=bsn)
        yield Persoon(bsn=OTHER)

    @app.get("/known/sync/{bsn}")
    @before
    def known_sync(bsn: str) -> Iterable[Persoon]:
        yield Persoon(bsn=bsn)
        yield Persoon(bsn=OTHER)

    @app.get("/known/sse/{bsn}", response_class=EventSourceResponse)
    @before
    async def known_sse(bsn: str) -> AsyncIterable[Persoon]:
        yield Persoon(bsn=bsn)
        yield Persoon(bsn=OTHER)

    @app.get("/found/json/{bsn}")
    @after
    async def found_json(bsn: str) -> AsyncIterable[Persoon]:
        yield Persoon(bsn=bsn)
        yield Persoon(bsn=OTHER)

    @app.get("/found/sync/{bsn}")
    @after
    def found_sync(bsn: str) -> Iterable[Persoon]:
        yield Persoon(bsn=bsn)
        yield Persoon(bsn=OTHER)

    @app.get("/found/sse/{bsn}", response_class=EventSourceResponse)
    @after
    def found_sse(bsn: str) -> Iterable[Persoon]:
        yield Persoon(bsn=bsn)
        yield Persoon(bsn=OTHER)

    return app


WAYS = ["json", "sync", "sse"]


def shown(log: MemoryLog) -> list[list[str]]:
    return [[objekt.object_id for objekt in actie.verwerkte_objecten] for actie in log.acties]


ROUTES = {
    f"/{when}/{way}/{{bsn}}": {"actie_naam": name, "activiteit": "brp"} | said
    for way in WAYS
    for when, name, said in [("known", "Ophalen persoonsgegevens", {"objecten": "bsn"}), ("found", "Zoeken personen", {"gevonden": "bsn"})]
}


@pytest.fixture(params=["annotated", "configured"])
def guarded(request: pytest.FixtureRequest, guard: Guard) -> FastAPI:
    app = streaming(annotate=request.param == "annotated")
    guard(app, routes=ROUTES if request.param == "configured" else None)
    return app


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("when", ["known", "found"])
def test_what_is_streamed_is_recorded_and_answered_as_without_us(guarded: FastAPI, log: MemoryLog, when: str, way: str) -> None:
    bare = TestClient(streaming(annotate=False)).get(f"/{when}/{way}/{BSN}")
    answer = TestClient(guarded).get(f"/{when}/{way}/{BSN}")
    assert (answer.status_code, answer.content, dict(answer.headers)) == (bare.status_code, bare.content, dict(bare.headers))
    assert answer.text.count("bsn") == 2
    assert shown(log) == ([[BSN]] if when == "known" else [[BSN], [OTHER]])
    assert streaming(annotate=False).openapi() == guarded.openapi()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("when", ["known", "found"])
def test_what_cannot_be_recorded_at_the_first_step_is_503(
    guarded: FastAPI, log: MemoryLog, when: str, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    log.failure = LogUnavailable("down")
    refused = TestClient(guarded).get(f"/{when}/{way}/{BSN}")
    assert (refused.status_code, refused.json()["code"]) == (503, "niet-vastgelegd")
    assert BSN not in refused.text + caplog.text
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR] == ["not recorded, so not processed: down"]


@pytest.mark.parametrize("way", WAYS)
def test_a_faulty_id_is_400(guarded: FastAPI, log: MemoryLog, way: str) -> None:
    refused = TestClient(guarded).get(f"/known/{way}/{41 * '9'}")
    assert (refused.status_code, refused.json()["invalidParams"]) == (400, [{"name": "bsn", "code": "max-length"}])
    assert log.acties == []


class Filling(MemoryLog):
    """Full after one record."""

    async def alog(self, acties: Any) -> None:
        self.log(acties)

    def log(self, acties: Any) -> None:
        if self.acties:
            raise LogUnavailable("full")
        super().log(acties)


async def asked(app: Any, path: str) -> list[Message]:
    """What is sent for it. Raises what makes a server cut the connection."""
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": [], "app": app}
    try:
        await app({**scope, "client": ("127.0.0.1", 1), "server": ("test", 80), "scheme": "http", "http_version": "1.1"}, receive, send)
    except BaseException as error:
        sent.append({"type": "raised", "error": error})
    return sent


@pytest.mark.parametrize("way", ["json", "sync"])
async def test_after_the_first_item_the_connection_is_cut(guard: Guard, recorder: Any, way: str) -> None:
    app = streaming(annotate=True)
    guard(app)
    recorder.log = Filling()
    start, first, raised = await asked(app, f"/found/{way}/{BSN}")
    assert (start["status"], raised["type"]) == (200, "raised")
    assert BSN in first["body"].decode()
    assert OTHER not in str(raised)


def forgiving(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def forgiven(*args: Any, **kwargs: Any) -> Any:
        async for item in function(*args, **kwargs):
            yield item

    return forgiven


@pytest.mark.parametrize("configured", [False, True])
@pytest.mark.parametrize("kind", ["partial", "method", "decorated", "object"])
def test_the_function_may_be_held_in_any_way(guard: Guard, log: MemoryLog, kind: str, configured: bool) -> None:
    before: Callable[[Any], Any] = (lambda function: function) if configured else known

    class Dienst:
        @before
        async def rows(self, bsn: str) -> AsyncIterable[Persoon]:
            yield Persoon(bsn=bsn)

        @before
        async def __call__(self, bsn: str) -> AsyncIterable[Persoon]:
            yield Persoon(bsn=bsn)

    @before
    async def rows(bsn: str) -> AsyncIterable[Persoon]:
        try:
            yield Persoon(bsn=bsn)
        finally:
            log.acties.reverse()

    ways = {"partial": functools.partial(rows), "method": Dienst().rows, "decorated": forgiving(rows), "object": Dienst()}
    app = FastAPI()
    app.add_api_route("/{bsn}", ways[kind])
    guard(app, routes={"/{bsn}": {"actie_naam": "Ophalen", "activiteit": "brp", "objecten": "bsn"}} if configured else None)
    client = TestClient(app)
    assert client.get(f"/{BSN}").json() == {"bsn": BSN}
    assert shown(log) == [[BSN]]
    log.failure = LogUnavailable("down")
    assert client.get(f"/{BSN}").status_code == 503


async def test_an_answer_that_yields_nothing_begins_all_the_same(guard: Guard, log: MemoryLog) -> None:
    app = FastAPI()

    @app.get("/nobody")
    @found
    async def nobody() -> AsyncIterable[Persoon]:
        for bsn in list[str]():
            yield Persoon(bsn=bsn)

    @app.get("/wrong")
    @found
    async def wrong() -> AsyncIterable[Persoon]:
        raise RuntimeError("of its own")
        yield

    guard(app)
    assert (TestClient(app).get("/nobody").status_code, log.acties) == (200, [])
    assert [one.get("status") for one in await asked(app, "/wrong")] == [500, None, None]
    with pytest.raises(RuntimeError, match="of its own"):
        TestClient(app).get("/wrong")


async def test_a_beginning_that_nothing_follows_is_sent(guard: Guard, log: MemoryLog) -> None:
    """An application that breaks the protocol is not made worse."""

    async def begins(request: Request) -> Response:
        class Begins(Response):
            async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
                await send({"type": "http.response.start", "status": 204, "headers": []})
                if scope["path"] == "/eats":
                    with contextlib.suppress(Exception):
                        await anext(aiter(rows(BSN)))

        return Begins()

    @known
    async def rows(bsn: str) -> AsyncIterator[str]:
        yield bsn

    begins.__dict__["__verwerkingsactie_in_steps__"] = True
    app = Starlette(routes=[Route("/", begins), Route("/eats", begins)])
    guard(app)
    assert [one["status"] for one in await asked(app, "/")] == [204]
    log.failure = LogUnavailable("down")
    assert [one.get("status") for one in await asked(app, "/eats")] == [503, None]


def test_a_stream_that_an_annotated_function_returns_begins_when_its_first_item_is_recorded(guard: Guard, log: MemoryLog) -> None:
    @verwerkingsactie("Zoeken personen", activiteit="brp", objecten=gevonden(lambda found: found))
    def rows(bsn: str) -> AsyncIterator[str]:
        async def lines() -> AsyncIterator[str]:
            yield bsn
            yield OTHER

        return lines()

    async def read(request: Request) -> Response:
        return StreamingResponse(rows(request.path_params["bsn"]))

    app = Starlette(routes=[Route("/{bsn}", read)])
    guard(app)
    assert TestClient(app).get(f"/{BSN}").text == BSN + OTHER
    assert shown(log) == [[BSN], [OTHER]]
    log.failure = LogUnavailable("down")
    assert TestClient(app).get(f"/{BSN}").status_code == 503


def test_a_dependency_that_yields_is_recorded_before_it_runs(guard: Guard, log: MemoryLog) -> None:
    ran: list[int] = []

    @known
    def dossier(bsn: str) -> Iterator[str]:
        ran.append(len(log.acties))
        yield bsn
        ran.append(len(log.acties))

    @known
    async def adossier(bsn: str) -> AsyncIterator[str]:
        ran.append(len(log.acties))
        yield bsn

    app = FastAPI()

    @app.get("/{bsn}")
    def read(one: str = Depends(dossier), other: str = Depends(adossier)) -> list[str]:
        return [one, other]

    guard(app)
    assert TestClient(app).get(f"/{BSN}").json() == [BSN, BSN]
    assert (shown(log), ran) == ([[BSN], [BSN]], [1, 2, 2])
    log.failure = LogUnavailable("down")
    assert TestClient(app).get(f"/{BSN}").status_code == 503
    assert len(ran) == 3


def test_one_shot_results_reach_the_answer(guard: Guard, log: MemoryLog) -> None:
    app = FastAPI()

    @app.get("/rows")
    @verwerkingsactie("Zoeken personen", activiteit="brp", objecten=gevonden(lambda found: found))
    def rows() -> list[str]:
        return (bsn for bsn in (BSN, OTHER))  # type: ignore[return-value]  # FastAPI makes a list of it

    @app.get("/stream")
    @verwerkingsactie("Zoeken personen", activiteit="brp", objecten=gevonden(lambda answer: answer.lines))
    def stream() -> StreamingResponse:
        answer = StreamingResponse(iter([BSN, OTHER]))
        answer.lines = map(str, [BSN, OTHER])  # type: ignore[attr-defined]  # of its own
        return answer

    guard(app)
    assert TestClient(app).get("/rows").json() == [BSN, OTHER]
    assert TestClient(app).get("/stream").text == BSN + OTHER
    assert shown(log) == [[BSN, OTHER]] * 2


@pytest.mark.parametrize("outside", [True, False])
def test_a_refusal_can_be_read_by_a_page_of_another_site_when_cors_stands_outside(guard: Guard, log: MemoryLog, outside: bool) -> None:
    app = FastAPI()

    @app.get("/personen/{bsn}")
    @known
    async def read(bsn: str) -> str:
        return bsn

    def cors() -> None:
        app.add_middleware(CORSMiddleware, allow_origins=["https://balie.example"])

    for add in [lambda: guard(app), cors] if outside else [cors, lambda: guard(app)]:
        add()
    log.failure = LogUnavailable("down")
    refused = TestClient(app).get(f"/personen/{BSN}", headers={"Origin": "https://balie.example"})
    assert refused.status_code == 503
    assert refused.headers.get("access-control-allow-origin") == ("https://balie.example" if outside else None)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_request_for_the_head_of_an_answer_runs_its_code_and_is_recorded(guard: Guard, log: MemoryLog, method: str) -> None:
    @verwerkingsactie("Zoeken personen", activiteit="brp", objecten=gevonden(lambda answer: answer.body.decode()))
    async def search(request: Request) -> Response:
        return PlainTextResponse(BSN)

    app = Starlette(routes=[Route("/zoek", search)])
    guard(app)
    answer = TestClient(app).request(method, "/zoek")
    assert (answer.status_code, answer.headers["content-length"]) == (200, "9")
    assert shown(log) == [[BSN]]


def test_a_websocket_with_a_faulty_id_is_refused_for_good(guard: Guard, log: MemoryLog) -> None:
    app = FastAPI()

    @app.websocket("/volg/{bsn}")
    @known
    async def follow(bsn: str) -> None: ...

    guard(app)
    for bsn, status, code in [(41 * "9", 400, 1008), (BSN, 503, 1013)]:
        log.failure = LogUnavailable("down")
        with pytest.raises(WebSocketDenialResponse) as denied, TestClient(app).websocket_connect(f"/volg/{bsn}"):
            pass
        assert denied.value.status_code == status
        sent: list[Message] = []
        asyncio.run(handshake(app, f"/volg/{bsn}", sent))
        assert [(one["type"], one["code"]) for one in sent] == [("websocket.close", code)]


async def handshake(app: Any, path: str, sent: list[Message]) -> None:
    """With a server that can send no answer in the place of a handshake."""

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": [], "app": app}
    await app({**scope, "client": ("127.0.0.1", 1), "server": ("test", 80), "scheme": "ws", "subprotocols": []}, receive, send)
