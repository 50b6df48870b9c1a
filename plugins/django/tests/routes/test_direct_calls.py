"""Configured views that are called in other ways than by their URL: recorded as where the annotation stands in code."""

from __future__ import annotations

import asyncio
import functools
import types
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import path, re_path, resolve
from django.utils.decorators import method_decorator
from django.utils.functional import SimpleLazyObject
from django.views import View
from django.views.generic import TemplateView
from ninja import NinjaAPI
from plugins.django.tests.conftest import Asking, Project
from rest_framework.decorators import action, api_view
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.viewsets import GenericViewSet

from verwerkingenlogging import LogUnavailable, MemoryLog, OutsideContext, persoon, recording, verwerkingsactie
from verwerkingenlogging.testing import CapturedLog
from verwerkingenlogging_django._routes.configured_functions import install_routes
from verwerkingenlogging_django.settings import recorder

Annotate = Callable[[str], Callable[[Any], Any]]

ran: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_said() -> Iterator[None]:
    ran.clear()
    yield
    install_routes(None)


def entry(naam: str, **more: Any) -> dict[str, Any]:
    return {"actie_naam": naam, "activiteit": "brp", "objecten": "bsn", **more}


def logged(log: MemoryLog) -> list[tuple[str | None, list[str]]]:
    return [(actie.actie_naam, [objekt.object_id for objekt in actie.verwerkte_objecten]) for actie in log.acties]


def in_code(naam: str) -> Callable[[Any], Any]:
    return verwerkingsactie(naam, activiteit="brp", objecten=persoon("bsn"))


def not_in_code(naam: str) -> Callable[[Any], Any]:
    return lambda function: function


OTHER_MODULE = """
from django.http import HttpResponse

def elders(request, bsn):
    return HttpResponse(bsn)
"""


def passing(view: Any) -> Any:
    @functools.wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return view(request, *args, **kwargs)

    return inner


def urls(said: Annotate) -> list[Any]:
    module = types.ModuleType("elders")
    exec(OTHER_MODULE, module.__dict__)
    elders = said("elders")(module.elders)

    @passing
    @said("een")
    def een(request: HttpRequest, bsn: str, diep: bool = False) -> HttpResponse:
        ran.append(f"een {bsn}")
        response: HttpResponse = een(request, f"{bsn}0") if diep else HttpResponse(bsn)
        return response

    @said("later")
    async def later(request: HttpRequest, bsn: str) -> HttpResponse:
        await sync_to_async(een)(request, f"{bsn}1")
        return HttpResponse(bsn)

    @said("roept")
    def roept(request: HttpRequest, bsn: str) -> HttpResponse:
        een(request, f"{bsn}2", diep=True)
        elders(request, bsn=f"{bsn}3")
        async_to_sync(later)(request, f"{bsn}4")
        match = resolve(f"/een/{bsn}5")
        match.func(request, *match.args, **match.kwargs)
        return HttpResponse(bsn)

    class Basis(View):
        @said("basis")
        def get(self, request: HttpRequest, bsn: str) -> HttpResponse:
            return HttpResponse(bsn)

        @method_decorator(passing)
        @said("post")
        def post(self, request: HttpRequest, bsn: str) -> HttpResponse:
            return HttpResponse(self.get(request, f"{bsn}6"))

    class Afgeleid(Basis):
        @said("afgeleid")
        def get(self, request: HttpRequest, bsn: str) -> HttpResponse:
            super().get(request, bsn=f"{bsn}7")
            return HttpResponse(super().post(request, f"{bsn}8")) if len(bsn) < 2 else HttpResponse(bsn)

    return [
        path("een/<str:bsn>", een, name="een"),
        path("elders/<str:bsn>", elders, name="elders"),
        path("later/<str:bsn>", later, name="later"),
        path("roept/<str:bsn>", roept, name="roept"),
        path("basis/<str:bsn>", Basis.as_view(), name="basis"),
        path("afgeleid/<str:bsn>", Afgeleid.as_view(), name="afgeleid"),
    ]


ROUTES = {naam: entry(naam) for naam in ("een", "elders", "later", "roept")} | {
    "GET basis": entry("basis"),
    "POST basis": entry("post"),
    "GET afgeleid": entry("afgeleid"),
}


def test_what_one_view_calls_of_another_is_recorded_as_where_it_stands_in_code(project: Project, ask: Asking, log: MemoryLog) -> None:
    answers, records = [], []
    for said, routes in ((in_code, None), (not_in_code, ROUTES)):
        project(*urls(said), routes=routes)
        asked = [ask(f"/{naam}/1") for naam in ("een", "elders", "later", "roept", "basis", "afgeleid")]
        asked.append(ask("/basis/1", "POST"))
        answers.append([(one.status_code, one.text) for one in asked])
        records.append(logged(log))
        log.acties.clear()
    assert answers[0] == answers[1]
    assert records[0] == records[1]
    assert len(records[0]) == 19


def test_a_view_that_is_called_fails_as_its_url_does(project: Project, ask: Asking, log: MemoryLog) -> None:
    """By a view of which nothing is said, too."""
    project(*urls(not_in_code), routes={"een": entry("een")})
    assert ask("/roept/1").status_code == 200
    assert {naam for naam, _ in logged(log)} == {"een"}
    log.failure = LogUnavailable("down")
    ran.clear()
    assert ask("/roept/1").status_code == 503
    assert ran == []


class Personen(ListModelMixin, RetrieveModelMixin, GenericViewSet[Any]):
    """Has what it does from mixins that others have too."""

    def get_object(self) -> Any:
        return self.kwargs["pk"]

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        ran.append(type(self).__name__)
        return types.SimpleNamespace(data={"bsn": args[0]})

    @action(detail=True)
    def kort(self, request: Request, pk: str) -> Response:
        return self.retrieve(request)

    @action(detail=True)
    def lang(self, request: Request, pk: str) -> Response:
        return super().retrieve(request, pk=f"{pk}1")


class Zaken(Personen):
    """Handles nobody's data, so of it nothing is said."""


class Gezinnen(Personen):
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)


@api_view(["GET"])
def functioneel(request: Request, bsn: str) -> Response:
    return Response(bsn)


@api_view(["GET"])
def doorgegeven(request: Request, bsn: str) -> Response:
    return functioneel.cls.get.__closure__[0].cell_contents(request, f"{bsn}1")  # type: ignore[no-any-return,attr-defined]  # of api_view


def rest() -> list[Any]:
    router = SimpleRouter()
    for name, view in (("personen", Personen), ("zaken", Zaken), ("gezinnen", Gezinnen)):
        router.register(name, view, basename=name)
    return [*router.urls, path("functioneel/<bsn>", functioneel, name="functioneel"), path("door/<bsn>", doorgegeven)]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/personen/1/", ["1"]),
        ("/personen/1/kort/", ["1"]),  # of which the key is an argument of the view
        ("/personen/1/lang/", ["11"]),
        ("/zaken/1/", []),  # the same function, of another class
        ("/zaken/1/kort/", ["1"]),  # of that class it is one: nobody said anything of the route
        ("/functioneel/1", ["1"]),
        ("/door/1", ["11"]),
    ],
)
def test_methods_that_classes_share_record_for_the_class_that_is_named(
    project: Project, ask: Asking, log: MemoryLog, address: str, expected: list[str]
) -> None:
    django: dict[str, Any] = {"REST_FRAMEWORK": {"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None}}
    project(*rest(), routes={"GET personen-detail": entry("ophalen", objecten="pk"), "functioneel": entry("ophalen")}, django=django)
    assert ask(address).status_code == 200
    assert logged(log) == [("ophalen", [bsn]) for bsn in expected]


def ninja() -> list[Any]:
    api = NinjaAPI(urls_namespace="called")

    @api.get("/een/{bsn}", url_name="een")
    def een(request: HttpRequest, bsn: str) -> str:
        return bsn

    @api.get("/roept/{bsn}", url_name="roept")
    async def roept(request: HttpRequest, bsn: str) -> str:
        await asyncio.gather(*(sync_to_async(een)(request, f"{bsn}{number}") for number in range(2)))
        return bsn

    return [path("api/", api.urls)]


def test_an_operation_of_ninja_that_another_calls_is_recorded(project: Project, log: MemoryLog) -> None:
    project(*ninja(), routes={"called:een": entry("een")})
    assert Asking("asgi")("/api/roept/1").status_code == 200
    assert sorted(logged(log)) == [("een", ["10"]), ("een", ["11"])]


def plain(request: HttpRequest, bsn: str, ouder: str | None = None, **more: str) -> HttpResponse:
    ran.append(bsn)
    return HttpResponse("ok")


def calling(request: HttpRequest, nummer: str, **kwargs: Any) -> HttpResponse:
    return plain(request, nummer, **kwargs)


def without(request: HttpRequest, bsn: str) -> HttpResponse:
    return renamed(None, {"bsn": bsn})


def renaming(view: Any) -> Any:
    @functools.wraps(view)
    def inner(request: HttpRequest, bsn: str) -> Any:
        return renamed(request, {"bsn": bsn})

    inner.view = view  # type: ignore[attr-defined]  # where it is held
    return inner


def renamed(request: HttpRequest | None, wie: dict[str, str]) -> HttpResponse:
    ran.append(wie["bsn"])
    return HttpResponse("ok")


def alone(view: Any) -> Any:
    @functools.wraps(view)
    def inner(request: HttpRequest, bsn: str) -> Any:
        return view()

    return inner


@alone
def without_arguments() -> HttpResponse:
    ran.append("alone")
    return HttpResponse("ok")


@pytest.mark.parametrize(
    ("address", "routes", "expected"),
    [
        ("/calling/1", {"plain": entry("een")}, ["een"]),
        ("/calling/1", {"plain": entry("een"), "ook": entry("een")}, ["een"]),
        ("/calling/1", {"plain": entry("een"), "ook": entry("ook")}, None),
        ("/calling/1", {"plain": entry("een", objecten="request.resolver_match.kwargs.nummer")}, ["een"]),
        ("/ook/1", {"plain": entry("een"), "ook": {"geen_verwerking": "nobody"}}, []),
        ("/renaming/1", {"renaming": entry("een")}, ["een"]),
        ("/alone/1", {"alone": entry("een")}, ["een"]),
        ("/without/1", {"renaming": entry("een")}, None),  # it has another name for it then
        ("/without/1", {"renaming": entry("een", objecten=lambda request: "1")}, ["een"]),
    ],
)
def test_a_call_records_what_is_said_of_the_function_or_is_refused(
    project: Project, ask: Asking, log: MemoryLog, address: str, routes: dict[str, Any], expected: list[str] | None
) -> None:
    project(
        path("plain/<bsn>", plain, name="plain"),
        re_path(r"^ook/(?P<bsn>\d)(?P<more>x)?$", plain, name="ook"),
        path("calling/<nummer>", calling),
        path("renaming/<bsn>", renaming(renamed), name="renaming"),
        path("without/<bsn>", without),
        path("alone/<bsn>", without_arguments, name="alone"),
        routes=routes,
    )
    assert ask(address).status_code == (503 if expected is None else 200)
    assert logged(log) == [(naam, ["1"]) for naam in expected or ()]
    assert len(ran) == (expected is not None)


# Where the request is lost.

pool = ThreadPoolExecutor(max_workers=1)


def in_a_pool(function: Any) -> Any:
    @functools.wraps(function)
    def elsewhere(*args: Any, **kwargs: Any) -> Any:
        return pool.submit(function, *args, **kwargs).result()

    return elsewhere


@in_a_pool
def pooled(request: HttpRequest, bsn: str) -> HttpResponse:
    ran.append(bsn)
    return HttpResponse("ok")


class Pooled(View):
    @in_a_pool
    def get(self, request: HttpRequest, bsn: str) -> HttpResponse:
        ran.append(bsn)
        return HttpResponse("ok")

    @method_decorator(in_a_pool)
    def post(self, request: HttpRequest, bsn: str) -> HttpResponse:
        ran.append(bsn)
        return HttpResponse("ok")

    def put(self, request: HttpRequest, bsn: str) -> HttpResponse:
        response: HttpResponse = pool.submit(self.opslaan, bsn).result()
        return response

    def opslaan(self, bsn: str) -> HttpResponse:
        ran.append(bsn)
        return HttpResponse("ok")


@pytest.mark.parametrize(
    ("method", "address"),
    [("GET", "/function/1"), ("GET", "/class/1"), ("POST", "/class/1"), ("PUT", "/class/1")],
)
def test_a_view_that_cannot_know_its_request_is_not_called(
    project: Project, ask: Asking, log: MemoryLog, method: str, address: str
) -> None:
    said = {"PUT class": entry("een", function="opslaan"), "GET class": entry("een"), "POST class": entry("een"), "function": entry("een")}
    project(path("function/<bsn>", pooled, name="function"), path("class/<bsn>", Pooled.as_view(), name="class"), routes=said)
    assert ask(address, method).status_code == 503
    assert (log.acties, ran) == ([], [])


# The project's own tests, and its jobs.


class Dossier(TemplateView):
    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        ran.append(self.kwargs.get("bsn", "none"))
        return HttpResponse("ok")


@pytest.fixture
def _said(project: Project) -> None:
    project(
        path("plain/<bsn>", plain, name="plain"),
        path("dossier/<bsn>", Dossier.as_view(), name="dossier"),
        routes={"plain": entry("een"), "GET dossier": entry("dossier")},
    )
    Asking("wsgi")("/none")


@pytest.mark.usefixtures("_said")
def test_a_test_may_call_a_view_by_hand(rf: RequestFactory, log: MemoryLog) -> None:
    plain(rf.get("/"), "1")
    Dossier.as_view()(rf.get("/"), bsn="2")
    view = Dossier()
    view.kwargs = {"bsn": "3"}
    view.get(rf.get("/"))
    plain(SimpleLazyObject(lambda: pytest.fail("nobody asked for it")), "4")  # type: ignore[arg-type]  # as a test may
    assert (ran, log.acties) == (["1", "2", "3", "4"], [])


@pytest.mark.usefixtures("_said")
def test_a_test_that_asks_for_the_log_sees_what_a_call_by_hand_records(rf: RequestFactory, verwerkingenlog: CapturedLog) -> None:
    plain(rf.get("/"), "1")
    Dossier.as_view()(rf.get("/"), bsn="2")
    assert logged(verwerkingenlog) == [("een", ["1"]), ("dossier", ["2"])]


@pytest.mark.usefixtures("_said")
def test_a_server_refuses_what_a_test_may_call(rf: RequestFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.test import utils

    monkeypatch.delattr(utils._TestState, "saved_data")
    with pytest.raises(OutsideContext):
        plain(rf.get("/"), "1")
    assert ran == []


@pytest.mark.usefixtures("_said")
def test_a_job_that_calls_a_view_is_recorded(rf: RequestFactory, log: MemoryLog) -> None:
    with recording(recorder()):
        plain(rf.get("/"), "1")
    assert logged(log) == [("een", ["1"])]
