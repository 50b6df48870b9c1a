"""A register that serves, and how many requests it answers."""

from __future__ import annotations

import http.client
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.harness.environment import clean_environment, python_module
from bench.harness.load import Answers, LoadError, NoAnswersError, Request
from bench.harness.machine import cores
from bench.register.places import TOKEN_SECONDS, Place

__all__ = ["Round", "Server", "started"]

_START_SECONDS = 60
_HEALTH = "/api/v1/openapi.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round of load.

    Attributes:
        count: answers.
        unanswered: how many more may have been under way when the load stopped.
        seen: answers per second, as the load saw them.
        busy: seconds of processor of the server, per answer.
    """

    count: int
    unanswered: int
    seen: float
    busy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A variant of the register that is being served."""

    port: int
    process: subprocess.Popen[str]
    log: Path

    def wait(self) -> Server:
        """Wait until it answers. Raises LoadError when it does not."""
        deadline = time.monotonic() + _START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            try:
                connection.request("GET", _HEALTH)
                connection.getresponse().read()
            except OSError:
                time.sleep(0.05)
            else:
                return self
            finally:
                connection.close()
        raise LoadError(f"the register did not start: {self.log.read_text(encoding='utf-8')[-500:]}")

    def round(self, load: Callable[..., Answers], request: Request, connections: int, seconds: float) -> Round:
        """Load it, once; for longer where a busy machine gives no answer in time. Raises LoadError when it gives none at all."""
        unanswered = 0
        while seconds < _START_SECONDS:
            unanswered += connections
            before = self._busy()
            try:
                answers = load(self.port, request, connections=connections, seconds=seconds)
            except NoAnswersError:
                seconds *= 4
                continue
            busy = (self._busy() - before) / answers.count
            return Round(count=answers.count, unanswered=unanswered, seen=answers.rate, busy=busy)
        raise LoadError("the register gives no answer")

    def _busy(self) -> float:
        if self.process.stdin is None or self.process.stdout is None:
            raise ValueError("a server that was started without pipes")
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


@contextmanager
def started(variant: str, place: Place, scratch: Path, *options: str) -> Iterator[Server]:
    """Start a variant on the first core, on a free port; it stops with the context. ``wait`` for it before use."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    location = place.location
    database = str(location) if isinstance(location, Path) else location.render_as_string(hide_password=False)
    limits = ["--rate-limit", "0", "--token-lifetime", str(TOKEN_SECONDS)]
    core = str(cores()[0]) if cores() else "-"
    serve = [variant, core, "--database", database, "--keys", str(place.keys), "--port", str(port), *limits, *options]
    log = scratch / f"{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  # our own module
            python_module("bench.register.serve", *serve),
            env=clean_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
    with process:  # at its end closes the pipes, and waits
        yield Server(port=port, process=process, log=log)
