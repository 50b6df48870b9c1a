"""The caller of a request: which of its headers are believed, and the context that follows.

Adapters for web frameworks have this in common. They give the raw headers and the address of the client, and keep for themselves
how their framework runs a request.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar

import msgspec

from verwerkingenlogging.context import Context
from verwerkingenlogging.errors import ForeignOin
from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging.model.doelbinding import NO_DOELBINDING, Doelbinding
from verwerkingenlogging.model.trace import TRACE_HEADERS, Trace, new_trace, read_trace
from verwerkingenlogging.recorder import Recorder
from verwerkingenlogging.requests.doelbinding_headers import VNG, HeaderProfile
from verwerkingenlogging.requests.peers import THIS_MACHINE, Headers, Trust, trust
from verwerkingenlogging.support.representation import as_repr

__all__ = ["THIS_MACHINE", "Callers", "trust"]

logger = logging.getLogger("verwerkingenlogging.caller")

Request = TypeVar("Request")


class Callers(Generic[Request]):
    """Makes the context of each request. ``Request`` is the request object of the framework.

    Args:
        recorder: makes and keeps the acties, and counts what was wrong with headers.
        trusts: whether the doelbinding and trace headers of a request are believed, by its address; made by ``trust``.
        verified_oin: gives the OIN that the caller proves, or None. It takes the place of ``trusts``: who proves its OIN is
            believed, another OIN in the header is refused, and without proof the headers are ignored (B9177, X37).
        organisatie: OIN of the organisation on whose behalf a request is handled; None for the settings' own.
        gebruiker: meaningless key of the user; called when something is logged (B9207).
        prepare: fetches what ``gebruiker`` needs, in asynchronous code, where that must not block: what it gives is awaited before
            ``gebruiker`` is called. It gives None when there is nothing to fetch.
        profile: names of the doelbinding headers.
    """

    def __init__(
        self,
        recorder: Recorder,
        *,
        trusts: Trust,
        verified_oin: Callable[[Request], str | None] | None = None,
        organisatie: Callable[[Request], str] | None = None,
        gebruiker: Callable[[Request], str | None] | None = None,
        prepare: Callable[[Request], Awaitable[None] | None] | None = None,
        profile: HeaderProfile = VNG,
    ) -> None:
        self.recorder = recorder
        self._trusts = trusts
        self._verified_oin = verified_oin
        self._organisatie = organisatie
        self._gebruiker = gebruiker
        self._prepare = prepare
        self._profile = profile

    def context(self, request: Request, headers: Headers, address: str) -> Context:
        """The context of ``request``. ``address`` is the client's address as the server knows it, empty for a Unix socket.

        Raises ForeignOin when the header claims another OIN than the caller proves.
        """
        caller = self._profile.read(headers) if headers else NO_DOELBINDING
        if caller is not NO_DOELBINDING or self._verified_oin is not None:
            caller = self._believed(caller, request, headers, address)
            self._count(caller.faults)
        return Context(
            self.recorder,
            caller=caller,
            oin=self._organisatie(request) if self._organisatie is not None else None,
            gebruiker=_Gebruiker(request, self._gebruiker, self._prepare) if self._gebruiker is not None else None,
            trace=self._trace(headers, address, caller) if self.recorder.wants_spans else None,
        )

    def _believed(self, caller: Doelbinding, request: Request, headers: Headers, address: str) -> Doelbinding:
        """What is believed of the headers. Whoever proves its OIN is believed; without such a proof its address decides."""
        if self._verified_oin is None:
            doubt = self._trusts.doubt(address, headers)
            return caller if doubt is None else self._ignored(caller, doubt)
        verified = self._verified_oin(request)
        if verified is None:
            return caller if caller is NO_DOELBINDING else self._ignored(caller, "no verified OIN")
        if caller.oin not in (None, verified):
            raise ForeignOin("the header names another OIN than the caller proves")
        return msgspec.structs.replace(caller, oin=verified)

    def _ignored(self, caller: Doelbinding, doubt: str) -> Doelbinding:
        """Nothing of a caller that is not believed. It cannot hide what is done for it: whose data it is would never see that.

        But where it is a caller that should have been believed, somebody now sees what he should not. So that is an error, which
        somebody has to look into.
        """
        if caller.vertrouwelijkheid is Vertrouwelijkheid.VERTROUWELIJK:
            self.recorder.faults[f"header Vertrouwelijkheid: {doubt}"] += 1
            logger.error(
                "a request asks for confidentiality and is not believed (%s), so its record is not confidential; if its caller may ask "
                "that, mend trusted_peers, trusted_proxies or verified_oin, or restore the address of clients in the server",
                doubt,
            )
        return Doelbinding(faults=(f"doelbinding: {doubt}",))

    def _trace(self, headers: Headers, address: str, caller: Doelbinding) -> Trace | None:
        """The trace that the caller is in (LDV A7). A stranger's is not taken over, from OpenTelemetry neither: it could link what
        it pleases."""
        doubt: str | None = "untrusted peer"
        if self._verified_oin is None:
            doubt = self._trusts.doubt(address, headers)
        elif caller.oin is not None:
            doubt = None
        if doubt is None:
            trace, faults = read_trace(headers)
            self._count(faults)
            return trace
        if not any(name.lower() in TRACE_HEADERS for name, _ in headers):
            return None
        self.recorder.faults[f"header trace: {doubt}"] += 1
        return new_trace(ambient=False)

    def _count(self, faults: Iterable[str]) -> None:
        for fault in faults:
            self.recorder.faults[f"header {fault}"] += 1
            logger.warning("header ignored or mended: %s", fault)


class _Gebruiker(msgspec.Struct, Generic[Request], eq=False):
    """The user of one request, as a context wants it."""

    request: Request
    key: Callable[[Request], str | None]
    fetch: Callable[[Request], Awaitable[None] | None] | None

    __repr__ = object.__repr__  # a Struct would show the request, and Django's shows its address
    __rich_repr__ = as_repr

    def __call__(self) -> str | None:
        return self.key(self.request)

    def prepare(self) -> Awaitable[None] | None:
        """What fetches what it needs, if anything is to be fetched."""
        return None if self.fetch is None else self.fetch(self.request)
