"""Who calls: what is believed of the headers of a request, and the context that follows from it.

Adapters for web frameworks have this in common. They give the raw headers and the address of the client, and keep for themselves
how their framework runs a request.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import lru_cache
from typing import Generic, TypeVar

import msgspec

from verwerkingenlogging.context import Context
from verwerkingenlogging.doelbinding import NO_DOELBINDING, VNG, Doelbinding, HeaderProfile
from verwerkingenlogging.errors import ConfigurationError, ForeignOin
from verwerkingenlogging.recorder import Recorder
from verwerkingenlogging.shown import as_repr
from verwerkingenlogging.trace import TRACE_HEADERS, Trace, new_trace, read_trace

__all__ = ["THIS_MACHINE", "Callers", "trust"]

logger = logging.getLogger("verwerkingenlogging.caller")

THIS_MACHINE = ("127.0.0.0/8", "::1/128")
"""The peers that are trusted when nothing else is said."""

Headers = Sequence[tuple[bytes, bytes]]
Request = TypeVar("Request")


class Callers(Generic[Request]):
    """Gives each request its context. ``Request`` is whatever the framework hands to the functions of an application.

    Args:
        recorder: makes and keeps the acties, and counts what was wrong with headers.
        trusts: whether the doelbinding and trace headers from an address are believed; made by ``trust``.
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
        trusts: Callable[[str], bool],
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
        """The context of ``request``. ``address`` is the client's as the server knows it, empty for a local socket.

        Raises ForeignOin when the header claims another OIN than the caller proves.
        """
        caller = self._profile.read(headers) if headers else NO_DOELBINDING
        if caller is not NO_DOELBINDING or self._verified_oin is not None:
            caller = self._believed(caller, request, address)
            self._count(caller.faults)
        return Context(
            self.recorder,
            caller=caller,
            oin=self._organisatie(request) if self._organisatie is not None else None,
            gebruiker=_Gebruiker(request, self._gebruiker, self._prepare) if self._gebruiker is not None else None,
            trace=self._trace(headers, address, caller) if self.recorder.wants_spans else None,
        )

    def _believed(self, caller: Doelbinding, request: Request, address: str) -> Doelbinding:
        """What is believed of the headers. Whoever proves its OIN is believed; without such a proof its address decides."""
        if self._verified_oin is None:
            return caller if self._trusts(address) else Doelbinding(faults=("doelbinding: untrusted peer",))
        verified = self._verified_oin(request)
        if verified is None:
            return caller if caller is NO_DOELBINDING else Doelbinding(faults=("doelbinding: no verified OIN",))
        if caller.oin not in (None, verified):
            raise ForeignOin("the header names another OIN than the caller proves")
        return msgspec.structs.replace(caller, oin=verified)

    def _trace(self, headers: Headers, address: str, caller: Doelbinding) -> Trace | None:
        """The trace that the caller is in (LDV A7). A stranger's is not taken over, from OpenTelemetry neither: it could link what
        it pleases."""
        believed = self._trusts(address) if self._verified_oin is None else caller.oin is not None
        if believed:
            trace, faults = read_trace(headers)
            self._count(faults)
            return trace
        if not any(name.lower() in TRACE_HEADERS for name, _ in headers):
            return None
        self.recorder.faults["header trace: untrusted peer"] += 1
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


def trust(peers: Iterable[str], *, where: str) -> Callable[[str], bool]:
    """Whether an address is among ``peers``: addresses, networks, or the name by which a test client goes.

    Raises ConfigurationError, which begins with ``where``, when one of them is none of these.
    """
    if isinstance(peers, str):
        raise ConfigurationError(f'{where}: must be a list of addresses or networks; write it as ["10.1.0.0/16"]')
    networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
    names: set[str] = set()
    for peer in peers:
        try:
            networks.append(ipaddress.ip_network(peer))
        except ValueError:
            if "/" in peer or not peer:
                raise ConfigurationError(f'{where}: "{peer}" is not an address or network; write it as 10.1.0.0/16') from None
            names.add(peer)

    @lru_cache(maxsize=1024)
    def trusts(address: str) -> bool:
        if address in names:
            return True
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:  # a unix socket, a test client
            return False
        return any(parsed in network for network in networks)

    return trusts
