"""On which side of other decorators an annotation stands: what ``manage.py check`` says of it, and that it is so."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import pytest
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.core.checks import run_checks
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_page
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST
from plugins.django.tests.conftest import Asking, Project
from rest_framework.decorators import api_view
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from verwerkingenlogging import MemoryLog, gevonden, persoon, verwerkingsactie
from verwerkingenlogging_django.checks import TAG
from verwerkingenlogging_django.transactions import reading

ophalen = verwerkingsactie("Ophalen", activiteit="brp", objecten=persoon("bsn"))
CACHED, REFUSED = "verwerkingenlogging.W008", "verwerkingenlogging.W009"


def view(request: HttpRequest, bsn: str) -> HttpResponse:
    return HttpResponse(bsn)


class Bare(View):
    def get(self, request: HttpRequest, bsn: str) -> HttpResponse:
        return HttpResponse(bsn)


class Recording(View):
    @ophalen
    def get(self, request: HttpRequest, bsn: str) -> HttpResponse:
        return HttpResponse(bsn)


@method_decorator([csrf_exempt, cache_page(60)], name="dispatch")
class CachedClass(Recording):
    pass


class CachedMethod(View):
    @method_decorator([cache_page(60), ophalen])
    def get(self, request: HttpRequest, bsn: str) -> HttpResponse:
        return HttpResponse(bsn)


class RecordedMethod(View):
    @method_decorator([ophalen, cache_page(60)])
    def get(self, request: HttpRequest, bsn: str) -> HttpResponse:
        return HttpResponse(bsn)


@method_decorator(ophalen, name="dispatch")
class RecordedClass(Bare):
    pass


@method_decorator(login_required, name="get")
class Guarded(Recording):
    pass


@api_view(["GET"])
@ophalen
def api(request: Any, bsn: str) -> Response:
    return Response(bsn)


class Personen(ViewSet):
    @ophalen
    def retrieve(self, request: Any, bsn: str) -> Response:
        return Response(bsn)


class BarePersonen(ViewSet):
    def retrieve(self, request: Any, bsn: str) -> Response:
        return Response(bsn)


RIGHT: list[Callable[..., Any]] = [
    ophalen(view),
    login_required(require_GET(ophalen(view))),
    ophalen(cache_page(60)(view)),
    cache_page(60)(view),
    Recording.as_view(),
    login_required(Recording.as_view()),
    RecordedMethod.as_view(),
    Guarded.as_view(),
    api,
    Personen.as_view({"get": "retrieve"}),
]
ANSWERS_UNRECORDED: list[Callable[..., Any]] = [
    cache_page(60)(ophalen(view)),
    login_required(cache_page(60)(csrf_exempt(ophalen(view)))),
    cache_page(60)(Recording.as_view()),
    CachedClass.as_view(),
    CachedMethod.as_view(),
]
RECORDS_REFUSALS: list[Callable[..., Any]] = [
    ophalen(login_required(view)),
    ophalen(require_GET(view)),
    ophalen(Bare.as_view()),
    RecordedClass.as_view(),
    ophalen(api_view(["GET"])(view)),
    ophalen(BarePersonen.as_view({"get": "retrieve"})),
]


def said(project: Project, one: Callable[..., Any], **keys: Any) -> list[str | None]:
    project(path("personen/<str:bsn>/", one), **keys)
    return [message.id for message in run_checks(tags=[TAG]) if message.id in {CACHED, REFUSED} and "/personen/<str:bsn>/:" in message.msg]


@pytest.mark.parametrize("one", RIGHT)
def test_nothing_is_said_of_what_stands_right(project: Project, one: Callable[..., Any]) -> None:
    assert said(project, one) == []


@pytest.mark.parametrize("one", ANSWERS_UNRECORDED)
def test_a_cache_above_an_annotation_is_warned_of(project: Project, one: Callable[..., Any]) -> None:
    assert said(project, one) == [CACHED]


@pytest.mark.parametrize("one", RECORDS_REFUSALS)
def test_an_annotation_above_what_refuses_is_warned_of(project: Project, one: Callable[..., Any]) -> None:
    assert said(project, one) == [REFUSED]


@pytest.fixture
def nothing_kept() -> Iterator[None]:
    """When the project is gone: lets go of what a test made and put into it. Other tests look for caches in the whole process."""
    yield
    gc.collect()


@pytest.mark.usefixtures("nothing_kept")
def test_so_is_a_cache_of_the_standard_library(project: Project) -> None:
    assert said(project, lru_cache(ophalen(view))) == [CACHED]


def test_what_the_settings_say_is_under_a_cache_as_well(project: Project) -> None:
    routes = {"/personen/<str:bsn>/": {"actie_naam": "Ophalen", "activiteit": "brp", "objecten": "bsn"}}
    assert said(project, cache_page(60)(view), routes=routes) == [CACHED]


def test_it_is_as_the_warnings_say(project: Project, ask: Asking, log: MemoryLog) -> None:
    cache.clear()
    project(path("cached/<str:bsn>/", cache_page(60)(ophalen(view))), path("refused/<str:bsn>/", ophalen(require_GET(view))))
    assert [ask("/cached/2308572/").text for _ in range(2)] == ["2308572", "2308572"]
    assert len(log.acties) == 1  # of two answers
    assert ask("/refused/2308572/", "POST").status_code == 405
    assert len(log.acties) == 2  # and nothing was processed
    cache.clear()


# A transaction around whom it finds (A25, as far as Django can do it)

zoeken = verwerkingsactie("Wijzigen", activiteit="brp", objecten=gevonden(lambda response: response.content.decode()))
LATE = "verwerkingenlogging.W013"


class Changing(View):
    @zoeken
    def post(self, request: HttpRequest, bsn: str) -> HttpResponse:
        return HttpResponse(bsn)


@method_decorator(transaction.atomic, name="dispatch")
class InOne(Changing):
    pass


class OnlySearching(View):
    @method_decorator(reading)
    @zoeken
    def post(self, request: HttpRequest, bsn: str) -> HttpResponse:
        return HttpResponse(bsn)


post = require_POST(zoeken(view))
COMMITS_FIRST: list[Callable[..., Any]] = [
    post,
    Changing.as_view(),
    require_POST(zoeken(transaction.atomic(view))),
    transaction.non_atomic_requests(require_POST(zoeken(view))),
]
COMMITS_BOTH: list[Callable[..., Any]] = [
    require_POST(transaction.atomic(zoeken(view))),
    require_POST(transaction.atomic(using="default")(zoeken(view))),
    InOne.as_view(),
    require_POST(reading(zoeken(view))),
    OnlySearching.as_view(),
    require_POST(ophalen(view)),
    require_GET(zoeken(view)),
]


def late(project: Project, one: Callable[..., Any]) -> list[str]:
    project(path("personen/<str:bsn>/", one))
    return [message.msg for message in run_checks(tags=[TAG]) if message.id == LATE]


@pytest.mark.parametrize("one", COMMITS_FIRST)
def test_a_change_that_is_committed_before_whom_it_found_is_recorded_is_warned_of(project: Project, one: Callable[..., Any]) -> None:
    (message,) = late(project, one)
    assert message.startswith("POST /personen/<str:bsn>/: recorded after a change may have been committed")


@pytest.mark.parametrize("one", COMMITS_BOTH)
def test_a_transaction_around_it_or_no_change_is_right(project: Project, one: Callable[..., Any]) -> None:
    assert late(project, one) == []


@pytest.mark.parametrize(
    ("one", "number"), [(post, 0), (Changing.as_view(), 0), (transaction.non_atomic_requests(require_POST(zoeken(view))), 1)]
)
def test_a_transaction_around_each_request_is_one(
    project: Project, monkeypatch: pytest.MonkeyPatch, one: Callable[..., Any], number: int
) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    assert len(late(project, one)) == number


def test_what_the_settings_say_is_found_late_as_well(project: Project) -> None:
    routes = {"POST /personen/<str:bsn>/": {"actie_naam": "Wijzigen", "activiteit": "brp", "gevonden": "content"}}
    project(path("personen/<str:bsn>/", require_POST(view)), routes=routes)
    assert [message.id for message in run_checks(tags=[TAG]) if message.id == LATE] == [LATE]
