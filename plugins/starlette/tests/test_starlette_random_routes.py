"""The list of routes against what a server really runs: applications made at random, each route asked for."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
from fastapi import APIRouter, Depends, FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Host, Mount, Route, Router, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from verwerkingenlogging import MemoryLog, Recorder, geen_verwerking, persoon, verwerkingsactie
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware, routes

ophalen = verwerkingsactie("Ophalen", activiteit="brp", objecten=persoon(lambda: "1"))


class Handler(NamedTuple):
    """What runs at an address, and what its code says of it."""

    method: str
    template: str
    says: str


@dataclass
class Made:
    """Makes functions, and keeps where each of them is put."""

    handlers: list[Handler] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def name(self) -> str:
        return f"n{next(self.numbers)}"

    def function(self, method: str, template: str, says: str, *, is_async: bool) -> Any:
        name = f"{method} {template}"
        self.handlers.append(Handler(method, template, says))
        ran = self.ran

        async def arun(request: Request) -> Response:
            ran.append(name)
            return PlainTextResponse("ok")

        def run(request: Request) -> Response:
            ran.append(name)
            return PlainTextResponse("ok")

        return said(arun if is_async else run, says)

    def socket(self, template: str, says: str) -> Any:
        name, ran = f"WEBSOCKET {template}", self.ran
        self.handlers.append(Handler("WEBSOCKET", template, says))

        async def run(websocket: WebSocket) -> None:
            ran.append(name)
            await websocket.accept()
            await websocket.close()

        return said(run, says)


def said(function: Any, says: str) -> Any:
    if says == "geen":
        return geen_verwerking("nobody")(function)
    return ophalen(function) if says == "records" else function


class ByClass:
    def __init__(self, app: ASGIApp) -> None:
        self._inner = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._inner(scope, receive, send)


class BySlot:
    __slots__ = ("chain",)

    def __init__(self, app: ASGIApp) -> None:
        self.chain = [app]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.chain[0](scope, receive, send)


def by_function(app: ASGIApp) -> ASGIApp:
    async def passing(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return passing


async def handing_on(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await app(scope, receive, send)


def by_partial(app: ASGIApp) -> ASGIApp:
    return functools.partial(handing_on, app)


class ByMethod:
    def __init__(self, app: ASGIApp) -> None:
        self.apps = {"only": app}

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.apps["only"](scope, receive, send)


WRAPPERS: tuple[Callable[[Any], Any], ...] = (ByClass, BySlot, by_function, by_partial, lambda app: ByMethod(app).answer)
SAYS = st.sampled_from(["records", "geen", "nothing"])
wrappers = st.lists(st.sampled_from(WRAPPERS), max_size=2)


def wrapped(draw: Any, app: Any) -> Any:
    for wrapper in draw(wrappers):
        app = wrapper(app)
    return app


def route(draw: Any, made: Made, prefix: str) -> BaseRoute:
    path = f"/{made.name()}" + draw(st.sampled_from(["", "/{bsn}", "/{bsn:int}/x"]))
    kind = draw(st.sampled_from(["function", "partial", "object method", "class", "callable", "own middleware", "websocket"]))
    if kind == "class":
        methods = draw(st.lists(st.sampled_from(["GET", "POST", "DELETE"]), min_size=1, unique=True))
        functions = {
            method.lower(): staticmethod(made.function(method, prefix + path, draw(SAYS), is_async=draw(st.booleans())))
            for method in methods
        }
        return Route(path, type("Endpoint", (HTTPEndpoint,), functions))
    method = draw(st.sampled_from(["GET", "POST"]))
    says = draw(SAYS)
    if kind == "callable":
        return Route(path, Called(made, says, prefix + path))
    if kind == "websocket":
        return WebSocketRoute(path, made.socket(prefix + path, says))
    function: Any = made.function(method, prefix + path, says, is_async=draw(st.booleans()))
    if kind == "partial":
        function = functools.partial(functools.partial(function))
    own = [Middleware(ByClass), Middleware(by_function)] if kind == "own middleware" else None
    return Route(path, function, methods=[method], middleware=own)


class Called:
    """An endpoint that is an ASGI application."""

    def __init__(self, made: Made, says: str, template: str) -> None:
        self.ran = made.ran
        self.name = f"GET {template}"
        made.handlers.append(Handler("GET", template, "any " + says))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.ran.append(self.name)
        await PlainTextResponse("ok")(scope, receive, send)


def application(draw: Any, made: Made, prefix: str, depth: int) -> Any:
    """Starlette, FastAPI or a router, with what is under it."""
    kind = draw(st.sampled_from(["starlette", "router", "fastapi"]))
    if kind == "fastapi":
        return fastapi(draw, made, prefix, depth)
    found: list[BaseRoute] = [route(draw, made, prefix) for _ in range(draw(st.integers(0, 2)))]
    found += [mount(draw, made, prefix, depth) for _ in range(draw(st.integers(0, 2)) if depth else 0)]
    if kind == "router":
        return Router(found, middleware=draw(st.sampled_from([None, [Middleware(ByClass)]])))
    return Starlette(routes=found, middleware=draw(st.sampled_from([None, [Middleware(by_function), Middleware(ByClass)]])))


def mount(draw: Any, made: Made, prefix: str, depth: int) -> Mount:
    path = f"/{made.name()}" + draw(st.sampled_from(["", "/{code}"]))
    own = draw(st.sampled_from([None, [Middleware(BySlot)], [Middleware(by_function), Middleware(ByClass)]]))
    if draw(st.booleans()):
        return Mount(path, routes=[route(draw, made, prefix + path)], middleware=own)
    return Mount(path, app=wrapped(draw, application(draw, made, prefix + path, depth - 1)), middleware=own)


class Depending:
    def __init__(self, ran: list[str]) -> None:
        self.ran = ran

    @ophalen
    def __call__(self) -> str:
        return "1"


def fastapi(draw: Any, made: Made, prefix: str, depth: int) -> FastAPI:
    app = FastAPI(openapi_url=None)

    def fill(router: Any, prefix: str, depth: int) -> None:
        for _ in range(draw(st.integers(0, 2))):
            path, says = f"/{made.name()}", draw(SAYS)
            method = draw(st.sampled_from(["GET", "POST"]))
            function = made.function(method, prefix + path, says, is_async=draw(st.booleans()))
            router.add_api_route(path, function, methods=[method], response_model=None)
        if draw(st.booleans()):  # a dependency that records
            path = f"/{made.name()}"
            function = made.function("GET", prefix + path, "nothing", is_async=True)
            made.handlers[-1] = Handler("GET", prefix + path, "records")
            called = draw(st.sampled_from([Depending(made.ran), functools.partial(Depending.__call__, Depending(made.ran))]))
            router.add_api_route(path, function, methods=["GET"], response_model=None, dependencies=[Depends(called)])
        if depth and draw(st.booleans()):
            inner, under = APIRouter(), f"/{made.name()}"
            fill(inner, prefix + under, depth - 1)
            if draw(st.booleans()):
                path = f"/{made.name()}"
                inner.mount(path, wrapped(draw, application(draw, made, prefix + under + path, 0)))
            router.include_router(inner, prefix=under)

    fill(app, prefix, depth)
    if depth and draw(st.booleans()):
        path = f"/{made.name()}"
        app.mount(path, wrapped(draw, application(draw, made, prefix + path, depth - 1)))
    return app


@st.composite
def applications(draw: Any) -> tuple[Starlette, Made]:
    made = Made()
    found: list[BaseRoute] = [mount(draw, made, "", 2) for _ in range(draw(st.integers(1, 2)))]
    for _ in range(draw(st.integers(0, 1))):
        host = f"{made.name()}.example"
        found.insert(0, Host(host, wrapped(draw, application(draw, made, f"//{host}", 1))))
    app = Starlette(routes=found)
    if draw(st.booleans()):
        app.router.default = wrapped(draw, application(draw, made, "", 1))
    return app, made


def asked(template: str) -> tuple[str, dict[str, str]]:
    headers = {}
    if template.startswith("//"):
        host, _, template = template[2:].partition("/")
        headers, template = {"host": host}, f"/{template}"
    for name in ("{bsn:int}", "{bsn}", "{code}"):
        template = template.replace(name, "1")
    return template, headers


@pytest.mark.timeout(300)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(made=applications(), configured=st.booleans())
def test_the_list_has_every_route_that_the_server_runs_and_no_other(
    recorder: Recorder, log: MemoryLog, made: tuple[Starlette, Made], configured: bool
) -> None:
    """And each of them can be named in a configuration."""
    app, known = made
    entry = {"actie_naam": "Ophalen", "activiteit": "brp", "objecten": lambda: "1"}
    said = {f"{method} {template}": entry for method, template, says in known.handlers if configured and says == "nothing"}
    app.add_middleware(VerwerkingenloggingMiddleware, recorder=recorder, routes=said)
    listed = {route.name: route for route in routes(app) or []}
    client = TestClient(app)
    assert set(listed) == {f"{'*' if says.startswith('any') else method} {template}" for method, template, says in known.handlers}
    for method, template, says in known.handlers:
        found = listed[f"{'*' if says.startswith('any') else method} {template}"]
        address, headers = asked(template)
        known.ran.clear()
        log.acties.clear()
        if method == "WEBSOCKET":
            with client.websocket_connect(address, headers=headers):
                pass
        else:
            assert client.request(method, address, headers=headers).status_code == 200, template
        assert known.ran == [f"{method} {template}"]
        assert len(found.annotations) == len(log.acties) == (says == "records" or f"{method} {template}" in said)
        assert (found.geen_verwerking is not None) == (says == "geen")
        assert found.recorder is recorder
