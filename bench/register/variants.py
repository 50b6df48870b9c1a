"""The register beside itself: with its storage left out, and with a transaction for each request. All else is the same code."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import create_engine
from starlette.requests import Request
from starlette.responses import Response

from verwerkingenlogging_register import Settings, create_app
from verwerkingenlogging_register._acties.insertion import insert_versions
from verwerkingenlogging_register._acties.repository import Repository
from verwerkingenlogging_register._database.engines import open_writer
from verwerkingenlogging_register._keys.protection import Keys
from verwerkingenlogging_register._metrics import Metrics
from verwerkingenlogging_register._model.subjects import Persoon
from verwerkingenlogging_register._model.versions import ActieVersie, VersionRows
from verwerkingenlogging_register._requests.authentication import authenticated
from verwerkingenlogging_register._requests.inspection import log_inspection
from verwerkingenlogging_register._requests.register import attach, register_of
from verwerkingenlogging_register._wire.validation import check, doelbinding_of

__all__ = ["EACH", "FIXED_BYTES", "FIXED_PATH", "GUARDED_PATH", "HELD_PATH", "LEFT_OUT", "OURS", "PROBED", "VARIANTS"]

OURS = "ours"
LEFT_OUT = "storage left out"
EACH = "a transaction per request"
FIXED_PATH = "/fixed"
GUARDED_PATH = "/guarded"
FIXED_BYTES = 20_000
PROBED = "the loop watched"
HELD_PATH = "/held"
_WAKE_SECONDS = 0.001
_CONNECTIONS = 8


class _LeftOut(Repository):
    """Checks and answers as the register does, and keeps nothing."""

    def __init__(self, repository: Repository, _settings: Settings) -> None:
        self.__dict__.update(repository.__dict__)  # the same in all but this

    async def append(self, versie: ActieVersie | VersionRows, **_: object) -> VersionRows:
        """The rows, which nobody stores."""
        return versie if isinstance(versie, VersionRows) else versie.rows()


class _Each(Repository):
    """Keeps each version in a transaction of its own: on SQLite one after the other, on PostgreSQL through eight connections."""

    def __init__(self, repository: Repository, settings: Settings) -> None:
        self.__dict__.update(repository.__dict__)
        keys = Keys(settings.key_source)
        if isinstance(settings.database, Path):
            self._engine = open_writer(settings.database, keys)
        else:  # not the register's own: that lets one write at a time
            options = {"keys": keys}
            self._engine = create_engine(settings.database, pool_size=_CONNECTIONS, hide_parameters=True, execution_options=options)
        for _ in range(2):  # the first makes its key known, the second finds it there: so no two requests do
            with self._engine.begin() as connection:
                keys.register(connection, keys.active())
        self._threads = ThreadPoolExecutor(1 if isinstance(settings.database, Path) else _CONNECTIONS)

    async def append(self, versie: ActieVersie | VersionRows, **_: object) -> VersionRows:
        """Store it, and commit."""
        rows = versie if isinstance(versie, VersionRows) else versie.rows()
        await asyncio.get_running_loop().run_in_executor(self._threads, self._insert, rows)
        return rows

    def _insert(self, rows: VersionRows) -> None:
        with self._engine.begin() as connection:
            insert_versions(connection, [rows])


_Create = Callable[[Settings, Metrics], FastAPI]


def _ours(settings: Settings, metrics: Metrics) -> FastAPI:
    """As it is, and beside its routes two with a fixed answer: one for anybody, one as an answer with records is given."""
    app = create_app(settings, metrics)
    body = b"x" * FIXED_BYTES

    async def fixed(_request: Request) -> Response:
        return Response(body, media_type="application/json")

    async def guarded(request: Request) -> Response:
        register = register_of(request)
        caller = await authenticated(request, register)
        doelbinding, faults = doelbinding_of(request, mandatory=False)
        check(faults)
        caller.check_oin(doelbinding)
        await log_inspection(register, doelbinding, [Persoon("persoon", "BSN", request.query_params["objectId"])])
        return Response(body, media_type="application/json")

    app.add_route(FIXED_PATH, fixed)
    app.add_route(GUARDED_PATH, guarded)
    return app


def _with_store(make: Callable[[Repository, Settings], Repository]) -> _Create:
    """The same register, but for its store."""

    def create(settings: Settings, metrics: Metrics) -> FastAPI:
        app = create_app(settings, metrics)
        opened = app.router.lifespan_context

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            async with opened(app):
                attach(app, replace(app.state.register, repository=make(app.state.register.repository, settings)))
                yield

        app.router.lifespan_context = lifespan
        return app

    return create


def _probed(settings: Settings, metrics: Metrics) -> FastAPI:
    """As it is, and beside its routes one that tells how long its event loop was held since the last time it was asked."""
    app = create_app(settings, metrics)
    opened = app.router.lifespan_context
    longest = [0.0]

    async def watch() -> None:
        while True:
            began, busy = time.perf_counter(), time.process_time()
            await asyncio.sleep(_WAKE_SECONDS)
            late = time.perf_counter() - began - _WAKE_SECONDS
            longest[0] = max(longest[0], min(late, time.process_time() - busy))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opened(app):
            watching = asyncio.ensure_future(watch())
            yield
            watching.cancel()

    async def held(_request: Request) -> Response:
        seconds, longest[0] = longest[0], 0.0
        return Response(json.dumps({"seconds": seconds}), media_type="application/json")

    app.router.lifespan_context = lifespan
    app.add_route(HELD_PATH, held)
    return app


VARIANTS: dict[str, _Create] = {PROBED: _probed, OURS: _ours, LEFT_OUT: _with_store(_LeftOut), EACH: _with_store(_Each)}
