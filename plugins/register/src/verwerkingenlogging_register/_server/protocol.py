"""HTTP as uvicorn speaks it, with our own answers to invalid HTTP, in the order of the requests (RFC 9112), and with limits.

One parser reads every connection. A client that asks for another protocol is answered in this one (RFC 9110 section 7.8).
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from verwerkingenlogging_register._errors import Fault
from verwerkingenlogging_register._requests.admission import Admission, admission_in
from verwerkingenlogging_register._requests.authentication import CAME_AT
from verwerkingenlogging_register._server.connection_limits import BYTES_PER_SECOND, LINGER_SECONDS, Watchman
from verwerkingenlogging_register._server.middleware import answer_headers
from verwerkingenlogging_register._server.write_buffer import JoinedWrites
from verwerkingenlogging_register._wire.problems import MEDIA_TYPE, problem_content

__all__ = ["Protocol"]

_BAD_REQUEST = 400
_TIMEOUT = 408
_HEADERS_TOO_LARGE = 431
_NO_HTTP = Fault("request", "invalid", "Moet een geldige HTTP-aanvraag zijn.")
_VERSIONS = frozenset({"1.0", "1.1"})
_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+;=%:\[\]-]*")
_DISCARDED_MAX = 32 * 1024 * 1024
"""Most bytes of a connection that are read for nothing: the rest of bodies that were refused, so that who sends them reads why."""
_RESET = struct.pack("ii", 1, 0)
"""For SO_LINGER: what the system still holds to be sent is thrown away."""


class _NotAccepted(Exception):
    """Makes the parser stop; the request is refused."""


class Protocol(HttpToolsProtocol):
    """Refuses, as a problem and in order: 431 for too many headers, 408 for what takes too long, 400 for invalid HTTP.

    The limit on headers, before or behind a body, is uvicorn's ``h11_max_incomplete_event_size``; those on time are ``watchman``'s.
    """

    _head = 0
    """Bytes of the address and the headers of this request, those that are complete."""
    _without_end = 0
    """Bytes of something else than a body that has not come to its end yet."""
    _received = 0
    """Bytes of this request's body."""
    _discarded = 0
    _in_message = False
    """A request has begun, and its end is not there."""
    _has_cycle = False
    """The headers of the request that is being read are complete."""
    _running: RequestResponseCycle | None = None
    """What makes the answer whose turn it is."""
    _refusal: int | None = None
    """The status with which the connection ends, once all that came before is answered."""
    _ended = False
    """The last answer is written."""
    _answer_until = 0.0
    _answer_left = 0

    def __init__(self, *args: Any, watchman: Watchman, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._watchman = watchman
        self._since = time.perf_counter()
        self._shown: dict[str, Admission] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Begin a connection. Its answers are sent whole."""
        super().connection_made(JoinedWrites(transport, self.loop))  # type: ignore[arg-type]  # it can do all that a transport can
        self._watchman.admit(self.connections, len(self.connections), self.loop)  # type: ignore[arg-type]  # all are of this class

    def data_received(self, data: bytes) -> None:
        """Read the received bytes, within the limits."""
        if self._refusal is not None or self._ended:
            self._discard(len(data))
            return
        self._unset_keepalive_if_required()
        self._without_end += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self._refuse(_HEADERS_TOO_LARGE if self._head > self._limit else _BAD_REQUEST)
            return
        if self._without_end > self._limit and not self.transport.is_closing():
            self._refuse(_HEADERS_TOO_LARGE)

    def _feed(self, data: bytes) -> None:
        """Parse. A request to speak another protocol is parsed once more as if it did not ask for that."""
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                lines = [name + b": " + value + b"\r\n" for name, value in self.headers if name != b"upgrade"]
                version = self.parser.get_http_version().encode()
                head = self.parser.get_method() + b" " + self.url + b" HTTP/" + version + b"\r\n" + b"".join(lines) + b"\r\n"
                data = head + data[upgrade.args[0] :]
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            else:
                return

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio reads what it returns
        """The client sends no more. Complete requests are answered first."""
        if self._in_message or self.cycle is None or self.cycle.response_complete:
            self.transport.close()  # sends what was written in this turn of the loop
            return False
        self.cycle.keep_alive = False
        return True

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._since = time.perf_counter()
        self.scope[CAME_AT] = self._since  # type: ignore[literal-required]  # our own, for who looks at the clients
        self._head = self._without_end = self._received = 0
        self._in_message, self._has_cycle = True, False

    def on_url(self, url: bytes) -> None:
        """Read a part of its address."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Read a header, or after the body a trailer."""
        self._count(len(name) + len(value))
        if not self._has_cycle:  # who is answered has the headers already; a trailer says nothing that we act upon
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """All headers are read. Refuse ambiguous framing, and a missing or repeated host (RFC 9112)."""
        version = self.parser.get_http_version()
        hosts = [value for name, value in self.headers if name == b"host"]
        if version not in _VERSIONS or len(hosts) > 1 or (version == "1.1" and not hosts) or not all(map(_HOST.fullmatch, hosts)):
            raise _NotAccepted
        codings = [value for name, value in self.headers if name == b"transfer-encoding"]
        if codings and (version == "1.0" or codings[0].lower() != b"chunked" or len(codings) > 1):
            raise _NotAccepted
        if self.parser.get_method() == b"CONNECT":
            raise _NotAccepted
        before = self.cycle
        super().on_headers_complete()
        self._has_cycle = self.cycle is not before

    def on_body(self, body: bytes) -> None:
        """Read a part of the body. Its reader limits its size."""
        self._without_end = 0
        self._received += len(body)
        if self.cycle is not None and self.cycle.response_complete:
            self._discard(len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request."""
        self._in_message = False
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """An answer is written. Go on with the next request, or send the refusal that waited."""
        admission = admission_in(self._running.scope) if self._running is not None else None
        if admission is not None:
            self._shown[admission.client] = admission
        last = not self.pipeline
        super().on_response_complete()
        if last and self._refusal is not None:
            self._end(self._refusal)

    def _should_upgrade(self) -> bool:
        return True

    @property
    def _limit(self) -> int:
        return self.config.h11_max_incomplete_event_size or 0

    def _count(self, size: int) -> None:
        self._head += size
        self._without_end = 0
        if self._head > self._limit:
            raise _NotAccepted

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > _DISCARDED_MAX:
            self.transport.close()

    def _refuse(self, status: int) -> None:
        """Answer what is being read with ``status``, when all that came before it is answered, and hang up."""
        self._refusal = status
        if not (self._has_cycle and self._in_message):
            if self.cycle is None or self.cycle.response_complete:
                self._end(status)
        elif self.pipeline:  # its own turn has not come: it is the newest
            self.pipeline.popleft()
        else:
            cycle = self.cycle
            cycle.disconnected = True
            cycle.message_event.set()
            self._end(None if cycle.response_started else status)

    def _end(self, status: int | None) -> None:
        """Write the last answer. Closing at once would reset the connection, and the client would lose that answer."""
        if self._ended or self.transport.is_closing():
            return
        self._ended, self._since = True, time.perf_counter()
        self._unset_keepalive_if_required()
        if status is not None:
            self.transport.write(_refusal(status))
        self.transport.write_eof()
        self.flow.resume_reading()

    def look(self, now: float) -> Sequence[Admission]:
        """End what takes too long. Gives the admissions under which an answer is still under way."""
        limits = self._watchman.limits
        left = self.transport.get_write_buffer_size()
        if left:
            if not self._answer_left:
                self._answer_until = now + limits.body_seconds
            self._answer_until += max(0, left - self._answer_left) / BYTES_PER_SECOND
            if now > self._answer_until:
                self.cut()
        self._answer_left = left
        if self._ended:
            if now - self._since > LINGER_SECONDS and not left:
                self.transport.close()
        elif self._refusal is None:
            self._look_at_request(now)
        if not left:
            self._shown.clear()
        return list(self._shown.values())

    def _look_at_request(self, now: float) -> None:
        limits = self._watchman.limits
        waited = now - self._since
        if not self._in_message:
            # It never said a word; or the rest of a body came behind the answer to it, for which uvicorn keeps no time.
            silent = self.cycle is None or (self.cycle.response_complete and self.timeout_keep_alive_task is None)
            if silent and waited > limits.header_seconds:
                self.transport.close()
        elif self.flow.read_paused:  # we let it wait
            self._since = now
        elif not self._has_cycle:
            if waited > limits.header_seconds:
                self._refuse(_TIMEOUT)
        elif waited > limits.body_seconds + self._received / BYTES_PER_SECOND:
            self._refuse(_TIMEOUT)

    def waiting_since(self) -> float | None:
        """The moment since which it waits for a request; None while it is working on one."""
        asked = self._has_cycle and (self._in_message or not self.cycle.response_complete)
        return None if asked or self.transport.is_closing() else self._since

    def cut(self) -> None:
        """Close it at once. What was written and not taken is thrown away."""
        if not self.transport.is_closing():
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()


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
