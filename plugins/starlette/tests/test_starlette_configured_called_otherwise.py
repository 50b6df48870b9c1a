"""Configured functions that are called in other ways than by their route: recorded as where the annotation stands in code."""

from __future__ import annotations

import asyncio
import functools
import gc
import queue
import sys
import threading
import types
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from verwerkingenlogging import MemoryLog, OutsideContext, Recorder, carried, persoon, recording, verwerkingsactie
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware, routes

Guard = Callable[..., None]

ran: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


def entry(naam: str, **more: Any) -> dict[str, Any]:
    return {"actie_naam": naam, "activiteit": "brp", "objecten": "bsn", **more}


def logged(log: MemoryLog) -> list[tuple[str | None, list[str]]]:
    return [(actie.actie_naam, [objekt.object_id for objekt in actie.verwerkte_objecten]) for actie in log.acties]


# One application, annotated in its code or in configuration: what is recorded must be the same.

Annotate = Callable[[str], Callable[[Any], Any]]


def in_code(naam: str) -> Callable[[Any], Any]:
    return verwerkingsactie(naam, activiteit="brp", objecten=persoon("bsn"))


def not_in_code(naam: str) -> Callable[[Any], Any]:
    return lambda function: function


OTHER_MODULE = """
async def elders(bsn):
    return bsn
"""


def letting_in(function: Any) -> Any:
    @functools.wraps(function)
    async def guarded(*args: Any, **kwargs: Any) -> Any:
        return await function(*args, **kwargs)

    return guarded


def controller(router: APIRouter) -> Callable[[type], type]:
    """Class-based, as fastapi-utils and others have it: self is a dependency."""

    def decorate(cls: type) -> type:
        import inspect

        for route in router.routes:
            function = route.endpoint  # type: ignore[attr-defined]  # of an APIRoute
            signature = inspect.signature(function)
            first, *others = signature.parameters.values()
            function.__signature__ = signature.replace(
                parameters=[
                    first.replace(default=Depends(cls), kind=first.KEYWORD_ONLY),
                    *(one.replace(kind=one.KEYWORD_ONLY) for one in others),
                ]
            )
        made = [(route.path, route.endpoint) for route in router.routes]  # type: ignore[attr-defined]  # as above
        router.routes.clear()
        for path, function in made:
            router.add_api_route(path, function, methods=["GET"])
        return cls

    return decorate


def application(said: Annotate) -> FastAPI:
    app, router = FastAPI(), APIRouter()
    module = types.ModuleType("elders")
    exec(OTHER_MODULE, module.__dict__)
    module.elders = said("elders")(module.elders)  # type: ignore[attr-defined]  # made by exec
    app.get("/elders/{bsn}")(module.elders)
    imported = module.elders

    @app.get("/een/{bsn}")
    @letting_in
    @said("een")
    async def een(bsn: str) -> str:
        ran.append(f"een {bsn}")
        return bsn

    @app.get("/gewoon/{bsn}")
    @said("gewoon")
    def gewoon(bsn: str, diep: bool = False) -> str:
        return gewoon(bsn=f"{bsn}0") if diep else bsn

    handlers = {"een": een, "gewoon": gewoon}
    later = functools.partial(een, "9")

    @app.get("/roept/{bsn}")
    @said("roept")
    async def roept(bsn: str) -> str:
        await een(bsn)
        await imported(f"{bsn}1")
        gewoon(f"{bsn}2", diep=True)
        await handlers["een"](f"{bsn}3")
        await later()
        await asyncio.gather(*map(een, [f"{bsn}4"]))
        await asyncio.create_task(een(bsn=f"{bsn}5"))
        await asyncio.to_thread(gewoon, f"{bsn}6")
        return bsn

    @app.get("/afhankelijk/{bsn}")
    async def afhankelijk(wie: str = Depends(gewoon)) -> str:  # an Annotated could not name what is in a function
        return str(await een(wie))

    class Base:
        @router.get("/basis/{bsn}")
        @said("basis")
        async def basis(self, bsn: str) -> str:
            return bsn

    class Controller(Base):
        @router.get("/kort/{bsn}")
        @said("kort")
        def kort(self, bsn: str) -> str:
            return bsn

        @router.get("/lang/{bsn}")
        @said("lang")
        async def lang(self, bsn: str) -> str:
            self.kort(f"{bsn}7")
            self.kort(bsn=f"{bsn}8")
            await super().basis(f"{bsn}9")
            return str(await self.basis(bsn))

    controller(router)(Controller)
    app.include_router(router, prefix="/klasse")
    return app


NAMEN = ("een", "elders", "gewoon", "roept", "klasse/basis", "klasse/kort", "klasse/lang")
CONFIGURED = {f"GET /{naam}/{{bsn}}": entry(naam.rpartition("/")[2]) for naam in NAMEN}


def test_what_one_handler_calls_of_another_is_recorded_as_where_it_stands_in_code(recorder: Recorder, log: MemoryLog) -> None:
    answers, records = [], []
    for said, configured in ((in_code, None), (not_in_code, CONFIGURED)):
        app = application(said)
        app.add_middleware(VerwerkingenloggingMiddleware, recorder=recorder, routes=configured)
        client = TestClient(app)
        addresses = [*(f"/{naam}/1" for naam in NAMEN), "/afhankelijk/1", "/gewoon/1?diep=1"]
        answers.append([client.get(address).json() for address in addresses])
        records.append(logged(log))
        log.acties.clear()
    assert answers[0] == answers[1]
    assert records[0] == records[1]
    assert len(records[0]) == 24


def test_a_function_that_is_called_fails_as_its_route_does(guard: Guard, log: MemoryLog) -> None:
    """By a route of which nothing is said, too: nothing is processed without a record."""
    app = application(not_in_code)
    guard(app, routes={"GET /een/{bsn}": entry("een")})
    client = TestClient(app)
    assert client.get("/roept/1").status_code == 200
    assert {naam for naam, _ in logged(log)} == {"een"}
    log.failure = RuntimeError("down")  # type: ignore[assignment]  # whatever the log raises
    ran.clear()
    assert client.get("/roept/1").status_code == 503
    assert ran == []


class Dossier(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        ran.append("get")
        return PlainTextResponse("ok")

    async def post(self, request: Request) -> Response:
        return await self.get(request)

    async def put(self, request: Request) -> Response:
        return await type(self).get(self, request=request)


class Ander(Dossier):
    async def get(self, request: Request) -> Response:
        return await super().get(request)


class Los(HTTPEndpoint):
    """Inherits nothing of what is said."""

    get = Dossier.get


async def lezen(request: Request) -> Response:
    ran.append("lezen")
    return PlainTextResponse("ok")


async def doorgeven(request: Request) -> Response:
    return await lezen(request)


async def zonder(request: Request) -> Response:
    return await lezen(None)  # type: ignore[arg-type]  # it needs no request


def starlette_app() -> Starlette:
    return Starlette(
        routes=[
            Route("/klasse/{bsn}", Dossier),
            Route("/ander/{bsn}", Ander),
            Route("/los/{bsn}", Los),
            Route("/lezen/{bsn}", lezen, methods=["GET", "POST"]),
            Route("/ook/{bsn}", lezen),
            Route("/door/{bsn}", doorgeven),
            Route("/zonder/{bsn}", zonder),
            Route("/hernoemd/{nummer}", doorgeven),
        ]
    )


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/klasse/1", ["klasse"]),
        ("POST", "/klasse/1", ["klasse"]),
        ("PUT", "/klasse/1", ["klasse"]),
        ("GET", "/ander/1", ["klasse"]),  # by super(): it is one of those
        ("GET", "/los/1", []),  # it is none
        ("GET", "/lezen/1", ["lezen"]),
        ("POST", "/lezen/1", []),  # of that nothing is said
        ("GET", "/ook/1", []),  # nor of that
        ("GET", "/door/1", ["lezen"]),
    ],
)
def test_endpoints_of_starlette_that_are_called_record_what_the_request_says(
    guard: Guard, log: MemoryLog, method: str, path: str, expected: list[str]
) -> None:
    app = starlette_app()
    guard(app, routes={"GET /klasse/{bsn}": entry("klasse"), "GET /lezen/{bsn}": entry("lezen")})
    assert TestClient(app).request(method, path).status_code == 200
    assert logged(log) == [(naam, ["1"]) for naam in expected]
    assert len(ran) == 1


@pytest.mark.parametrize("path", ["/zonder/1", "/hernoemd/1"])
def test_a_call_that_does_not_say_whose_data_it_is_is_refused(guard: Guard, log: MemoryLog, path: str) -> None:
    app = starlette_app()
    guard(app, routes={"GET /lezen/{bsn}": entry("lezen")})
    assert TestClient(app).get(path).status_code == 503
    assert (log.acties, ran) == ([], [])


def test_a_call_of_a_function_whose_routes_say_different_things_is_refused(guard: Guard, log: MemoryLog) -> None:
    app = starlette_app()
    guard(app, routes={"GET /lezen/{bsn}": entry("lezen"), "/ook/{bsn}": entry("ook")})
    client = TestClient(app)
    for naam in ("lezen", "ook"):
        assert client.get(f"/{naam}/1").status_code == 200
    assert [naam for naam, _ in logged(log)] == ["lezen", "ook"]
    ran.clear()
    assert client.get("/door/1").status_code == 503
    assert ran == []


def test_a_call_of_a_function_whose_routes_say_the_same_is_recorded(guard: Guard, log: MemoryLog) -> None:
    app = starlette_app()
    guard(app, routes={"GET /lezen/{bsn}": entry("lezen"), "/ook/{bsn}": dict(entry("lezen"))})
    assert TestClient(app).get("/door/1").status_code == 200
    assert logged(log) == [("lezen", ["1"])]


class Copying:
    """Something between the routers that hands on a scope of its own, and perhaps another address."""

    def __init__(self, app: ASGIApp, address: str | None = None) -> None:
        self.app = app
        self.address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        more = {} if self.address is None else {"root_path": "/elsewhere", "path": self.address}
        await self.app({**scope, **more}, receive, send)


async def ophalen(bsn: str) -> str:
    ran.append(bsn)
    return bsn


@pytest.mark.parametrize(("same", "status"), [(True, 200), (False, 503)])
def test_a_request_whose_template_cannot_be_told_is_recorded_where_all_say_the_same_and_else_refused(
    guard: Guard, log: MemoryLog, same: bool, status: int
) -> None:
    inner = Starlette(routes=[Route("/{bsn}", lezen)], middleware=[Middleware(Copying, address="/elsewhere/1")])
    app = Starlette(routes=[Mount("/a/{code:int}", app=inner), Mount("/b/{code:int}", app=inner)])
    guard(app, routes={"/a/{code}/{bsn}": entry("lezen"), "/b/{code}/{bsn}": entry("lezen" if same else "ander")})
    assert TestClient(app).get("/a/1/1").status_code == status
    assert len(log.acties) == len(ran) == same


def test_a_function_of_fastapi_is_found_behind_what_copies_the_scope(guard: Guard, log: MemoryLog) -> None:
    inner = FastAPI(middleware=[Middleware(Copying)])
    inner.get("/{bsn}")(ophalen)
    app = FastAPI()
    app.mount("/in", inner)
    guard(app, routes={"/in/{bsn}": entry("ophalen")})
    assert TestClient(app).get("/in/1").status_code == 200
    assert logged(log) == [("ophalen", ["1"])]


def test_a_route_that_is_added_later_records_as_in_code(guard: Guard, log: MemoryLog) -> None:
    app = FastAPI()
    app.get("/{bsn}")(ophalen)
    guard(app, routes={"/{bsn}": entry("ophalen")})
    client = TestClient(app)
    assert client.get("/1").status_code == 200
    app.get("/later/{bsn}")(ophalen)
    assert client.get("/later/2").status_code == 200
    assert logged(log) == [("ophalen", ["1"]), ("ophalen", ["2"])]


# Where the request is lost.

pool = ThreadPoolExecutor(max_workers=1)


def in_a_pool(function: Any) -> Any:
    @functools.wraps(function)
    def elsewhere(*args: Any, **kwargs: Any) -> Any:
        return pool.submit(function, *args, **kwargs).result()

    return elsewhere


def in_a_thread(function: Any) -> Any:
    @functools.wraps(function)
    def elsewhere(*args: Any, **kwargs: Any) -> Any:
        answers: queue.Queue[Any] = queue.Queue()

        def run() -> None:
            try:
                answers.put(function(*args, **kwargs))
            except BaseException as error:
                answers.put(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        answer = answers.get()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return elsewhere


def in_a_loop_of_its_own(function: Any) -> Any:
    """As asgiref or a framework may run asynchronous code from synchronous code."""

    @functools.wraps(function)
    def elsewhere(*args: Any, **kwargs: Any) -> Any:
        return pool.submit(asyncio.run, function(*args, **kwargs)).result()

    return elsewhere


def by_an_executor(function: Any) -> Any:
    @functools.wraps(function)
    async def elsewhere(*args: Any, **kwargs: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(pool, functools.partial(function, *args, **kwargs))

    return elsewhere


def sync_read(bsn: str) -> str:
    ran.append(bsn)
    return bsn


def sync_endpoint(request: Request) -> Response:
    ran.append(request.path_params["bsn"])
    return PlainTextResponse("ok")


LOST = {
    "a pool": (in_a_pool, sync_read),
    "a thread": (in_a_thread, sync_read),
    "an executor": (by_an_executor, sync_read),
    "a loop of its own": (in_a_loop_of_its_own, ophalen),
    "two of them": (lambda function: in_a_pool(in_a_thread(function)), sync_read),
}


@pytest.mark.parametrize("kind", LOST)
def test_a_function_that_cannot_know_its_request_is_not_called(guard: Guard, log: MemoryLog, kind: str) -> None:
    decorate, function = LOST[kind]
    app = FastAPI()
    app.get("/p/{bsn}")(decorate(function))
    guard(app, routes={"/p/{bsn}": entry("ophalen")})
    assert TestClient(app).get("/p/1").status_code == 503
    assert (log.acties, ran) == ([], [])


@pytest.mark.parametrize("decorate", [in_a_pool, in_a_thread, by_an_executor])
def test_an_endpoint_of_starlette_that_cannot_know_its_request_is_not_called(guard: Guard, log: MemoryLog, decorate: Any) -> None:
    app = Starlette(routes=[Route("/p/{bsn}", decorate(sync_endpoint))])
    guard(app, routes={"/p/{bsn}": entry("ophalen")})
    assert TestClient(app).get("/p/1").status_code == 503
    assert (log.acties, ran) == ([], [])


def carrying(function: Any) -> Any:
    """As it should be done."""

    @functools.wraps(function)
    def elsewhere(*args: Any, **kwargs: Any) -> Any:
        return pool.submit(carried().run, function, *args, **kwargs).result()

    return elsewhere


def test_a_function_to_which_its_request_is_carried_is_recorded(guard: Guard, log: MemoryLog) -> None:
    app = FastAPI()
    app.get("/p/{bsn}")(carrying(sync_read))
    guard(app, routes={"/p/{bsn}": entry("ophalen")})
    assert TestClient(app).get("/p/1").status_code == 200
    assert logged(log) == [("ophalen", ["1"])]


def test_a_function_that_runs_on_after_its_request_is_recorded(guard: Guard, log: MemoryLog) -> None:
    app, tasks = FastAPI(), []

    @app.get("/start/{bsn}")
    async def start(bsn: str) -> None:
        async def work() -> None:
            await over.wait()
            await ophalen(bsn)

        tasks.append(asyncio.create_task(work()))

    app.get("/p/{bsn}")(ophalen)
    guard(app, routes={"/p/{bsn}": entry("ophalen")})

    async def ask() -> None:
        from httpx2 import ASGITransport, AsyncClient

        async with AsyncClient(transport=ASGITransport(app, client=("testclient", 1)), base_url="http://test") as client:
            assert (await client.get("/start/1")).status_code == 200
        over.set()
        await tasks[0]

    over = asyncio.Event()
    asyncio.run(ask())
    assert logged(log) == [("ophalen", ["1"])]


def test_outside_any_request_it_refuses_and_in_a_job_it_records(guard: Guard, recorder: Recorder, log: MemoryLog) -> None:
    def read(bsn: str) -> str:
        return bsn

    app = FastAPI()
    app.get("/p/{bsn}")(read)
    guard(app, routes={"/p/{bsn}": entry("ophalen")})
    assert read("1") == "1"  # not started yet
    assert TestClient(app).get("/p/1").status_code == 200
    with pytest.raises(OutsideContext):
        read("2")
    with recording(recorder):
        assert read("3") == "3"
    assert logged(log) == [("ophalen", ["1"]), ("ophalen", ["3"])]


def test_an_application_that_is_gone_says_nothing_any_more(recorder: Recorder) -> None:
    def read(bsn: str) -> str:
        return bsn

    def started() -> None:
        app = FastAPI()
        app.get("/p/{bsn}")(read)
        app.add_middleware(VerwerkingenloggingMiddleware, recorder=recorder, routes={"/p/{bsn}": entry("ophalen")})
        assert TestClient(app).get("/p/1").status_code == 200

    started()
    gc.collect()
    assert read("2") == "2"


def test_a_job_records_what_the_applications_agree_on(recorder: Recorder, log: MemoryLog) -> None:
    apps = []

    def read(bsn: str) -> str:
        return bsn

    for naam in ("een", "een", "twee"):
        app = FastAPI()
        app.get("/p/{bsn}")(read)
        app.add_middleware(VerwerkingenloggingMiddleware, recorder=recorder, routes={"/p/{bsn}": entry(naam)})
        apps.append(TestClient(app))
    for client in apps[:2]:
        assert client.get("/p/1").status_code == 200
    with recording(recorder):
        assert read("2") == "2"
    assert logged(log) == [("een", ["1"]), ("een", ["1"]), ("een", ["2"])]
    assert apps[2].get("/p/1").status_code == 200
    with recording(recorder) as job, pytest.raises(Exception, match="of which different things are said"):
        read("3")
    assert job.failed is not None


def test_what_tools_see_of_a_function_stays_the_same(guard: Guard) -> None:
    import inspect

    app = FastAPI()
    app.get("/p/{bsn}")(ophalen)
    before = (inspect.signature(ophalen), inspect.getsource(ophalen), ophalen.__qualname__, inspect.iscoroutinefunction(ophalen))
    guard(app, routes={"/p/{bsn}": entry("ophalen")})
    assert TestClient(app).get("/p/1").status_code == 200
    assert before == (inspect.signature(ophalen), inspect.getsource(ophalen), ophalen.__qualname__, inspect.iscoroutinefunction(ophalen))
    assert sys.modules[__name__].ophalen is ophalen
    assert [route.name for route in routes(app) or []] == ["GET /p/{bsn}"]


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """An application of an earlier test says nothing in a later one."""
    yield
    gc.collect()
