"""What routes log, said in configuration: every kind of route, and only when its code really runs."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import FunctionType
from typing import Annotated, Any
from uuid import UUID

import pytest
from fastapi import APIRouter, Body, Depends, FastAPI, HTTPException
from fastapi import Request as FastAPIRequest
from fastapi import WebSocket as FastAPIWebSocket
from plugins.starlette.tests.test_starlette_middleware import call
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from verwerkingenlogging import ConfigurationError, LogUnavailable, MemoryLog, Recorder, geen_verwerking, persoon, verwerkingsactie
from verwerkingenlogging.routes.annotation_check import unannotated
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware, routes

BSN = "2308572"
OPHALEN = {"actie_naam": "Ophalen persoonsgegevens", "activiteit": "brp", "objecten": "bsn"}
ZOEKEN = {"actie_naam": "Zoeken personen", "activiteit": "brp", "gevonden": "results.bsn"}
Guard = Callable[..., None]

ran: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


def logged(log: MemoryLog) -> list[tuple[str | None, list[str]]]:
    return [(actie.actie_naam, [objekt.object_id for objekt in actie.verwerkte_objecten]) for actie in log.acties]


OPGEHAALD = [("Ophalen persoonsgegevens", [BSN])]


# An application, made anew for each test: what is put in place stays on the routes and the classes.


def closed(function: Any) -> Any:
    """A decorator that lets in who asks for it."""

    @functools.wraps(function)
    async def guarded(*args: Any, **kwargs: Any) -> Any:
        request = next(one for one in (*args, *kwargs.values()) if isinstance(one, Request))
        if "open" not in request.query_params:
            return PlainTextResponse("closed", status_code=403)
        return await function(*args, **kwargs)

    return guarded


class Passing(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        return await call_next(request)


class Through:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class Hiding:
    """A middleware that does not say what it stands around."""

    def __init__(self, app: ASGIApp) -> None:
        self._hidden = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._hidden(scope, receive, send)


def around(app: ASGIApp) -> ASGIApp:
    """A middleware that is a function."""

    async def passing(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return passing


class Methods:
    async def read(self, request: Request) -> Response:
        ran.append("method")
        return PlainTextResponse("ok")


def starlette_app() -> Starlette:
    async def read(request: Request) -> Response:
        ran.append("async")
        return PlainTextResponse("ok")

    def read_in_a_thread(request: Request) -> Response:
        ran.append("sync")
        return PlainTextResponse("ok")

    @closed
    async def read_closed(request: Request) -> Response:
        ran.append("closed")
        return PlainTextResponse("ok")

    async def read_more(request: Request, more: str) -> Response:
        ran.append(more)
        return PlainTextResponse("ok")

    class Base(HTTPEndpoint):
        async def get(self, request: Request) -> Response:
            ran.append("class")
            return PlainTextResponse("ok")

        def delete(self, request: Request) -> Response:
            self.remove(request.path_params["bsn"])
            return PlainTextResponse("ok")

        def remove(self, bsn: str) -> None:
            ran.append("removed")

    class Inherited(Base):
        @closed
        async def post(self, request: Request) -> Response:
            ran.append("post")
            return PlainTextResponse("ok")

    shared = Starlette(routes=[Route("/{bsn}", read)])
    return Starlette(
        routes=[
            Route("/async/{bsn}", read),
            Route("/sync/{bsn}", read_in_a_thread),
            Route("/both/{bsn}", read, methods=["GET", "POST"]),
            Route("/closed/{bsn}", read_closed),
            Route("/partial/{bsn}", functools.partial(read_more, more="partial")),
            Route("/method/{bsn}", Methods().read),
            Route("/own/{bsn}", read, middleware=[Middleware(Passing)]),
            Route("/hidden/{bsn}", read, middleware=[Middleware(Hiding)]),
            Route("/around/{bsn}", read, middleware=[Middleware(around)]),
            Route("/number/{bsn:int}", read),
            Route("/class/{bsn}", Inherited),
            Route("/other/{bsn}", Inherited),
            Route("/base/{bsn}", Base),
            Mount("/gemeente/{code}", routes=[Mount("/deep", routes=[Route("/{bsn}", read)])]),
            Mount("/first", app=shared),
            Mount("/second", app=shared),
        ]
    )


STARLETTE = {
    "a function": ("GET /async/{bsn}", "GET", f"/async/{BSN}", {}),
    "HEAD comes with GET": ("GET /async/{bsn}", "HEAD", f"/async/{BSN}", {}),
    "whatever the method": ("/async/{bsn}", "GET", f"/async/{BSN}", {}),
    "a function in a thread": ("GET /sync/{bsn}", "GET", f"/sync/{BSN}", {}),
    "one of two methods": ("POST /both/{bsn}", "POST", f"/both/{BSN}", {}),
    "under a decorator": ("GET /closed/{bsn}", "GET", f"/closed/{BSN}?open", {}),
    "a partial": ("GET /partial/{bsn}", "GET", f"/partial/{BSN}", {}),
    "a bound method": ("GET /method/{bsn}", "GET", f"/method/{BSN}", {}),
    "a middleware of its own": ("GET /own/{bsn}", "GET", f"/own/{BSN}", {}),
    "one that hides what it is around": ("GET /hidden/{bsn}", "GET", f"/hidden/{BSN}", {}),
    "one that is a function": ("GET /around/{bsn}", "GET", f"/around/{BSN}", {}),
    "a number, by a function": ("GET /number/{bsn}", "GET", f"/number/{BSN}", {"objecten": f"{__name__}:text_of"}),
    "its convertor in the key": ("GET /number/{bsn:int}", "GET", f"/number/{BSN}", {"objecten": f"{__name__}:text_of"}),
    "a class": ("DELETE /class/{bsn}", "DELETE", f"/class/{BSN}", {}),
    "what it inherits": ("GET /class/{bsn}", "GET", f"/class/{BSN}", {}),
    "HEAD of a class": ("GET /class/{bsn}", "HEAD", f"/class/{BSN}", {}),
    "under a decorator of a class": ("POST /class/{bsn}", "POST", f"/class/{BSN}?open", {}),
    "another method of the class": ("DELETE /class/{bsn}", "DELETE", f"/class/{BSN}", {"function": "remove"}),
    "what the class has": ("GET /class/{bsn}", "GET", f"/class/{BSN}", {"objecten": "self.scope.path_params.bsn"}),
    "what the request holds": ("GET /async/{bsn}", "GET", f"/async/1?bsn={BSN}", {"objecten": "request.query_params.bsn"}),
    "a mount in a mount": ("GET /gemeente/{code}/deep/{bsn}", "GET", f"/gemeente/1/deep/{BSN}", {}),
    "what the mount takes": ("GET /gemeente/{code}/deep/{bsn}", "GET", f"/gemeente/{BSN}/deep/1", {"objecten": "code"}),
    "an application that is mounted": ("GET /first/{bsn}", "GET", f"/first/{BSN}", {}),
    "its second place": ("GET /second/{bsn}", "GET", f"/second/{BSN}", {}),
}


def text_of(bsn: int) -> str:
    return str(bsn)


@pytest.mark.parametrize("kind", STARLETTE)
def test_every_kind_of_starlette_route_records_before_it_runs(guard: Guard, log: MemoryLog, kind: str) -> None:
    key, method, address, more = STARLETTE[kind]
    app = starlette_app()
    guard(app, routes={key: OPHALEN | more})
    client = TestClient(app)
    log.failure = LogUnavailable("down")
    assert (client.request(method, address).status_code, ran) == (503, [])
    log.failure = None
    assert client.request(method, address).status_code == 200
    assert (logged(log), len(ran)) == (OPGEHAALD, 1)


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/nothing", 404),
        ("POST", f"/async/{BSN}", 405),
        ("GET", f"/async/{BSN}/", 307),
        ("PUT", f"/class/{BSN}", 405),
        ("GET", f"/closed/{BSN}", 403),
        ("POST", f"/class/{BSN}", 403),
        ("GET", "/number/x", 404),
        # of these nothing was said:
        ("POST", f"/both/{BSN}", 200),
        ("GET", f"/other/{BSN}", 200),
        ("GET", f"/base/{BSN}", 200),
        ("GET", f"/gemeente/1/deep/{BSN}", 200),
        ("GET", f"/second/{BSN}", 200),
    ],
)
def test_what_does_not_run_or_says_nothing_is_not_recorded(guard: Guard, log: MemoryLog, method: str, address: str, status: int) -> None:
    app = starlette_app()
    said = ["/async/{bsn}", "GET /both/{bsn}", "/closed/{bsn}", "/class/{bsn}", "/first/{bsn}"]
    guard(app, routes=dict.fromkeys(said, OPHALEN) | {"/number/{bsn}": OPHALEN | {"objecten": "request.path_params.bsn"}})
    client = TestClient(app, follow_redirects=False)
    assert client.request(method, address).status_code == status
    assert log.acties == []
    assert client.get(f"/class/{BSN}").status_code == 200
    assert logged(log) == OPGEHAALD


@pytest.mark.parametrize("first", ["/base/{bsn}", "/class/{bsn}"])
def test_a_class_and_one_that_inherits_from_it_record_once_each(guard: Guard, log: MemoryLog, first: str) -> None:
    app = starlette_app()
    app.router.routes.sort(key=lambda route: getattr(route, "path", "") != first)
    guard(app, routes={"GET /base/{bsn}": OPHALEN, "GET /class/{bsn}": OPHALEN | {"actie_naam": "Inzien persoonsgegevens"}})
    client = TestClient(app)
    for name in ("base", "class", "other"):
        assert client.get(f"/{name}/{BSN}").status_code == 200
    assert [name for name, _ in logged(log)] == ["Ophalen persoonsgegevens", "Inzien persoonsgegevens"]


def test_found_persons_are_in_what_the_function_returned(guard: Guard, log: MemoryLog) -> None:
    async def search(request: Request) -> Response:
        return JSONResponse({"results": [{"bsn": BSN}] if "naam" in request.query_params else []})

    app = Starlette(routes=[Route("/zoek", search)])
    guard(app, routes={"/zoek": ZOEKEN | {"gevonden": f"{__name__}:in_the_body"}})
    client = TestClient(app)
    assert client.get("/zoek").status_code == 200
    assert log.acties == []
    log.failure = LogUnavailable("down")
    assert BSN not in client.get("/zoek?naam=Jansen").text
    log.failure = None
    assert BSN in client.get("/zoek?naam=Jansen").text
    assert logged(log) == [("Zoeken personen", [BSN])]


def in_the_body(response: JSONResponse, request: Request) -> list[str]:
    import json

    assert request.url.path == "/zoek"
    return [one["bsn"] for one in json.loads(bytes(response.body))["results"]]


class Persoon(BaseModel):
    bsn: str
    naam: str


class Gevonden(BaseModel):
    results: list[Persoon]


def wie(bsn: str) -> Persoon:
    return Persoon(bsn=bsn, naam="Jansen")


def closed_to_others(function: Any) -> Any:
    """A decorator of FastAPI's: it keeps the signature, and says no before the function runs."""

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if kwargs["bsn"] != BSN:
            raise HTTPException(403)
        return function(*args, **kwargs)

    return guarded


def read_more(bsn: str, more: str) -> str:
    ran.append(more)
    return bsn


class Reading:
    async def __call__(self, bsn: str) -> str:
        ran.append("object")
        return bsn


def personen() -> APIRouter:
    router = APIRouter()

    @router.get("/{bsn}")
    async def read(bsn: str, velden: str = "") -> str:
        """Read it."""
        ran.append(bsn)
        return bsn

    @router.api_route("/both/{bsn}", methods=["GET", "POST"])
    def both(bsn: str) -> str:
        ran.append(bsn)
        return bsn

    async def plain(request: Request) -> Response:
        ran.append("plain")
        return PlainTextResponse("ok")

    router.add_route("/plain/{bsn}", plain, methods=["GET"])
    return router


def fastapi_app() -> tuple[FastAPI, APIRouter]:
    app, router, inner, sub = FastAPI(), personen(), APIRouter(prefix="/inner"), FastAPI()

    @sub.get("/{bsn}")
    @inner.get("/{bsn}")
    @app.get("/personen/{bsn}")
    async def read(bsn: str, velden: str = "") -> str:
        ran.append(bsn)
        return bsn

    @app.get("/sync/{bsn}")
    def read_in_a_thread(bsn: str) -> str:
        ran.append(bsn)
        return bsn

    @app.get("/decorated/{bsn}")
    @closed_to_others
    def decorated(bsn: str) -> str:
        ran.append(bsn)
        return bsn

    @app.post("/body")
    async def save(persoon: Persoon, aantal: int) -> str:
        ran.append(persoon.bsn)
        return "saved"

    @app.get("/dependency/{bsn}")
    async def depending(request: FastAPIRequest, gevraagd: Annotated[Persoon, Depends(wie)]) -> Persoon:
        ran.append(gevraagd.bsn)
        return gevraagd

    @app.post("/zoek")
    def search(naam: Annotated[str, Body()]) -> Gevonden:
        ran.append("search")
        return Gevonden(results=[Persoon(bsn=BSN, naam=naam)] if naam == "Jansen" else [])

    @app.get("/export/{bsn}")
    async def export(bsn: str) -> StreamingResponse:
        async def rows() -> AsyncIterator[str]:
            ran.append(bsn)
            yield bsn

        return StreamingResponse(rows())

    app.add_api_route("/object/{bsn}", Reading())
    app.add_api_route("/partial/{bsn}", functools.partial(read_more, more="partial"))
    router.include_router(inner, prefix="/nested")
    app.include_router(router, prefix="/v1")
    app.include_router(router, prefix="/v2")
    app.mount("/sub", sub)
    return app, router


FASTAPI = {
    "a function": ("GET /personen/{bsn}", f"/personen/{BSN}", {}),
    "a function in a thread": ("GET /sync/{bsn}", f"/sync/{BSN}", {}),
    "under a decorator": ("GET /decorated/{bsn}", f"/decorated/{BSN}", {}),
    "what a dependency gives": ("GET /dependency/{bsn}", f"/dependency/{BSN}", {"objecten": "gevraagd.bsn"}),
    "what the request holds": ("GET /dependency/{bsn}", f"/dependency/{BSN}", {"objecten": "request.path_params.bsn"}),
    "an object": ("GET /object/{bsn}", f"/object/{BSN}", {}),
    "a partial": ("GET /partial/{bsn}", f"/partial/{BSN}", {}),
    "a router that is included": ("GET /v1/{bsn}", f"/v1/{BSN}", {}),
    "for the second time": ("GET /v2/{bsn}", f"/v2/{BSN}", {}),
    "one of two methods": ("GET /v1/both/{bsn}", f"/v1/both/{BSN}", {}),
    "a route of Starlette's in it": ("GET /v2/plain/{bsn}", f"/v2/plain/{BSN}", {}),
    "a router in a router": ("GET /v1/nested/inner/{bsn}", f"/v1/nested/inner/{BSN}", {}),
    "an application that is mounted": ("GET /sub/{bsn}", f"/sub/{BSN}", {}),
    "a stream": ("GET /export/{bsn}", f"/export/{BSN}", {}),
}


@pytest.mark.parametrize("kind", FASTAPI)
def test_every_kind_of_fastapi_route_records_before_it_runs(guard: Guard, log: MemoryLog, kind: str) -> None:
    key, address, more = FASTAPI[kind]
    app, _ = fastapi_app()
    guard(app, routes={key: OPHALEN | more})
    client = TestClient(app)
    log.failure = LogUnavailable("down")
    assert (client.get(address).status_code, ran) == (503, [])
    log.failure = None
    assert client.get(address).status_code == 200
    assert (logged(log), len(ran)) == (OPGEHAALD, 1)


def test_only_the_route_that_is_named_records(guard: Guard, log: MemoryLog) -> None:
    app, _ = fastapi_app()
    guard(
        app, routes={"GET /v1/{bsn}": OPHALEN, "GET /v1/both/{bsn}": OPHALEN, "GET /v1/plain/{bsn}": OPHALEN, "/decorated/{bsn}": OPHALEN}
    )
    client = TestClient(app)
    for method, address, status in [
        ("GET", f"/v2/{BSN}", 200),
        ("GET", f"/personen/{BSN}", 200),
        ("GET", f"/sub/{BSN}", 200),
        ("GET", f"/v2/both/{BSN}", 200),
        ("POST", f"/v1/both/{BSN}", 200),
        ("GET", f"/v2/plain/{BSN}", 200),
        ("GET", "/decorated/1", 403),
    ]:
        assert client.request(method, address).status_code == status, address
    assert log.acties == []


def test_a_rejected_body_is_not_recorded_and_a_valid_one_is_before_it_is_handled(guard: Guard, log: MemoryLog) -> None:
    app, _ = fastapi_app()
    guard(app, routes={"POST /body": OPHALEN | {"objecten": "persoon.bsn"}, "POST /zoek": ZOEKEN})
    client = TestClient(app)
    assert client.post("/body?aantal=x", json={"bsn": BSN, "naam": "Jansen"}).status_code == 422
    assert client.post("/body?aantal=1", json={"bsn": BSN}).status_code == 422
    assert client.get("/body").status_code == 405
    assert (log.acties, ran) == ([], [])
    assert client.post("/body?aantal=1", json={"bsn": BSN, "naam": "Jansen"}).status_code == 200
    assert client.post("/zoek", json="Pietersen").json() == {"results": []}
    assert client.post("/zoek", json="Jansen").json() == {"results": [{"bsn": BSN, "naam": "Jansen"}]}
    assert logged(log) == [*OPGEHAALD, ("Zoeken personen", [BSN])]
    log.failure = LogUnavailable("down")
    refused = client.post("/zoek", json="Jansen")
    assert (refused.status_code, BSN in refused.text) == (503, False)


@pytest.mark.filterwarnings("ignore:Duplicate Operation ID")  # FastAPI's own, of a route with two methods
def test_the_documentation_of_the_api_stays_as_it_was(guard: Guard) -> None:
    before = TestClient(fastapi_app()[0]).get("/openapi.json").json()
    app, _ = fastapi_app()
    guard(app, routes={"GET /v1/{bsn}": OPHALEN, "/personen/{bsn}": OPHALEN, "/decorated/{bsn}": OPHALEN})
    client = TestClient(app)
    assert client.get(f"/v1/{BSN}").status_code == 200
    assert client.get("/openapi.json").json() == before


def test_a_route_that_is_included_anew_goes_on_recording(guard: Guard, log: MemoryLog) -> None:
    """FastAPI makes all that an included router has anew when a route is added to it."""
    app, router = fastapi_app()

    @router.websocket("/chat/{bsn}")
    async def chat(websocket: FastAPIWebSocket, bsn: str) -> None:
        await websocket.accept()
        await websocket.close()

    guard(app, routes=dict.fromkeys(("/v2/{bsn}", "GET /v2/both/{bsn}", "/v2/plain/{bsn}", "WEBSOCKET /v2/chat/{bsn}"), OPHALEN))
    client = TestClient(app)

    def ask() -> None:
        for address in (f"/v2/{BSN}", f"/v2/both/{BSN}", f"/v2/plain/{BSN}"):
            assert client.get(address).status_code == 200
        with client.websocket_connect(f"/v2/chat/{BSN}"):
            pass

    ask()
    assert logged(log) == OPGEHAALD * 4

    @router.get("/late/{bsn}")
    async def late(bsn: str) -> str:
        return bsn

    assert client.get(f"/v2/late/{BSN}").status_code == 200
    assert client.get(f"/v1/{BSN}").status_code == 200
    assert logged(log) == OPGEHAALD * 4
    ask()
    assert logged(log) == OPGEHAALD * 8


def test_a_route_that_is_added_while_the_application_starts_can_be_named(guard: Guard, log: MemoryLog) -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.include_router(personen(), prefix="/late")
        yield

    app = FastAPI(lifespan=lifespan)
    guard(app, routes={"GET /late/{bsn}": OPHALEN})
    with TestClient(app) as client:
        assert client.get(f"/late/{BSN}").status_code == 200
    assert logged(log) == OPGEHAALD


def test_a_router_in_two_applications_records_as_each_of_them_says(recorder: Recorder, log: MemoryLog) -> None:
    """What is put in place stays on the router; what it calls is for the application to say."""
    router, clients = personen(), []
    for said in ({"/{bsn}": OPHALEN}, {"/{bsn}": OPHALEN | {"actie_naam": "Inzien persoonsgegevens"}}, None):
        app = FastAPI()
        app.include_router(router)
        app.add_middleware(VerwerkingenloggingMiddleware, recorder=recorder, routes=said)
        clients.append(TestClient(app))
    for client in (*clients, clients[0]):
        assert client.get(f"/{BSN}").status_code == 200
    assert [name for name, _ in logged(log)] == ["Ophalen persoonsgegevens", "Inzien persoonsgegevens", "Ophalen persoonsgegevens"]


def websocket_app() -> Starlette:
    class Chat(WebSocketEndpoint):
        async def on_connect(self, websocket: WebSocket) -> None:
            ran.append("class")
            await websocket.accept()
            await websocket.close()

    async def chat(websocket: WebSocket) -> None:
        ran.append("function")
        await websocket.accept()
        await websocket.close()

    return Starlette(routes=[WebSocketRoute("/class/{bsn}", Chat), WebSocketRoute("/function/{bsn}", chat)])


@pytest.mark.parametrize("kind", ["class", "function"])
def test_a_websocket_is_recorded_before_it_is_accepted(guard: Guard, log: MemoryLog, kind: str) -> None:
    app = websocket_app()
    guard(app, routes={f"WEBSOCKET /{kind}/{{bsn}}": OPHALEN | {"objecten": "websocket.path_params.bsn"}})
    client = TestClient(app)
    log.failure = LogUnavailable("down")
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"/{kind}/{BSN}"):
        pass
    assert ran == []
    log.failure = None
    with client.websocket_connect(f"/{kind}/{BSN}"):
        assert (logged(log), ran) == (OPGEHAALD, [kind])


def test_a_file_says_it_for_the_whole_application_and_the_list_shows_it(recorder: Recorder, log: MemoryLog, tmp_path: Path) -> None:
    said = tmp_path / "verwerkingen.toml"
    said.write_text(
        '["POST /both/{bsn}"]\nactie_naam = "Wijzigen persoonsgegevens"\nactiviteit = "brp"\nobjecten = "bsn"\n'
        '[["/async/{bsn}"]]\nactie_naam = "Ophalen persoonsgegevens"\nactiviteit = "brp"\nobjecten = "bsn"\n'
        '[["/async/{bsn}"]]\nactie_naam = "Tonen ouders"\nactiviteit = "brp"\ngevonden = "headers.x-ouder"\n'
        '["/first/*"]\ngeen_verwerking = "explanations"\n'
    )
    app = VerwerkingenloggingMiddleware(Through(starlette_app()), recorder=recorder, routes=said)
    client = TestClient(app)
    assert client.get(f"/async/{BSN}").status_code == 503  # it has no such header
    assert client.post(f"/both/{BSN}").status_code == 200
    assert [name for name, _ in logged(log)] == ["Ophalen persoonsgegevens", "Wijzigen persoonsgegevens"]
    listed = routes(VerwerkingenloggingMiddleware(starlette_app(), recorder=recorder, routes=said)) or []
    found = {route.name: route for route in listed}
    assert [one.template.actie_naam for one in found["GET /async/{bsn}"].annotations] == ["Ophalen persoonsgegevens", "Tonen ouders"]
    assert [len(found[name].annotations) for name in ("GET /both/{bsn}", "POST /both/{bsn}")] == [0, 1]
    assert found["GET /first/{bsn}"].geen_verwerking == "explanations"
    assert {route.name for route in unannotated(listed)} >= {"GET /both/{bsn}", "GET /second/{bsn}"}


def test_a_sub_application_says_it_in_its_own_templates(recorder: Recorder, guard: Guard, log: MemoryLog) -> None:
    inner = starlette_app()
    guard(inner, routes={"/first/{bsn}": OPHALEN, "/second/{bsn}": OPHALEN})
    outer = Starlette(routes=[Mount("/inner", app=inner), Route("/{bsn}", Methods().read)])
    guard(outer, routes={"/{bsn}": OPHALEN | {"actie_naam": "Inzien persoonsgegevens"}, "/inner/async/{bsn}": OPHALEN})
    client = TestClient(outer, root_path="/proxied")
    for address in (f"/inner/second/{BSN}", f"/{BSN}", f"/inner/async/{BSN}", f"/inner/sync/{BSN}"):
        assert client.get("/proxied" + address).status_code == 200
    assert [name for name, _ in logged(log)] == ["Ophalen persoonsgegevens", "Inzien persoonsgegevens", "Ophalen persoonsgegevens"]
    assert len(unannotated(routes(outer) or [])) == len(list(routes(outer) or [])) - 4


def rows(bsn: str) -> Iterator[str]:
    yield bsn


async def arows(bsn: str) -> AsyncIterator[str]:
    yield bsn


async def opaque(scope: Scope, receive: Receive, send: Send) -> None: ...


class Opaque:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


@functools.lru_cache
def cached(bsn: str) -> str:
    return bsn


def with_a_number(bsn: int) -> str:
    return str(bsn)


@verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
async def annotated(bsn: str) -> str:
    return bsn


@geen_verwerking("health check")
async def health() -> str:
    return "ok"


def copying(function: Any) -> Any:
    """A decorator that calls another function than it says."""
    copy = FunctionType(function.__code__, function.__globals__)

    @functools.wraps(function)
    def outer(bsn: str) -> Any:
        return copy(bsn)

    return outer


@copying
def copied(bsn: str) -> str:
    return bsn


def wrong_app() -> FastAPI:
    app = FastAPI()
    functions: dict[str, Callable[..., Any]] = {
        "rows": rows,
        "arows": functools.partial(arows),
        "cached": cached,
        "copied": copied,
        "type": Persoon,
        "number": with_a_number,
        "annotated": annotated,
        "health": health,
    }
    for name, function in functions.items():
        app.add_api_route(f"/{name}/{{bsn}}", function, methods=["GET"], response_model=None)
    more: list[BaseRoute] = [
        Mount("/starlette", app=starlette_app()),
        Mount("/opaque", app=opaque),
        Route("/asgi", Opaque()),
    ]
    app.router.routes.extend(more)
    return app


@pytest.mark.parametrize("api", [False, True])
def test_a_uuid_in_an_address_is_an_id(guard: Guard, log: MemoryLog, api: bool) -> None:
    number = UUID("48086bf2-11b7-4603-9526-67d7c3bb6587")

    async def plain(request: Request) -> Response:
        return PlainTextResponse(str(request.path_params["bsn"]))

    async def typed(bsn: UUID) -> UUID:
        return bsn

    app: Any = FastAPI() if api else Starlette(routes=[Route("/{bsn:uuid}", plain)])
    if api:
        app.add_api_route("/{bsn}", typed)
    guard(app, routes={"/{bsn}": OPHALEN})
    assert str(number) in TestClient(app).get(f"/{number}").text
    assert [objekt.object_id for actie in log.acties for objekt in actie.verwerkte_objecten] == [str(number)]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"GET /": OPHALEN}, r'routes\["GET /"\]: there is no such route \(there are none like it\)'),
        ({"GET /number/{bs}": OPHALEN}, r"did you mean /number/{bsn}\?\); verwerkingenlogging check module:app lists them"),
        ({"DELETE /number/{bsn}": OPHALEN}, r"there is no such route \(it takes GET\)"),
        ({"WEBSOCKET /number/{bsn}": OPHALEN}, r"there is no such route \(it takes GET\)"),
        ({"/starlette/both/{bsn}": OPHALEN, "GET /starlette/both/{bsn}": OPHALEN, "POST /starlette/both/{bsn}": OPHALEN}, None),
        ({"/number/{bsn}": OPHALEN, "/number/{bsn} ": OPHALEN}, r"there is no such route"),
        (
            {"/starlette/number/{bsn}": OPHALEN | {"objecten": []}, "/starlette/number/{bsn:int}": OPHALEN | {"objecten": []}},
            r'"/starlette/number/{bsn:int}"\]: /starlette/number/{bsn} is the same route; say it once',
        ),
        ({"/health/{bsn}": OPHALEN}, r'names the argument "bsn", which the function lacks; it has none'),
        ({"/starlette/async/{bsn}": OPHALEN | {"objecten": "bs"}}, r'"bs", which /starlette/async/{bsn} lacks; it has request, bsn'),
        ({"/starlette/class/{bsn}": OPHALEN | {"objecten": "bs"}}, r"it has request, self, bsn"),
        ({"/starlette/number/{bsn}": OPHALEN}, r'"bsn" is no text in /starlette/number/{bsn:int}, and a number loses its leading zeros'),
        ({"/number/{bsn}": OPHALEN}, r'"/number/{bsn}"\]: .*"bsn" is int, and a number loses its leading zeros'),
        ({"/rows/{bsn}": OPHALEN, "/arows/{bsn}": OPHALEN}, None),
        ({"/cached/{bsn}": OPHALEN}, r"/cached/{bsn}: a cache \(functools.lru_cache\) answers in the place of the function"),
        ({"/copied/{bsn}": OPHALEN}, r"/copied/{bsn}: a decorator keeps the function out of reach"),
        ({"/type/{bsn}": OPHALEN}, r"/type/{bsn}: is handled by a ModelMetaclass and not by a function in Python"),
        ({"/opaque": OPHALEN}, "is an ASGI application of its own"),
        ({"/asgi": OPHALEN | {"objecten": []}}, "is an ASGI application of its own"),
        ({"/opaque/*": {"geen_verwerking": "metrics"}, "/*": {"geen_verwerking": "none at all"}}, None),
        ({"/annotated/{bsn}": OPHALEN}, r"GET /annotated/{bsn} is annotated in its code; remove this key, or that annotation"),
        ({"/annotated/{bsn}": {"geen_verwerking": "none"}}, "is annotated in its code"),
        ({"/number/{bsn}": OPHALEN | {"function": "x", "objecten": []}}, "is not handled by a class, so it has no other method"),
        ({"/starlette/class/{bsn}": OPHALEN | {"function": "x"}}, "x: Inherited has no such method"),
        ({"/rows/{bsn}": {}}, r'routes\["/rows/{bsn}"\]\.actie_naam is missing'),
        (
            {"/starlette/async/{bsn}": OPHALEN | {"activiteit": "brpp"}},
            r'brpp: no such verwerkingsactiviteit; add it .*did you mean "brp"\?\); named by',
        ),
        ("/no/such/file.toml", "/no/such/file.toml"),
    ],
)
def test_what_is_wrong_stops_the_start_and_every_request(guard: Guard, said: Any, message: str | None) -> None:
    app = wrong_app()
    guard(app, routes=said)
    sent: list[Message] = []
    if message is None:
        asyncio.run(call(app, "", type="lifespan", sent=sent))
        assert sent[0]["type"] == "lifespan.startup.complete"
        return
    with pytest.raises(ConfigurationError, match=message):
        asyncio.run(call(app, "", type="lifespan", sent=sent))
    assert [one["type"] for one in sent] == ["lifespan.startup.failed"]
    with pytest.raises(ConfigurationError, match=message) as caught:
        TestClient(app).get("/health/1")
    assert sent[0]["message"] == str(caught.value)


def test_a_middleware_around_another_says_the_rest(recorder: Recorder, guard: Guard, log: MemoryLog) -> None:
    app = starlette_app()
    guard(app, routes={"/first/{bsn}": OPHALEN})
    guard(app, routes={"/sync/{bsn}": OPHALEN})
    client = TestClient(VerwerkingenloggingMiddleware(app, recorder=recorder, routes={"/second/{bsn}": OPHALEN}))
    for place, count in [("first", 1), ("second", 2), ("sync", 3), ("async", 3)]:
        assert client.get(f"/{place}/{BSN}").status_code == 200
        assert len(log.acties) == count


def test_what_two_middlewares_say_of_one_route_is_said_once(guard: Guard) -> None:
    inner = Starlette(routes=[Route("/{bsn}", Methods().read)])
    guard(inner, routes={"/{bsn}": OPHALEN})
    outer = Starlette(routes=[Mount("/inner", app=inner)])
    guard(outer, routes={"/inner/{bsn}": OPHALEN})
    with pytest.raises(ConfigurationError, match=r'"/{bsn}"\]: .*"/inner/{bsn}"\] is about the same route; say it once'):
        routes(outer)


def test_a_middleware_that_says_nothing_leaves_what_the_one_around_it_says(guard: Guard, log: MemoryLog) -> None:
    inner = Starlette(routes=[Route("/{bsn}", Methods().read)])
    guard(inner)
    outer = Starlette(routes=[Mount("/inner", app=inner)])
    guard(outer, routes={"/inner/{bsn}": OPHALEN})
    assert TestClient(outer).get(f"/inner/{BSN}").status_code == 200
    assert len(log.acties) == 1


def test_an_application_without_routes_lacks_the_one_that_is_named(guard: Guard) -> None:
    app = Starlette()
    guard(app, routes={"/{bsn}": OPHALEN})
    with pytest.raises(ConfigurationError, match=r"there is no such route \(there are none like it\)"):
        TestClient(app).get("/")


def test_it_says_nothing_of_what_it_cannot_list(recorder: Recorder) -> None:
    with pytest.raises(ConfigurationError, match=r"routes: this is around no application of Starlette or FastAPI"):
        TestClient(VerwerkingenloggingMiddleware(opaque, recorder=recorder, routes={})).get("/")


def test_an_application_that_fails_to_start_says_so_itself(guard: Guard) -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        raise OSError("no database")
        yield

    app = FastAPI(lifespan=lifespan)
    guard(app, routes={})
    with pytest.raises(OSError, match="no database"), TestClient(app):
        pass
