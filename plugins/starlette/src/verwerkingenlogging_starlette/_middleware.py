"""The middleware for Starlette and FastAPI: it gives each request a context, and answers 503 when the log fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from verwerkingenlogging.context import enter, leave
from verwerkingenlogging.errors import ConfigurationError, ForeignOin
from verwerkingenlogging.recorder import Recorder
from verwerkingenlogging.requests.caller import THIS_MACHINE, Callers, trust
from verwerkingenlogging.requests.doelbinding_headers import VNG, HeaderProfile
from verwerkingenlogging.requests.refusal import OIN_MISMATCH
from verwerkingenlogging.routes.annotation_check import cached, late, problems, unannotated
from verwerkingenlogging.routes.configured_functions import ConfiguredFunctions
from verwerkingenlogging_starlette._asgi_wrappers import OurMiddleware
from verwerkingenlogging_starlette._configured_endpoints import configured_endpoints
from verwerkingenlogging_starlette._configured_functions import configured_functions
from verwerkingenlogging_starlette._discovery import endpoints_of
from verwerkingenlogging_starlette._endpoints import EnclosingMiddleware
from verwerkingenlogging_starlette._guarded_response import GuardedResponse, hold_start_until_first_item, send_refusal
from verwerkingenlogging_starlette._lifespan import lifespan_with_check

__all__ = ["VerwerkingenloggingMiddleware"]

logger = logging.getLogger("verwerkingenlogging.starlette")

_CONFIGURED = "verwerkingenlogging.configured"
"""Where the scope has what the middlewares around say of functions."""


class VerwerkingenloggingMiddleware(OurMiddleware):
    """Gives each request and websocket a context to log in::

        app.add_middleware(VerwerkingenloggingMiddleware, recorder=recorder, trusted_peers=["10.1.0.0/16"])

    A NotRecorded from annotated code becomes a 503 with problem+json; nothing is processed or shown without a record (B7952).

    Args:
        app: the application around which it stands.
        recorder: makes and keeps the acties.
        trusted_peers: addresses or networks whose doelbinding and trace headers are believed, or ``unix`` for a Unix socket; by
            default this machine only, for what bears no header that a proxy adds. Behind a proxy, let the server restore the
            client's address. From others the headers are ignored, and counted.
        trusted_proxies: addresses, networks or ``unix``, of proxies that let doelbinding headers through only of who is to be
            believed: all that they pass on is believed.
        verified_oin: gives the OIN that the client certificate or a token proves, or None. It takes the place of
            ``trusted_peers``: who proves its OIN is believed, another OIN in the header is refused with 403, and without
            proof the headers are ignored (B9177, X37).
        organisatie: OIN of the organisation on whose behalf a request is handled, from its verified token or host, where
            one installation serves several.
        gebruiker: meaningless key of the user, at most 40 characters; off by default (B9207). Called when something is
            logged, so a user who was authenticated in a dependency is known.
        profile: names of the doelbinding headers, if not the standard's.
        routes: what routes log whose code stays untouched: a table by method and path template, or the TOML or JSON file that
            has it. It is as if the annotation stood on their functions.

    Raises ConfigurationError when a trusted peer is not an address. When the application starts, an activiteit that an
    organisation lacks stops it, and so does whatever is wrong in ``routes``.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        recorder: Recorder,
        trusted_peers: Iterable[str] = THIS_MACHINE,
        trusted_proxies: Iterable[str] = (),
        verified_oin: Callable[[Scope], str | None] | None = None,
        organisatie: Callable[[Scope], str] | None = None,
        gebruiker: Callable[[Scope], str | None] | None = None,
        profile: HeaderProfile = VNG,
        routes: Mapping[str, object] | str | Path | None = None,
    ) -> None:
        self.app = app
        self.recorder = recorder
        self.enclosing = EnclosingMiddleware(prefix="", recorder=recorder, routes=routes)
        self._functions: ConfiguredFunctions | None = None
        self._wrong: ConfigurationError | None = None
        self._checked = False
        try:
            self._context = Callers[Scope](
                recorder,
                trusts=trust(
                    trusted_peers,
                    proxies=trusted_proxies,
                    where="VerwerkingenloggingMiddleware: trusted_peers",
                    where_proxies="VerwerkingenloggingMiddleware: trusted_proxies",
                ),
                verified_oin=verified_oin,
                organisatie=organisatie,
                gebruiker=gebruiker,
                profile=profile,
            ).context
        except ConfigurationError as error:
            self._wrong = error  # said when it starts: a server takes what is raised here for an application without lifespan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, websocket or lifespan, as ASGI defines it."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        if not self._checked:  # a server without lifespan
            self._check(scope)
        client = scope.get("client")
        try:
            context = self._context(scope, scope["headers"], client[0] if client else "")
        except ForeignOin:
            await send_refusal(scope, send, OIN_MISMATCH)
            return
        if self._functions is not None or _CONFIGURED in scope:
            context.configured = scope[_CONFIGURED] = self._configured(scope)
        response = GuardedResponse(context, scope, send)
        token = enter(context)
        try:
            await self.app(scope, receive, response.send)
            if response.held_start is not None:
                await response.send_start()
        except BaseException as error:
            await response.handle_error(error)
        finally:
            leave(token)
            context.ended = True
        if response.cut and context.failed is not None:
            raise context.failed  # the application ate that too: let the server cut the connection

    def _configured(self, scope: Scope) -> tuple[tuple[Any, Any], ...]:
        """What this middleware and those around it say of functions, each with the root path of its application."""
        enclosing = [(functions, (scope, root_path)) for functions, (_, root_path) in scope.get(_CONFIGURED, ())]
        if self._functions is not None:
            enclosing.append((self._functions, (scope, scope.get("root_path", ""))))
        return tuple(enclosing)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        late = self.enclosing.routes is not None  # their keys may name routes that the application adds while it starts
        try:
            if late:
                self.recorder.start()
            else:
                self._check(scope)
        except ConfigurationError as error:
            await receive()
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise  # as Starlette does: a test client waits for nothing else
        if late:
            await lifespan_with_check(self.app, scope, receive, send, lambda: self._check(scope))
        else:
            await self.app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        if self._wrong is not None:
            raise self._wrong
        found, own = endpoints_of(scope.get("app"), self.app, self.enclosing)
        every = configured_endpoints(found, own)
        routes = [one.as_route() for one in every]
        wrong = problems(route for route in routes if route.recorder is not None)
        if wrong:
            raise ConfigurationError("\n".join(wrong))
        if self.enclosing.routes is not None:
            self._functions = configured_functions(every, own)
        for one in every:
            hold_start_until_first_item(getattr(one.endpoint.route, "endpoint", None))
        for route in unannotated(routes):
            logger.warning("%s says nothing about personal data; annotate it, or see `verwerkingenlogging check`", route.name)
        for warning in (*cached(), *late(routes)):
            logger.warning("%s", warning)
        self.recorder.start()
        self._checked = True
