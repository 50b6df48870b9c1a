"""Which callers are believed, by the address that a request comes from.

Behind a proxy every request comes from the proxy, unless the server restores the client's address. So an address of this machine
says little about a request that bears the headers which proxies add: its client may be anybody.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache

from verwerkingenlogging.errors import ConfigurationError

__all__ = ["FORWARDING_HEADERS", "THIS_MACHINE", "UNIX", "Trust", "trust"]

THIS_MACHINE = ("127.0.0.0/8", "::1/128")
"""The peers that are trusted when nothing else is said."""
UNIX = "unix"
"""The name of a peer without an address: whoever speaks through a Unix socket."""
FORWARDING_HEADERS = frozenset(
    {
        b"cf-connecting-ip",
        b"fastly-client-ip",
        b"forwarded",
        b"true-client-ip",
        b"via",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"x-envoy-external-address",
        b"x-forwarded",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-proto",
        b"x-forwarded-server",
        b"x-original-forwarded-for",
        b"x-real-ip",
    }
)
"""What proxies add to a request that they pass on, in lower case."""

Headers = Sequence[tuple[bytes, bytes]]
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_MAPPED_BITS = 96
"""An IPv4 address in IPv6 stands behind so many bits: ``::ffff:10.1.2.3``."""


class Trust:
    """Decides by address whether a caller is believed; made by ``trust``."""

    def __init__(self, peers: _Peers, proxies: _Peers) -> None:
        self._peers = lru_cache(maxsize=1024)(peers.has)
        self._proxies = lru_cache(maxsize=1024)(proxies.has)
        self._near = lru_cache(maxsize=1024)(_near)

    def __call__(self, address: str, headers: Headers = ()) -> bool:
        """Whether a request from ``address`` with these raw headers is believed."""
        return self.doubt(address, headers) is None

    def doubt(self, address: str, headers: Headers = ()) -> str | None:
        """The reason that such a request is not believed; None when it is believed."""
        if self._proxies(address):
            return None
        if not self._peers(address):
            return "untrusted peer"
        if self._near(address) and any(name.lower() in FORWARDING_HEADERS for name, _ in headers):
            return "untrusted proxy on this machine"
        return None


def trust(peers: Iterable[str], *, proxies: Iterable[str] = (), where: str, where_proxies: str | None = None) -> Trust:
    """Make a ``Trust`` from addresses and networks.

    Args:
        peers: addresses, networks, ``unix`` for who has no address, or the name by which a test client goes. An IPv4 address counts
            as such in its IPv6 form too (``::ffff:10.1.2.3``, RFC 4291), but in no other: anybody can make those of 6to4 and Teredo,
            and those of NAT64 do not stand for private ones (RFC 6052). A link-local one with a zone, ``fe80::1%eth0``, is that
            zone's alone; without it, every zone's. Of this machine and of a Unix socket only what bears no header that proxies add.
        proxies: those among them that judge themselves whose headers they let through: all that they pass on is believed.
        where: where the peers were given, for messages.
        where_proxies: where the proxies were.

    Raises ConfigurationError, which begins with that place, when one of them is none of these.
    """
    return Trust(_read(peers, where), _read(proxies, where_proxies or where))


class _Peers:
    def __init__(self) -> None:
        self.networks: list[_Network] = []
        self.addresses: set[_Address] = set()
        self.names: set[str] = set()

    def has(self, text: str) -> bool:
        """Whether that address is among them."""
        if _is_unix(text):
            return UNIX in self.names
        address = _parsed(text)
        if address is None:
            return text in self.names
        return address in self.addresses or any(address in network for network in self.networks)


def _read(peers: Iterable[str], where: str) -> _Peers:
    if isinstance(peers, str):
        raise ConfigurationError(f'{where}: must be a list of addresses or networks; write it as ["10.1.0.0/16"]')
    read = _Peers()
    for peer in peers:
        try:
            if "%" in peer:
                read.addresses.add(ipaddress.ip_address(peer))
            else:
                read.networks.append(_unmapped(ipaddress.ip_network(peer)))
        except ValueError:
            if "/" in peer or "%" in peer or not peer:
                raise ConfigurationError(f'{where}: "{peer}" is not an address or network; write it as 10.1.0.0/16') from None
            read.names.add(peer)
    return read


def _is_unix(text: str) -> bool:
    """Servers say nothing of who speaks through a Unix socket, or name the socket."""
    return not text or text.startswith(("unix:", "/"))


def _near(text: str) -> bool:
    address = _parsed(text)
    return _is_unix(text) if address is None else address.is_loopback


def _parsed(text: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:  # a Unix socket, a test client
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _unmapped(network: _Network) -> _Network:
    """A network as addresses are looked up in it: of IPv4 when all of it is such in its IPv6 form."""
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= _MAPPED_BITS:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return ipaddress.ip_network((mapped, network.prefixlen - _MAPPED_BITS))
    return network
