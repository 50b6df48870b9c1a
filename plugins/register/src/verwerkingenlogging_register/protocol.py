"""HTTP as uvicorn speaks it, with our answer to what is no HTTP: uvicorn's own is plain text. And with a limit on what is no body."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import httptools
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from verwerkingenlogging_register.access import CAME_AT
from verwerkingenlogging_register.middleware import answer_headers
from verwerkingenlogging_register.problems import MEDIA_TYPE, Fault, problem_content

__all__ = ["Protocol"]

_HEADERS_TOO_LARGE = 431
_BAD_REQUEST = 400
_NO_HTTP = Fault("request", "invalid", "Moet een geldige HTTP-aanvraag zijn.")


class _NotAccepted(Exception):
    """Makes the parser stop, and uvicorn call ``send_400_response``."""


class Protocol(HttpToolsProtocol):
    """Refuses, as a problem, what cannot be read: 431 for headers without end, before or behind a body, and 400 for all else.

    The limit is uvicorn's ``h11_max_incomplete_event_size``.
    """

    _head = 0
    """Bytes of the address and the headers of this request, those that are complete."""
    _without_end = 0
    """Bytes of something else than a body that has not come to its end yet."""
    _data = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """A new connection; its answers go out whole."""
        super().connection_made(_InOne(transport, self.loop))  # type: ignore[arg-type]  # it can do all that a transport can

    def data_received(self, data: bytes) -> None:
        """Read on. What is not part of a body and comes to no end is not kept for ever."""
        self._data = data
        self._without_end += len(data)
        super().data_received(data)
        if self._without_end > self._limit and not self.transport.is_closing():
            self._refuse(_HEADERS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A new request."""
        super().on_message_begin()
        self.scope[CAME_AT] = time.perf_counter()  # type: ignore[literal-required]  # our own, for who looks at the clients
        self._head = self._without_end = 0

    def on_url(self, url: bytes) -> None:
        """A part of its address."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or behind the body a trailer."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """All headers are there; the host must be among them, once (RFC 9112 section 3.2)."""
        if self.parser.get_http_version() != "1.0" and [name for name, _ in self.headers].count(b"host") != 1:
            raise _NotAccepted
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body, whose size is the business of who reads it."""
        self._without_end = 0
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Answer and hang up. ``msg`` is uvicorn's own, which we do not show."""
        self._refuse(_HEADERS_TOO_LARGE if self._head > self._limit else _BAD_REQUEST)

    def _should_upgrade(self) -> bool:
        return True

    def handle_websocket_upgrade(self) -> None:
        """Go on with h11 when a client would rather speak something else, such as HTTP/2, which Java asks for unless told not to.

        That may be ignored (RFC 9110 section 7.8), but httptools takes the body for the other protocol.
        """
        error = sys.exception()
        rest = self._data[error.args[0] :] if isinstance(error, httptools.HttpParserUpgrade) else b""
        lines = b"".join([name + b": " + value + b"\r\n" for name, value in self.headers])
        protocol = _WithH11(self.config, self.server_state, self.app_state)
        self._without_end = 0
        self.connections.discard(self)
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        protocol.data_received(self.parser.get_method() + b" " + self.url + b" HTTP/1.1\r\n" + lines + b"\r\n" + rest)

    @property
    def _limit(self) -> int:
        return self.config.h11_max_incomplete_event_size or 0

    def _count(self, size: int) -> None:
        self._head += size
        self._without_end = 0
        if self._head > self._limit:
            raise _NotAccepted

    def _refuse(self, status: int) -> None:
        self.transport.write(_refusal(status))
        self.transport.close()


class _InOne:
    """A transport that sends what is written to it in one turn of the event loop at once.

    uvicorn writes the head of an answer and its body apart. Each is a call of the kernel, and a moment without Python's lock,
    which the thread that writes to the database then takes.
    """

    __slots__ = ("_loop", "_transport", "_written")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._written: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Send this, soon."""
        if not self._written:
            self._loop.call_soon(self._send)
        self._written.append(data)

    def close(self) -> None:
        """Hang up, when all is sent."""
        self._send()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        """All else is the transport's own."""
        return getattr(self._transport, name)

    def _send(self) -> None:
        if self._written:
            data = b"".join(self._written)
            self._written.clear()
            self._transport.write(data)


class _WithH11(H11Protocol):
    """A connection whose client has asked for another protocol."""

    def send_400_response(self, msg: str) -> None:
        """Answer and hang up."""
        self.transport.write(_refusal(_BAD_REQUEST))
        self.transport.close()


def _refusal(status: int) -> bytes:
    """The whole answer."""
    faults = [_NO_HTTP] if status == _BAD_REQUEST else []
    body = json.dumps(problem_content(status, faults=faults), ensure_ascii=False).encode()
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        *answer_headers(),
    ]
    return STATUS_LINE[status] + b"".join([name + b": " + value + b"\r\n" for name, value in headers]) + b"\r\n" + body
