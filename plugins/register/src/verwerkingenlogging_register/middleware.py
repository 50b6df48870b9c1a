"""What every answer has: the version and security headers, a line in the technical log, and never a traceback for the caller.

Pure ASGI. The query string and the path are never logged: they may hold a BSN (X57); the template of the route is.
"""

from __future__ import annotations

import logging
import time
import traceback
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from verwerkingenlogging_register.problems import problem_response, route_of

__all__ = ["AnswerHeaders", "TechnicalLog"]

logger = logging.getLogger("verwerkingenlogging_register")

_SECURITY = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)


class AnswerHeaders:
    """Adds ``API-Version`` (ADR version-header) and the security headers (ADR transport/security-headers) to each answer."""

    def __init__(self, app: ASGIApp, *, api_version: str) -> None:
        self._app = app
        self._headers = ((b"api-version", api_version.encode("ascii")), *_SECURITY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class TechnicalLog:
    """Logs each request by the template of its route, and turns an error of ours into a 500.

    An exception is logged by its type and place: its text could repeat personal data (P3).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

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
            logger.error("500 %s %s %s: %s", scope["method"], route_of(scope), instance, _place(error))  # noqa: TRY400  # see the docstring
            if status:
                raise _AnswerCutOff from None
            await problem_response(500, instance=instance)(scope, receive, send_and_note)
        milliseconds = (time.perf_counter() - started) * 1000
        logger.info("%s %s %d %.1f ms", scope["method"], route_of(scope), status, milliseconds)


class _AnswerCutOff(Exception):
    """The answer had begun, so the server must break the connection; why stands in the technical log."""


def _place(raised: BaseException) -> str:
    """Type of an error and of what caused it, and where in our code it passed, without any text of it."""
    places = []
    error: BaseException | None = raised
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if __package__ in frame.filename] or frames
        places.append(
            f"{type(error).__name__} at {ours[-1].filename}:{ours[-1].lineno} in {ours[-1].name}" if ours else type(error).__name__
        )
        error = error.__cause__
    return " caused by ".join(places)
