"""Every way in which Starlette and FastAPI let an application be built, and the list of what its routes log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Body, Depends, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from verwerkingenlogging import MemoryLog, Recorder, geen_verwerking, gevonden, persoon, verwerkingsactie
from verwerkingenlogging.routes.annotation_check import problems, unannotated
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware, routes
from verwerkingenlogging_starlette.fastapi import hide_rejected_input


def ophalen(value: Any = "bsn", naam: str = "Ophalen persoonsgegevens") -> Callable[[Any], Any]:
    return verwerkingsactie(naam, activiteit="brp", objecten=persoon(value))


def from_path() -> Callable[[Any], Any]:
    return ophalen("request.path_params.bsn")


def logged(log: MemoryLog) -> list[tuple[str | None, list[str]]]:
    return [(actie.actie_naam, [objekt.object_id for objekt in actie.verwerkte_objecten]) for actie in log.acties]


@from_path()
async def endpoint(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


@from_path()
def sync_endpoint(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


class PersoonEndpoint(HTTPEndpoint):
    @from_path()
    async def get(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse("ok")

    @from_path()
    def delete(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse("ok")


@geen_verwerking("health check")
async def health(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


@pytest.fixture
def starlette_app(guard: Callable[..., None]) -> Starlette:
    inner = Starlette(routes=[Route("/{bsn}", endpoint)])
    app = Starlette(
        routes=[
            Route("/async/{bsn}", endpoint),
            Route("/sync/{bsn}", sync_endpoint, methods=["POST"]),
            Route("/class/{bsn}", PersoonEndpoint),
            Mount("/mounted", routes=[Mount("/deep", routes=[Route("/{bsn}", endpoint)])]),
            Mount("/app", app=inner),
            Route("/health", health),
        ]
    )
    guard(app)
    return app


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/async/2308572"),
        ("POST", "/sync/2308572"),
        ("GET", "/class/2308572"),
        ("DELETE", "/class/2308572"),
        ("GET", "/mounted/deep/2308572"),
        ("GET", "/app/2308572"),
    ],
)
def test_every_kind_of_starlette_route_records_once(starlette_app: Starlette, log: MemoryLog, method: str, path: str) -> None:
    assert TestClient(starlette_app).request(method, path).status_code == 200
    assert logged(log) == [("Ophalen persoonsgegevens", ["2308572"])]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("POST", "/async/2308572", 405),
        ("PUT", "/class/2308572", 405),
        ("GET", "/async/2308572/", 307),
        ("GET", "/health", 200),
    ],
)
def test_what_does_not_run_is_not_recorded(starlette_app: Starlette, log: MemoryLog, method: str, path: str, status: int) -> None:
    assert TestClient(starlette_app, follow_redirects=False).request(method, path).status_code == status
    assert log.acties == []


@pytest.mark.parametrize(
    ("path", "request_path", "headers"),
    [
        ("request.query_params.bsn", "/x?bsn=2308572", {}),
        ("request.headers.bsn", "/x", {"bsn": "2308572"}),
        ("request.state.bsn", "/x", {}),
    ],
)
def test_a_path_leads_to_what_is_in_a_request(
    guard: Callable[..., None], log: MemoryLog, path: str, request_path: str, headers: dict[str, str]
) -> None:
    @ophalen(path)
    async def read(request: Request) -> PlainTextResponse:
        return PlainTextResponse("ok")

    class SetState:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("state", {})["bsn"] = "2308572"
            await self.app(scope, receive, send)

    app = Starlette(routes=[Route("/x", read)], middleware=[Middleware(SetState)])
    guard(app)
    assert TestClient(app).get(request_path, headers=headers).status_code == 200
    assert logged(log) == [("Ophalen persoonsgegevens", ["2308572"])]


def aanvrager(bsn: str) -> str:
    return bsn


@pytest.fixture
def fastapi_app(guard: Callable[..., None]) -> FastAPI:
    app = FastAPI()
    guard(app)
    inner, outer, sub = APIRouter(prefix="/inner"), APIRouter(prefix="/outer"), FastAPI()

    @inner.get("/{bsn}")
    @sub.get("/{bsn}")
    @app.get("/personen/{bsn}")
    @ophalen()
    async def read(bsn: str, diep: bool = False) -> str:
        return bsn

    @app.get("/sync/{bsn}")
    @ophalen()
    def read_in_a_thread(bsn: str) -> str:
        return bsn

    @app.post("/verhuizingen")
    @ophalen("verhuizing.bsn")
    async def save(verhuizing: Annotated[dict[str, Any], Body()], aantal: int) -> str:
        return "saved"

    @app.get("/dependency/{bsn}")
    @ophalen("wie")
    async def with_dependency(wie: Annotated[str, Depends(aanvrager)]) -> str:
        return wie

    @app.post("/zoek")
    @verwerkingsactie("Zoeken personen", activiteit="brp", objecten=gevonden(lambda found: found))
    def search(naam: Annotated[str, Body()]) -> list[str]:
        return ["2308572", "5649587"] if naam == "Jansen" else []

    outer.include_router(inner)
    app.include_router(outer, prefix="/v1")
    app.mount("/sub", sub)
    return app


@pytest.mark.parametrize(
    "path", ["/personen/2308572", "/sync/2308572", "/v1/outer/inner/2308572", "/sub/2308572", "/dependency/2308572?bsn=2308572"]
)
def test_every_kind_of_fastapi_route_records_once(fastapi_app: FastAPI, log: MemoryLog, path: str) -> None:
    assert TestClient(fastapi_app).get(path).json() == "2308572"
    assert logged(log) == [("Ophalen persoonsgegevens", ["2308572"])]


def test_a_person_in_the_body_is_recorded_and_a_rejected_body_is_not(fastapi_app: FastAPI, log: MemoryLog) -> None:
    client = TestClient(fastapi_app)
    for rejected in (
        client.post("/verhuizingen?aantal=x", json={"bsn": "2308572"}),
        client.post("/verhuizingen?aantal=1", content="{", headers={"Content-Type": "application/json"}),
        client.get("/personen/2308572?diep=perhaps"),
    ):
        assert rejected.status_code == 422
    assert log.acties == []
    assert client.post("/verhuizingen?aantal=1", json={"bsn": "2308572"}).status_code == 200
    assert logged(log) == [("Ophalen persoonsgegevens", ["2308572"])]


def test_a_rejection_need_not_repeat_what_was_sent(fastapi_app: FastAPI) -> None:
    @fastapi_app.post("/gezinnen")
    @ophalen("leden")
    async def save(leden: dict[str, int]) -> None: ...

    hide_rejected_input(fastapi_app)
    client = TestClient(fastapi_app)
    response = client.post("/verhuizingen?aantal=2308572x", json={})
    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")
    assert response.json()["invalidParams"] == [{"name": "query.aantal", "code": "int_parsing"}]
    response = client.post("/gezinnen", json={"2308572": "x"})
    assert response.json()["invalidParams"] == [{"name": "body.…", "code": "int_parsing"}]
    assert "2308572" not in response.text
    response = client.post("/verhuizingen?aantal=1", content="{2308572", headers={"Content-Type": "application/json"})
    assert response.json()["invalidParams"] == [{"name": "body.1", "code": "json_invalid"}]


def test_found_persons_are_recorded_and_an_empty_result_is_not(fastapi_app: FastAPI, log: MemoryLog) -> None:
    client = TestClient(fastapi_app)
    assert client.post("/zoek", json="Pietersen").json() == []
    assert log.acties == []
    assert client.post("/zoek", json="Jansen").json() == ["2308572", "5649587"]
    assert logged(log) == [("Zoeken personen", ["2308572", "5649587"])]


def test_the_documentation_of_the_api_is_unchanged_by_annotations(fastapi_app: FastAPI) -> None:
    operation = TestClient(fastapi_app).get("/openapi.json").json()["paths"]["/personen/{bsn}"]["get"]
    assert [(parameter["name"], parameter["in"]) for parameter in operation["parameters"]] == [("bsn", "path"), ("diep", "query")]


def names(found: Any) -> list[str]:
    return [route.name for route in found]


def test_the_list_of_routes_has_whole_paths(fastapi_app: FastAPI, recorder: Recorder) -> None:
    found = routes(fastapi_app)
    assert found is not None
    assert names(found) == [
        "GET /personen/{bsn}",
        "GET /sync/{bsn}",
        "POST /verhuizingen",
        "GET /dependency/{bsn}",
        "POST /zoek",
        "GET /v1/outer/inner/{bsn}",
        "GET /sub/{bsn}",
    ]
    assert all(route.recorder is recorder and len(route.annotations) == 1 for route in found)


def test_the_list_of_starlette_routes_knows_each_method(starlette_app: Starlette) -> None:
    found = routes(starlette_app)
    assert found is not None
    assert names(found) == [
        "GET /async/{bsn}",
        "POST /sync/{bsn}",
        "GET /class/{bsn}",
        "DELETE /class/{bsn}",
        "GET /mounted/deep/{bsn}",
        "GET /app/{bsn}",
        "GET /health",
    ]
    assert unannotated(found) == []
    assert [route.geen_verwerking for route in found][-1] == "health check"


@ophalen()
async def deep(bsn: str) -> str:
    return bsn


async def shallow(bsn: Annotated[str, Depends(deep)]) -> str:
    return bsn


def test_an_annotated_dependency_counts_for_its_route() -> None:
    app = FastAPI()

    @app.get("/personen/{bsn}")
    async def read(wie: Annotated[str, Depends(shallow)]) -> str:
        return wie

    @app.get("/niets")
    async def nothing() -> None: ...

    found = routes(app) or []
    assert names(unannotated(found)) == ["GET /niets"]
    assert problems(found) == ["GET /personen/{bsn}: annotated, but there is no verwerkingenlogging middleware around it"]


async def opaque(scope: Scope, receive: Receive, send: Send) -> None: ...


class Opaque:
    @geen_verwerking("metrics")
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class Chat(WebSocketEndpoint):
    @ophalen("websocket.path_params.bsn")
    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()


async def socket(websocket: WebSocket) -> None: ...


def test_what_is_no_route_of_starlettes_own_must_say_something_too(tmp_path: Path) -> None:
    app = Starlette(
        routes=[
            Mount("/static", app=StaticFiles(directory=tmp_path)),
            Mount("/opaque", app=opaque),
            Mount("/metrics", app=Opaque()),
            Host("api.example", app=Router([Route("/x", health, methods=["HEAD"])])),
            WebSocketRoute("/chat/{bsn}", Chat),
            WebSocketRoute("/socket", socket),
            Route("/class", Opaque()),
        ]
    )
    found = routes(app) or []
    assert names(found) == ["* /opaque", "* /metrics", "HEAD //api.example/x", "WEBSOCKET /chat/{bsn}", "WEBSOCKET /socket", "* /class"]
    assert names(unannotated(found)) == ["* /opaque", "WEBSOCKET /socket"]


class OfItsOwn(BaseRoute):
    """A route that has neither an endpoint nor an application: it answers itself."""

    def __init__(self, path: str | None = None) -> None:
        if path is not None:
            self.path = path

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return (Match.FULL if "/eigen" in scope["path"] else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("ok")(scope, receive, send)


class Silent(OfItsOwn):
    @geen_verwerking("it answers nothing but ok")
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await super().handle(scope, receive, send)


@pytest.mark.parametrize("framework", [Starlette, FastAPI])
def test_a_route_that_answers_itself_is_listed_by_the_addresses_that_it_may_take(framework: type[Starlette]) -> None:
    mounted = Mount("/onder", routes=[OfItsOwn(), OfItsOwn("/eigen/{bsn}")])
    app = framework(routes=[OfItsOwn(), mounted, Route("/x", health)])
    assert TestClient(app).get("/onder/eigen/2308572").text == "ok"
    found = [route for route in routes(app) or [] if not route.name.startswith(("GET /docs", "GET /redoc", "GET /openapi"))]
    assert names(found) == ["* /{path:path}", "* /onder/{path:path}", "* /onder/eigen/{bsn}", "GET /x"]
    assert names(unannotated(found)) == ["* /{path:path}", "* /onder/{path:path}", "* /onder/eigen/{bsn}"]


def test_a_route_that_answers_itself_can_say_that_it_handles_no_personal_data() -> None:
    (route,) = routes(Starlette(routes=[Silent()])) or []
    assert route.geen_verwerking == "it answers nothing but ok"


def test_a_middleware_around_the_whole_application_is_seen(recorder: Recorder) -> None:
    app = VerwerkingenloggingMiddleware(Starlette(routes=[Route("/async/{bsn}", endpoint)]), recorder=recorder)
    assert [route.recorder for route in routes(app) or []] == [recorder]


def test_a_sub_application_may_have_a_middleware_of_its_own(recorder: Recorder) -> None:
    own = [Middleware(VerwerkingenloggingMiddleware, recorder=recorder), Middleware(Opaque)]  # type: ignore[arg-type]  # never built
    app = Starlette(routes=[Mount("/own", app=Starlette(routes=[Route("/{bsn}", endpoint)], middleware=own)), Route("/x", health)])
    assert [route.recorder for route in routes(app) or []] == [recorder, None]


def test_another_framework_is_left_to_its_own_plugin() -> None:
    assert routes(object()) is None
