"""Django keeps what every middleware promises, over WSGI and over ASGI."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any, ClassVar

import django
import httpx2
import pytest
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.http import require_GET
from plugins.django.tests.conftest import Asking, Project
from tests.middleware_conformance import BSN, PEER, Asked, Make, MiddlewareConformance, functions
from tests.swallowing import ASYNC_WAYS, SYNC_WAYS

from verwerkingenlogging import LogUnavailable, MemoryLog, alog_actie, gevonden, log_actie, persoon, verwerkingsactie
from verwerkingenlogging_django.settings import recorder

Ran = Callable[[str], None]


def get_only(view: Callable[..., Any]) -> Callable[..., Any]:
    """Django 4.2 decorates no asynchronous views."""
    return require_GET(view) if django.VERSION >= (5, 0) else view


def annotated(naam: str, objecten: Any) -> Callable[[Any], Any]:
    return verwerkingsactie(naam, activiteit="brp", objecten=objecten)


def sync_urls(log: MemoryLog, ran: Ran) -> tuple[Any, ...]:
    @require_GET
    @annotated("Ophalen persoonsgegevens", persoon("bsn"))
    def read(request: HttpRequest, bsn: str) -> HttpResponse:
        ran("/personen")
        return HttpResponse(bsn)

    @annotated("Zoeken personen", gevonden(lambda response: [BSN]))
    def search(request: HttpRequest) -> HttpResponse:
        ran("/zoek")
        return JsonResponse([BSN], safe=False)

    @annotated("Opslaan verhuizing", persoon("bsn"))
    def save(bsn: str) -> HttpResponse:
        ran("/verhuizingen")
        return HttpResponse()

    def move(request: HttpRequest) -> HttpResponse:
        body = json.loads(request.body)
        response: HttpResponse = save(body["bsn"]) if "postcode" in body else HttpResponse(status=400)
        return response

    @annotated("Exporteren persoonsgegevens", persoon("bsn"))
    def export(request: HttpRequest, bsn: str) -> StreamingHttpResponse:
        def rows() -> Iterator[str]:
            yield f"{len(log.acties)};"
            if "fail" in request.GET:
                log.failure = LogUnavailable("down")
            log_actie("Ophalen details", objecten=bsn)
            yield f"{len(log.acties)};"

        return StreamingHttpResponse(rows())

    def silent(request: HttpRequest) -> HttpResponse:
        ran("/stil")
        return HttpResponse()

    return _urls(read, search, move, export, silent, swallowing_sync())


def async_urls(log: MemoryLog, ran: Ran) -> tuple[Any, ...]:
    @get_only
    @annotated("Ophalen persoonsgegevens", persoon("bsn"))
    async def read(request: HttpRequest, bsn: str) -> HttpResponse:
        ran("/personen")
        return HttpResponse(bsn)

    @annotated("Zoeken personen", gevonden(lambda response: [BSN]))
    async def search(request: HttpRequest) -> HttpResponse:
        ran("/zoek")
        return JsonResponse([BSN], safe=False)

    @annotated("Opslaan verhuizing", persoon("bsn"))
    async def save(bsn: str) -> HttpResponse:
        ran("/verhuizingen")
        return HttpResponse()

    async def move(request: HttpRequest) -> HttpResponse:
        body = json.loads(request.body)
        response: HttpResponse = await save(body["bsn"]) if "postcode" in body else HttpResponse(status=400)
        return response

    @annotated("Exporteren persoonsgegevens", persoon("bsn"))
    async def export(request: HttpRequest, bsn: str) -> StreamingHttpResponse:
        async def rows() -> AsyncIterator[str]:
            yield f"{len(log.acties)};"
            if "fail" in request.GET:
                log.failure = LogUnavailable("down")
            await alog_actie("Ophalen details", objecten=bsn)
            yield f"{len(log.acties)};"

        return StreamingHttpResponse(rows())

    async def silent(request: HttpRequest) -> HttpResponse:
        ran("/stil")
        return HttpResponse()

    return _urls(read, search, move, export, silent, swallowing_async())


def swallowing_sync() -> Any:
    @annotated("Ophalen persoonsgegevens", persoon("bsn"))
    def known(bsn: str) -> str:
        return bsn

    @annotated("Ophalen persoonsgegevens", gevonden(lambda bsn: bsn))
    def found(bsn: str) -> str:
        return bsn

    def swallow(request: HttpRequest, way: str, bsn: str) -> HttpResponse:
        return HttpResponse(SYNC_WAYS[way](partial(found if "found" in request.GET else known, bsn)))

    return swallow


def swallowing_async() -> Any:
    @annotated("Ophalen persoonsgegevens", persoon("bsn"))
    async def known(bsn: str) -> str:
        return bsn

    @annotated("Ophalen persoonsgegevens", gevonden(lambda bsn: bsn))
    async def found(bsn: str) -> str:
        return bsn

    async def swallow(request: HttpRequest, way: str, bsn: str) -> HttpResponse:
        return HttpResponse(await ASYNC_WAYS[way](partial(found if "found" in request.GET else known, bsn)))

    return swallow


def _urls(read: Any, search: Any, move: Any, export: Any, silent: Any, swallow: Any) -> tuple[Any, ...]:
    return (
        path("personen/<bsn>", read),
        path("zoek", search),
        path("verhuizingen", move),
        path("export/<bsn>", export),
        path("stil", silent),
        path("slikt/<way>/<bsn>", swallow),
    )


class DjangoConformance(MiddlewareConformance):
    protocol: ClassVar[str]
    urls: Callable[[MemoryLog, Ran], tuple[Any, ...]]

    @pytest.fixture
    def make(self, project: Project, log: MemoryLog, ran: list[tuple[str, int]]) -> Make:
        def make(*, log: MemoryLog | None = log, debug: bool = False, **given: Any) -> Asked:
            assert log is not None
            urls = type(self).urls(log, lambda path: ran.append((path, len(log.acties))))
            made = functions(given, lambda request: request.headers.get)
            peers = {"trusted_peers": ["10.1.0.0/16", "127.0.0.1"], "trusted_proxies": ["10.9.0.1", "127.0.0.9"]}
            project(*urls, debug=debug, log=log, **peers, **made)
            asking = Asking(self.protocol)

            def ask(path: str, method: str = "GET", *, client: str = PEER, **more: Any) -> httpx2.Response:
                asking.client = client
                return asking(path, method, **more)

            return Asked(ask=ask, recorder=recorder())

        return make


class TestWsgi(DjangoConformance):
    protocol, urls, ways = "wsgi", staticmethod(sync_urls), SYNC_WAYS


class TestAsgi(DjangoConformance):
    protocol, urls, ways = "asgi", staticmethod(async_urls), ASYNC_WAYS
