"""The middleware for Starlette and FastAPI: it says who asks, and turns a log that fails into a refusal."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from verwerkingenlogging.caller import THIS_MACHINE, Callers, trust
from verwerkingenlogging.check import problems, unannotated
from verwerkingenlogging.context import enter, leave
from verwerkingenlogging.doelbinding import VNG, HeaderProfile
from verwerkingenlogging.errors import ConfigurationError, ForeignOin, NotRecorded
from verwerkingenlogging.recorder import Recorder
from verwerkingenlogging.refusal import OIN_MISMATCH, PROBLEM_JSON, Refusal, refusal_of

__all__ = ["VerwerkingenloggingMiddleware"]

logger = logging.getLogger("verwerkingenlogging.starlette")


class VerwerkingenloggingMiddleware:
    """Gives each request and websocket a context to log in::

        app.add_middleware(VerwerkingenloggingMiddleware, recorder=recorder, trusted_peers=["10.1.0.0/16"])

    A NotRecorded from annotated code becomes a 503 with problem+json; nothing is processed or shown without a record (B7952).

    Args:
        app: the application around which it stands.
        recorder: makes and keeps the acties.
        trusted_peers: addresses or networks whose doelbinding and trace headers are believed; by default this machine only.
            Behind a proxy, let the server restore the client's address. From others the headers are ignored, and counted.
        verified_oin: gives the OIN that the client certificate or a token proves, or None. It takes the place of
            ``trusted_peers``: who proves its OIN is believed, another OIN in the header is refused with 403, and without
            proof the headers are ignored (B9177, X37).
        organisatie: OIN of the organisation on whose behalf a request is handled, from its verified token or host, where
            one installation serves several.
        gebruiker: meaningless key of the user, at most 40 characters; off by default (B9207). Called when something is
            logged, so a user who was authenticated in a dependency is known.
        profile: names of the doelbinding headers, if not the standard's.

    Raises ConfigurationError when a trusted peer is not an address. When the application starts, an activiteit that an
    organisation lacks stops it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        recorder: Recorder,
        trusted_peers: Iterable[str] = THIS_MACHINE,
        verified_oin: Callable[[Scope], str | None] | None = None,
        organisatie: Callable[[Scope], str] | None = None,
        gebruiker: Callable[[Scope], str | None] | None = None,
        profile: HeaderProfile = VNG,
    ) -> None:
        self.app = app
        self.recorder = recorder
        self._context = Callers[Scope](
            recorder,
            trusts=trust(trusted_peers, where="VerwerkingenloggingMiddleware: trusted_peers"),
            verified_oin=verified_oin,
            organisatie=organisatie,
            gebruiker=gebruiker,
            profile=profile,
        ).context
        self._checked = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, websocket or lifespan, as ASGI defines it."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        if not self._checked:  # a server without lifespan
            self._check(scope)
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            client = scope.get("client")
            context = self._context(scope, scope["headers"], client[0] if client else "")
            token = enter(context)
            try:
                await self.app(scope, receive, watched_send)
            finally:
                leave(token)
        except ForeignOin:
            await _refuse(scope, send, OIN_MISMATCH)
        except NotRecorded as error:
            logger.error("not recorded, so not processed: %s", error)  # noqa: TRY400  # a traceback per request adds nothing in an outage
            if started:
                raise  # too late for a status: let the server cut the connection
            await _refuse(scope, send, refusal_of(error))

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check(scope)
        except ConfigurationError as error:
            await receive()
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await self.app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        from verwerkingenlogging_starlette.routes import routes  # noqa: PLC0415  # it imports this module

        found = routes(scope.get("app", self.app)) or []
        wrong = problems(route for route in found if route.recorder is not None)
        if wrong:
            raise ConfigurationError("\n".join(wrong))
        for route in unannotated(found):
            logger.warning("%s says nothing about personal data; annotate it, or see `verwerkingenlogging check`", route.name)
        self.recorder.start()
        self._checked = True


async def _refuse(scope: Scope, send: Send, refusal: Refusal) -> None:
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
