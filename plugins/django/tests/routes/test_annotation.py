"""The annotation on every kind of view: recorded once, when the view's own code runs, and not when it does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import pytest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.http import require_GET
from django.views.generic import ListView
from ninja import NinjaAPI, Schema
from ninja.pagination import paginate
from plugins.django.tests.conftest import Asking, Project
from rest_framework import serializers
from rest_framework.decorators import action, api_view
from rest_framework.generics import CreateAPIView, ListAPIView
from rest_framework.pagination import PageNumberPagination
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from verwerkingenlogging import LogUnavailable, MemoryLog, gevonden, persoon, verwerkingsactie

BSN, OTHER = "2308572", "5649587"
PERSONEN = [{"bsn": BSN}, {"bsn": OTHER}]
SETTINGS: dict[str, Any] = {
    "REST_FRAMEWORK": {"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None},
    "TEMPLATES": [{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
}
View_ = TypeVar("View_", bound=Callable[..., Any])

logs: list[MemoryLog] = []
ran: list[int] = []
"""How many acties there were when the body of a view ran, and when a template was rendered."""


@pytest.fixture
def log() -> MemoryLog:
    ran.clear()
    logs[:] = [MemoryLog()]
    return logs[0]


def body() -> None:
    ran.append(len(logs[0].acties))


def ophalen(objecten: Any) -> Callable[[View_], View_]:
    return cast("Callable[[View_], View_]", verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=objecten))


KNOWN = ophalen(persoon("bsn"))


def show(response: HttpResponse) -> list[str]:
    found: list[str] = json.loads(response.content)
    return found


@KNOWN
def function(request: HttpRequest, bsn: str) -> HttpResponse:
    body()
    return HttpResponse(bsn)


@KNOWN
async def afunction(request: HttpRequest, bsn: str) -> HttpResponse:
    body()
    return HttpResponse(bsn)


@require_GET
@KNOWN
def get_only(request: HttpRequest, bsn: str) -> HttpResponse:
    body()
    return HttpResponse(bsn)


@ophalen(gevonden(show))
def found(request: HttpRequest) -> JsonResponse:
    body()
    return JsonResponse([BSN] if "nobody" not in request.GET else [], safe=False)


@ophalen(gevonden(show))
async def afound(request: HttpRequest) -> JsonResponse:
    body()
    return JsonResponse([BSN] if "nobody" not in request.GET else [], safe=False)


@ophalen(persoon("request.POST.bsn"))
def posted(request: HttpRequest) -> HttpResponse:
    body()
    return HttpResponse(request.POST["bsn"])


class Method(View):
    @ophalen(persoon("self.kwargs.bsn"))
    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        body()
        return HttpResponse(kwargs["bsn"])

    @KNOWN
    def post(self, request: HttpRequest, bsn: str) -> HttpResponse:
        body()
        return HttpResponse(bsn)


class AMethod(View):
    @KNOWN
    async def get(self, request: HttpRequest, bsn: str) -> HttpResponse:
        body()
        return HttpResponse(bsn)


@method_decorator(KNOWN, name="get")
class Decorated(View):
    def get(self, request: HttpRequest, bsn: str) -> HttpResponse:
        body()
        return HttpResponse(bsn)


class Inherited(Decorated):
    """The same."""


@method_decorator(KNOWN, name="get")
class ADecorated(View):
    async def get(self, request: HttpRequest, bsn: str) -> HttpResponse:
        body()
        return HttpResponse(bsn)


class Several(View):
    @method_decorator([require_GET, ophalen(persoon("request.resolver_match.kwargs.bsn"))])
    def get(self, request: HttpRequest, bsn: str) -> HttpResponse:
        body()
        return HttpResponse(bsn)


class Rendered(TemplateResponse):
    """Says when it is rendered."""

    def resolve_template(self, template: Any) -> Any:
        body()
        return engines["django"].from_string("{% for persoon in object_list %}{{ persoon.bsn }};{% endfor %}")


@method_decorator(ophalen(gevonden(lambda response: [p["bsn"] for p in response.context_data["object_list"]])), name="get")
class Lijst(ListView):  # type: ignore[type-arg]  # of no model
    response_class = Rendered
    template_name = "unused"

    def get_queryset(self) -> Any:
        return [p for p in PERSONEN if "nobody" not in self.request.GET]


class Never(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return "forbidden" not in request.query_params


@api_view(["GET"])
@KNOWN
def drf_function(request: Request, bsn: str) -> Response:
    body()
    return Response(bsn)


class DrfView(APIView):
    permission_classes = (Never,)

    @KNOWN
    def get(self, request: Request, bsn: str) -> Response:
        body()
        return Response(bsn)


class Verhuizing(serializers.Serializer[Any]):
    bsn = serializers.RegexField(r"^[0-9]{1,9}$")


class DrfCreate(CreateAPIView[Any]):
    serializer_class = Verhuizing

    @ophalen(persoon("serializer.validated_data.bsn"))
    def perform_create(self, serializer: Any) -> None:
        body()


class DrfData(APIView):
    @ophalen(persoon("request.data.bsn"))
    def post(self, request: Request) -> Response:
        body()
        return Response("done")


class One(PageNumberPagination):
    page_size = 1


class DrfList(ListAPIView[Any]):
    serializer_class = Verhuizing
    pagination_class = One

    def get_queryset(self) -> Any:
        return PERSONEN

    @ophalen(gevonden(lambda response: [p["bsn"] for p in response.data["results"]]))
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class Personen(ViewSet):
    @ophalen(persoon("pk"))
    def retrieve(self, request: Request, pk: str) -> Response:
        body()
        return Response(pk)

    @action(detail=True, methods=["post"])
    @ophalen(persoon("pk"))
    def verhuizing(self, request: Request, pk: str) -> Response:
        body()
        return Response(pk)

    @ophalen(persoon("pk"))
    @action(detail=True)
    def ouders(self, request: Request, pk: str) -> Response:
        body()
        return Response(pk)


router = DefaultRouter()
router.register("personen", Personen, basename="persoon")


class Melding(Schema):
    bsn: str
    medebewoners: list[str] | None = None


def ninja() -> NinjaAPI:
    api = NinjaAPI(urls_namespace=f"ninja{len(ran)}")

    @api.get("/personen/{bsn}")
    @KNOWN
    def ophalen_persoon(request: HttpRequest, bsn: str, velden: str = "alle") -> str:
        """Wat het doet."""
        body()
        return bsn

    @api.get("/async/{bsn}")
    @KNOWN
    async def aophalen_persoon(request: HttpRequest, bsn: str) -> str:
        body()
        return bsn

    @api.post("/meldingen")
    @ophalen([persoon("melding.bsn"), persoon("melding.medebewoners", betrokkenheid="Medebewoner")])
    def melden(request: HttpRequest, melding: Melding) -> str:
        body()
        return melding.bsn

    @api.get("/zoek", response=list[Melding])
    @ophalen(gevonden(lambda found: [one["bsn"] for one in found]))
    def zoeken(request: HttpRequest, nobody: bool = False) -> Sequence[dict[str, str]]:
        body()
        return [] if nobody else PERSONEN[:1]

    @api.get("/pagina", response=list[Melding])
    @ophalen(gevonden(lambda page: [one["bsn"] for one in page["items"]]))
    @paginate
    def bladeren(request: HttpRequest) -> Sequence[dict[str, str]]:
        return PERSONEN

    return api


URLS = [
    path("function/<bsn>", function),
    path("afunction/<bsn>", afunction),
    path("get-only/<bsn>", get_only),
    path("found", found),
    path("afound", afound),
    path("posted", posted),
    path("method/<bsn>", Method.as_view()),
    path("amethod/<bsn>", AMethod.as_view()),
    path("decorated/<bsn>", Decorated.as_view()),
    path("inherited/<bsn>", Inherited.as_view()),
    path("adecorated/<bsn>", ADecorated.as_view()),
    path("several/<bsn>", Several.as_view()),
    path("on-the-view/<bsn>", ophalen(persoon("bsn"))(AMethod.as_view())),
    path("lijst", Lijst.as_view()),
    path("drf-function/<bsn>", drf_function),
    path("drf-view/<bsn>", DrfView.as_view()),
    path("drf-create", DrfCreate.as_view()),
    path("drf-data", DrfData.as_view()),
    path("drf-list", DrfList.as_view()),
    *router.urls,
]


@pytest.fixture
def everything(project: Project, log: MemoryLog) -> None:
    api = ninja()
    project(*URLS, path("ninja/", api.urls), log=log, django=SETTINGS)


@pytest.mark.parametrize(
    ("method", "address", "more"),
    [
        ("GET", f"/function/{BSN}", {}),
        ("GET", f"/afunction/{BSN}", {}),
        ("GET", f"/get-only/{BSN}", {}),
        ("POST", "/posted", {"data": {"bsn": BSN}}),
        ("GET", f"/method/{BSN}", {}),
        ("HEAD", f"/method/{BSN}", {}),
        ("POST", f"/method/{BSN}", {}),
        ("GET", f"/amethod/{BSN}", {}),
        ("GET", f"/decorated/{BSN}", {}),
        ("GET", f"/inherited/{BSN}", {}),
        ("GET", f"/adecorated/{BSN}", {}),
        ("GET", f"/several/{BSN}", {}),
        ("GET", f"/drf-function/{BSN}", {}),
        ("GET", f"/drf-view/{BSN}", {}),
        ("POST", "/drf-create", {"json": {"bsn": BSN}}),
        ("POST", "/drf-create", {"data": {"bsn": BSN}}),
        ("POST", "/drf-data", {"json": {"bsn": BSN}}),
        ("POST", "/drf-data", {"data": {"bsn": BSN}}),
        ("GET", f"/personen/{BSN}/", {}),
        ("POST", f"/personen/{BSN}/verhuizing/", {}),
        ("GET", f"/personen/{BSN}/ouders/", {}),
        ("GET", f"/ninja/personen/{BSN}", {}),
        ("GET", f"/ninja/async/{BSN}", {}),
        ("POST", "/ninja/meldingen", {"json": {"bsn": BSN}}),
    ],
)
@pytest.mark.usefixtures("everything")
def test_a_known_person_is_recorded_before_the_view(ask: Asking, log: MemoryLog, method: str, address: str, more: dict[str, Any]) -> None:
    assert ask(address, method, **more).status_code in {200, 201}
    assert ran == [1]
    assert [objekt.object_id for actie in log.acties for objekt in actie.verwerkte_objecten] == [BSN]
    ran.clear()
    log.failure = LogUnavailable("down")
    answer = ask(address, method, **more)
    assert (answer.status_code, answer.headers["content-type"], ran) == (503, "application/problem+json", [])


@pytest.mark.parametrize(
    ("address", "when", "persons"),
    [
        ("/found", [0], [BSN]),
        ("/afound", [0], [BSN]),
        ("/lijst", [1], [BSN, OTHER]),
        ("/drf-list", [], [BSN]),
        ("/drf-list?page=2", [], [OTHER]),
        ("/ninja/zoek", [0], [BSN]),
        ("/ninja/pagina?limit=1", [], [BSN]),
    ],
)
@pytest.mark.usefixtures("everything")
def test_a_found_person_is_recorded_after_the_view_and_before_the_answer(
    ask: Asking, log: MemoryLog, address: str, when: list[int], persons: list[str]
) -> None:
    answer = ask(address)
    assert (answer.status_code, ran) == (200, when)
    assert [[objekt.object_id for objekt in actie.verwerkte_objecten] for actie in log.acties] == [persons]
    assert all(bsn in answer.text for bsn in persons)
    log.failure = LogUnavailable("down")
    answer = ask(address)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert not any(bsn in answer.text for bsn in persons)


@pytest.mark.parametrize(
    ("method", "address", "status", "more"),
    [
        ("GET", "/elsewhere", 404, {}),
        ("PUT", f"/method/{BSN}", 405, {}),
        ("OPTIONS", f"/method/{BSN}", 200, {}),
        ("POST", f"/get-only/{BSN}", 405, {}),
        ("POST", f"/decorated/{BSN}", 405, {}),
        ("POST", f"/several/{BSN}", 405, {}),
        ("POST", f"/drf-function/{BSN}", 405, {}),
        ("DELETE", f"/drf-view/{BSN}", 405, {}),
        ("GET", f"/drf-view/{BSN}?forbidden", 403, {}),
        ("POST", "/drf-create", 400, {"json": {"bsn": "x"}}),
        ("POST", "/drf-create", 400, {"content": b"{", "headers": {"Content-Type": "application/json"}}),
        ("POST", "/drf-data", 400, {"content": b"{", "headers": {"Content-Type": "application/json"}}),
        ("POST", "/drf-data", 415, {"content": b"x", "headers": {"Content-Type": "text/x-unknown"}}),
        ("PUT", f"/personen/{BSN}/", 405, {}),
        ("GET", f"/personen/{BSN}/verhuizing/", 405, {}),
        ("POST", f"/ninja/personen/{BSN}", 405, {}),
        ("POST", "/ninja/meldingen", 422, {"json": {"naam": "x"}}),
        ("GET", "/found?nobody", 200, {}),
        ("GET", "/afound?nobody", 200, {}),
        ("GET", "/lijst?nobody", 200, {}),
        ("GET", "/ninja/zoek?nobody=1", 200, {}),
    ],
)
@pytest.mark.usefixtures("everything")
def test_what_did_not_run_or_found_nobody_is_not_recorded(
    ask: Asking, log: MemoryLog, method: str, address: str, status: int, more: dict[str, Any]
) -> None:
    assert ask(address, method, **more).status_code == status
    assert log.acties == []


@pytest.mark.usefixtures("everything")
def test_an_operation_keeps_its_description(ask: Asking) -> None:
    api = ninja()
    described = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/"), default=str))
    ophalen = described["paths"]["/personen/{bsn}"]["get"]
    assert [(parameter["name"], parameter["in"]) for parameter in ophalen["parameters"]] == [("bsn", "path"), ("velden", "query")]
    assert (ophalen["summary"], ophalen["description"]) == ("Ophalen Persoon", "Wat het doet.")
    melden = described["paths"]["/meldingen"]["post"]
    assert melden["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Melding"}
