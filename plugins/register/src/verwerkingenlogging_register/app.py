"""The application: both APIs on one database."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

from fastapi import FastAPI
from starlette.middleware import Middleware

from verwerkingenlogging_register import batches, bewerking, confirming, correcting, health, inzage, otlp
from verwerkingenlogging_register.answers import Answers
from verwerkingenlogging_register.aside import Aside
from verwerkingenlogging_register.bsn_places import SpellingWatch
from verwerkingenlogging_register.flags import Flags
from verwerkingenlogging_register.issuers import KeySet
from verwerkingenlogging_register.limits import InFlight, RateLimit
from verwerkingenlogging_register.metrics import Metrics
from verwerkingenlogging_register.middleware import AnswerHeaders, HeaderLimit, TechnicalLog
from verwerkingenlogging_register.openapi import serve_openapi
from verwerkingenlogging_register.problems import add_handlers
from verwerkingenlogging_register.refusals import RecentRefusals
from verwerkingenlogging_register.rules import rules_of
from verwerkingenlogging_register.services import Register, attach
from verwerkingenlogging_register.settings import Settings
from verwerkingenlogging_register.single_server import single_server
from verwerkingenlogging_register.store import Store
from verwerkingenlogging_register.subject_secrets import SubjectSecrets

__all__ = ["create_app"]

logger = logging.getLogger("verwerkingenlogging_register")

_NO_ACTIVITEIT = (
    "setting inzage_activiteit: is not given, so that records of inspections say no purpose; give the id of the verwerkingsactiviteit "
    "under which the log may be read"
)


def create_app(settings: Settings, metrics: Metrics | None = None, rate_limit: RateLimit | None = None) -> FastAPI:
    """The register as an ASGI application. Its lifespan opens the database, and stores what still waits at the end.

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
        with single_server(settings.database), closing(Store(settings, counted)) as store, closing(Aside()) as aside:
            answers = Answers(settings.base_url, settings.lege_velden)
            attach(
                app,
                Register(
                    settings=settings,
                    store=store,
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
                    aside=aside,
                ),
            )
            yield

    app = FastAPI(
        # Not included one by one: each router between would look for the route, and its own way back, anew.
        routes=[route for module in (bewerking, correcting, batches, confirming, inzage, otlp, health) for route in module.router.routes],
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
