"""A request that lacks whose data it is about: the client's to mend, and no outage."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path
from plugins.django.tests.conftest import MIDDLEWARE, Asking, Project
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from verwerkingenlogging import MemoryLog, persoon, verwerkingsactie

OTHER = "999990019"


def ophalen(value: str) -> Callable[..., Any]:
    return verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon(value))


class Data(APIView):
    @ophalen("request.data.bsn")
    def post(self, request: Request) -> Response:
        return Response("done")


@ophalen("request.GET.bsn")
def get(request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


@ophalen("request.headers.X-Persoon")
async def header(request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


@ophalen("request.GTE.bsn")
def misspelt(request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


@ophalen("request.resolver_match.kwargs.bsn")
def absent(request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


def before(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A middleware that records, where Django makes a 500 of what it raises."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    recording: Callable[[HttpRequest], HttpResponse] = ophalen("request.GET.bsn")(middleware)
    return recording


def refused(answer: Any) -> bool:
    assert OTHER not in answer.text
    return (answer.status_code, answer.headers["content-type"], json.loads(answer.text).get("code")) == (
        400,
        "application/problem+json",
        "gegeven-ontbreekt",
    )


@pytest.fixture
def views(project: Project) -> None:
    project(path("data", Data.as_view()), path("get", get), path("header", header), path("misspelt", misspelt), path("absent", absent))


@pytest.mark.usefixtures("views")
@pytest.mark.parametrize(
    ("method", "address", "more"),
    [
        ("POST", "/data", {"json": {}}),
        ("POST", "/data", {"json": {"naam": OTHER}}),
        ("POST", "/data", {"json": [OTHER]}),
        ("POST", "/data", {"json": OTHER}),
        ("GET", f"/get?naam={OTHER}", {}),
        ("GET", "/header", {}),
    ],
)
def test_what_a_client_left_out_is_400(
    ask: Asking, log: MemoryLog, method: str, address: str, more: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert refused(ask(address, method, **more))
    assert log.acties == []
    (told,) = [one for one in caplog.records if one.name == "verwerkingenlogging"]
    assert (told.levelno, "is not there" in told.getMessage(), OTHER in caplog.text) == (logging.WARNING, True, False)


@pytest.mark.usefixtures("views")
def test_what_is_there_is_recorded(ask: Asking, log: MemoryLog) -> None:
    for method, address, more in (
        ("POST", "/data", {"json": {"bsn": OTHER}}),
        ("GET", f"/get?bsn={OTHER}", {}),
        ("GET", "/header", {"headers": {"X-Persoon": OTHER}}),
    ):
        assert ask(address, method, **more).status_code == 200
    assert [actie.verwerkte_objecten[0].object_id for actie in log.acties] == [OTHER] * 3


@pytest.mark.usefixtures("views")
@pytest.mark.parametrize("address", ["/misspelt", "/absent"])
def test_a_path_that_is_wrong_is_the_applications_own_mistake(ask: Asking, address: str, caplog: pytest.LogCaptureFixture) -> None:
    assert ask(f"{address}?bsn={OTHER}").status_code == 503
    assert caplog.records[0].levelno == logging.ERROR


@pytest.mark.parametrize("debug", [False, True])
def test_it_is_400_too_where_another_middleware_raises_it(project: Project, ask: Asking, log: MemoryLog, debug: bool) -> None:
    project(path("get", get), middleware=(MIDDLEWARE, f"{__name__}.before"), debug=debug)
    assert refused(ask("/get"))
    assert log.acties == []
