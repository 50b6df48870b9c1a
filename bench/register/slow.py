"""How long honest clients wait while a thousand connections are slow, silent or hostile."""

from __future__ import annotations

import http.client
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from bench.budget import WAITED
from bench.harness.environment import clean_environment, python_module
from bench.harness.load import PLACEHOLDER
from bench.harness.machine import cores, pinned
from bench.harness.plan import Plan
from bench.harness.result import Figure, Ratio, Result
from bench.harness.spread import Spread
from bench.harness.work import NotDoneError
from bench.register.places import kinds, token
from bench.register.record import BODY
from bench.register.server import started
from bench.register.variants import OURS

__all__ = ["measure"]

_CLIENTS = 8
_PAUSE_SECONDS = 0.05


def measure(plan: Plan) -> Result:
    """Records of honest clients, with and without the others, in turn. Raises NotDoneError when one is not kept."""
    connections, seconds, rounds = (50, 1.0, 2) if plan.quick else (1000, 60.0, 2)
    alone, beside = [], []
    with pinned(cores()[-1:]), kinds() as found:
        lite = found[0]
        with started(OURS, lite.new(), lite.scratch, "--no-log-inzage") as server:
            server.wait()
            _waits(server.port, min(seconds, 2.0))  # warms up
            for _ in range(rounds):
                alone.append(_waits(server.port, seconds / 3))
                with _hostile(server.port, connections):
                    beside.append(_waits(server.port, seconds))
    p99 = {name: [statistics.quantiles(each, n=100)[98] * 1000 for each in waits] for name, waits in (("alone", alone), ("beside", beside))}
    return Result(
        part="register-slow",
        title="The register: honest clients beside slow, silent and hostile connections",
        figures=tuple(Figure(group="p99", name=name, unit="ms", spread=Spread.of(each)) for name, each in p99.items()),
        ratios=(
            Ratio(
                group="p99",
                name="beside / alone",
                spread=Spread.of(one / other for one, other in zip(p99["beside"], p99["alone"], strict=True)),
                budget=WAITED,
            ),
        ),
        settings={"connections": connections, "seconds": seconds, "rounds": rounds, "clients": _CLIENTS},
        notes=(
            f"{_CLIENTS} honest clients post a record every {_PAUSE_SECONDS * 1000:.0f} ms, each on a connection of its own. SQLite.",
            "Of ten other connections three say nothing, two send a header a second, two a byte of a body a second, one never reads",
            "20 descriptions that it asked for, one sends nonsense every second, one 50 kB of nesting every minute.",
        ),
    )


def _waits(port: int, seconds: float) -> list[float]:
    """How long each record took, in seconds."""
    waits: list[float] = []
    wrong: list[int] = []
    threads = [threading.Thread(target=_post, args=(port, time.monotonic() + seconds, waits, wrong)) for _ in range(_CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong or not waits:
        raise NotDoneError(f"records were not kept: {wrong[:5]}")
    return waits


def _post(port: int, until: float, waits: list[float], wrong: list[int]) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token()}"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while time.monotonic() < until:
        content = BODY.replace(PLACEHOLDER, f"9{uuid4().int % 10**8:08}")
        began = time.perf_counter()
        connection.request("POST", "/api/v1/verwerkingsacties", content, headers)
        answer = connection.getresponse()
        answer.read()
        waits.append(time.perf_counter() - began)
        if answer.status != http.client.CREATED:
            wrong.append(answer.status)
        time.sleep(_PAUSE_SECONDS)
    connection.close()


@contextmanager
def _hostile(port: int, connections: int) -> Iterator[None]:
    process = subprocess.Popen(  # noqa: S603  # our own module
        python_module("bench.register.hostile", str(port), str(connections), token()),
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:  # at its end closes the pipes, and waits
        if process.stdout is None or process.stdout.readline() != "open\n":
            raise NotDoneError("the hostile connections could not be opened")
        yield
        process.terminate()
