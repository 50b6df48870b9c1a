"""The application: both APIs on one database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware

from verwerkingenlogging_register import bewerking, inzage
from verwerkingenlogging_register.answers import Answers
from verwerkingenlogging_register.middleware import AnswerHeaders, TechnicalLog
from verwerkingenlogging_register.openapi import API_VERSION, serve_openapi
from verwerkingenlogging_register.problems import add_handlers
from verwerkingenlogging_register.services import Register, attach
from verwerkingenlogging_register.settings import Settings
from verwerkingenlogging_register.store import Store

__all__ = ["create_app"]


def create_app(settings: Settings) -> FastAPI:
    """The register as an ASGI application. Its lifespan opens the database, and stores what still waits at the end.

    Starting it raises ConfigurationError when the database cannot be used.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        store = Store(settings)
        attach(app, Register(settings, store, Answers(settings.base_url)))
        try:
            yield
        finally:
            store.close()

    app = FastAPI(
        lifespan=lifespan,
        openapi_url=None,  # serve_openapi does
        docs_url=None,  # its page would load scripts of others
        redoc_url=None,
        redirect_slashes=False,  # ADR no-trailing-slash
        # FastAPI's own spans hold url.query, and there stands the BSN (P3).
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        middleware=[Middleware(AnswerHeaders, api_version=API_VERSION), Middleware(TechnicalLog)],
    )
    app.include_router(bewerking.router)
    app.include_router(inzage.router)
    add_handlers(app)
    serve_openapi(app, settings)
    return app
