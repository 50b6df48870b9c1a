"""A request to a register over HTTP and the whole of its answer, within one deadline and a limit of size."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging.logs._http.certificate_authorities import system_authorities
from verwerkingenlogging.logs._http.connections import AsyncNetwork, Network, ending_at
from verwerkingenlogging.logs._http.http_library import core
from verwerkingenlogging.support.optional_packages import installed_by

with installed_by("verwerkingenlogging[api]"):
    import anyio
    from anyio.lowlevel import current_token

__all__ = ["ANSWER_MAX", "Answer", "Exchange"]

ANSWER_MAX = 8 * 1024 * 1024
"""Most bytes of an answer that are read. A register that gives reasons for each of a thousand records says less."""
_CONNECTIONS: dict[str, Any] = {"max_connections": 100, "max_keepalive_connections": 20, "keepalive_expiry": 5.0}
_FAILURES = (core.TimeoutException, core.NetworkError, core.ProtocolError)
_NOT_THERE = (core.ConnectError, core.ConnectTimeout)
_TOO_LONG = f"the register's answer is longer than {ANSWER_MAX // 1024**2} MiB"


class Answer(NamedTuple):
    """What a register answered.

    Attributes:
        status: of HTTP.
        content: the body, whole.
        headers: by name, in lower case.
    """

    status: int
    content: bytes
    headers: Mapping[str, str]


class Exchange:
    """Requests to one register. Connections are kept, one pool per process for threads and one per event loop.

    Args:
        timeout: seconds that an exchange may take: for the name, the connection, TLS, the request and all of its answer together.
        ssl_context: certificate authorities and client certificate; None: the system's authorities.
    """

    def __init__(self, *, timeout: float, ssl_context: ssl.SSLContext | None) -> None:
        self.timeout = timeout
        self._ssl_context = ssl_context
        self._extensions = {"timeout": dict.fromkeys(("connect", "pool"), timeout)}
        self._pools: dict[int, core.ConnectionPool] = {}  # by process: a connection must not be shared with a forked child
        self._async_pools: WeakKeyDictionary[Any, tuple[int, core.AsyncConnectionPool]] = WeakKeyDictionary()

    def _authorities(self) -> ssl.SSLContext | None:
        """Made when the first connection is: reading them all takes some milliseconds. None: the library's own way to find them."""
        if self._ssl_context is None:
            self._ssl_context = system_authorities()
        return self._ssl_context

    def deadline(self) -> float:
        """The deadline of an exchange that begins now."""
        return time.monotonic() + self.timeout

    def ask(self, method: str, url: str, headers: Mapping[str, str], content: bytes, until: float) -> Answer:
        """The answer, before ``until``. Raises LogUnavailable when there is none by then, or it is too long."""
        try:
            with ending_at(until), self._pool().stream(method, url, **self._request(headers, content)) as response:
                parts: list[bytes] = []
                size = 0
                for part in response.iter_stream():
                    parts.append(part)
                    size += len(part)
                    if size > ANSWER_MAX:
                        raise LogUnavailable(_TOO_LONG)
        except _FAILURES as error:
            raise self._unavailable(error) from None
        return _answer(response, parts)

    async def aask(self, method: str, url: str, headers: Mapping[str, str], content: bytes, until: float) -> Answer:
        """The same, without blocking the event loop."""
        try:
            with anyio.fail_after(until - time.monotonic()):
                async with (
                    self._async_pool().stream(method, url, **self._request(headers, content)) as response,
                    aclosing(response.aiter_stream()) as stream,
                ):
                    parts: list[bytes] = []
                    size = 0
                    async for part in stream:
                        parts.append(part)
                        size += len(part)
                        if size > ANSWER_MAX:
                            raise LogUnavailable(_TOO_LONG)
        except (TimeoutError, *_FAILURES) as error:
            raise self._unavailable(error) from None
        return _answer(response, parts)

    def close(self) -> None:
        """Close the connections of ``ask`` in this process."""
        pool = self._pools.pop(os.getpid(), None)
        if pool is not None:
            pool.close()

    async def aclose(self) -> None:
        """Close the connections of ``aask`` on this event loop, and those of ``ask``."""
        self.close()
        _, pool = self._async_pools.pop(current_token().native_token, (0, None))
        if pool is not None:
            await pool.aclose()

    def _request(self, headers: Mapping[str, str], content: bytes) -> dict[str, Any]:
        return {"headers": list(headers.items()), "content": content, "extensions": self._extensions}

    def _pool(self) -> core.ConnectionPool:
        # Of two threads that come first, setdefault lets one win; the other's pool has opened nothing yet.
        pid = os.getpid()
        return self._pools.get(pid) or self._pools.setdefault(
            pid, core.ConnectionPool(self._authorities(), network_backend=Network(), **_CONNECTIONS)
        )

    def _async_pool(self) -> core.AsyncConnectionPool:
        loop = current_token().native_token
        pid, pool = self._async_pools.get(loop, (0, None))
        if pool is None or pid != os.getpid():
            pool = core.AsyncConnectionPool(self._authorities(), network_backend=AsyncNetwork(), **_CONNECTIONS)
            self._async_pools[loop] = (os.getpid(), pool)
        return pool

    def _unavailable(self, error: Exception) -> LogUnavailable:
        return LogUnavailable(
            f"the register could not be reached or did not answer within {self.timeout:g} seconds ({type(error).__name__})",
            for_all=isinstance(error, _NOT_THERE),
        )


def _answer(response: core.Response, parts: list[bytes]) -> Answer:
    headers = {name.decode("ascii", "replace").lower(): value.decode("ascii", "replace") for name, value in response.headers}
    return Answer(response.status, b"".join(parts), headers)
