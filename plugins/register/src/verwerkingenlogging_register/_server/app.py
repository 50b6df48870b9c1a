"""The ASGI application: both APIs on one database."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

from fastapi import FastAPI
from starlette.middleware import Middleware

from verwerkingenlogging_register._access.client_lookup import Clients
from verwerkingenlogging_register._access.quotas import InFlight, RateLimit
from verwerkingenlogging_register._acties.repository import Repository
from verwerkingenlogging_register._api import batch, bewerking, confirmation, corrections, inzage
from verwerkingenlogging_register._database.server_lock import single_server
from verwerkingenlogging_register._keys.issuers import KeySet
from verwerkingenlogging_register._keys.subject_secrets import SubjectSecrets
from verwerkingenlogging_register._metrics import Metrics
from verwerkingenlogging_register._otlp import traces
from verwerkingenlogging_register._requests.offload import Offload
from verwerkingenlogging_register._requests.recent_refusals import RecentRefusals
from verwerkingenlogging_register._requests.register import Register, attach
from verwerkingenlogging_register._rules.acceptance import rules_of
from verwerkingenlogging_register._rules.bsn_places import SpellingWatch
from verwerkingenlogging_register._rules.flags import Flags
from verwerkingenlogging_register._server import health
from verwerkingenlogging_register._server.middleware import AnswerHeaders, HeaderLimit, TechnicalLog
from verwerkingenlogging_register._wire.answers import Answers
from verwerkingenlogging_register._wire.openapi import serve_openapi
from verwerkingenlogging_register._wire.problems import add_handlers
from verwerkingenlogging_register.settings import Settings

__all__ = ["create_app"]

_OPERATIONS = (bewerking, corrections, batch, confirmation, inzage, traces, health)
logger = logging.getLogger("verwerkingenlogging_register")

_NO_ACTIVITEIT = (
    "setting inzage_activiteit: is not given, so that records of inspections say no purpose; give the id of the verwerkingsactiviteit "
    "under which the log may be read"
)


def create_app(settings: Settings, metrics: Metrics | None = None, rate_limit: RateLimit | None = None) -> FastAPI:
    """Make the register as an ASGI application. Its lifespan opens the database, and at the end stores the writes that wait.

    It counts in ``metrics`` and, for each client, in ``rate_limit``. Starting it raises ConfigurationError when the database, or
    the keys of an issuer, cannot be used.
    """
    counted = metrics or Metrics()
    rate_limit = rate_limit or RateLimit(settings.rate_limit, settings.rate_burst)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if settings.log_inzage and settings.inzage_activiteit is None:
            logger.warning(_NO_ACTIVITEIT)  # here, where the technical log has its form
        issuers = {issuer.iss: KeySet(issuer) for issuer in settings.issuers}
        subject_secrets = SubjectSecrets(settings.subject_secrets)
        rules = rules_of(settings)
        with (
            single_server(settings.database),
            closing(Repository(settings, counted)) as repository,
            closing(Clients(repository.reader, repository.quick_reader)) as clients,
            closing(Offload()) as offload,
        ):
            answers = Answers(settings.base_url, settings.lege_velden)
            attach(
                app,
                Register(
                    settings=settings,
                    repository=repository,
                    clients=clients,
                    answers=answers,
                    issuers=issuers,
                    rate_limit=rate_limit,
                    in_flight=InFlight(),
                    subject_secrets=subject_secrets,
                    metrics=counted,
                    refusals=RecentRefusals(),
                    spellings=SpellingWatch(counted),
                    rules=rules,
                    flags=Flags(counted),
                    offload=offload,
                ),
            )
            yield

    app = FastAPI(
        # Not included one by one: each router between would look for the route, and its own way back, anew.
        routes=[route for module in _OPERATIONS for route in module.router.routes],
        lifespan=lifespan,
        openapi_url=None,  # serve_openapi does
        docs_url=None,  # its page would load scripts of others
        redoc_url=None,
        redirect_slashes=False,  # ADR no-trailing-slash
        # FastAPI's own spans hold url.query, and there stands the BSN (P3).
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        middleware=[
            Middleware(AnswerHeaders),
            Middleware(TechnicalLog, metrics=counted),
            Middleware(HeaderLimit, limit=settings.header_limit),
        ],
    )
    add_handlers(app)
    serve_openapi(app, settings)
    return app
