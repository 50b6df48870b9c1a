"""Delivered: what a record costs its sender, whether delivery keeps up, and what memory a backlog takes."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter, process_time

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from bench.asgi.application import FRAMEWORKS
from bench.asgi.variants import recorded
from bench.budget import BACKLOG, KEPT_UP, SENT
from bench.harness.direct import path_of, timed
from bench.harness.environment import clean_environment, python_module
from bench.harness.load import Request, own, wrk
from bench.harness.machine import cores, pinned
from bench.harness.plan import Plan
from bench.harness.result import Budget, Figure, Ratio
from bench.harness.spread import Spread
from bench.harness.undelivered_outbox import disk
from bench.harness.work import NotDoneError
from bench.outbox.records import BSN, Maker, receiving
from verwerkingenlogging import Verwerkingsactie
from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging.logs.outbox import OutboxLog

__all__ = ["measure_backlog", "measure_keeping_up", "measure_sent"]

_MICRO = 1e6
_SECONDS = 300
_CONNECTIONS = 32


def _attributes(actie: Verwerkingsactie) -> dict[str, str]:
    """The same record as attributes of a span: one for each field."""
    (betrokkene,) = actie.verwerkte_objecten
    fields = {name: str(value) for part in (actie, betrokkene) for name in part.__struct_fields__ if (value := getattr(part, name))}
    return {f"dpl.core.{name}": value for name, value in fields.items() if name != "verwerkte_objecten"}


def measure_sent(plan: Plan) -> Iterator[Figure | Ratio]:
    """Processor of the sending process for each record, from the record at hand until its delivery is acknowledged."""
    rounds, count = (2, 500) if plan.quick else (12, 2000)
    actie = Maker()()
    seconds: dict[str, list[float]] = {"kept": [], "delivered": [], "OpenTelemetry": []}
    with receiving() as address, tempfile.TemporaryDirectory(dir=disk()) as folder:
        outbox = OutboxLog(Path(folder) / "outbox", ApiLog(address, token="x"), safety="process")  # noqa: S106  # nobody looks at it
        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{address}/v1/traces"), max_queue_size=count * 2))
        attributes = _attributes(actie)
        for number in (1, *[count] * rounds):  # the first one connects
            started = process_time()
            for _ in range(number):
                outbox.log((actie,))
            kept = process_time()
            _done(outbox.flush(_SECONDS))
            delivered = process_time()
            tracer = provider.get_tracer("bench")
            for _ in range(number):
                tracer.start_span("Ophalen persoonsgegevens", attributes=attributes).end()
            _done(provider.force_flush(_SECONDS * 1000))
            spent = (kept - started, delivered - started, process_time() - delivered)
            for many, one in zip(seconds.values(), spent, strict=True):
                many.append(one / number)
        outbox.close()
        provider.shutdown()
    names = ("in our outbox", "in our outbox, and delivered to ApiLog", "OpenTelemetry SDK, and delivered by OTLP")
    for name, many in zip(names, seconds.values(), strict=True):
        yield Figure(group="a delivered record", name=name, unit="µs", spread=Spread.of(one * _MICRO for one in many[1:]))
    rows = list(zip(*seconds.values(), strict=True))[1:]
    whole = Spread.of(delivered / other for _, delivered, other in rows)
    yield Ratio(group="a delivered record", name="sender's processor / OpenTelemetry", spread=whole, budget=SENT)
    delivery = Spread.of((delivered - kept) / other for kept, delivered, other in rows)
    yield Ratio(group="a delivered record", name="the same, of delivery alone", spread=delivery)


def _done(delivered: bool) -> None:
    if not delivered:
        raise NotDoneError("not everything was delivered")


def measure_keeping_up(plan: Plan) -> Iterator[Figure | Ratio]:
    """An application under uvicorn with as much load as it takes, and, without a budget, one that is called without a server."""
    rounds, seconds = (2, 0.4) if plan.quick else (5, 5.0)
    yield from _kept_up("under uvicorn", [_served(plan, seconds) for _ in range(rounds)], KEPT_UP)
    rounds, requests = (2, 2000) if plan.quick else (5, 60_000)
    yield from _kept_up("without a server", [_called(requests) for _ in range(rounds)], None)


def _kept_up(group: str, rounds: Sequence[tuple[float, float]], budget: Budget | None) -> Iterator[Figure | Ratio]:
    yield Figure(group=group, name="recorded", unit="per second", spread=Spread.of(rate for rate, _ in rounds))
    yield Ratio(group=group, name="delivered meanwhile / recorded", spread=Spread.of(kept for _, kept in rounds), budget=budget)


def _served(plan: Plan, seconds: float) -> tuple[float, float]:
    """Records per second that a server makes, and which part of them it has delivered when the load ends."""
    allowed = cores()
    load = wrk if plan.wrk else own
    with pinned(allowed[-1:]), receiving() as address, tempfile.TemporaryDirectory(dir=disk()) as folder:
        with socket.create_server(("127.0.0.1", 0), backlog=_CONNECTIONS * 2) as listening:
            port = listening.getsockname()[1]
            process = subprocess.Popen(  # noqa: S603  # our own module
                python_module("bench.outbox.loaded", folder, address, str(listening.fileno()), *map(str, allowed[:1])),
                env=clean_environment(),
                pass_fds=[listening.fileno()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        with process:
            request = Request(path=path_of(BSN))
            own(port, request, connections=_CONNECTIONS, seconds=0.1)  # it serves, and is connected
            answers = load(port, request, connections=_CONNECTIONS, seconds=seconds)
            stdout, _ = process.communicate("\n", timeout=_SECONDS)
    return answers.rate, 1 - int(stdout) / answers.count


def _called(requests: int) -> tuple[float, float]:
    """The same of an application that is called as fast as it answers."""
    with receiving() as address, tempfile.TemporaryDirectory(dir=disk()) as folder:
        outbox = OutboxLog(Path(folder) / "outbox", ApiLog(address, token="x"), safety="process")  # noqa: S106  # nobody looks at it
        outbox.log((Maker()(),))
        outbox.flush(_SECONDS)  # it is connected
        app = recorded(FRAMEWORKS["starlette"], outbox)
        started = perf_counter()
        asyncio.run(timed(app, [path_of(BSN)] * requests))
        rate = requests / (perf_counter() - started)
        kept_up = 1 - outbox.status().waiting / requests
        _done(outbox.flush(_SECONDS))
        outbox.close()
    return rate, kept_up


def measure_backlog(plan: Plan) -> Iterator[Figure | Ratio]:
    """Megabytes that a process grows by while it takes a backlog and delivers it. On Linux only."""
    if not Path("/proc/self/status").exists():
        return
    count = 5_000 if plan.quick else 1_000_000
    folder = tempfile.mkdtemp(dir=disk())
    with receiving() as address:
        command = python_module("bench.outbox.deliver", folder, address, str(count))
        done = subprocess.run(command, env=clean_environment(), stdout=subprocess.PIPE, check=True)  # noqa: S603  # our own module
    shutil.rmtree(folder)
    took, more = json.loads(done.stdout)
    group = f"a backlog of {count:,} records"
    yield Figure(group=group, name="delivered", unit="per second", spread=Spread.of([count / took] * 2))  # once
    yield Ratio(group=group, name="memory more, in MB", spread=Spread.of([more] * 2), budget=BACKLOG)


def _backlog(folder: str, address: str, count: int) -> tuple[float, float]:
    actie = Maker()()
    warm = OutboxLog(Path(folder) / "warm", ApiLog(address, token="x"), safety="process")  # noqa: S106  # nobody looks at it
    warm.log([actie] * 1000)
    warm.flush(_SECONDS)
    warm.close()
    before = _peak()
    away = OutboxLog(Path(folder) / "outbox", ApiLog("http://127.0.0.1:9", token="x"), safety="process")  # noqa: S106
    for _ in range(count):
        away.log((actie,))
    away.close(timeout=0)
    started = perf_counter()
    with OutboxLog(Path(folder) / "outbox", ApiLog(address, token="x"), safety="process") as outbox:  # noqa: S106
        _done(outbox.flush(_SECONDS))
    return perf_counter() - started, _peak() - before


def _peak() -> float:
    """The most memory that this process has had, in megabytes. Not of getrusage, which begins with that of the parent."""
    (line,) = (line for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    print(json.dumps(_backlog(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
