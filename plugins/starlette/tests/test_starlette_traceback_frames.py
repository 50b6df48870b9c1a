"""Our functions on the way of an error: what shows local variables, such as Sentry, finds no personal data there."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.routing import Route
from starlette.testclient import TestClient

import verwerkingenlogging
import verwerkingenlogging_starlette
from verwerkingenlogging import persoon, verwerkingsactie

BSN = "999990342"
OURS = tuple(str(Path(module.__file__ or "").parent) for module in (verwerkingenlogging, verwerkingenlogging_starlette))
OPHALEN = {"actie_naam": "Ophalen persoonsgegevens", "activiteit": "brp", "objecten": "bsn"}


def showing(error: BaseException) -> list[str]:
    """Our functions that would show a person's number."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename.startswith(OURS)]
    assert len(frames) > 1
    return [
        f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name} {name}"
        for frame in frames
        if not frame.f_locals.get("__traceback_hide__")
        for name, value in frame.f_locals.items()
        # A request and its scope tell their address, wherever they are shown: no place for a number.
        if BSN in repr(value) and not is_request(value)
    ]


def is_request(value: object) -> bool:
    return isinstance(value, Request) or (isinstance(value, Mapping) and "raw_path" in value)


def application() -> FastAPI:
    app = FastAPI()

    @app.get("/fastapi/{bsn}")
    def crash(bsn: str) -> None:
        raise ValueError("mine")

    @app.get("/fastapi-async/{bsn}")
    async def acrash(bsn: str) -> None:
        raise ValueError("mine")

    def bare(request: Request) -> None:
        raise ValueError("mine")

    async def abare(request: Request) -> None:
        raise ValueError("mine")

    @app.get("/code/{bsn}")
    @verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
    async def annotated(bsn: str) -> None:
        raise ValueError("mine")

    app.router.routes += [Route("/starlette/{bsn}", bare), Route("/starlette-async/{bsn}", abare)]
    return app


@pytest.mark.parametrize("kind", ["code", "fastapi", "fastapi-async", "starlette", "starlette-async"])
def test_no_function_of_ours_shows_a_person(guard: Callable[..., None], kind: str) -> None:
    app = application()
    routes: dict[str, Any] = {} if kind == "code" else {f"/{kind}/{{bsn}}": OPHALEN}
    guard(app, routes=routes)
    with pytest.raises(ValueError, match="mine") as raised:
        TestClient(app).get(f"/{kind}/{BSN}")
    assert showing(raised.value) == []
    # What stands behind a function has its file and its line.
    frames = [frame for frame, _ in traceback.walk_tb(raised.value.__traceback__) if frame.f_code.co_filename == __file__]
    assert [frame.f_code.co_name for frame in frames if not frame.f_locals.get("__traceback_hide__")][1:] == [frames[-1].f_code.co_name]
    assert len(frames) == (2 if kind == "code" else 3)
