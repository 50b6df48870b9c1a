"""The patterns of applications in FastAPI and Starlette."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Form, HTTPException
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, Router

from tests.awkward.saying import Entry, Said, found, read

__all__ = ["ASKED", "ENTRIES", "LOST", "build"]

BSN, OTHER = "999990019", "999990020"
PERSON = uuid.UUID("0b1e6d2c-6b0c-4f4c-9a52-1f0f7c8a3c11")


ENTRIES: Mapping[str, Entry] = {
    "GET /plain/{bsn}": read("Ophalen plain"),
    "GET /sync/{bsn}": read("Ophalen sync"),
    "GET /uuid/{person}": read("Ophalen uuid", "person"),
    "GET /wrapped/{bsn}": read("Ophalen wrapped"),
    "GET /carrying-thread/{bsn}": read("Ophalen carrying-thread"),
    "GET /losing-thread/{bsn}": read("Ophalen losing-thread"),
    "GET /outer/{bsn}": read("Ophalen outer"),
    "GET /inner/{bsn}": read("Ophalen inner"),
    "GET /controller/{bsn}": read("Ophalen controller"),
    "GET /controller-calls/{bsn}": read("Ophalen controller-calls"),
    "GET /generator": found("Zoeken generator", lambda found: found),
    "GET /mapped": found("Zoeken mapped", lambda found: found),
    "GET /lines/{bsn}": read("Volgen lines"),
    "GET /stream/{bsn}": read("Exporteren stream"),
    "GET /background/{bsn}": read("Ophalen background"),
    "GET /refuses/{bsn}": read("Ophalen refuses"),
    "GET /breaks/{bsn}": read("Ophalen breaks"),
    "POST /body": read("Opslaan body", "verhuizing.bsn"),
    "POST /form": read("Opslaan form"),
    "GET /search": found("Zoeken search", "results.bsn"),
    "GET /empty": found("Zoeken empty", "results.bsn"),
    "GET /response/{bsn}": read("Ophalen response"),
    "GET /a/twice/{bsn}": read("Ophalen a-twice"),
    "GET /b/twice/{bsn}": read("Ophalen a-twice"),
    "GET /partial/{bsn}": read("Ophalen partial"),
    "GET /depends/{bsn}": read("Ophalen depends"),
    "GET /session/{bsn}": read("Ophalen session"),
    "GET /typed/{bsn}": read("Ophalen typed"),
    "GET /none/{bsn}": {"geen_verwerking": "says hello only"},
    "GET /sub/class/{bsn}": read("Ophalen class", "request.path_params.bsn"),
    "GET /sub/function/{bsn}": read("Ophalen function", "request.path_params.bsn"),
    "GET /sub/deep/{bsn}": read("Ophalen deep", "request.path_params.bsn"),
}
"""What is logged, by the key of the configuration."""

ASKED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    *(
        ("GET", f"/{name}/{BSN}", {})
        for name in (
            "plain",
            "sync",
            "wrapped",
            "carrying-thread",
            "outer",
            "inner",
            "controller",
            "controller-calls",
            "lines",
            "stream",
            "background",
            "refuses",
            "breaks",
            "response",
            "a/twice",
            "b/twice",
            "partial",
            "depends",
            "session",
            "typed",
            "none",
            "sub/class",
            "sub/function",
            "sub/deep",
        )
    ),
    ("GET", f"/uuid/{PERSON}", {}),
    ("GET", "/uuid/no-uuid", {}),
    ("GET", "/generator", {}),
    ("GET", "/mapped", {}),
    ("POST", "/body", {"json": {"bsn": BSN, "postcode": "1234AB"}}),
    ("POST", "/body", {"json": {"bsn": BSN}}),
    ("POST", "/form", {"data": {"bsn": BSN}}),
    ("GET", "/search", {}),
    ("GET", "/empty", {}),
    ("PUT", f"/plain/{BSN}", {}),
    ("GET", "/nothing", {}),
)
"""What is asked: method, path, and what goes with it."""

LOST = ("GET", f"/losing-thread/{BSN}")
"""Where the function cannot know its request: it is refused where it would record."""


class Verhuizing(BaseModel):
    bsn: str
    postcode: str


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator as applications write them."""

    @functools.wraps(function)
    async def called(*args: Any, **kwargs: Any) -> Any:
        return await function(*args, **kwargs)

    return called


def in_thread(*, carrying: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Runs a function in a pool of threads, with the context variables of its caller or without."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def called(*args: Any, **kwargs: Any) -> Any:
            run = functools.partial(function, *args, **kwargs)
            if carrying:
                run = functools.partial(contextvars.copy_context().run, run)
            with ThreadPoolExecutor(1) as pool:
                return await asyncio.wrap_future(pool.submit(run))

        return called

    return decorate


class Session:
    """A dependency that is an object."""

    def __call__(self, bsn: str) -> str:
        return f"session of {len(bsn)}"


async def opened() -> AsyncIterator[str]:
    yield "open"


def build(said: Said) -> FastAPI:  # noqa: C901  # a list of patterns
    """The application, with a decorator for each function that records."""
    app = FastAPI()
    router = APIRouter()
    again = APIRouter()

    @app.get("/plain/{bsn}")
    @said("GET /plain/{bsn}")
    async def plain(bsn: str) -> dict[str, str]:
        return {"bsn": bsn}

    @app.get("/sync/{bsn}")
    @said("GET /sync/{bsn}")
    def sync(bsn: str, naam: str = "niemand") -> dict[str, str]:
        return {"bsn": bsn, "naam": naam}

    @app.get("/uuid/{person}")
    @said("GET /uuid/{person}")
    async def by_uuid(person: uuid.UUID) -> uuid.UUID:
        return person

    @app.get("/wrapped/{bsn}")
    @logged
    @logged
    @said("GET /wrapped/{bsn}")
    async def wrapped(bsn: str) -> str:
        return bsn

    @app.get("/carrying-thread/{bsn}")
    @in_thread(carrying=True)
    @said("GET /carrying-thread/{bsn}")
    def carrying(bsn: str) -> str:
        return bsn

    @app.get("/losing-thread/{bsn}")
    @in_thread(carrying=False)
    @said("GET /losing-thread/{bsn}")
    def losing(bsn: str) -> str:
        return bsn

    @router.get("/inner/{bsn}")
    @said("GET /inner/{bsn}")
    async def inner(bsn: str) -> str:
        return bsn

    @router.get("/outer/{bsn}")
    @said("GET /outer/{bsn}")
    async def outer(bsn: str) -> list[str]:
        return [bsn, await inner(bsn)]

    class Controller:
        @said("GET /controller/{bsn}")
        def one(self, bsn: str) -> str:
            return bsn

        @said("GET /controller-calls/{bsn}")
        def several(self, bsn: str) -> list[str]:
            return [self.one(bsn), self.one(OTHER)]

    controller = Controller()
    router.add_api_route("/controller/{bsn}", controller.one)
    router.add_api_route("/controller-calls/{bsn}", controller.several)

    @app.get("/generator", response_model=None)
    @said("GET /generator")
    def generator() -> Iterator[str]:
        return (bsn for bsn in (BSN, OTHER))

    @app.get("/mapped", response_model=None)
    @said("GET /mapped")
    async def mapped() -> Any:
        return map(str, (BSN, OTHER))

    @app.get("/lines/{bsn}")
    @said("GET /lines/{bsn}")
    async def lines(bsn: str) -> AsyncIterator[Verhuizing]:
        for postcode in ("1234AB", "1234AC"):
            yield Verhuizing(bsn=bsn, postcode=postcode)

    @app.get("/stream/{bsn}")
    @said("GET /stream/{bsn}")
    def stream(bsn: str) -> StreamingResponse:
        return StreamingResponse(iter([bsn, ";"]))

    @app.get("/background/{bsn}")
    @said("GET /background/{bsn}")
    def background(bsn: str, tasks: BackgroundTasks) -> str:
        tasks.add_task(str, bsn)
        return bsn

    @app.get("/refuses/{bsn}")
    @said("GET /refuses/{bsn}")
    async def refuses(bsn: str) -> str:
        raise HTTPException(404, "no such person")

    @app.get("/breaks/{bsn}")
    @said("GET /breaks/{bsn}")
    async def breaks(bsn: str) -> str:
        raise ValueError("of its own")

    @app.post("/body", status_code=201)
    @said("POST /body")
    async def body(verhuizing: Verhuizing) -> Verhuizing:
        return verhuizing

    @app.post("/form")
    @said("POST /form")
    async def form(bsn: Annotated[str, Form()]) -> str:
        return bsn

    @app.get("/search")
    @said("GET /search")
    async def search() -> dict[str, list[Verhuizing]]:
        return {"results": [Verhuizing(bsn=bsn, postcode="1234AB") for bsn in (BSN, OTHER)]}

    @app.get("/empty")
    @said("GET /empty")
    async def empty() -> dict[str, list[Verhuizing]]:
        return {"results": []}

    @app.get("/response/{bsn}")
    @said("GET /response/{bsn}")
    async def response(bsn: str) -> Response:
        return PlainTextResponse(bsn, 203, headers={"X-Of-Its-Own": "1"})

    @again.get("/twice/{bsn}")
    @said("GET /a/twice/{bsn}")
    async def twice(bsn: str) -> str:
        return bsn

    @said("GET /partial/{bsn}")
    def of_partial(naam: str, bsn: str) -> list[str]:
        return [naam, bsn]

    app.add_api_route("/partial/{bsn}", functools.partial(of_partial, "naam"))

    @app.get("/depends/{bsn}")
    @said("GET /depends/{bsn}")
    async def depends(bsn: str, session: Annotated[str, Depends(Session())]) -> list[str]:
        return [bsn, session]

    @app.get("/session/{bsn}")
    @said("GET /session/{bsn}")
    async def session(bsn: str, session: Annotated[str, Depends(opened)]) -> list[str]:
        return [bsn, session]

    @app.get("/typed/{bsn}", response_model=Verhuizing)
    @said("GET /typed/{bsn}")
    async def typed(bsn: str) -> Any:
        return {"bsn": bsn, "postcode": "1234AB", "geheim": "left out"}

    @app.get("/none/{bsn}")
    @said("GET /none/{bsn}")
    async def none(bsn: str) -> str:
        return "hello"

    @app.exception_handler(ValueError)
    async def handle(request: Request, error: ValueError) -> JSONResponse:
        return JSONResponse({"handled": str(error)}, 418)

    class Person(HTTPEndpoint):
        @said("GET /sub/class/{bsn}")
        async def get(self, request: Request) -> Response:
            return PlainTextResponse(request.path_params["bsn"])

    @said("GET /sub/function/{bsn}")
    def function(request: Request) -> Response:
        return PlainTextResponse(request.path_params["bsn"])

    @said("GET /sub/deep/{bsn}")
    async def deep(request: Request) -> Response:
        return await run_in_threadpool(PlainTextResponse, request.path_params["bsn"])

    routes = [Route("/class/{bsn}", Person), Route("/function/{bsn}", function), Mount("/", app=Router([Route("/deep/{bsn}", deep)]))]
    app.mount("/sub", Starlette(routes=routes, middleware=[Middleware(GZipMiddleware, minimum_size=1_000_000)]))
    app.include_router(router)
    app.include_router(again, prefix="/a")
    app.include_router(again, prefix="/b")
    return app
