"""No BSN but in the record: not in a technical log, an answer, a metric, a check, or what we put on Django's debug page."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.debug import ExceptionReporter
from plugins.django.tests.conftest import Asking, Project

import verwerkingenlogging
import verwerkingenlogging_django
from verwerkingenlogging import LogUnavailable, MemoryLog, NotRecorded, alog_actie, gevonden, log_actie, persoon, verwerkingsactie
from verwerkingenlogging_django.settings import recorder

BSN = "999990342"
OURS = tuple(str(Path(module.__file__ or "").parent) for module in (verwerkingenlogging, verwerkingenlogging_django))
KEY = "sleutel-van-de-gebruikers-van-32-tekens"


def posted(request: HttpRequest) -> str:
    bsn: str = json.loads(request.body)["bsn"]
    return bsn


KNOWN = verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon(posted))
FOUND = verwerkingsactie("Zoeken personen", activiteit="brp", objecten=gevonden(lambda response: [json.loads(response.content)]))


@KNOWN
def read(request: HttpRequest) -> JsonResponse:
    return JsonResponse(posted(request), safe=False)


@FOUND
async def search(request: HttpRequest) -> JsonResponse:
    return JsonResponse(posted(request), safe=False)


@KNOWN
def crash(request: HttpRequest) -> HttpResponse:
    bsn = posted(request)
    log_actie("Ophalen details", objecten=bsn)
    raise ValueError("mine")


@KNOWN
async def acrash(request: HttpRequest) -> HttpResponse:
    bsn = posted(request)
    await alog_actie("Ophalen details", objecten=bsn)
    raise ValueError("mine")


@verwerkingsactie("Zoeken personen", activiteit="brp", objecten=gevonden(lambda response: {"": [""]}[BSN]))
def unreadable(request: HttpRequest) -> JsonResponse:
    return JsonResponse(posted(request), safe=False)


@verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon(lambda request: int(posted(request))))
def number(request: HttpRequest) -> HttpResponse:
    pytest.fail("the body ran")


@KNOWN
def stream(request: HttpRequest) -> StreamingHttpResponse:
    def rows() -> Iterator[str]:
        yield "first"
        log_actie("Ophalen details", objecten=posted(request) * 9)

    return StreamingHttpResponse(rows())


VIEWS = {view.__name__: view for view in (read, search, crash, acrash, unreadable, number)}


@pytest.fixture
def canary(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    project(*(path(name, view) for name, view in VIEWS.items()), path("stream", stream), gebruiker=lambda request: None, gebruiker_key=KEY)


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.usefixtures("canary")
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
def test_no_log_and_no_refusal_holds_a_number(ask: Asking, log: MemoryLog, down: bool, caplog: pytest.LogCaptureFixture) -> None:
    log.failure = LogUnavailable("down") if down else None
    statuses = {}
    for name in VIEWS:
        answer = ask(f"/{name}", "POST", json={"bsn": BSN}, headers={"OIN": "1", "Vertrouwelijkheid": BSN})
        statuses[name] = answer.status_code
        assert (BSN in answer.text) is (answer.status_code == 200)
    down_is = {"read": 503, "search": 503, "crash": 503, "acrash": 503, "unreadable": 503, "number": 503}
    assert statuses == (down_is if down else {**down_is, "read": 200, "search": 200, "crash": 500, "acrash": 500})
    if not down:
        with pytest.raises(NotRecorded) as caught:
            ask("/stream", "POST", json={"bsn": BSN})
        assert BSN not in str(caught.value)
    written = "\n".join(f"{record.getMessage()} {record.exc_text} {record.args}" for record in caplog.records)
    assert "header ignored or mended" in written
    assert BSN not in written + caplog.text + repr(recorder().faults) + repr(log.acties)
    assert any(BSN in objekt.object_id for actie in log.acties for objekt in actie.verwerkte_objecten) is not down


@pytest.mark.parametrize("name", ["crash", "acrash"])
@pytest.mark.usefixtures("canary")
def test_what_we_put_on_the_debug_page_holds_no_number(project: Project, ask: Asking, name: str) -> None:
    """Django shows the variables of each frame there. Those of the application's own are its own to guard."""
    project(path(name, VIEWS[name]), debug=True, gebruiker_key=KEY)
    pages: list[tuple[list[dict[str, Any]], str]] = []

    def report(request: HttpRequest, **_: object) -> None:
        reporter = ExceptionReporter(request, *sys.exc_info())
        pages.append((reporter.get_traceback_frames(), reporter.get_traceback_html()))

    got_request_exception.connect(report)
    try:
        answer = ask(f"/{name}", "POST", json={"bsn": BSN})
    finally:
        got_request_exception.disconnect(report)
    assert answer.status_code == 500
    ((frames, page),) = pages
    assert any(BSN in str(frame["vars"]) for frame in frames if frame["function"] == name)  # the application's own, which Django shows
    ours = [frame for frame in frames if frame["filename"].startswith(OURS)]
    assert "wrapper" not in {frame["function"] for frame in ours}
    assert BSN not in "".join(str(frame["vars"]) for frame in ours)
    assert KEY not in page + answer.text
