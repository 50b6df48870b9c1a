"""The middleware for Starlette and FastAPI: it says who asks, and turns a log that fails into a refusal."""

from __future__ import annotations

import ipaddress
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from verwerkingenlogging.check import problems, unannotated
from verwerkingenlogging.context import Context, enter, leave
from verwerkingenlogging.doelbinding import NO_DOELBINDING, VNG, Doelbinding, HeaderProfile
from verwerkingenlogging.errors import ConfigurationError, NotRecorded
from verwerkingenlogging.recorder import Recorder
from verwerkingenlogging.trace import TRACE_HEADERS, Trace, new_trace, read_trace

__all__ = ["VerwerkingenloggingMiddleware"]

logger = logging.getLogger("verwerkingenlogging.starlette")

_LOOPBACK = ("127.0.0.0/8", "::1/128")
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


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
        trusted_peers: Iterable[str] = _LOOPBACK,
        verified_oin: Callable[[Scope], str | None] | None = None,
        organisatie: Callable[[Scope], str] | None = None,
        gebruiker: Callable[[Scope], str | None] | None = None,
        profile: HeaderProfile = VNG,
    ) -> None:
        self.app = app
        self.recorder = recorder
        self._trusts = _trust(trusted_peers)
        self._verified_oin = verified_oin
        self._organisatie = organisatie
        self._gebruiker = gebruiker
        self._profile = profile
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
            context = self._context(scope)
            token = enter(context)
            try:
                await self.app(scope, receive, watched_send)
            finally:
                leave(token)
        except _ForeignOin:
            await _refuse(scope, receive, send, _OIN_MISMATCH)
        except NotRecorded as error:
            logger.error("not recorded, so not processed: %s", error)  # noqa: TRY400  # a traceback per request adds nothing in an outage
            if started:
                raise  # too late for a status: let the server cut the connection
            await _refuse(scope, receive, send, _NOT_RECORDED)

    def _context(self, scope: Scope) -> Context:
        caller = self._caller(scope)
        if caller.faults:
            self._count(caller.faults)
        gebruiker = self._gebruiker
        return Context(
            self.recorder,
            caller=caller,
            oin=self._organisatie(scope) if self._organisatie is not None else None,
            gebruiker=(lambda: gebruiker(scope)) if gebruiker is not None else None,
            trace=self._trace(scope, caller) if self.recorder.wants_spans else None,
        )

    def _caller(self, scope: Scope) -> Doelbinding:
        """What is believed of the headers. Whoever proves its OIN is believed; without such a proof its address decides."""
        caller = self._profile.read(scope["headers"])
        if self._verified_oin is None:
            if caller is NO_DOELBINDING or self._trusts(scope.get("client")):
                return caller
            return Doelbinding(faults=("doelbinding: untrusted peer",))
        verified = self._verified_oin(scope)
        if verified is None:
            return caller if caller is NO_DOELBINDING else Doelbinding(faults=("doelbinding: no verified OIN",))
        if caller.oin not in (None, verified):
            raise _ForeignOin
        return msgspec.structs.replace(caller, oin=verified)

    def _trace(self, scope: Scope, caller: Doelbinding) -> Trace | None:
        """The trace that the caller is in (LDV A7). A stranger's is not taken over, from OpenTelemetry neither: it could link what
        it pleases."""
        believed = self._trusts(scope.get("client")) if self._verified_oin is None else caller.oin is not None
        if believed:
            trace, faults = read_trace(scope["headers"])
            self._count(faults)
            return trace
        if not any(name.lower() in TRACE_HEADERS for name, _ in scope["headers"]):
            return None
        self.recorder.faults["header trace: untrusted peer"] += 1
        return new_trace(ambient=False)

    def _count(self, faults: Iterable[str]) -> None:
        for fault in faults:
            self.recorder.faults[f"header {fault}"] += 1
            logger.warning("header ignored or mended: %s", fault)

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


class _ForeignOin(Exception):
    """The header names another organisation than the connection proves."""


_Problem = Mapping[str, str | int]

_NOT_RECORDED: _Problem = {
    "title": "Verwerking niet vastgelegd",
    "status": 503,
    "detail": "Deze verwerking van persoonsgegevens kon niet worden vastgelegd en is daarom niet uitgevoerd. Probeer het later opnieuw.",
    "code": "niet-vastgelegd",
}
_OIN_MISMATCH: _Problem = {
    "title": "OIN komt niet overeen",
    "status": 403,
    "detail": "Het OIN in de header is niet het OIN waarmee u zich bekend maakt.",
    "code": "oin-komt-niet-overeen",
}


async def _refuse(scope: Scope, receive: Receive, send: Send, problem: _Problem) -> None:
    body = json.dumps(problem, ensure_ascii=False).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if scope["type"] == "http":
        prefix = "http"
    elif "websocket.http.response" in scope.get("extensions", {}):
        prefix = "websocket.http"
    else:
        # Before the handshake a close becomes a refusal; 1013 is "try again later".
        await send({"type": "websocket.close", "code": 1013, "reason": str(problem["title"])})
        return
    await send({"type": f"{prefix}.response.start", "status": problem["status"], "headers": headers})
    await send({"type": f"{prefix}.response.body", "body": body})


def _trust(peers: Iterable[str]) -> Callable[[tuple[str, int] | None], bool]:
    networks: list[_Network] = []
    names: set[str] = set()
    for peer in peers:
        try:
            networks.append(ipaddress.ip_network(peer))
        except ValueError:
            if "/" in peer or not peer:
                raise ConfigurationError(
                    f'VerwerkingenloggingMiddleware: trusted_peers: "{peer}" is not an address or network; write it as 10.1.0.0/16'
                ) from None
            names.add(peer)

    @lru_cache(maxsize=1024)
    def trusts(client: tuple[str, int] | None) -> bool:
        host = client[0] if client else ""
        if host in names:
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:  # a unix socket, a test client
            return False
        return any(address in network for network in networks)

    return trusts
