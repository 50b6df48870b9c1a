"""Load on a server of this machine, and how many answers it gave: with wrk, or with a generator of our own.

Ours is for machines without wrk. It uses most of a core where wrk needs a tenth, but has one for itself: up to thirty thousand
requests per second both find the same limit of the server.
"""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from time import perf_counter

from bench.harness.direct import HEADERS

__all__ = ["PLACEHOLDER", "Answers", "LoadError", "NoAnswersError", "Request", "own", "wrk"]

PLACEHOLDER = "#########"
"""In a path or a body: another number of nine digits in each request."""

_TIMEOUT = 10
_MOMENT = 0.05


class LoadError(Exception):
    """The load could not be put on the server, or some answer was not what it should be."""


class NoAnswersError(LoadError):
    """No answer came in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked, again and again.

    Attributes:
        path: with a ``PLACEHOLDER`` or without.
        method: of HTTP.
        body: JSON, with placeholders or without; empty for none.
        token: a bearer token, if the server wants one.
        status: of a good answer.
        numbers: those that take the place of the placeholder, in turn.
    """

    path: str
    method: str = "GET"
    body: str = ""
    token: str = ""
    status: int = 200
    numbers: range = range(100_000_000, 200_000_000)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Those of HTTP, but for ``Host`` and ``Content-Length``."""
        headers = [(name.decode(), value.decode()) for name, value in HEADERS if name != b"host"]
        if self.token:
            headers.append(("authorization", f"Bearer {self.token}"))
        if self.body:
            headers.append(("content-type", "application/json"))
        return headers

    def messages(self, port: int) -> Iterator[bytes]:
        """The bytes of each request, without end."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"host: 127.0.0.1:{port}", *(f"{name}: {value}" for name, value in self.headers)]
        if self.body:
            lines.append(f"content-length: {len(self.body.encode())}")
        parts = "\r\n".join([*lines, "", self.body]).encode().split(PLACEHOLDER.encode())
        for number in cycle(self.numbers):
            yield (b"%09d" % number).join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How many answers came, and in how many seconds."""

    count: int
    seconds: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.count / self.seconds


def wrk(port: int, request: Request, *, connections: int, seconds: float) -> Answers:
    """Load with wrk, in one thread, which stays on the cores of who calls. Raises LoadError when not every answer was a success."""
    url = f"http://127.0.0.1:{port}"
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_script(request))
        script.flush()
        command = [
            "wrk",
            "--threads=1",
            f"--connections={connections}",
            f"--duration={_TIMEOUT}s",
            f"--timeout={_TIMEOUT}s",
            f"--script={script.name}",
            url,
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:  # noqa: S603  # no outside text
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)  # it takes whole seconds only, but this ends it as its own clock does
            output, _ = process.communicate(timeout=_TIMEOUT)
    return answers_of_wrk(output)


def _script(request: Request) -> str:
    """What wrk asks, in Lua. Long brackets take any text that holds no such bracket itself."""
    headers = "\n".join(f"headers[ [[{name}]] ] = [[{value}]]" for name, value in request.headers)
    return f"""
local headers = {{}}
{headers}
local function parts(text)
    local found, start = {{}}, 1
    while true do
        local first, last = text:find("{PLACEHOLDER}", start, true)
        found[#found + 1] = text:sub(start, (first or 0) - 1)
        if not first then return found end
        start = last + 1
    end
end
local path, body, number = parts([[{request.path}]]), parts([[{request.body}]]), {request.numbers.start}
local fixed
request = function()
    if #path == 1 and #body == 1 then
        fixed = fixed or wrk.format("{request.method}", path[1], headers, body[1])  -- not before: wrk does not know the host yet
        return fixed
    end
    number = number + 1
    if number >= {request.numbers.stop} then number = {request.numbers.start} end
    local text = string.format("%09d", number)
    return wrk.format("{request.method}", table.concat(path, text), headers, table.concat(body, text))
end
"""


def answers_of_wrk(output: str) -> Answers:
    """What wrk prints at its end. Raises LoadError when that tells of errors, or is not understood."""
    if trouble := re.search(r"(Socket errors|Non-2xx).*", output):
        raise LoadError(f"wrk: {trouble.group()}")
    found = re.search(r"(\d+) requests in ", output)
    rate = re.search(r"Requests/sec:\s*([\d.]+)", output)
    if not found or not rate or not float(rate.group(1)):
        raise NoAnswersError(f"wrk: no answers: {output}")
    return Answers(count=int(found.group(1)), seconds=int(found.group(1)) / float(rate.group(1)))


def own(port: int, request: Request, *, connections: int, seconds: float) -> Answers:
    """Load with ``connections`` connections of keep-alive that each wait for their answer. Raises LoadError as ``wrk`` does."""
    return asyncio.run(_load(port, request, connections, seconds))


async def _load(port: int, request: Request, connections: int, seconds: float) -> Answers:
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[None] = loop.create_future()
    messages = request.messages(port)
    made = [
        await loop.create_connection(lambda: _Connection(messages, request.status, failed), "127.0.0.1", port) for _ in range(connections)
    ]
    started = perf_counter()
    for _, connection in made:
        connection.ask()
    await asyncio.wait([failed], timeout=seconds)
    while not failed.done() and not any(connection.answers for _, connection in made) and perf_counter() < started + _TIMEOUT:
        await asyncio.wait([failed], timeout=_MOMENT)  # a server on a busy machine may take longer than that for its first answer
    if failed.done():
        failed.result()
    answers = Answers(count=sum(connection.answers for _, connection in made), seconds=perf_counter() - started)
    for transport, connection in made:
        connection.stop()
        transport.close()
    await asyncio.sleep(0)  # the connections close in the next turn of the loop
    if not answers.count:
        raise NoAnswersError("no answers")
    return answers


class _Connection(asyncio.Protocol):
    """Asks, waits for the whole answer, asks again.

    All answers to one request are equally long, so only the first is taken apart; for the rest the bytes are counted, which
    leaves most of the core idle. An answer of another length or status ends the load.
    """

    def __init__(self, messages: Iterator[bytes], status: int, failed: asyncio.Future[None]) -> None:
        self.answers = 0
        self._messages = messages
        self._good = f"HTTP/1.1 {status} ".encode()
        self._failed = failed
        self._write: Callable[[bytes], None] = lambda data: None
        self._received = b""
        self._length = 0
        self._stopped = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep how to write."""
        if isinstance(transport, asyncio.WriteTransport):
            self._write = transport.write

    def ask(self) -> None:
        """Send the first request."""
        self._write(next(self._messages))

    def stop(self) -> None:
        """Do not ask again, and take no offence at the end of the connection."""
        self._write = lambda data: None
        self._stopped = True

    def data_received(self, data: bytes) -> None:
        """Count an answer when it is complete, and ask again."""
        received = self._received = self._received + data if self._received else data
        length = self._length or self._first_length()
        if not length or len(received) < length:
            return
        if len(received) > length or not received.startswith(self._good):
            self._fail(f"an answer that is not like the first: {received[:40]!r}")
            return
        self.answers += 1
        self._received = b""
        self._write(next(self._messages))

    def connection_lost(self, exc: Exception | None) -> None:
        """A server that hangs up ends the load."""
        self._fail("the server closed a connection")

    def _first_length(self) -> int:
        head, end, _ = self._received.partition(b"\r\n\r\n")
        if end:
            found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            if found is None:
                self._fail("an answer without content-length")
            else:
                self._length = len(head) + len(end) + int(found.group(1))
        return self._length

    def _fail(self, why: str) -> None:
        if not self._stopped and not self._failed.done():
            self._failed.set_exception(LoadError(why))
