"""DjangoLog beside a bare insert in the same transaction, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.budget import INSERTED
from bench.django.child_process import running
from bench.django.insert_worker import CHANGE, LOGGED, RECORDED, ROW
from bench.django.project import sqlite
from bench.harness.plan import Plan
from bench.harness.result import Figure, Ratio
from bench.harness.spread import Spread
from bench.register.cluster import OWNER
from bench.register.places import Kind, kinds

__all__ = ["measure_inserts"]

_MICRO = 1e6
_CLOCKS = ("µs processor", "µs")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    processes: int
    rounds: int
    transactions: int


_FULL = _Size(processes=4, rounds=20, transactions=100)
_QUICK = _Size(processes=1, rounds=2, transactions=10)


def measure_inserts(plan: Plan) -> Iterator[Figure | Ratio]:
    """What a record adds to a transaction beside what a row adds, in interleaved rounds. Raises NotDoneError."""
    size = _QUICK if plan.quick else _FULL
    with kinds() as found:
        for kind in found:
            rounds = [each for seed in range(size.processes) for each in _rounds(kind, size, seed)]
            yield from _outcome(f"{kind.name}, transaction", rounds)


_Round = dict[str, tuple[float, float]]


def _rounds(kind: Kind, size: _Size, seed: int) -> Iterator[_Round]:
    with running("DjangoLog", "bench.django.insert_worker", json.dumps(_new(kind)), seed=seed) as child:
        child.answer()  # it is ready
        for _ in range(size.rounds):
            yield child.ask(size.transactions)


def _new(kind: Kind) -> dict[str, Any]:
    """A new database of that kind, as Django's settings say it."""
    name = f"scratch_{next(kind.numbers)}"
    if kind.cluster is None:
        return sqlite(str(kind.scratch / f"{name}.sqlite"))
    kind.cluster.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
    return {"ENGINE": "django.db.backends.postgresql", "NAME": name, "USER": OWNER, "HOST": str(kind.cluster.socket)}


def _outcome(group: str, rounds: list[_Round]) -> Iterator[Figure | Ratio]:
    for clock, unit in enumerate(_CLOCKS):
        bare = [each[CHANGE][clock] for each in rounds]
        added = {
            name: [each[name][clock] - without for each, without in zip(rounds, bare, strict=True)] for name in (ROW, LOGGED, RECORDED)
        }
        yield Figure(group=group, name=CHANGE, unit=unit, spread=Spread.of(each * _MICRO for each in bare))
        for name, many in added.items():
            yield Figure(group=group, name=name, unit=f"{unit} added", spread=Spread.of(each * _MICRO for each in many))
        for name in (LOGGED, RECORDED):
            spread = Spread.of(one / other for one, other in zip(added[name], added[ROW], strict=True))
            budget = INSERTED if name == RECORDED and not clock else None
            what = name.removeprefix("and ")
            yield Ratio(group=group, name=f"{unit} added, {what} / bare insert", spread=spread, budget=budget)
