"""Under a real server: how many requests per second uvicorn keeps with each variant."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from importlib.util import find_spec

from bench.asgi.application import FRAMEWORKS
from bench.asgi.variants import CORRELATION_ID, VARIANTS, verify
from bench.budget import KEPT
from bench.harness.direct import path_of
from bench.harness.environment import clean_environment, python_module
from bench.harness.load import Answers, LoadError, Request, own, wrk
from bench.harness.machine import cores, pinned
from bench.harness.plan import Loads, Plan
from bench.harness.result import Figure, Ratio, Result
from bench.harness.spread import Spread
from bench.harness.variant_names import BARE, OTEL, OURS, OUTBOX

__all__ = ["measure"]

_REQUEST = Request(path=path_of("002308572"))
_CONNECTIONS = 32
_TIMEOUT = 10


_FULL = Loads(rounds=24, seconds=0.25, warm_up=0.5)
_QUICK = Loads(rounds=2, seconds=0.2, warm_up=0.05)


def measure(plan: Plan) -> Result:
    """Each variant beside the bare application, in interleaved rounds of load. Raises NotDoneError or LoadError."""
    size = _QUICK if plan.quick else _FULL
    figures: list[Figure] = []
    ratios: list[Ratio] = []
    allowed = cores()
    loop, parser = ("uvloop" if find_spec("uvloop") else "asyncio"), ("httptools" if find_spec("httptools") else "h11")
    with pinned(allowed[-1:]):
        for key, framework in FRAMEWORKS.items():
            rounds = _rounds(key, allowed[0] if allowed else None, size, plan)
            figures.extend(_figures(framework.name, rounds))
            ratios.extend(_ratios(framework.name, rounds))
    return Result(
        part="server",
        title="Under uvicorn: requests per second of one worker on one core",
        figures=tuple(figures),
        ratios=tuple(ratios),
        settings={
            "load": "wrk" if plan.wrk else "own generator",
            "connections": _CONNECTIONS,
            "rounds": size.rounds,
            "seconds": size.seconds,
            "event loop": loop,
            "HTTP parser": parser,
        },
        notes=(
            "requests/s: answers for each second of processor that the server had. On a quiet machine the load sees the same; on a busy",
            "one it sees less, and the ratios of what it sees are those of the neighbours. So the ratios are of requests/s.",
            "Each round loads every variant once; a ratio is of two rates in the same round.",
            "The server has one core, the load another; no access log, garbage collection as Python does it.",
            "ours and OTel as in process: nothing is sent, and nothing put on disk but by the outbox.",
            *(
                ["uvloop or httptools is not installed: a slower server hides part of what any variant costs."]
                if (loop, parser) != ("uvloop", "httptools")
                else []
            ),
            *(["Server and load share a core here, so the load sees less than there is."] if len(set(allowed)) == 1 else []),
            *([] if allowed else ["This platform does not let a process choose its core."]),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    """A variant that is being served."""

    name: str
    port: int
    process: subprocess.Popen[str]

    def report(self) -> tuple[float, int | None, float]:
        """What ``bench.asgi.serve`` says of itself."""
        if self.process.stdin is None or self.process.stdout is None:
            raise ValueError("a server that was started without pipes")
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        before, done, after = json.loads(self.process.stdout.readline())
        return before, done, after

    def round(self, load: Callable[..., Answers]) -> _Round:
        """Load it, once. Raises NotDoneError when the variant did not do its work for each answer."""
        *_, started = self.report()
        answers = load(self.port, _REQUEST, connections=_CONNECTIONS)
        ended, done, _ = self.report()
        verify(self.name, _answer(self.port), requests=answers.count, done=done, unanswered=_CONNECTIONS)
        return _Round(seen=answers.rate, rate=answers.count / (ended - started))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """Requests per second in one round.

    Attributes:
        seen: as the load saw it; on a busy machine that tells more of the neighbours.
        rate: for each second of processor that the server had: what it keeps of a core for itself.
    """

    seen: float
    rate: float


def _rounds(framework: str, core: int | None, size: Loads, plan: Plan) -> dict[str, list[_Round]]:
    """The rounds of each variant. Each round starts with the next variant."""
    load = partial(wrk if plan.wrk else own, seconds=size.seconds)
    with ExitStack() as running:
        servers = [running.enter_context(_serving(framework, name, core)) for name in VARIANTS]
        for server in servers:
            server.round(partial(own, seconds=size.warm_up))
        rounds: dict[str, list[_Round]] = {server.name: [] for server in servers}
        for number in range(size.rounds):
            shift = number % len(servers)
            for server in servers[shift:] + servers[:shift]:
                rounds[server.name].append(server.round(load))
    return rounds


@contextmanager
def _serving(framework: str, name: str, core: int | None) -> Iterator[_Server]:
    """Serve a variant in a process of its own, which stops when its standard input ends."""
    with socket.create_server(("127.0.0.1", 0), backlog=_CONNECTIONS * 2) as listening:
        port = listening.getsockname()[1]
        process = subprocess.Popen(  # noqa: S603  # our own module
            python_module("bench.asgi.serve", framework, name, str(listening.fileno()), *([str(core)] if core is not None else [])),
            env=clean_environment(),
            pass_fds=[listening.fileno()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    with process:  # at its end closes the pipes, and waits
        yield _Server(name=name, port=port, process=process)


def _answer(port: int) -> list[tuple[bytes, bytes]]:
    """The headers of one answer that the application gives, without those of the server. Raises LoadError when it is no success."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
    try:
        connection.request("GET", _REQUEST.path)
        response = connection.getresponse()
        response.read()
    finally:
        connection.close()
    if response.status != HTTPStatus.OK:
        raise LoadError(f"the server answered {response.status}")
    return [(name.lower().encode(), value.encode()) for name, value in response.getheaders() if name.lower() not in {"date", "server"}]


def _figures(group: str, rounds: dict[str, list[_Round]]) -> Iterator[Figure]:
    for name, many in rounds.items():
        yield Figure(group=group, name=name, unit="requests/s", spread=Spread.of(each.rate for each in many))
    for name, many in rounds.items():
        yield Figure(group=group, name=name, unit="seen by the load", spread=Spread.of(each.seen for each in many))


def _ratios(group: str, rounds: dict[str, list[_Round]]) -> Iterator[Ratio]:
    for one, other in ((OURS, BARE), (OURS, OTEL), (OUTBOX, BARE), (OUTBOX, OTEL), (OTEL, BARE), (CORRELATION_ID, BARE)):
        spread = Spread.of(a.rate / b.rate for a, b in zip(rounds[one], rounds[other], strict=True))
        budget = KEPT.get((group, other)) if one in {OURS, OUTBOX} else None
        yield Ratio(group=group, name=f"requests/s, {one} / {other}", spread=spread, budget=budget)
