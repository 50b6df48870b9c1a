"""The answer to one request on its way out: an application's own as long as all was recorded, and a refusal otherwise."""

from __future__ import annotations

import sys

from starlette.types import Message, Scope, Send

from verwerkingenlogging.context import Context
from verwerkingenlogging.refusal import PROBLEM_JSON, Refusal, comes_of, not_recorded_in, refusal_of

__all__ = ["Answer", "refuse"]

_BEFORE = frozenset({"http.response.debug", "http.response.early_hint", "http.response.push"})
"""What may be sent before an answer begins."""
_LAST = frozenset({"http.response.body", "http.response.pathsend", "http.response.zerocopysend", "websocket.http.response.body"})
"""What ends an answer, when it does not say that more comes."""


class Answer:
    """What an application sends, held against what its context remembers (B7952).

    Once something could not be recorded, no byte of the application leaves, whatever it made of the error: before the first one the
    answer becomes a refusal, and after it the server is made to cut the connection.
    """

    __slots__ = ("_complete", "_context", "_cut", "_refused", "_scope", "_send", "_started")

    def __init__(self, context: Context, scope: Scope, send: Send) -> None:
        self._context = context
        self._scope = scope
        self._send = send
        self._started = self._complete = self._refused = self._cut = False

    async def send(self, message: Message) -> None:
        """Send ``message`` on. Raises the NotRecorded of the context when the answer has begun and may not go on."""
        if self._context.failed is None:
            # A mounted application answers 500 to the error that it is about to raise.
            failing = None if self._started or sys.exception() is None else not_recorded_in(sys.exception())
            if failing is None:
                kind = message["type"]
                self._started = self._started or kind not in _BEFORE
                self._complete = kind in _LAST and not message.get("more_body")
                await self._send(message)
                return
            self._context.fail(failing)
        await self._instead()

    async def _instead(self) -> None:
        """Refuse, when nothing was sent; drop what comes after a refusal; otherwise raise."""
        failed = self._context.failed
        if failed is None or self._refused or self._complete:
            return
        if self._started:
            self._cut = True
            raise failed
        self._started = self._refused = True
        await refuse(self._scope, self._send, refusal_of(failed))

    async def broken_off(self, error: BaseException) -> None:
        """The application raised ``error``. Raises that again, unless it comes of what could not be recorded and was answered."""
        failed = self._context.failed
        if failed is None:
            failed = not_recorded_in(error)
            if failed is None:
                raise error
            self._context.fail(failed)
        if not self._started:
            await self._instead()
        if not (self._refused and comes_of(error, failed)):
            raise error

    def ended(self) -> None:
        """The application returned. Raises the NotRecorded of the context when its answer was broken off, so that the server cuts it."""
        if self._cut and self._context.failed is not None:
            raise self._context.failed


async def refuse(scope: Scope, send: Send, refusal: Refusal) -> None:
    """Answer the request or handshake with ``refusal``."""
    headers = [
        (b"content-type", PROBLEM_JSON.encode()),
        (b"content-length", str(len(refusal.body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if scope["type"] == "http":
        prefix = "http"
    elif "websocket.http.response" in scope.get("extensions", {}):
        prefix = "websocket.http"
    else:
        # Before the handshake a close becomes a refusal; 1013 is "try again later".
        await send({"type": "websocket.close", "code": 1013, "reason": refusal.title})
        return
    await send({"type": f"{prefix}.response.start", "status": refusal.status, "headers": headers})
    await send({"type": f"{prefix}.response.body", "body": refusal.body})
