"""A project with every kind of view, none of which says anything about personal data."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy
from django.views import View
from django.views.decorators.cache import cache_page, never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods
from django.views.generic import RedirectView
from ninja import NinjaAPI, Router, Schema
from rest_framework import serializers
from rest_framework.decorators import action, api_view, permission_classes
from rest_framework.generics import GenericAPIView
from rest_framework.mixins import CreateModelMixin
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

PERSONEN = [{"bsn": "2308572", "naam": "Jansen"}, {"bsn": "5649587", "naam": "Jansen"}]
seen: list[str] = []
"""What ran, to be compared with what was recorded."""


def plain(request: HttpRequest, bsn: str, gemeente: str | None = None) -> HttpResponse:
    seen.append(bsn)
    return HttpResponse("ok")


async def asynchronous(request: HttpRequest, bsn: str) -> HttpResponse:
    seen.append(bsn)
    return HttpResponse("ok")


@contextmanager
def around() -> Iterator[None]:
    """As transaction.atomic decorates: by a context manager."""
    yield


@login_required
@csrf_exempt
@cache_page(60)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@around()
def decorated(request: HttpRequest, bsn: str) -> HttpResponse:
    seen.append(bsn)
    return HttpResponse("ok")


@csrf_exempt
@require_GET
async def decorated_async(request: HttpRequest, bsn: str, gemeente: str | None = None) -> HttpResponse:
    seen.append(bsn)
    return HttpResponse("ok")


def injecting(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Give the view something else than the URL has."""

    @functools.wraps(view)
    def inner(request: HttpRequest, bsn: str) -> HttpResponse:
        return view(request, next(persoon for persoon in found if persoon["bsn"] == bsn)) if bsn else nothing

    found = PERSONEN
    if not found:
        nothing = HttpResponse("")  # a decorator may close over what is not there yet
    return inner


@injecting
def injected(request: HttpRequest, persoon: dict[str, str]) -> HttpResponse:
    seen.append(persoon["bsn"])
    return HttpResponse("ok")


class Keeping:
    """A decorator that is a class."""

    def __init__(self, view: Callable[..., HttpResponse]) -> None:
        functools.update_wrapper(self, view)
        self.view = view

    def __call__(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.view(*args, **kwargs)


@Keeping
def kept(request: HttpRequest, bsn: str) -> HttpResponse:
    seen.append(bsn)
    return HttpResponse("ok")


@functools.lru_cache
def out_of_reach(request: HttpRequest, bsn: str) -> HttpResponse:
    return HttpResponse("ok")


class Called:
    """A view that is an object."""

    def __call__(self, request: HttpRequest, bsn: str) -> HttpResponse:
        seen.append(bsn)
        return HttpResponse("ok")


def zoeken(request: HttpRequest) -> HttpResponse:
    found = [persoon for persoon in PERSONEN if persoon["naam"] == request.GET.get("naam")]
    response = HttpResponse("ok")
    response.context_data = {"object_list": iter(found)}  # type: ignore[attr-defined]  # as a TemplateResponse has it
    return response


def optional(request: HttpRequest, bsn: str, ouder: str | None = None) -> HttpResponse:
    seen.append(ouder or bsn)
    return HttpResponse("ok")


class Persoon(View):
    def get(self, request: HttpRequest, bsn: str) -> HttpResponse:
        seen.append(bsn)
        return HttpResponse("ok")

    @method_decorator(login_required)
    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return self.get(request, **kwargs)

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponse("of its own")


class Inherited(Persoon):
    """The same, with nothing of its own."""


class AsyncPersoon(View):
    async def get(self, request: HttpRequest, bsn: str) -> HttpResponse:
        seen.append(bsn)
        return HttpResponse("ok")


class Dispatching(View):
    """Handles everything itself."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        seen.append(kwargs["bsn"])
        return HttpResponse("ok")


class Secret(BasePermission):
    """Only for who knows the word."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.headers.get("X-Secret"))


class PersoonSerializer(serializers.Serializer[Any]):
    bsn = serializers.RegexField(r"^[0-9]{1,9}$")

    def create(self, validated_data: dict[str, Any]) -> dict[str, Any]:
        seen.append(validated_data["bsn"])
        return validated_data


class PersoonViewSet(CreateModelMixin, GenericViewSet[Any]):
    permission_classes = (Secret,)
    serializer_class = PersoonSerializer

    def list(self, request: Request) -> Response:
        naam = request.query_params.get("naam")
        return Response({"results": [persoon for persoon in PERSONEN if persoon["naam"] == naam]})

    def retrieve(self, request: Request, pk: str | None = None, format: str | None = None) -> Response:
        seen.append(str(pk))
        return Response({"bsn": pk})

    @action(detail=True, methods=["post", "delete"])
    def verhuizing(self, request: Request, pk: str | None = None) -> Response:
        seen.append(str(pk))
        return Response({"bsn": pk})


class Ouders(GenericAPIView[Any]):
    permission_classes = (Secret,)

    def get(self, request: Request, bsn: str) -> Response:
        seen.append(bsn)
        return Response([{"bsn": "5649587"}])


@api_view(["GET", "PUT"])
@permission_classes([Secret])
def functional(request: Request, bsn: str) -> Response:
    seen.append(bsn)
    return Response({"bsn": bsn})


router = DefaultRouter()
router.register("personen", PersoonViewSet, basename="persoon")


class Verhuizing(Schema):
    bsn: str
    medebewoners: list[str] | None = None


api = NinjaAPI(urls_namespace="ninja")
nested = Router()


@api.get("/personen/{bsn}", url_name="ophalen")
def ninja_get(request: HttpRequest, bsn: str) -> dict[str, str]:
    seen.append(bsn)
    return {"bsn": bsn}


@api.delete("/personen/{bsn}", url_name="verwijderen")
def ninja_delete(request: HttpRequest, bsn: str) -> dict[str, str]:
    seen.append(bsn)
    return {"bsn": bsn}


@nested.post("/{int:jaar}", url_name="verhuizen")
async def ninja_post(request: HttpRequest, jaar: int, verhuizing: Verhuizing) -> list[Verhuizing]:
    seen.append(verhuizing.bsn)
    return [verhuizing]


@nested.api_operation(["GET", "PATCH"], "/", url_name="beide")
def ninja_both(request: HttpRequest) -> list[str]:
    return ["2308572"]


api.add_router("/verhuizingen", nested)


personen = (
    [
        path("default/", plain, {"bsn": "2308572"}, name="default"),
        path("<str:bsn>/", plain, name="ophalen"),
        path("<str:bsn>/async/", asynchronous, name="async"),
        path("<str:bsn>/decorated/", decorated, name="decorated"),
        path("<str:bsn>/decorated-async/", decorated_async, name="decorated-async"),
        path("<str:bsn>/injected/", injected, name="injected"),
        path("<str:bsn>/kept/", kept, name="kept"),
        path("<str:bsn>/out-of-reach/", out_of_reach, name="out-of-reach"),
        path("<str:bsn>/callable/", Called(), name="callable"),
        path("<int:bsn>/int/", plain, name="int"),
        path("", zoeken, name="zoeken"),
    ],
    "personen",
)

urlpatterns = [
    path("", include([path("personen/", include(personen))])),
    path("gemeente/<slug:gemeente>/", include(personen, namespace="gemeente")),
    path("class/<str:bsn>/", Persoon.as_view(), name="class"),
    path("inherited/<str:bsn>/", login_required(Inherited.as_view()), name="inherited"),
    path("async-class/<str:bsn>/", AsyncPersoon.as_view(), name="async-class"),
    path("dispatch/<str:bsn>/", Dispatching.as_view(), name="dispatch"),
    re_path(r"^re/(?P<bsn>\d{1,9})/(?:(?P<ouder>\d+)\.html)?$", optional, name="re"),
    path("drf/", include(router.urls)),
    path("drf/ouders/<str:bsn>/", Ouders.as_view(), name="ouders"),
    path("drf/functional/<str:bsn>/", functional, name="functional"),
    path("ninja/", api.urls),
    path("redirect/", RedirectView.as_view(url="/personen/"), name="redirect"),
    path("i18n/", include("django.conf.urls.i18n")),
    *i18n_patterns(path("vertaald/<str:bsn>/", plain, name="vertaald")),
    path("admin/", admin.site.urls),
    path(gettext_lazy("Delete"), include([path("/<str:bsn>/", plain, name="delete")])),
]
