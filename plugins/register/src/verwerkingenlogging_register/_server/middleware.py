"""The middleware: version and security headers, a line in the technical log, and a 500 instead of a traceback.

Pure ASGI. The query string and the path are never logged: they may hold a BSN (X57); the template of the route is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from verwerkingenlogging_register._metrics import Metrics
from verwerkingenlogging_register._technical_log import place
from verwerkingenlogging_register._wire.problems import method_of, problem_response, route_of
from verwerkingenlogging_register.settings import API_VERSION

__all__ = ["AnswerHeaders", "HeaderLimit", "TechnicalLog", "answer_headers"]

logger = logging.getLogger("verwerkingenlogging_register")

_ALWAYS = (
    (b"api-version", API_VERSION.encode("ascii")),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)


def answer_headers() -> Sequence[tuple[bytes, bytes]]:
    """The headers of every answer: ``API-Version`` (ADR version-header) and the security headers (ADR transport/security-headers)."""
    return _ALWAYS


class AnswerHeaders:
    """Adds ``answer_headers`` to each answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_ALWAYS]
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class HeaderLimit:
    """Refuses, with 431, a request whose address and headers have more than ``limit`` bytes."""

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http":
            size = len(scope["path"]) + len(scope["query_string"]) + sum([len(name) + len(value) + 4 for name, value in scope["headers"]])
            if size > self._limit:
                await problem_response(431)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class TechnicalLog:
    """Logs and counts each request by the template of its route, and answers 500 to an error of ours."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; only HTTP is logged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except Exception as error:
            instance = uuid4().urn
            where = place(error)
            fields: dict[str, Any] = {"method": method_of(scope), "route": route_of(scope), "instance": instance, "error": where}
            logger.error("500 %s %s %s: %s", method_of(scope), route_of(scope), instance, where, extra={"fields": fields})  # noqa: TRY400  # see place
            if status:
                raise _AnswerCutOff from None
            await problem_response(500, instance=instance)(scope, receive, send_and_note)
        seconds = time.perf_counter() - started
        method, route, milliseconds = method_of(scope), route_of(scope), seconds * 1000
        self._metrics.request(method, route, status, seconds)
        if logger.isEnabledFor(logging.INFO):
            fields = {"method": method, "route": route, "status": status, "milliseconds": round(milliseconds, 3)}
            logger.info("%s %s %d %.1f ms", method, route, status, milliseconds, extra={"fields": fields})


class _AnswerCutOff(Exception):
    """The answer had begun, so the server must break the connection; why stands in the technical log."""
