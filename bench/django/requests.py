"""In process: what each variant adds to a request of Django, as WSGI and as ASGI, without a server."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.budget import ADDED_DJANGO
from bench.django.variants import AUDITLOG, DJANGO_LOG, EASY_AUDIT, ROWS, STRUCTLOG, VARIANTS
from bench.environment import clean_environment, python_module
from bench.kept import disk
from bench.names import BARE, OTEL, OURS, OUTBOX
from bench.plan import Plan
from bench.result import Figure, Ratio
from bench.spread import Spread
from bench.work import NotDoneError

__all__ = ["measure_requests"]

_MICRO = 1e6
_MODES = {"wsgi": "Django WSGI", "asgi": "Django ASGI"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    """``with_row``: requests of a round, of a variant that writes a row for each, which takes long."""

    processes: int
    rounds: int
    requests: int
    with_row: int


_FULL = _Size(processes=6, rounds=16, requests=200, with_row=50)
_QUICK = _Size(processes=1, rounds=2, requests=20, with_row=5)


def measure_requests(plan: Plan) -> Iterator[Figure | Ratio]:
    """Each variant beside the bare project, in interleaved rounds. Raises NotDoneError when one of them stops."""
    size = _QUICK if plan.quick else _FULL
    for mode, group in _MODES.items():
        seconds: dict[str, list[float]] = {name: [] for name in VARIANTS}
        for number in range(size.processes):
            _measure(mode, size, seed=number, into=seconds)
        added = {name: [one - bare for one, bare in zip(many, seconds[BARE], strict=True)] for name, many in seconds.items()}
        yield Figure(group=group, name=BARE, unit="µs", spread=Spread.of(one * _MICRO for one in seconds.pop(BARE)))
        for name in seconds:
            yield Figure(group=group, name=name, unit="µs added", spread=Spread.of(one * _MICRO for one in added[name]))
        for one, other in ((OURS, OTEL), (OUTBOX, OTEL), (OUTBOX, STRUCTLOG), (DJANGO_LOG, AUDITLOG), (DJANGO_LOG, EASY_AUDIT)):
            if one in added:
                spread = Spread.of(a / b for a, b in zip(added[one], added[other], strict=True))
                budget = ADDED_DJANGO if other == OTEL else None
                yield Ratio(group=group, name=f"added, {one} / {other}", spread=spread, budget=budget)


def _measure(mode: str, size: _Size, *, seed: int, into: dict[str, list[float]]) -> None:
    """The rounds of one process for each variant. Each round starts with the next variant."""
    with ExitStack() as running:
        scratch = Path(running.enter_context(tempfile.TemporaryDirectory(dir=disk())))
        started = [running.enter_context(_running(mode, name, scratch, seed)) for name in VARIANTS]
        for variant in started:
            variant.answer()  # it is ready
        for number in range(size.rounds):
            shift = number % len(started)
            for variant in started[shift:] + started[:shift]:
                into[variant.name].append(variant.round(size.with_row if variant.name in ROWS else size.requests))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    """The process of a variant."""

    name: str
    process: subprocess.Popen[str]

    def round(self, requests: int) -> float:
        """Seconds of processor per request."""
        if self.process.stdin is None:
            raise ValueError("a process that was started without pipes")
        self.process.stdin.write(f"{requests}\n")
        self.process.stdin.flush()
        return float(self.answer())

    def answer(self) -> str:
        """What it says next. Raises NotDoneError when it has stopped; it has said why on its standard error."""
        if self.process.stdout is None or not (line := self.process.stdout.readline()):
            raise NotDoneError(f"{self.name}: its process stopped")
        return line


@contextmanager
def _running(mode: str, name: str, scratch: Path, seed: int) -> Iterator[_Running]:
    """The process of a variant, which stops when its standard input ends. All of a round hash strings alike, so that this is no
    difference between them."""
    process = subprocess.Popen(  # noqa: S603  # our own module
        python_module("bench.django.rounds", mode, name, str(scratch / f"{name}.sqlite")),
        env={**clean_environment(), "PYTHONHASHSEED": str(seed)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:  # at its end closes the pipes, and waits
        yield _Running(name=name, process=process)
