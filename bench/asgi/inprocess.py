"""In process: what each variant adds to a request, without a server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from bench.asgi.application import FRAMEWORKS
from bench.asgi.variants import CORRELATION_ID
from bench.budget import ADDED
from bench.harness.environment import clean_environment, python_module
from bench.harness.plan import Plan
from bench.harness.result import Figure, Ratio, Result
from bench.harness.spread import Spread
from bench.harness.variant_names import BARE, OTEL, OURS, OUTBOX

__all__ = ["measure"]

_MICRO = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    processes: int
    rounds: int
    requests: int


_FULL = _Size(processes=6, rounds=40, requests=200)
_QUICK = _Size(processes=1, rounds=4, requests=50)


def measure(plan: Plan) -> Result:
    """Each variant beside the bare application, in interleaved rounds. Raises CalledProcessError when a process of it fails."""
    size = _QUICK if plan.quick else _FULL
    figures: list[Figure] = []
    ratios: list[Ratio] = []
    for key, framework in FRAMEWORKS.items():
        seconds = _seconds(key, size)
        added = {
            name: [one - bare for one, bare in zip(many, seconds[BARE], strict=True)] for name, many in seconds.items() if name != BARE
        }
        figures.extend(_figures(framework.name, seconds[BARE], added))
        ratios.extend(_ratios(framework.name, added))
    return Result(
        part="inprocess",
        title="In process: µs per request of the bare application, and what each variant adds to it",
        figures=tuple(figures),
        ratios=tuple(ratios),
        settings={"processes": size.processes, "rounds per process": size.rounds, "requests per round": size.requests},
        notes=(
            "The ASGI application is called directly: no server, no socket, no parsing of HTTP.",
            "Each round runs every variant once; what a variant adds is its time less that of the bare application in the same round.",
            "Time is that of the processor, background threads included, so that a busy machine counts less.",
            "ours: a record with every field, of one person, on a MemoryLog.",
            "ours, outbox: the same in a process-safe outbox, before the first byte of the answer. Delivering it is left out.",
            "OTel: spans batched with the defaults of the SDK; the exporter does nothing. No metrics, no sampling.",
            "Garbage collection is off while a round runs, and its cost left out for all.",
        ),
    )


def _seconds(framework: str, size: _Size) -> dict[str, list[float]]:
    """Seconds per request of each variant, round by round, over several processes."""
    command = python_module("bench.asgi.rounds", framework, str(size.rounds), str(size.requests))
    seconds: dict[str, list[float]] = {}
    for _ in range(size.processes):
        output = subprocess.run(command, env=clean_environment(), stdout=subprocess.PIPE, check=True).stdout  # noqa: S603  # our own module
        for name, many in json.loads(output).items():
            seconds.setdefault(name, []).extend(many)
    return seconds


def _figures(group: str, bare: list[float], added: dict[str, list[float]]) -> Iterator[Figure]:
    yield Figure(group=group, name=BARE, unit="µs", spread=Spread.of(one * _MICRO for one in bare))
    for name, many in added.items():
        yield Figure(group=group, name=name, unit="µs added", spread=Spread.of(one * _MICRO for one in many))


def _ratios(group: str, added: dict[str, list[float]]) -> Iterator[Ratio]:
    for ours in (OURS, OUTBOX):
        for peer in (OTEL, CORRELATION_ID):
            spread = Spread.of(one / other for one, other in zip(added[ours], added[peer], strict=True))
            yield Ratio(group=group, name=f"added, {ours} / {peer}", spread=spread, budget=ADDED.get((group, peer)))
