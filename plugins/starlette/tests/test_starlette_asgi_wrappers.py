"""What an application is made of besides plain routes: the list looks into it, and invents nothing."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Host, Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from verwerkingenlogging import MemoryLog, Recorder, geen_verwerking, persoon, verwerkingsactie
from verwerkingenlogging.routes.annotation_check import problems, unannotated
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware, routes

ophalen = verwerkingsactie("Ophalen", activiteit="brp", objecten=persoon("request.path_params.bsn"))
Guard = Callable[..., None]


@ophalen
async def read(request: Request) -> Response:
    return PlainTextResponse("ok")


async def silent(request: Request) -> Response:
    return PlainTextResponse("ok")


async def opaque(scope: Scope, receive: Receive, send: Send) -> None: ...


class Passing:
    def __init__(self, app: ASGIApp, /, *others: object, **more: object) -> None:
        self.app = app
        self.others = [*others, *more.values()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class Exempt(Passing):
    @geen_verwerking("metrics")
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class Asking:
    def __init__(self) -> None:
        self.asked = 0

    @verwerkingsactie("Ophalen", activiteit="brp", objecten=persoon("bsn"))
    async def __call__(self, bsn: str) -> str:
        return bsn


def with_more(request: Request, more: str) -> Response:
    return PlainTextResponse(more)


def inner() -> Starlette:
    return Starlette(routes=[Route("/{bsn}", read)])


def names(app: object) -> list[str]:
    return [route.name for route in routes(app) or []]


def test_what_is_in_wrappers_is_listed(tmp_path: Path) -> None:
    app = Starlette(
        routes=[
            Mount("/middleware", routes=[Route("/{bsn}", read)], middleware=[Middleware(Passing)]),
            Mount("/object", app=Passing(inner())),
            Mount("/two", app=Passing(Passing(inner()))),
            Mount("/static", app=Passing(StaticFiles(directory=tmp_path))),
            Host("{gemeente}.example", app=Passing(inner())),
            Mount("/under", routes=[Host("api.example", app=inner())]),
        ]
    )
    assert names(app) == [
        "GET /middleware/{bsn}",
        "GET /object/{bsn}",
        "GET /two/{bsn}",
        "GET //{gemeente}.example/{bsn}",
        "GET //api.example/under/{bsn}",
    ]
    assert names(Passing(Passing(app))) == names(app)
    assert unannotated(routes(app) or []) == []


def test_what_may_answer_and_cannot_be_looked_into_must_say_something() -> None:
    app = Starlette(
        routes=[
            Mount("/opaque", app=Passing(opaque)),
            Mount("/several", app=Passing(inner(), {"other": inner()})),
            Mount("/beside", app=Passing(inner(), fallback=opaque)),
            Mount("/exempt", app=Exempt(inner())),
        ]
    )
    assert names(app) == ["* /opaque", "* /several", "GET /beside/{bsn}", "* /beside", "* /exempt"]
    assert [one.name for one in unannotated(routes(app) or [])] == ["* /opaque", "* /several", "* /beside"]
    assert routes(Passing(opaque)) is None


def test_a_function_around_an_application_that_is_still_to_be_made_cannot_be_looked_into() -> None:
    async def passing(scope: Scope, receive: Receive, send: Send) -> None:
        await made(scope, receive, send)

    outer = Starlette(routes=[Mount("/later", app=passing)])
    assert names(outer) == ["* /later"]
    made = inner()
    assert names(outer) == ["GET /later/{bsn}"]


def test_an_application_that_knows_the_one_around_it_has_no_end() -> None:
    app = Starlette()
    app.router.routes += [Mount("/back", app=Passing(inner(), app)), Mount("/itself", app=Passing(app))]
    assert names(app) == ["GET /back/{bsn}", "* /itself"]


def test_what_is_in_a_partial_is_listed() -> None:
    async def passing(around: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await around(scope, receive, send)

    async def named(scope: Scope, receive: Receive, send: Send, *, around: ASGIApp) -> None:
        await around(scope, receive, send)

    app = Starlette(routes=[Mount("/een", app=functools.partial(passing, inner()))])
    app.router.routes.append(Mount("/twee", app=functools.partial(named, around=inner())))
    assert TestClient(app).get("/een/later/2308572").status_code == TestClient(app).get("/twee/later/2308572").status_code
    assert names(app) == ["GET /een/{bsn}", "GET /twee/{bsn}"]


def test_what_answers_all_else_is_listed() -> None:
    app = Starlette(routes=[Mount("/in", app=Router([Route("/{bsn}", read)], default=opaque))])
    app.router.default = Passing(Starlette(routes=[Route("/else/{bsn}", read)]))
    assert names(app) == ["GET /in/{bsn}", "* /in/{path:path}", "GET /else/{bsn}"]


def test_an_annotation_in_a_partial_or_an_object_counts_for_its_route() -> None:
    app = FastAPI()
    app.router.routes.append(Route("/partial/{bsn}", functools.partial(functools.partial(read))))
    app.add_api_route("/object/{bsn}", silent, dependencies=[Depends(Asking())])
    router = APIRouter(dependencies=[Depends(functools.partial(Asking.__call__, Asking()))])
    router.add_api_route("/router/{bsn}", silent)
    app.include_router(router)
    app.add_api_route("/called/{bsn}", Asking())
    found = routes(app) or []
    assert len(found) == 4
    assert {len(route.annotations) for route in found} == {1}


class Beperkt(HTTPEndpoint):
    get = staticmethod(silent)
    delete = staticmethod(silent)


def test_a_class_is_listed_with_the_methods_that_its_route_lets_through() -> None:
    app = Starlette(routes=[Route("/less", Beperkt, methods=["GET"]), Route("/all", Beperkt)])
    assert names(app) == ["GET /less", "GET /all", "DELETE /all"]


class Ours(VerwerkingenloggingMiddleware):
    """Derived from it, as a project may."""


def around(kind: str, recorder: Recorder, said: Any) -> Starlette:
    given: dict[str, Any] = {"recorder": recorder, "trusted_peers": ["testclient"], "routes": said}
    own = [Middleware(Ours, **given)]
    found = [Route("/{bsn}", silent)]
    return {
        "a subclass": lambda: Starlette(routes=found, middleware=own),
        "a partial": lambda: Starlette(routes=found, middleware=[Middleware(functools.partial(Ours, **given))]),
        "of a mount": lambda: Starlette(routes=[Mount("/in", routes=found, middleware=own)]),
        "of a router": lambda: Starlette(routes=[Mount("/in", app=Router(found, middleware=own))]),
        "of a route": lambda: Starlette(routes=[Mount("/in", routes=[Route("/{bsn}", silent, middleware=own)])]),
        "by hand": lambda: Starlette(routes=[Mount("/in", app=Passing(Ours(Passing(Starlette(routes=found)), **given)))]),
    }[kind]()


@pytest.mark.parametrize("kind", ["a subclass", "a partial", "of a mount", "of a router", "of a route", "by hand"])
def test_our_middleware_is_seen_wherever_it_stands_and_says_what_its_routes_log(recorder: Recorder, log: MemoryLog, kind: str) -> None:
    said = {"actie_naam": "Ophalen", "activiteit": "brp", "objecten": "request.path_params.bsn"}
    app = around(kind, recorder, {"GET /{bsn}": said})
    (found,) = routes(app) or []
    assert found.recorder is recorder
    assert problems([found]) == []
    assert [one.template.actie_naam for one in found.annotations] == ["Ophalen"]
    assert TestClient(app).get(found.name.removeprefix("GET ").replace("{bsn}", "1")).status_code == 200
    assert len(log.acties) == 1


def test_a_function_for_two_hosts_logs_what_is_said_of_each(guard: Guard, log: MemoryLog) -> None:
    def entry(naam: str) -> dict[str, Any]:
        return {"actie_naam": naam, "activiteit": "brp", "objecten": "bsn"}

    app = Starlette(
        routes=[Host("een.example", app=Router([Route("/{bsn}", silent)])), Host("twee.example", app=Router([Route("/{bsn}", silent)]))]
    )
    guard(app, routes={"//een.example/{bsn}": entry("een"), "GET //twee.example/{bsn}": entry("twee")})
    client = TestClient(app)
    for host in ("twee.example", "een.example:8000"):
        assert client.get("/1", headers={"host": host}).status_code == 200
    assert [actie.actie_naam for actie in log.acties] == ["twee", "een"]
    other = Starlette(
        routes=[
            Host("een.example", app=inner()),
            Mount("/in", app=Starlette(routes=[Host("twee.example", app=Starlette(routes=[Route("/{bsn}", silent)]))])),
        ]
    )
    guard(other, routes={"/in/{bsn}": entry("twee")})  # whatever the host
    assert TestClient(other).get("/in/1", headers={"host": "twee.example"}).status_code == 200
    assert log.acties[-1].actie_naam == "twee"


def test_a_middleware_above_a_host_names_its_routes_without_its_own_prefix(guard: Guard, log: MemoryLog) -> None:
    app = Starlette(routes=[Host("een.example", app=Router([Route("/x/{bsn}", silent)]))])
    guard(app, routes={"//een.example/x/{bsn}": {"actie_naam": "een", "activiteit": "brp", "objecten": "bsn"}})
    outer = Starlette(routes=[Mount("/outer", app=app)])
    assert names(outer) == ["GET //een.example/outer/x/{bsn}"]
    assert TestClient(outer).get("/outer/x/1", headers={"host": "een.example"}).status_code == 200
    assert len(log.acties) == 1
