"""Guards the answer to one request: the application's own answer when everything was recorded, and a refusal otherwise."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any, cast

import msgspec
from anyio import CancelScope
from starlette.types import Message, Scope, Send

from verwerkingenlogging.calls.generators import IN_STEPS, InSteps
from verwerkingenlogging.context import Context
from verwerkingenlogging.requests.refusal import NOT_RECORDED, PROBLEM_JSON, Refusal, comes_of, not_recorded_in, refusal_of
from verwerkingenlogging.routes.trampoline import inwards

__all__ = ["GuardedResponse", "hold_start_until_first_item", "send_refusal"]

_BEFORE = frozenset({"http.response.debug", "http.response.early_hint", "http.response.push"})
"""What may be sent before an answer begins."""
_LAST = frozenset({"http.response.body", "http.response.pathsend", "http.response.zerocopysend", "websocket.http.response.body"})
"""What ends an answer, when it does not say that more comes."""


class GuardedResponse(msgspec.Struct, eq=False):
    """Passes on what the application sends, unless its context remembers a failure (B7952).

    Once something could not be recorded, no byte of the application leaves, whatever it made of the error: before the first one the
    answer becomes a refusal, and after it the server is made to cut the connection.

    Attributes:
        context: of the request.
        scope: of the request.
        send_on: sends to the server.
        last_sent: the message that was sent last, from the one on with which the answer began.
        held_start: the beginning of an answer of which the first item is still to be recorded; it goes with what follows it.
        refused: whether a refusal was sent in the place of the answer.
        cut: whether the answer was broken off.
    """

    # Made for each request, so a Struct: that is made in C.
    context: Context
    scope: Scope
    send_on: Send
    last_sent: Message | None = None
    held_start: Message | None = None
    refused: bool = False
    cut: bool = False

    __repr__ = object.__repr__  # a Struct would show all that is in it

    async def send(self, message: Message) -> None:
        """Send ``message`` on. Raises the NotRecorded of the context when the answer has begun and may not go on."""
        if self.context.failed is None:
            if self.last_sent is not None:
                self.last_sent = message
                await self.send_on(message)
                return
            if self.held_start is not None:
                await self.send_start()
                self.last_sent = message
                await self.send_on(message)
                return
            # A mounted application answers 500 to the error that it is about to raise.
            failing = sys.exception()
            failed = None if failing is None else not_recorded_in(failing)
            if failed is None:
                kind = message["type"]
                if (
                    InSteps.any
                    and kind == "http.response.start"
                    and (self.context.in_steps or hasattr(self.scope.get("endpoint"), IN_STEPS))
                ):
                    self.held_start = message
                    return
                if kind not in _BEFORE:
                    self.last_sent = message
                await self.send_on(message)
                return
            self.context.fail(failed)
        await self._refuse_or_cut()

    async def send_start(self) -> None:
        """Send the start of the answer that was held back, or refuse."""
        if self.context.failed is not None:
            await self._refuse_or_cut()
        else:
            self.last_sent, self.held_start = self.held_start, None
            await self.send_on(cast("Message", self.last_sent))

    async def _refuse_or_cut(self) -> None:
        """Refuse, when nothing was sent; drop what comes after a refusal; otherwise raise."""
        failed, last_sent = self.context.failed, self.last_sent
        if failed is None or self.refused:
            return
        if last_sent is None:
            self.refused = True
            with CancelScope(shield=True):  # the application may be stopping its tasks for that error
                await send_refusal(self.scope, self.send_on, refusal_of(failed))
        elif last_sent["type"] not in _LAST or last_sent.get("more_body"):
            self.cut = True
            raise failed

    async def handle_error(self, error: BaseException) -> None:
        """The application raised ``error``. Raises that again, unless it comes of what could not be recorded and was answered."""
        failed = self.context.failed
        if failed is None:
            failed = not_recorded_in(error)
            if failed is None:
                raise error
            self.context.fail(failed)
        if self.last_sent is None:
            await self._refuse_or_cut()
        if not (self.refused and comes_of(error, failed)):
            raise error


def hold_start_until_first_item(endpoint: Any) -> None:
    """Hold back the answer of ``endpoint`` until its first item is recorded, if its innermost function yields."""
    if any(hasattr(one, IN_STEPS) for one in inwards(endpoint)):
        with suppress(AttributeError, TypeError):  # a bound method has what its function has
            setattr(endpoint, IN_STEPS, True)


async def send_refusal(scope: Scope, send: Send, refusal: Refusal) -> None:
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
        # Before the handshake a close becomes a refusal; 1013 is "try again later", 1008 that this will not do.
        await send({"type": "websocket.close", "code": 1013 if refusal.status == NOT_RECORDED.status else 1008, "reason": refusal.title})
        return
    await send({"type": f"{prefix}.response.start", "status": refusal.status, "headers": headers})
    await send({"type": f"{prefix}.response.body", "body": refusal.body})
