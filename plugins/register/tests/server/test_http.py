"""The register's HTTP on the wire: framing, pipelining, upgrade, trailers and old versions (RFC 9110, RFC 9112)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from plugins.register.tests.conftest import MINIMAL, Server
from plugins.register.tests.http_wire import exchange

CANARY = "999990019"
BODY = json.dumps(MINIMAL).encode()
HOST = b"Host: x\r\n"
ALIVE = b"GET /gezondheid HTTP/1.1\r\nHost: x\r\n\r\n"
NOWHERE = b"GET /nergens HTTP/1.1\r\nHost: x\r\n\r\n"
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"


@pytest.fixture(scope="module")
def server(shared_server: Callable[..., Server]) -> Server:
    """One register for all these requests."""
    return shared_server("--rate-limit", "0")


def get(*lines: bytes, path: bytes = b"/gezondheid", version: bytes = b"1.1", method: bytes = b"GET") -> bytes:
    """A request without a body; ``lines`` are its headers."""
    return method + b" " + path + b" HTTP/" + version + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def post(*lines: bytes, body: bytes = BODY, length: bool = True) -> bytes:
    """A POST of a verwerkingsactie; TOKEN stands for the token."""
    framing = [b"Content-Length: %d" % len(body)] if length else []
    head = [b"Host: x", b"Authorization: Bearer TOKEN", b"Content-Type: application/json", *framing, *lines]
    return b"POST /api/v1/verwerkingsacties HTTP/1.1\r\n" + b"\r\n".join(head) + b"\r\n\r\n" + body


def chunked(*chunks: bytes, extension: bytes = b"", trailer: bytes = b"") -> bytes:
    """A POST whose body comes in those chunks."""
    body = b"".join(b"%x" % len(chunk) + extension + b"\r\n" + chunk + b"\r\n" for chunk in chunks)
    return post(b"Transfer-Encoding: chunked", body=body + b"0\r\n" + trailer + b"\r\n", length=False)


@dataclass(frozen=True)
class Case:
    """What is sent, which answers come, and whether the server then closes the connection."""

    name: str
    sent: tuple[bytes, ...]
    statuses: tuple[int, ...]
    closed: bool = False
    half_close: bool = False
    head: bool = False


CASES = [
    # Well-formed requests, one after another.
    Case("a request", (ALIVE,), (200,)),
    Case("a request in single bytes", tuple(ALIVE[n : n + 1] for n in range(len(ALIVE))), (200,)),
    Case("empty lines before a request", (b"\r\n\r\n" + ALIVE,), (200,)),
    Case("HEAD, which the health has not", (get(b"Host: x", method=b"HEAD"),), (405,), head=True),
    Case("OPTIONS of a path", (get(b"Host: x", method=b"OPTIONS"),), (405,)),
    Case("a host with a port", (get(b"Host: log.example.nl:8443"),), (200,)),
    Case("an IPv6 host", (get(b"Host: [::1]:8080"),), (200,)),
    Case("an empty host", (get(b"Host:"),), (200,)),
    Case("an absolute address", (get(b"Host: x", path=b"http://x/gezondheid"),), (200,)),
    Case("an absolute address with another host", (get(b"Host: y", path=b"http://x/gezondheid"),), (200,)),
    Case("close", (get(b"Host: x", b"Connection: close"),), (200,), closed=True),
    Case("close in a list", (get(b"Host: x", b"Connection: foo, close"),), (200,), closed=True),
    Case("close, and more behind it", (get(b"Host: x", b"Connection: close") + NOWHERE,), (200,), closed=True),
    Case("a body where none is meant", (get(b"Host: x", b"Content-Length: 5") + b"xxxxx",), (200,)),
    Case("a body of an unknown client, whole", (post(body=BODY).replace(b"TOKEN", b"x"),), (401,)),
    Case("a body that comes after the answer", (post(body=b"").replace(b"TOKEN", b"x").replace(b": 0", b": 5"), b"xxxxx"), (401,)),
    # HTTP/1.0 and other versions.
    Case("HTTP/1.0", (get(version=b"1.0"),), (200,), closed=True),
    Case("HTTP/1.0 with a host", (get(b"Host: x", version=b"1.0"),), (200,), closed=True),
    Case("HTTP/1.0 with two hosts", (get(b"Host: x", b"Host: y", version=b"1.0"),), (400,), closed=True),
    Case("HTTP/1.0 and keep-alive", (get(b"Connection: keep-alive", version=b"1.0"),), (200,), closed=True),
    Case("HTTP/1.0 in chunks", (get(b"Transfer-Encoding: chunked", version=b"1.0", method=b"POST") + b"0\r\n\r\n",), (400,), closed=True),
    Case("HTTP/0.9", (b"GET /gezondheid\r\n\r\n",), (400,), closed=True),
    Case("HTTP/2.0 in text", (get(b"Host: x", version=b"2.0"),), (400,), closed=True),
    Case("HTTP/2 from the start", (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",), (400,), closed=True),
    Case("HTTP/9.9", (get(b"Host: x", version=b"9.9"),), (400,), closed=True),
    Case("TLS on a port without", (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 20,), (400,), closed=True),
    # Hosts, names and values.
    Case("no host", (get(),), (400,), closed=True),
    Case("two hosts", (get(b"Host: x", b"Host: x"),), (400,), closed=True),
    Case("a host with a path", (get(b"Host: x/y"),), (400,), closed=True),
    Case("a host with a space", (get(b"Host: x y"),), (400,), closed=True),
    Case("a host with a user", (get(b"Host: a@b"),), (400,), closed=True),
    Case("a folded header", (get(b"Host: x", b"X-A: een", b" twee"),), (400,), closed=True),
    Case("a space before the colon", (get(b"Host : x"),), (400,), closed=True),
    Case("a space before the first header", (get(b" Host: x"),), (400,), closed=True),
    Case("a header without a colon", (get(b"Host: x", b"nonsense"),), (400,), closed=True),
    Case("a header without a name", (get(b"Host: x", b": x"),), (400,), closed=True),
    Case("NUL in a value", (get(b"Host: x", b"X-A: a\x00b"),), (400,), closed=True),
    Case("a bare CR in a value", (get(b"Host: x", b"X-A: a\rb"),), (400,), closed=True),
    Case("NUL in an address", (get(b"Host: x", path=b"/a\x00b"),), (400,), closed=True),
    Case("no ASCII in an address", (get(b"Host: x", path=b"/\xc3\xa9"),), (400,), closed=True),
    Case("a method that is none", (get(b"Host: x", method=CANARY.encode()),), (400,), closed=True),
    Case("a method in small letters", (get(b"Host: x", method=b"get"),), (400,), closed=True),
    Case("an address that is none", (get(b"Host: x", path=b"nergens"),), (400,), closed=True),
    Case("CONNECT", (get(b"Host: x", path=b"x:443", method=b"CONNECT"),), (400,), closed=True),
    Case("CONNECT with a request inside", (get(b"Host: x", path=b"x:443", method=b"CONNECT") + ALIVE,), (400,), closed=True),
    # Framing of bodies.
    Case("a body", (post(),), (201,)),
    Case("a body in two parts", (post()[:-20], post()[-20:]), (201,)),
    Case("one length twice", (post(b"Content-Length: %d" % len(BODY)),), (400,), closed=True),
    Case("two lengths", (post(b"Content-Length: 1"),), (400,), closed=True),
    Case("a list of lengths", (post(b"Content-Length: 5, 5", length=False),), (400,), closed=True),
    Case("a length with a sign", (post(b"Content-Length: +5", length=False, body=b"xxxxx"),), (400,), closed=True),
    Case("a negative length", (post(b"Content-Length: -1", length=False, body=b""),), (400,), closed=True),
    Case("a length in hexadecimal", (post(b"Content-Length: 0x5", length=False, body=b"xxxxx"),), (400,), closed=True),
    Case("a length beyond counting", (post(b"Content-Length: 99999999999999999999999", length=False),), (400,), closed=True),
    Case("length and chunks", (post(b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),), (400,), closed=True),
    Case("chunks and length", (chunked(BODY).replace(b"Transfer", b"Content-Length: 1\r\nTransfer"),), (400,), closed=True),
    Case("chunks", (chunked(BODY[:10], BODY[10:]),), (201,)),
    Case("chunks of one byte", (chunked(*[BODY[n : n + 1] for n in range(len(BODY))]),), (201,)),
    Case("a chunk with an extension", (chunked(BODY, extension=b";a=b"),), (201,)),
    Case("a trailer", (chunked(BODY, trailer=b"X-A: b\r\n"),), (201,)),
    Case("a trailer that would be a header", (chunked(BODY, trailer=b"Idempotency-Key: a\r\nIdempotency-Key: b\r\n"),), (201,)),
    Case("a chunk size that is none", (post(b"Transfer-Encoding: chunked", body=b"xyz\r\n", length=False),), (400,), closed=True),
    Case("a negative chunk size", (post(b"Transfer-Encoding: chunked", body=b"-1\r\n\r\n", length=False),), (400,), closed=True),
    Case("a chunk that is longer than it says", (post(b"Transfer-Encoding: chunked", body=b"1\r\nxxx\r\n0\r\n\r\n", length=False),), (400,), closed=True),
    Case("chunks that end in bare LF", (post(b"Transfer-Encoding: chunked", body=b"0\n\n", length=False),), (400,), closed=True),
    Case("an unknown coding", (post(b"Transfer-Encoding: gzip", length=False),), (400,), closed=True),
    Case("a coding below chunks", (post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n", length=False),), (400,), closed=True),
    Case("chunks twice", (post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n", length=False),), (400,), closed=True),
    Case("chunks hidden by a space", (post(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n", length=False),), (400,), closed=True),
    Case("chunks spelt otherwise", (post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n", length=False),), (400,), closed=True),
    Case("100-continue", (post(b"Expect: 100-continue"),), (100, 201)),
    Case("100-continue of an unknown client", (get(b"Host: x", b"Expect: 100-continue", b"Content-Length: 5", path=b"/api/v1/verwerkingsacties", method=b"POST"),), (401,), closed=True),
    # Pipelining: in order, whatever is behind.
    Case("two requests", (ALIVE + NOWHERE,), (200, 404)),
    Case("a slow one and a quick one", (post() + ALIVE,), (201, 200)),
    Case("many", (post() + ALIVE + post() + NOWHERE + post(),), (201, 200, 201, 404, 201)),
    Case("a slow one and nonsense", (post() + b"nonsense\r\n\r\n",), (201, 400), closed=True),
    Case("two, and a third without a host", (post() + ALIVE + get(),), (201, 200, 400), closed=True),
    Case("a slow one and a malformed body", (post() + post(b"Transfer-Encoding: chunked", body=b"zz\r\n", length=False),), (201, 400), closed=True),
    Case("a slow one and headers without end", (post() + get(b"Host: x", b"X-A: " + b"x" * 30_000),), (201, 431), closed=True),
    Case("nonsense and a request", (b"nonsense\r\n\r\n" + ALIVE,), (400,), closed=True),
    # Upgrade: ignored, in order.
    Case("an upgrade", (b"GET /gezondheid HTTP/1.1\r\nHost: x\r\n" + UPGRADE + b"\r\n",), (200,)),
    Case("an upgrade with a body", (post(*UPGRADE.split(b"\r\n")[:-1]),), (201,)),
    Case("an upgrade with chunks", (chunked(BODY).replace(HOST, HOST + UPGRADE),), (201,)),
    Case("an upgrade behind a slow request", (post() + ALIVE.replace(HOST, HOST + UPGRADE),), (201, 200)),
    Case("an upgrade before a request", (post(*UPGRADE.split(b"\r\n")[:-1]) + NOWHERE,), (201, 404)),
    Case("upgrades only", (ALIVE.replace(HOST, HOST + UPGRADE) * 3,), (200, 200, 200)),
    Case("a websocket", (get(b"Host: x", b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: eA=="),), (200,)),
    Case("an upgrade and close", (get(b"Host: x", b"Connection: Upgrade, close", b"Upgrade: h2c"),), (200,), closed=True),
    Case("an upgrade of HTTP/1.0", (get(b"Connection: Upgrade", b"Upgrade: h2c", version=b"1.0"),), (200,), closed=True),
    Case("an upgrade and a method that is none", (ALIVE.replace(HOST, HOST + UPGRADE) + get(b"Host: x", method=CANARY.encode()),), (200, 400), closed=True),
    # A client that sends no more, but listens.
    Case("half a connection", (ALIVE,), (200,), closed=True, half_close=True),
    Case("half a connection and a slow request", (post(),), (201,), closed=True, half_close=True),
    Case("half a connection and two requests", (post() + NOWHERE,), (201, 404), closed=True, half_close=True),
    Case("half a request", (post()[:-20],), (), closed=True, half_close=True),
    # Too much.
    Case("headers beyond the limit", (get(b"Host: x", b"X-A: " + b"x" * 17_000),), (431,)),
    Case("headers far beyond the limit", (get(b"Host: x", b"X-A: " + b"x" * 40_000),), (431,), closed=True),
    Case("many headers", (get(b"Host: x", *[b"X-%d: x" % n for n in range(5000)]),), (431,), closed=True),
    Case("an address beyond the limit", (get(b"Host: x", path=b"/" + b"x" * 40_000),), (431,), closed=True),
    Case("a body beyond the limit, told", (post(body=b" " * 1_500_000),), (413,)),
    Case("a body beyond the limit, in chunks", (chunked(*[b" " * 65_536] * 40),), (413,)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
async def test_answers_come_in_the_order_of_the_requests_and_what_is_no_http_ends_the_connection(server: Server, case: Case) -> None:
    sent = [part.replace(b"TOKEN", server.token.encode()) for part in case.sent]
    found = await exchange(server.port, *sent, answers=len(case.statuses), half_close=case.half_close, head=case.head)
    assert (tuple(found.statuses), found.closed) == (case.statuses, case.closed)
    for status, body in zip(found.statuses, found.bodies, strict=True):
        if status >= 400 and body:
            assert json.loads(body)["status"] == status
