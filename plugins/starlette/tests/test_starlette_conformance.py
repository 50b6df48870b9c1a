"""Starlette and FastAPI keep what every middleware promises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from tests.middleware_conformance import BSN, GEMEENTE, PEER, Asked, Make, MiddlewareConformance, functions
from tests.swallowing import ASYNC_WAYS, SYNC_WAYS

from verwerkingenlogging import (
    Activiteiten,
    LogUnavailable,
    MemoryLog,
    Recorder,
    Settings,
    alog_actie,
    gevonden,
    persoon,
    verwerkingsactie,
)
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware

Ran = Callable[[str], None]


def annotated(naam: str, objecten: Any) -> Callable[[Any], Any]:
    return verwerkingsactie(naam, activiteit="brp", objecten=objecten)


def streamed(log: MemoryLog, bsn: str, fail: bool) -> StreamingResponse:
    async def rows() -> AsyncIterator[str]:
        yield f"{len(log.acties)};"
        if fail:
            log.failure = LogUnavailable("down")
        await alog_actie("Ophalen details", objecten=bsn)
        yield f"{len(log.acties)};"

    return StreamingResponse(rows())


def starlette_app(log: MemoryLog, ran: Ran) -> Starlette:
    @annotated("Ophalen persoonsgegevens", persoon("request.path_params.bsn"))
    async def read(request: Request) -> Response:
        ran("/personen")
        return PlainTextResponse(request.path_params["bsn"])

    @annotated("Zoeken personen", gevonden(lambda response: [BSN]))
    def search(request: Request) -> Response:
        ran("/zoek")
        return JSONResponse([BSN])

    @annotated("Opslaan verhuizing", persoon("bsn"))
    async def save(bsn: str) -> Response:
        ran("/verhuizingen")
        return Response()

    async def move(request: Request) -> Response:
        body = await request.json()
        return await save(body["bsn"]) if "postcode" in body else Response(status_code=400)

    @annotated("Exporteren persoonsgegevens", persoon("request.path_params.bsn"))
    async def export(request: Request) -> Response:
        return streamed(log, request.path_params["bsn"], "fail" in request.query_params)

    async def silent(request: Request) -> Response:
        ran("/stil")
        return Response()

    @annotated("Ophalen persoonsgegevens", persoon("bsn"))
    async def known(bsn: str) -> str:
        return bsn

    @annotated("Ophalen persoonsgegevens", gevonden(lambda bsn: bsn))
    async def found(bsn: str) -> str:
        return bsn

    async def swallow(request: Request) -> Response:
        read = partial(found if "found" in request.query_params else known, request.path_params["bsn"])
        return PlainTextResponse(await ASYNC_WAYS[request.path_params["way"]](read))

    return Starlette(
        routes=[
            Route("/personen/{bsn}", read),
            Route("/zoek", search),
            Route("/verhuizingen", move, methods=["POST"]),
            Route("/export/{bsn}", export),
            Route("/stil", silent),
            Route("/slikt/{way}/{bsn}", swallow),
        ]
    )


class Verhuizing(BaseModel):
    bsn: str
    postcode: str


def fastapi_app(log: MemoryLog, ran: Ran) -> FastAPI:
    app = FastAPI()

    @app.get("/personen/{bsn}")
    @annotated("Ophalen persoonsgegevens", persoon("bsn"))
    def read(bsn: str) -> str:
        ran("/personen")
        return bsn

    @app.get("/zoek")
    @annotated("Zoeken personen", gevonden(lambda found: found))
    async def search() -> list[str]:
        ran("/zoek")
        return [BSN]

    @app.post("/verhuizingen")
    @annotated("Opslaan verhuizing", persoon("verhuizing.bsn"))
    async def save(verhuizing: Verhuizing) -> None:
        ran("/verhuizingen")

    @app.get("/export/{bsn}")
    @annotated("Exporteren persoonsgegevens", persoon("bsn"))
    async def export(bsn: str, fail: bool = False) -> StreamingResponse:
        return streamed(log, bsn, fail)

    @app.get("/stil")
    async def silent() -> None:
        ran("/stil")

    @annotated("Ophalen persoonsgegevens", persoon("bsn"))
    def known(bsn: str) -> str:
        return bsn

    @annotated("Ophalen persoonsgegevens", gevonden(lambda bsn: bsn))
    def find(bsn: str) -> str:
        return bsn

    @app.get("/slikt/{way}/{bsn}")
    def swallow(way: str, bsn: str, found: bool = False) -> str:
        return str(SYNC_WAYS[way](partial(find if found else known, bsn)))

    return app


class AsgiConformance(MiddlewareConformance):
    app: Callable[[MemoryLog, Ran], Starlette]

    @pytest.fixture
    def make(self, log: MemoryLog, ran: list[tuple[str, int]], activiteiten: Activiteiten) -> Make:
        def make(*, log: MemoryLog | None = log, debug: bool = False, **given: Any) -> Asked:
            assert log is not None
            app = type(self).app(log, lambda path: ran.append((path, len(log.acties))))
            app.debug = debug
            recorder = Recorder(log, Settings(oin=GEMEENTE, activiteiten=activiteiten))
            app.add_middleware(
                VerwerkingenloggingMiddleware,
                recorder=recorder,
                trusted_peers=["10.1.0.0/16", "127.0.0.1"],
                trusted_proxies=["10.9.0.1", "127.0.0.9"],
                **functions(given, lambda scope: Headers(scope=scope).get),
            )

            def ask(path: str, method: str = "GET", *, client: str = PEER, **more: Any) -> httpx2.Response:
                return TestClient(app, client=(client, 1)).request(method, path, **more)

            return Asked(ask=ask, recorder=recorder)

        return make


class TestStarlette(AsgiConformance):
    app, ways = staticmethod(starlette_app), ASYNC_WAYS


class TestFastAPI(AsgiConformance):
    app, ways = staticmethod(fastapi_app), SYNC_WAYS
