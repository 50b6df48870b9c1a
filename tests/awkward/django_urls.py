"""The patterns of projects in Django, with Django REST framework and Django Ninja among them. Django must be set up before this is imported."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import include, path, re_path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from ninja import NinjaAPI
from rest_framework.decorators import action, api_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.viewsets import ViewSet

from tests.awkward.saying import Entry, Said, found, read

__all__ = ["ASKED", "ENTRIES", "LOST", "build"]

BSN, OTHER = "999990019", "999990020"
PERSON = uuid.UUID("0b1e6d2c-6b0c-4f4c-9a52-1f0f7c8a3c11")


ENTRIES: Mapping[str, Entry] = {
    "plain": read("Ophalen plain"),
    "asynchronous": read("Ophalen asynchronous"),
    "uuid": read("Ophalen uuid", "person"),
    "GET decorated": read("Ophalen decorated"),
    "carrying-thread": read("Ophalen carrying-thread"),
    "losing-thread": read("Ophalen losing-thread"),
    "inner": read("Ophalen inner"),
    "outer": read("Ophalen outer"),
    "GET class": read("Ophalen class"),
    "GET class-calls": read("Ophalen class-calls"),
    "stream": read("Exporteren stream"),
    "astream": read("Exporteren astream"),
    "refuses": read("Ophalen refuses"),
    "template": read("Ophalen template"),
    "partial": read("Ophalen partial"),
    "regex": read("Ophalen regex"),
    "to-thread": read("Ophalen to-thread"),
    "GET drf-detail": read("Ophalen drf", "pk"),
    "GET drf-list": found("Zoeken drf", "data.results.bsn"),
    "POST drf-verhuizing": read("Opslaan drf", "request.data.bsn"),
    "GET drf-function": read("Ophalen drf-function"),
    "ninja:lezen": read("Ophalen ninja"),
    "none": {"geen_verwerking": "says hello only"},
}
"""What is logged, by the key of the setting."""

ASKED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    *(
        ("GET", f"/{name}/{BSN}/", {})
        for name in (
            "plain",
            "asynchronous",
            "decorated",
            "carrying-thread",
            "inner",
            "outer",
            "class",
            "class-calls",
            "stream",
            "astream",
            "refuses",
            "template",
            "partial",
            "regex",
            "to-thread",
            "drf",
            "drf-function",
            "ninja/lezen",
            "none",
        )
    ),
    ("HEAD", f"/plain/{BSN}/", {}),
    ("OPTIONS", f"/class/{BSN}/", {}),
    ("GET", f"/uuid/{PERSON}/", {}),
    ("GET", "/drf/", {}),
    ("GET", "/drf/?fout=1", {}),
    ("POST", f"/drf/{BSN}/verhuizing/", {"json": {"bsn": BSN}}),
    ("PUT", f"/class/{BSN}/", {}),
    ("GET", "/nothing/", {}),
)
"""What is asked: method, path, and what goes with it."""

LOST = ("GET", f"/losing-thread/{BSN}/")
"""Where the function cannot know its request: it is refused where it would record."""


def logged(view: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator as applications write them."""

    @functools.wraps(view)
    def called(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return called


def in_thread(*, carrying: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Runs a view in a pool of threads, with the context variables of its caller or without."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def called(*args: Any, **kwargs: Any) -> Any:
            run = functools.partial(view, *args, **kwargs)
            if carrying:
                run = functools.partial(contextvars.copy_context().run, run)
            with ThreadPoolExecutor(1) as pool:
                return pool.submit(run).result()

        return called

    return decorate


def _functions(said: Said) -> Iterator[Any]:  # noqa: C901  # a list of patterns
    @said("plain")
    def plain(request: HttpRequest, bsn: str) -> HttpResponse:
        return JsonResponse({"bsn": bsn})

    @said("asynchronous")
    async def asynchronous(request: HttpRequest, bsn: str) -> HttpResponse:
        return HttpResponse(bsn)

    @said("uuid")
    def by_uuid(request: HttpRequest, person: uuid.UUID) -> HttpResponse:
        return HttpResponse(person)

    @never_cache
    @require_GET
    @logged
    @said("GET decorated")
    def decorated(request: HttpRequest, bsn: str) -> HttpResponse:
        return HttpResponse(bsn)

    @in_thread(carrying=True)
    @said("carrying-thread")
    def carrying(request: HttpRequest, bsn: str) -> HttpResponse:
        return HttpResponse(bsn)

    @in_thread(carrying=False)
    @said("losing-thread")
    def losing(request: HttpRequest, bsn: str) -> HttpResponse:
        return HttpResponse(bsn)

    @said("inner")
    def inner(request: HttpRequest, bsn: str) -> HttpResponse:
        return HttpResponse(bsn)

    @said("outer")
    def outer(request: HttpRequest, bsn: str) -> HttpResponse:
        answer = inner(request, bsn=bsn)
        return HttpResponse(answer.content + b" again")

    @said("stream")
    def stream(request: HttpRequest, bsn: str) -> StreamingHttpResponse:
        return StreamingHttpResponse(part for part in (bsn, ";"))

    @said("astream")
    async def astream(request: HttpRequest, bsn: str) -> StreamingHttpResponse:
        async def parts() -> AsyncIterator[str]:
            yield bsn
            await asyncio.sleep(0)
            yield ";"

        return StreamingHttpResponse(parts())

    @said("refuses")
    def refuses(request: HttpRequest, bsn: str) -> HttpResponse:
        raise Http404("no such person")

    @said("template")
    def template(request: HttpRequest, bsn: str) -> TemplateResponse:
        return TemplateResponse(request, engines["django"].from_string("{{ bsn }}"), {"bsn": bsn})

    @said("partial")
    def of_partial(request: HttpRequest, bsn: str, naam: str) -> HttpResponse:
        return HttpResponse(f"{naam} {bsn}")

    @said("regex")
    def regex(request: HttpRequest, bsn: str) -> HttpResponse:
        return HttpResponse(bsn)

    @said("to-thread")
    async def to_thread(request: HttpRequest, bsn: str) -> HttpResponse:
        return await sync_to_async(HttpResponse)(bsn)

    @api_view(["GET"])
    @said("GET drf-function")
    def drf_function(request: Request, bsn: str) -> Response:
        return Response({"bsn": bsn})

    @said("none")
    def none(request: HttpRequest, bsn: str) -> HttpResponse:
        return HttpResponse("hello")

    yield path("plain/<str:bsn>/", plain, name="plain")
    yield path("asynchronous/<str:bsn>/", asynchronous, name="asynchronous")
    yield path("uuid/<uuid:person>/", by_uuid, name="uuid")
    yield path("decorated/<str:bsn>/", decorated, name="decorated")
    yield path("carrying-thread/<str:bsn>/", carrying, name="carrying-thread")
    yield path("losing-thread/<str:bsn>/", losing, name="losing-thread")
    yield path("inner/<str:bsn>/", inner, name="inner")
    yield path("outer/<str:bsn>/", outer, name="outer")
    yield path("stream/<str:bsn>/", stream, name="stream")
    yield path("astream/<str:bsn>/", astream, name="astream")
    yield path("refuses/<str:bsn>/", refuses, name="refuses")
    yield path("template/<str:bsn>/", template, name="template")
    yield path("partial/<str:bsn>/", functools.partial(of_partial, naam="jansen"), name="partial")
    yield re_path(r"^regex/(?P<bsn>[0-9]{9})/$", regex, name="regex")
    yield path("to-thread/<str:bsn>/", to_thread, name="to-thread")
    yield path("drf-function/<str:bsn>/", drf_function, name="drf-function")
    yield path("none/<str:bsn>/", none, name="none")


def _classes(said: Said) -> Iterator[Any]:
    class Person(View):
        @said("GET class")
        def get(self, request: HttpRequest, bsn: str) -> HttpResponse:
            return HttpResponse(bsn)

    class Twice(View):
        @method_decorator(logged)
        @said("GET class-calls")
        def get(self, request: HttpRequest, bsn: str) -> HttpResponse:
            return HttpResponse(Person(request=request).get(request, bsn=bsn).content * 2)

    class Personen(ViewSet):
        permission_classes = ()
        authentication_classes = ()

        @said("GET drf-detail")
        def retrieve(self, request: Request, pk: str) -> Response:
            return Response({"bsn": pk})

        @said("GET drf-list")
        def list(self, request: Request) -> Response:
            if "fout" in request.query_params:
                return Response({"detail": "fout"}, status=400)
            return Response({"results": [{"bsn": BSN}, {"bsn": OTHER}]})

        @action(detail=True, methods=["post"])
        @said("POST drf-verhuizing")
        def verhuizing(self, request: Request, pk: str) -> Response:
            return Response(status=204)

    router = SimpleRouter()
    router.register("drf", Personen, basename="drf")
    api = NinjaAPI(urls_namespace="ninja", openapi_url=None)

    @api.get("/lezen/{bsn}/", url_name="lezen")
    @said("ninja:lezen")
    def lezen(request: HttpRequest, bsn: str) -> dict[str, str]:
        return {"bsn": bsn}

    yield path("class/<str:bsn>/", Person.as_view(), name="class")
    yield path("class-calls/<str:bsn>/", Twice.as_view(), name="class-calls")
    yield path("", include(router.urls))
    yield path("ninja/", api.urls)


def build(said: Said) -> tuple[Any, ...]:
    """The URLs of the project, with a decorator for each function that records."""
    return (*_functions(said), *_classes(said))
