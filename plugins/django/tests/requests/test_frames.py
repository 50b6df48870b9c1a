"""Our functions on the way of an error: what shows local variables (Django's debug page and mails, Sentry) finds no personal data there."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.signals import got_request_exception
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.views import View
from plugins.django.tests.conftest import Asking, Project
from plugins.django.tests.databases import Make

import verwerkingenlogging
import verwerkingenlogging_django
from verwerkingenlogging import NotRecorded, alog_actie, log_actie, persoon, recording, verwerkingsactie
from verwerkingenlogging_django import DjangoLog
from verwerkingenlogging_django.settings import recorder
from verwerkingenlogging_django.transactions import changing, reading

BSN = "999990342"
OURS = tuple(str(Path(module.__file__ or "").parent) for module in (verwerkingenlogging, verwerkingenlogging_django))
ophalen = verwerkingsactie("Ophalen", activiteit="brp", objecten=persoon("bsn"))


def showing(error: BaseException | None) -> list[str]:
    """Our functions that would show a person's number."""
    assert error is not None
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename.startswith(OURS)]
    assert frames
    return [
        f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name} {name}"
        for frame in frames
        if not frame.f_locals.get("__traceback_hide__")
        for name, value in frame.f_locals.items()
        # The request tells its address, wherever it is shown: no place for a number.
        if BSN in repr(value) and not isinstance(value, HttpRequest)
    ]


@reading
@ophalen
def crash(request: HttpRequest, bsn: str) -> HttpResponse:
    raise ValueError("mine")


@changing
@ophalen
async def acrash(request: HttpRequest, bsn: str) -> HttpResponse:
    raise ValueError("mine")


def bare(request: HttpRequest, bsn: str) -> HttpResponse:
    raise ValueError("mine")


async def abare(request: HttpRequest, bsn: str) -> HttpResponse:
    raise ValueError("mine")


class Bare(View):
    def get(self, request: HttpRequest, bsn: str) -> HttpResponse:
        raise ValueError("mine")


ROUTES = {f"/{name}/<str:bsn>/": {"actie_naam": "Ophalen", "activiteit": "brp", "objecten": "bsn"} for name in ("bare", "abare", "class")}
VIEWS: dict[str, Any] = {"crash": crash, "acrash": acrash, "bare": bare, "abare": abare, "class": Bare.as_view()}


@pytest.mark.parametrize("name", VIEWS)
def test_an_error_of_a_view_passes_no_number_through_ours(project: Project, ask: Asking, name: str) -> None:
    project(*(path(f"{each}/<str:bsn>/", view) for each, view in VIEWS.items()), routes=ROUTES)
    raised: list[list[str]] = []

    def note(**_: object) -> None:
        raised.append(showing(sys.exception()))

    got_request_exception.connect(note)
    try:
        assert ask(f"/{name}/{BSN}/").status_code == 500
    finally:
        got_request_exception.disconnect(note)
    assert raised == [[]]


def stream(request: HttpRequest, bsn: str) -> StreamingHttpResponse:
    def rows() -> Iterator[str]:
        yield bsn
        raise ValueError("mine")

    return StreamingHttpResponse(rows())


async def astream(request: HttpRequest, bsn: str) -> StreamingHttpResponse:
    async def rows() -> Any:
        yield bsn
        raise ValueError("mine")

    return StreamingHttpResponse(rows())


@pytest.mark.parametrize("view", [stream, astream])
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
def test_nor_does_an_error_of_a_stream(project: Project, ask: Asking, view: Any) -> None:
    project(path("<str:bsn>/", view))
    with pytest.raises(ValueError, match="mine") as caught:
        ask(f"/{BSN}/")
    assert showing(caught.value) == []


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_nor_does_what_could_not_be_recorded(project: Project, make: Make) -> None:
    database = make()
    project(log=DjangoLog(database=database))
    with connections[database].cursor() as cursor:
        cursor.execute("DROP TABLE verwerkingenlogging_record")
    with recording(recorder()):
        with pytest.raises(NotRecorded) as caught:
            log_actie("Ophalen", activiteit="brp", objecten=BSN)
        assert showing(caught.value) == []
        with reading(), transaction.atomic(using=database), pytest.raises(NotRecorded) as caught:
            log_actie("Ophalen", activiteit="brp", objecten=BSN)
        assert showing(caught.value) == []


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_nor_does_what_could_not_be_recorded_in_asynchronous_code(project: Project, make: Make) -> None:
    project(log=DjangoLog(database=make()))

    async def record() -> None:
        with recording(recorder()):
            with pytest.raises(NotRecorded) as caught:
                await alog_actie("Ophalen", activiteit="onbekend", objecten=BSN)
            assert showing(caught.value) == []
            with pytest.raises(NotRecorded) as caught:  # not on an event loop
                log_actie("Ophalen", activiteit="brp", objecten=BSN)
            assert showing(caught.value) == []

    asyncio.run(record())
