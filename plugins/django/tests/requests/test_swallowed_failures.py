"""A1: whatever the application's frameworks make of what could not be recorded, the answer is 503, or it is cut."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.template import Context, Template, engines
from django.template.response import TemplateResponse
from django.test import RequestFactory
from django.urls import path
from django.views import View
from ninja import NinjaAPI
from plugins.django.tests.conftest import MIDDLEWARE, Asking, Project, connections_kept
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

from verwerkingenlogging import LogUnavailable, MemoryLog, NotRecorded, OutsideContext, gevonden, persoon, verwerkingsactie
from verwerkingenlogging.context import current
from verwerkingenlogging_django.middleware import VerwerkingenloggingMiddleware

BSN = "2308572"
ANNOTATED = verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
SEARCHED = verwerkingsactie("Zoeken personen", activiteit="brp", objecten=gevonden(lambda found: found))
EATEN = "the application's own answer"


@ANNOTATED
def read(bsn: str) -> str:
    return bsn


@ANNOTATED
async def aread(bsn: str) -> str:
    return bsn


# Handlers of REST framework, each of which answers every exception


def answers_all(error: Exception, context: Any) -> Response:
    """As applications on commonground-api-common have it."""
    return Response({"detail": EATEN}, status=500)


def answers_200(error: Exception, context: Any) -> Response:
    return Response({"detail": EATEN})


def answers_what_it_knows(error: Exception, context: Any) -> Response:
    return exception_handler(error, context) or Response({"detail": EATEN}, status=400)


class Api(APIView):
    @ANNOTATED
    def get(self, request: Request, bsn: str) -> Response:
        return Response({"bsn": bsn})


class Forgiving(View):
    """A base class that answers what its views raise."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return super().dispatch(request, *args, **kwargs)
        except Exception:
            return HttpResponse(EATEN)

    @ANNOTATED
    def get(self, request: HttpRequest, bsn: str) -> HttpResponse:
        return HttpResponse(bsn)


def by_view(request: HttpRequest, bsn: str) -> HttpResponse:
    return HttpResponse(read(bsn))


def by_condition(request: HttpRequest, bsn: str) -> HttpResponse:
    """A condition of a template that goes wrong is false."""
    template = Template("{% if person and 1 %}{{ person }}{% else %}the application's own answer{% endif %}")
    return HttpResponse(template.render(Context({"person": lambda: read(bsn)})))


def by_missing_variable(request: HttpRequest, bsn: str) -> TemplateResponse:
    """What a template calls may say that it is silent when it fails. This is rendered after the view returned."""

    class Silent(Exception):
        silent_variable_failure = True

    def person() -> str:
        try:
            return read(bsn)
        except NotRecorded as error:
            raise Silent from error

    return TemplateResponse(request, engines["django"].from_string("{{ person }}"), {"person": person})


def by_two_worlds(request: HttpRequest, bsn: str) -> HttpResponse:
    """Synchronous code that runs asynchronous code that runs synchronous code."""

    async def between() -> str:
        try:
            return await sync_to_async(read)(bsn)
        except Exception:
            return EATEN

    return HttpResponse(async_to_sync(between)())


def by_asynchronous_code(request: HttpRequest, bsn: str) -> HttpResponse:
    with suppress(Exception):
        return HttpResponse(async_to_sync(aread)(bsn))
    return HttpResponse(EATEN)


async def by_a_thread(request: HttpRequest, bsn: str) -> HttpResponse:
    with suppress(Exception):
        return HttpResponse(await sync_to_async(read, thread_sensitive=False)(bsn))
    return HttpResponse(EATEN)


async def by_searching(request: HttpRequest, bsn: str) -> JsonResponse:
    @SEARCHED
    async def search() -> list[str]:
        return [bsn]

    try:
        return JsonResponse({"found": await search()})
    except Exception:
        return JsonResponse({"errors": [EATEN]})


def ninja(*, forgiving: bool) -> NinjaAPI:
    api = NinjaAPI(urls_namespace=f"forgiving-{forgiving}")
    if forgiving:
        api.add_exception_handler(Exception, lambda request, error: api.create_response(request, EATEN, status=200))

    @api.get("/{bsn}")
    @ANNOTATED
    def operation(request: HttpRequest, bsn: str) -> str:
        return bsn

    return api


class Catching:
    """A middleware inside ours that answers what comes out of the view, as a page for errors does."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        return HttpResponse(EATEN) if response.status_code >= 500 else response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse:
        return HttpResponse(EATEN)


class RecordContents(Catching):
    """A middleware that itself reads of somebody, and does without."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with suppress(Exception):
            read(BSN)
        return self.get_response(request)


def silent(request: HttpRequest, bsn: str) -> HttpResponse:
    return HttpResponse(bsn)


def handler500(request: HttpRequest) -> HttpResponse:
    return HttpResponse(EATEN)


class Urls:
    """A URLconf with its own page for errors."""

    urlpatterns = (path("<bsn>", by_view),)
    handler500 = staticmethod(handler500)


class CatchingAll(Catching):
    """One that raises an error of its own, for which Django asks the page for errors."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse:
        raise RuntimeError("of its own")


DRF: dict[str, Any] = {"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None}
HERE = __name__
WAYS: dict[str, tuple[Any, dict[str, Any]]] = {
    "drf": (Api.as_view(), {"django": {"REST_FRAMEWORK": DRF}}),
    **{
        f"drf, {one.__name__}": (Api.as_view(), {"django": {"REST_FRAMEWORK": {**DRF, "EXCEPTION_HANDLER": f"{HERE}.{one.__name__}"}}})
        for one in (answers_all, answers_200, answers_what_it_knows)
    },
    "ninja, debugging": (ninja(forgiving=False).urls, {"debug": True}),
    "ninja, forgiving": (ninja(forgiving=True).urls, {}),
    "a class": (Forgiving.as_view(), {}),
    "a condition in a template": (by_condition, {}),
    "a variable in a template": (by_missing_variable, {}),
    "synchronous in asynchronous in synchronous": (by_two_worlds, {}),
    "asynchronous in synchronous": (by_asynchronous_code, {}),
    "a thread": (by_a_thread, {}),
    "found": (by_searching, {}),
    "a middleware": (by_view, {"middleware": (MIDDLEWARE, f"{HERE}.Catching")}),
    "a middleware that reads": (silent, {"middleware": (MIDDLEWARE, f"{HERE}.RecordContents")}),
    "handler500": (None, {"middleware": (MIDDLEWARE, f"{HERE}.CatchingAll"), "django": {"ROOT_URLCONF": Urls}}),
}


@pytest.mark.filterwarnings("ignore:Overriding setting")
@pytest.mark.parametrize("way", WAYS)
def test_what_was_not_recorded_is_503_whatever_answers_it(
    project: Project, ask: Asking, log: MemoryLog, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    view, settings = WAYS[way]
    project(path("" if isinstance(view, tuple) else "<bsn>", view) if view else path("", silent), log=log, **settings)
    assert BSN in ask(f"/{BSN}").text
    log.failure = LogUnavailable("down")
    refused = ask(f"/{BSN}")
    assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
    assert refused.json()["code"] == "niet-vastgelegd"
    ours = [one.getMessage() for one in caplog.records if one.name == "verwerkingenlogging"]
    assert ours == ["not recorded, so not processed: down"]


# Streams


def swallowed(bsn: str) -> str:
    with suppress(Exception):
        return read(bsn)
    return EATEN


async def aswallowed(bsn: str) -> str:
    with suppress(Exception):
        return await aread(bsn)
    return EATEN


def stream(request: HttpRequest, bsn: str) -> StreamingHttpResponse:
    def parts() -> Iterator[str]:
        for _ in range(int(request.GET.get("before", 0))):
            yield "header;"
        yield swallowed(bsn)

    return StreamingHttpResponse(parts())


def astream(request: HttpRequest, bsn: str) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[str]:
        yield await aswallowed(bsn)

    return StreamingHttpResponse(parts())


STREAMS = (path("stream/<bsn>", stream), path("astream/<bsn>", astream))


def test_a_stream_whose_first_step_was_not_recorded_is_503_over_wsgi(project: Project, log: MemoryLog) -> None:
    """Over WSGI nothing leaves before the first part."""
    project(*STREAMS, log=log)
    ask = Asking("wsgi")
    assert ask(f"/stream/{BSN}").text == BSN
    log.failure = LogUnavailable("down")
    refused = ask(f"/stream/{BSN}")
    assert (refused.status_code, refused.json()["code"]) == (503, "niet-vastgelegd")


@pytest.mark.parametrize(("protocol", "address"), [("wsgi", f"/stream/{BSN}?before=1"), ("asgi", f"/astream/{BSN}")])
def test_a_stream_of_which_something_left_is_cut_though_the_error_was_eaten(
    project: Project, log: MemoryLog, protocol: str, address: str
) -> None:
    project(*STREAMS, log=log)
    ask = Asking(protocol)
    assert ask(address).text.endswith(BSN)
    log.failure = LogUnavailable("down")
    with pytest.raises(NotRecorded):
        ask(address)


def test_a_stream_that_fails_by_itself_fails_where_it_is_read(project: Project) -> None:
    """As it would without us: the server has the error, and the middlewares do not."""

    def parts() -> Iterator[str]:
        raise RuntimeError("of its own")
        yield ""

    project(path("", lambda request: StreamingHttpResponse(parts())))
    with pytest.raises(RuntimeError, match="of its own"):
        Asking("wsgi")("/")


def test_a_stream_without_parts_is_empty(project: Project, ask: Asking) -> None:
    async def parts() -> AsyncIterator[str]:
        return
        yield ""

    project(path("", lambda request: StreamingHttpResponse(parts() if ask.protocol == "asgi" else iter(()))))
    assert ask("/").text == ""


def test_an_answer_that_is_replaced_is_closed_with_the_503_and_the_request_ends_once(project: Project, log: MemoryLog) -> None:
    closed: list[str] = []
    finished: list[Any] = []

    def view(request: HttpRequest) -> HttpResponse:
        response = HttpResponse(swallowed(BSN))
        response._resource_closers.append(lambda: closed.append("file"))  # type: ignore[attr-defined]  # as request.FILES do
        return response

    def note(**_: Any) -> None:
        finished.append(tuple(closed))

    project(path("", view), log=log)
    log.failure = LogUnavailable("down")
    request_finished.connect(note)
    try:
        assert Asking("wsgi")("/").status_code == 503
    finally:
        request_finished.disconnect(note)
    assert finished == [("file",)]


def test_a_context_ends_when_its_stream_is_closed_and_not_before(project: Project, log: MemoryLog) -> None:
    kept: list[Any] = []

    def parts() -> Iterator[str]:
        kept.append(current())
        yield "one"
        yield swallowed(BSN)

    project(log=log)
    response: Any = VerwerkingenloggingMiddleware(lambda request: StreamingHttpResponse(parts()))(RequestFactory().get("/"))
    assert (list(response), kept[0].ended) == ([b"one", BSN.encode()], False)
    with connections_kept():
        response.close()
    assert kept[0].ended


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_context_ends_also_when_the_server_breaks_off(project: Project, asynchronous: bool) -> None:
    kept: list[Any] = []

    def view(request: HttpRequest) -> Any:
        kept.append(current())
        raise KeyboardInterrupt

    async def aview(request: HttpRequest) -> Any:
        view(request)

    project()
    middleware: Any = VerwerkingenloggingMiddleware(aview if asynchronous else view)  # type: ignore[arg-type]  # as Django gives it
    with pytest.raises(KeyboardInterrupt):
        await middleware(RequestFactory().get("/")) if asynchronous else middleware(RequestFactory().get("/"))
    assert kept[0].ended
    with pytest.raises(OutsideContext):
        current()
