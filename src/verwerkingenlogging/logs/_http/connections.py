"""Connections to a register with one deadline for all of a call: name lookup, connecting, TLS, sending, and the whole answer.

The HTTP library takes a time for each of these, and for each piece that is read: a register that sends a byte a second never
meets it.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from verwerkingenlogging.logs._http.http_library import core
from verwerkingenlogging.logs._http.name_lookup import aaddresses_of, addresses_of
from verwerkingenlogging.support.optional_packages import installed_by

with installed_by("verwerkingenlogging[api]"):
    import anyio

__all__ = ["AsyncNetwork", "Network", "ending_at"]


class _Deadline(threading.local):
    """When the exchange that this thread is in must have ended, in the time of ``time.monotonic``."""

    at: float = float("inf")


_deadline = _Deadline()


@contextmanager
def ending_at(moment: float) -> Iterator[None]:
    """Inside this block, everything that this thread waits for on a connection of ``Network`` ends at ``moment`` at the latest."""
    before, _deadline.at = _deadline.at, moment
    try:
        yield
    finally:
        _deadline.at = before


def _left(kind: type[core.TimeoutException]) -> float:
    """The seconds that are left; raises ``kind`` when none are."""
    left = _deadline.at - time.monotonic()
    if left <= 0:
        raise kind
    return left


class Network(core.NetworkBackend):
    """Makes connections that respect ``ending_at``."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[core.SOCKET_OPTION] | None = None,
    ) -> core.NetworkStream:
        """A connection to ``host``, at the first of its addresses that answers. Raises ConnectTimeout or ConnectError."""
        try:
            addresses = addresses_of(host, port, _left(core.ConnectTimeout))
        except TimeoutError:
            raise core.ConnectTimeout from None
        except OSError:
            raise core.ConnectError from None
        failure: Exception = core.ConnectError()
        for place, address in enumerate(addresses):
            # A share for each: an address that does not answer must leave the next one its time.
            seconds = _left(core.ConnectTimeout) / (len(addresses) - place)
            try:
                return Stream(socket.create_connection((address, port), seconds))
            except TimeoutError:
                failure = core.ConnectTimeout()
            except OSError:
                failure = core.ConnectError()
        raise failure


class Stream(core.NetworkStream):
    """A connection that heeds ``ending_at``."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What comes next. Raises ReadTimeout or ReadError."""
        try:
            self._socket.settimeout(_left(core.ReadTimeout))
            return self._socket.recv(max_bytes)
        except TimeoutError:
            raise core.ReadTimeout from None
        except OSError:
            raise core.ReadError from None

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of ``buffer``. Raises WriteTimeout or WriteError."""
        rest = memoryview(buffer)
        try:
            while rest:
                self._socket.settimeout(_left(core.WriteTimeout))
                rest = rest[self._socket.send(rest) :]
        except TimeoutError:
            raise core.WriteTimeout from None
        except OSError:
            raise core.WriteError from None

    def close(self) -> None:
        """Let go of it."""
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> core.NetworkStream:
        """The same connection, encrypted. Raises ConnectTimeout or ConnectError, and then it is closed."""
        try:
            self._socket.settimeout(_left(core.ConnectTimeout))
            return Stream(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname))
        except BaseException as error:
            self.close()
            if isinstance(error, TimeoutError):
                raise core.ConnectTimeout from None
            if isinstance(error, OSError):  # an SSLError is one
                raise core.ConnectError from None
            raise

    def get_extra_info(self, info: str) -> Any:
        """Whether there is anything to read, which on a connection that is not in use means that the register closed it."""
        if info != "is_readable":
            return None
        poll = select.poll()
        poll.register(self._socket.fileno(), select.POLLIN)
        return bool(poll.poll(0))


class AsyncNetwork(core.AnyIOBackend):
    """Connections for event loops, where a deadline cancels the task. Only the name lookup is our own."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the library's signature
        local_address: str | None = None,
        socket_options: Iterable[core.SOCKET_OPTION] | None = None,
    ) -> core.AsyncNetworkStream:
        """A connection to ``host``, at the first of its addresses that answers. Raises ConnectTimeout or ConnectError."""
        try:
            addresses = await aaddresses_of(host, port)
        except OSError:
            raise core.ConnectError from None
        failure: Exception = core.ConnectError()
        for address in addresses:
            seconds = timeout / len(addresses) if timeout is not None else None
            try:
                return AsyncStream(await super().connect_tcp(address, port, seconds, local_address, socket_options))
            except (core.ConnectTimeout, core.ConnectError) as error:
                failure = error
        raise failure


class AsyncStream(core.AsyncNetworkStream):
    """A connection as the library makes it, that is closed too when TLS is cancelled while it begins."""

    def __init__(self, stream: core.AsyncNetworkStream) -> None:
        self._stream = stream
        self.read = stream.read  # type: ignore[method-assign]  # as they are
        self.write = stream.write  # type: ignore[method-assign]
        self.aclose = stream.aclose  # type: ignore[method-assign]
        self.get_extra_info = stream.get_extra_info  # type: ignore[method-assign]

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  # the library's signature
    ) -> core.AsyncNetworkStream:
        """The same connection, encrypted. Raises ConnectTimeout or ConnectError."""
        try:
            return await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._stream.aclose()
            raise
