"""In process: what each variant adds to a request of Django, as WSGI and as ASGI, without a server."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.budget import ADDED_DJANGO
from bench.django.child_process import running
from bench.django.variants import AUDITLOG, DJANGO_LOG, EASY_AUDIT, ROWS, STRUCTLOG, VARIANTS
from bench.harness.plan import Plan
from bench.harness.result import Figure, Ratio
from bench.harness.spread import Spread
from bench.harness.undelivered_outbox import disk
from bench.harness.variant_names import BARE, OTEL, OURS, OUTBOX

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
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=disk())))
        started = [
            stack.enter_context(running(name, "bench.django.request_worker", mode, name, str(scratch / f"{name}.sqlite"), seed=seed))
            for name in VARIANTS
        ]
        for variant in started:
            variant.answer()  # it is ready
        for number in range(size.rounds):
            shift = number % len(started)
            for variant in started[shift:] + started[:shift]:
                into[variant.name].append(variant.ask(size.with_row if variant.name in ROWS else size.requests))
