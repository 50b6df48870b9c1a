"""The middleware over WSGI and over ASGI, beside what every middleware promises (``test_middleware_conformance.py``)."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_started
from django.db import connection
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import path
from plugins.django.tests.conftest import GEMEENTE, MIDDLEWARE, Asking, Project, connections_kept

from verwerkingenlogging import (
    VNG,
    ConfigurationError,
    HeaderProfile,
    LogUnavailable,
    MemoryLog,
    NotRecorded,
    OutsideContext,
    alog_actie,
    log_actie,
    persoon,
    verwerkingsactie,
)
from verwerkingenlogging.context import current
from verwerkingenlogging.support import process
from verwerkingenlogging_django._requests.headers import raw_headers
from verwerkingenlogging_django._transaction_mode import mode
from verwerkingenlogging_django.middleware import VerwerkingenloggingMiddleware
from verwerkingenlogging_django.settings import recorder

DERDE = "00000001804770694000"
BSN = "2308572"

ran: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


@verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
def read(request: HttpRequest, bsn: str) -> HttpResponse:
    ran.append(bsn)
    return HttpResponse(bsn)


@verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
async def aread(request: HttpRequest, bsn: str) -> HttpResponse:
    ran.append(bsn)
    return HttpResponse(bsn)


URLS = (path("personen/<bsn>", read), path("apersonen/<bsn>", aread))


@pytest.mark.parametrize(
    ("meta", "read"),
    [
        ({"HTTP_OIN": DERDE}, [(b"OIN", DERDE.encode())]),
        ({"HTTP_OIN": f"{DERDE},{GEMEENTE}"}, [(b"OIN", DERDE.encode()), (b"OIN", GEMEENTE.encode())]),
        ({"HTTP_VERWERKINGSACTIVITEITURL": "https://a.example/1,2"}, [(b"VerwerkingsactiviteitUrl", b"https://a.example/1,2")]),
        (
            {"HTTP_VERWERKINGSACTIVITEITURL": "https://a.example/1, https://b.example/2"},
            [(b"VerwerkingsactiviteitUrl", b"https://a.example/1"), (b"VerwerkingsactiviteitUrl", b" https://b.example/2")],
        ),
        (
            {"HTTP_VERTROUWELIJKHEID": "normaal,vertrouwelijk"},
            [(b"Vertrouwelijkheid", b"normaal"), (b"Vertrouwelijkheid", b"vertrouwelijk")],
        ),
        ({"HTTP_OIN": "\u20ac"}, [(b"OIN", b"?")]),
        ({"HTTP_TRACEPARENT": "00-1", "HTTP_X_OTHER": "1"}, []),
    ],
)
def test_headers_that_a_wsgi_server_joined_are_two_again(meta: dict[str, str], read: list[tuple[bytes, bytes]]) -> None:
    request = RequestFactory().get("/")
    request.META |= meta
    assert list(raw_headers(VNG, traces=False)(request)) == read


def test_trace_headers_are_read_where_the_log_wants_spans() -> None:
    request = RequestFactory().get("/", HTTP_TRACEPARENT="00-1", HTTP_FSC_TRANSACTION_ID="2")
    assert sorted(raw_headers(VNG, traces=True)(request)) == [(b"fsc-transaction-id", b"2"), (b"traceparent", b"00-1")]


@pytest.mark.parametrize("protocol", ["wsgi", "asgi"])
def test_a_header_cannot_be_smuggled_in_by_an_underscore(project: Project, log: MemoryLog, protocol: str) -> None:
    """A proxy overwrites X-Origin-OIN; who sends X_Origin_OIN beside it must not be taken for another."""
    project(*URLS, profile=HeaderProfile(oin="x-origin-oin"))
    middleware = VerwerkingenloggingMiddleware(lambda request: read(request, bsn=BSN))
    if protocol == "asgi":
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "client": ("127.0.0.1", 1),
            "headers": [(b"x-origin-oin", DERDE.encode()), (b"x_origin_oin", GEMEENTE.encode())],
        }
        request: HttpRequest = ASGIRequest(scope, BytesIO())
    else:
        request = RequestFactory().get("/", HTTP_X_ORIGIN_OIN=f"{DERDE},{GEMEENTE}")  # as a server joins them
    middleware(request)
    assert log.acties[0].afnemer_id == (DERDE if protocol == "asgi" else None)
    assert recorder().faults["header x-origin-oin: duplicate"] == (0 if protocol == "asgi" else 1)


@pytest.mark.parametrize(("protocol", "address"), [("wsgi", "/apersonen"), ("asgi", "/personen")])
def test_a_view_of_the_other_kind_does_not_run_unrecorded(project: Project, log: MemoryLog, protocol: str, address: str) -> None:
    project(*URLS)
    log.failure = LogUnavailable("down")
    assert (Asking(protocol)(f"{address}/{BSN}").status_code, ran) == (503, [])


def not_recording(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        log_actie("Nagaan gemachtigde", activiteit="brp", objecten=[BSN])
        return get_response(request)

    return middleware


class ANotRecording:
    sync_capable, async_capable = False, True

    def __init__(self, get_response: Any) -> None:
        from asgiref.sync import markcoroutinefunction

        markcoroutinefunction(self)
        self.get_response = get_response

    async def __call__(self, request: HttpRequest) -> Any:
        await alog_actie("Nagaan gemachtigde", activiteit="brp", objecten=[BSN])
        return await self.get_response(request)


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("inner", ["not_recording", "ANotRecording"])
def test_a_middleware_that_could_not_record_becomes_503_too(project: Project, ask: Asking, log: MemoryLog, debug: bool, inner: str) -> None:
    project(*URLS, middleware=(MIDDLEWARE, f"{__name__}.{inner}"), debug=debug)
    assert ask(f"/personen/{BSN}").status_code == 200
    assert [actie.actie_naam for actie in log.acties] == ["Nagaan gemachtigde", "Ophalen persoonsgegevens"]
    log.failure = LogUnavailable("down")
    answer = ask(f"/personen/{BSN}")
    assert (answer.status_code, answer.json()["code"], ran) == (503, "niet-vastgelegd", [BSN])


def crash(request: HttpRequest) -> HttpResponse:
    raise ValueError("mine")


@pytest.mark.parametrize("debug", [False, True])
def test_the_applications_own_error_stays_its_own(project: Project, ask: Asking, debug: bool) -> None:
    project(path("", crash), debug=debug)
    answer = ask("/")
    assert answer.status_code == 500
    assert ("ValueError" in answer.text) is debug


def inspect(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{type(current()).__name__} reads={mode().reads}")


@pytest.mark.parametrize(("method", "reads"), [("GET", True), ("OPTIONS", True), ("POST", False), ("DELETE", False)])
def test_each_request_has_a_context_and_its_method_says_whether_it_reads(project: Project, ask: Asking, method: str, reads: bool) -> None:
    project(path("", inspect))
    assert ask("/", method).text == f"Context reads={reads}"


def test_a_setting_that_a_test_changes_counts_at_the_next_request(project: Project, log: MemoryLog) -> None:
    project()
    middleware = VerwerkingenloggingMiddleware(lambda request: read(request, bsn=BSN))
    middleware(RequestFactory().get("/"))
    project(log=(other := MemoryLog()))
    middleware(RequestFactory().get("/"))
    assert (len(log.acties), len(other.acties)) == (1, 1)


class Starting(MemoryLog):
    def __init__(self) -> None:
        super().__init__()
        self.started = 0

    def start(self) -> None:
        self.started += 1


def test_a_project_that_forgot_the_app_does_not_start(project: Project) -> None:
    project(django={"INSTALLED_APPS": ["django.contrib.contenttypes", "django.contrib.auth"]})
    with pytest.raises(ConfigurationError, match=r'settings\.INSTALLED_APPS: "verwerkingenlogging_django" is missing'):
        WSGIHandler()


def test_the_log_starts_with_the_first_request_of_a_server(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not when the application is loaded: a server may fork then, and a thread does not come along."""
    project(log=(log := Starting()))
    handler = WSGIHandler()
    assert log.started == 0
    for _ in range(2):
        _served(handler)
    assert log.started == 1
    monkeypatch.setattr(process, "known", 0)  # as if this were a child, of which nobody told Python
    process.check()
    for _ in range(2):
        _served(handler)
    assert log.started == 2


def _served(handler: WSGIHandler) -> None:
    with connections_kept():
        request_started.send(sender=type(handler))


def test_a_log_that_cannot_start_fails_the_first_record_and_no_request(project: Project) -> None:
    class Unable(Starting):
        def start(self) -> None:
            super().start()
            raise LogUnavailable("no thread")

    project(log=(log := Unable()))
    handler = WSGIHandler()
    for _ in range(2):
        _served(handler)
    assert log.started == 1


def failing(request: HttpRequest) -> HttpResponseBase:
    raise KeyboardInterrupt


async def afailing(request: HttpRequest) -> HttpResponseBase:
    raise asyncio.CancelledError


@pytest.mark.parametrize("view", [inspect, failing])
def test_the_context_ends_with_the_request(project: Project, view: Callable[[HttpRequest], HttpResponseBase]) -> None:
    project()
    middleware = VerwerkingenloggingMiddleware(view)
    before = mode()
    try:
        middleware(RequestFactory().get("/"))
    except KeyboardInterrupt:
        assert view is failing
    assert mode() == before
    with pytest.raises(OutsideContext):
        current()


async def test_the_context_ends_with_a_request_that_is_cancelled(project: Project) -> None:
    project()
    middleware: Any = VerwerkingenloggingMiddleware(cast("Any", afailing))
    with pytest.raises(asyncio.CancelledError):
        await middleware(RequestFactory().get("/"))
    with pytest.raises(OutsideContext):
        current()


async def together(request: HttpRequest, bsn: str) -> HttpResponse:
    async def step() -> None:
        await alog_actie("Ophalen details", activiteit="brp", objecten=[bsn])

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(step())
        tasks.create_task(step())
    return HttpResponse()


def test_what_tasks_could_not_record_is_503_too(project: Project, ask: Asking, log: MemoryLog) -> None:
    project(path("personen/<str:bsn>/", together))
    log.failure = LogUnavailable("down")
    assert ask(f"/personen/{BSN}/").status_code == 503


# Streams


def rows(fail: bool, log: MemoryLog) -> Iterator[str]:
    try:
        yield f"{len(log.acties)} reads={mode().reads};"
        if fail:
            log.failure = LogUnavailable("down")
        log_actie("Ophalen details", objecten=BSN)
        yield f"{len(log.acties)};"
    finally:
        ran.append("closed")


async def arows(fail: bool, log: MemoryLog) -> AsyncIterator[str]:
    yield f"{len(log.acties)} reads={mode().reads};"
    if fail:
        log.failure = LogUnavailable("down")
    await alog_actie("Ophalen details", objecten=BSN)
    yield f"{len(log.acties)};"


def streams(log: MemoryLog) -> tuple[Any, ...]:
    @verwerkingsactie("Exporteren persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
    def export(request: HttpRequest, bsn: str) -> StreamingHttpResponse:
        return StreamingHttpResponse(rows("fail" in request.GET, log))

    @verwerkingsactie("Exporteren persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
    async def aexport(request: HttpRequest, bsn: str) -> StreamingHttpResponse:
        return StreamingHttpResponse(arows("fail" in request.GET, log))

    return path("export/<bsn>", export), path("aexport/<bsn>", aexport)


CROSSED = pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")


@CROSSED
@pytest.mark.parametrize(("protocol", "address"), [("wsgi", "/aexport"), ("asgi", "/export")])
def test_a_stream_of_the_other_kind_is_recorded_before_its_first_byte_too(
    project: Project, log: MemoryLog, protocol: str, address: str
) -> None:
    project(*streams(log))
    assert Asking(protocol)(f"{address}/{BSN}", headers={"OIN": DERDE}).text == "1 reads=True;2;"
    assert [actie.actie_naam for actie in log.acties] == ["Exporteren persoonsgegevens", "Ophalen details"]
    assert len({(actie.verwerking_id, actie.afnemer_id) for actie in log.acties}) == 1


@CROSSED
@pytest.mark.parametrize(("protocol", "address"), [("wsgi", "/aexport"), ("asgi", "/export")])
def test_a_stream_of_the_other_kind_is_cut_when_it_cannot_be_recorded(
    project: Project, log: MemoryLog, protocol: str, address: str
) -> None:
    project(*streams(log))
    with pytest.raises(NotRecorded):
        Asking(protocol)(f"{address}/{BSN}?fail")
    assert len(log.acties) == 1


def test_between_the_steps_of_a_stream_nothing_lingers(project: Project, log: MemoryLog) -> None:
    project()
    response: Any = VerwerkingenloggingMiddleware(lambda request: StreamingHttpResponse(rows(False, log)))(RequestFactory().get("/"))
    assert next(iter(response)) == b"0 reads=True;"
    with pytest.raises(OutsideContext):
        current()


def closing(log: MemoryLog) -> Iterator[str]:
    try:
        yield "first"
        yield "second"
    finally:
        log_actie("Afbreken export", activiteit="brp", objecten=BSN)


def test_a_stream_that_is_given_up_can_log_that(project: Project, log: MemoryLog) -> None:
    """A client hung up. Django swallows what goes wrong then, so a record would be missing without a word."""
    project()
    response: Any = VerwerkingenloggingMiddleware(lambda request: StreamingHttpResponse(closing(log)))(RequestFactory().get("/"))
    assert next(iter(response)) == b"first"
    with connections_kept():
        response.close()
    assert [actie.actie_naam for actie in log.acties] == ["Afbreken export"]


@CROSSED
def test_a_file_is_still_sent_by_the_server(project: Project, ask: Asking, tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_text("content")
    kept: list[FileResponse] = []

    def send(request: HttpRequest) -> FileResponse:
        kept.append(FileResponse(file.open("rb")))
        return kept[0]

    project(path("", send))
    assert ask("/").text == "content"
    assert kept[0].file_to_stream is not None


@pytest.mark.parametrize("gebruiker", [None, lambda request: None])
async def test_the_middleware_stays_on_the_event_loop(project: Project, log: MemoryLog, gebruiker: Any) -> None:
    """Not one thread is started: not for a view, a refusal, a stream, or a user who has no session."""
    before = set(threading.enumerate())
    seen: list[tuple[int, set[threading.Thread]]] = []

    @verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
    async def view(request: HttpRequest, bsn: str) -> StreamingHttpResponse:
        seen.append((threading.get_ident(), set(threading.enumerate()) - before))
        return StreamingHttpResponse(arows(False, log))

    project(gebruiker=gebruiker)
    middleware: Any = VerwerkingenloggingMiddleware(cast("Any", functools.partial(view, bsn=BSN)))
    response = await middleware(RequestFactory().get("/"))
    assert [part async for part in response] == [b"1 reads=True;", b"2;"]
    log.failure = LogUnavailable("down")
    with pytest.raises(NotRecorded) as caught:
        await middleware(RequestFactory().get("/"))
    assert middleware.process_exception(RequestFactory().get("/"), caught.value).status_code == 503
    assert [*seen, (threading.get_ident(), set(threading.enumerate()) - before)] == [(threading.get_ident(), set())] * 2


@pytest.mark.django_db
def test_no_query_is_added(project: Project, client: Any) -> None:
    """With a log that is elsewhere: what DjangoLog adds is its own to say."""
    project(*URLS)
    for address in (f"/personen/{BSN}", f"/apersonen/{BSN}"):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        assert len(queries) == 0
