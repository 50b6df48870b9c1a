"""Safe on the disk: what one record costs, and what 64 that wait for the disk together cost."""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import perf_counter, thread_time

from bench.budget import EMITTED, SHARED
from bench.harness.full_record import make_recorder
from bench.harness.plan import Plan
from bench.harness.result import Figure, Ratio
from bench.harness.spread import Spread
from bench.harness.undelivered_outbox import Kept, disk
from bench.harness.work import NotDoneError
from bench.outbox.records import Maker
from verwerkingenlogging import Verwerkingsactie
from verwerkingenlogging.logs.outbox._storage.frames import encode

__all__ = ["measure_disk", "measure_emit"]

_MICRO = 1e6
_WAITING = 64


def measure_emit(plan: Plan) -> Iterator[Figure | Ratio]:
    """Making a record, encoding and appending it, beside a bare write of the same bytes. Processor time of the thread that does it."""
    rounds, count = (4, 200) if plan.quick else (60, 2000)
    kept = Kept("process")
    recorder = make_recorder(kept.log)
    make = Maker(recorder)
    acties = (make(),)
    frame = encode(acties)

    def emit() -> None:
        recorder.record((make(),))

    with tempfile.TemporaryFile(dir=disk(), buffering=0) as file:
        descriptor = file.fileno()
        calls = {"bare": lambda: os.write(descriptor, frame), "append": lambda: kept.log.log(acties), "emit": emit}
        seconds = _interleaved(calls, rounds, count)
    if len(kept.take()) < rounds * count:
        raise NotDoneError("records are missing")
    group = "one record"
    yield Figure(group=group, name="bare write of the same bytes", unit="µs", spread=Spread.of(one * _MICRO for one in seconds["bare"]))
    yield Figure(group=group, name="encode and append", unit="µs", spread=Spread.of(one * _MICRO for one in seconds["append"]))
    yield Figure(group=group, name="build, encode and append", unit="µs", spread=Spread.of(one * _MICRO for one in seconds["emit"]))
    for name, budget in (("append", None), ("emit", EMITTED)):
        spread = Spread.of(one / bare for one, bare in zip(seconds[name], seconds["bare"], strict=True))
        what = "build, encode and append" if budget else "encode and append"
        yield Ratio(group=group, name=f"{what} / bare write", spread=spread, budget=budget)


def _interleaved(calls: Mapping[str, Callable[[], object]], rounds: int, count: int) -> dict[str, list[float]]:
    """Seconds of processor for each call, round by round."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            gc.collect()
            gc.disable()
            started = thread_time()
            for _ in range(count):
                call()
            seconds[name].append((thread_time() - started) / count)
            gc.enable()
    return seconds


def measure_disk(plan: Plan) -> Iterator[Figure | Ratio]:
    """Power-safe with 64 waiting, as threads and as tasks of an event loop, beside a wait for the disk for each record."""
    rounds, each = (3, 3) if plan.quick else (15, 100)
    kept = Kept("power")
    make = Maker()
    acties = (make(),)
    frame = encode(acties)
    one: list[float] = []
    shared: dict[str, list[tuple[float, float]]] = {"threads": [], "event loop": []}
    with tempfile.TemporaryFile(dir=disk(), buffering=0) as file:
        for _ in range(rounds):
            one.append(_one_by_one(file.fileno(), frame, each * 4))
            shared["threads"].append(_threads(lambda: kept.log.log(acties), each))
            shared["event loop"].append(asyncio.run(_tasks(kept, acties, each)))
    if len(kept.take()) != rounds * each * _WAITING * 2:
        raise NotDoneError("records are missing")
    rate, wait = SHARED
    yield Figure(group="one by one", name="wait for the disk", unit="µs", spread=Spread.of(each * _MICRO for each in one))
    for name, many in shared.items():
        group = f"64 {name}" if name == "threads" else f"64 on an {name}"
        yield Figure(group=group, name="records", unit="per second", spread=Spread.of(1 / each for each, _ in many))
        yield Figure(group=group, name="wait", unit="µs", spread=Spread.of(median * _MICRO for _, median in many))
        yield Ratio(
            group=group,
            name="rate / one by one",
            spread=Spread.of(bare / each for bare, (each, _) in zip(one, many, strict=True)),
            budget=rate,
        )
        yield Ratio(
            group=group,
            name="median wait / one wait",
            spread=Spread.of(median / bare for bare, (_, median) in zip(one, many, strict=True)),
            budget=wait,
        )


def _one_by_one(descriptor: int, frame: bytes, count: int) -> float:
    """Median seconds of a write and a wait for the disk."""
    seconds = []
    for _ in range(count):
        started = perf_counter()
        os.write(descriptor, frame)
        os.fdatasync(descriptor)
        seconds.append(perf_counter() - started)
    return sorted(seconds)[count // 2]


def _threads(log: Callable[[], object], each: int) -> tuple[float, float]:
    """Seconds for each record, and the median of what one waits."""
    waits: list[float] = []
    ready = threading.Barrier(_WAITING + 1)

    def work() -> None:
        mine = []
        ready.wait()
        for _ in range(each):
            started = perf_counter()
            log()
            mine.append(perf_counter() - started)
        waits.extend(mine)

    threads = [threading.Thread(target=work) for _ in range(_WAITING)]
    for thread in threads:
        thread.start()
    ready.wait()
    started = perf_counter()
    for thread in threads:
        thread.join()
    seconds = perf_counter() - started
    return seconds / len(waits), sorted(waits)[len(waits) // 2]


async def _tasks(kept: Kept, acties: Sequence[Verwerkingsactie], each: int) -> tuple[float, float]:
    waits: list[float] = []

    async def work() -> None:
        for _ in range(each):
            started = perf_counter()
            await kept.log.alog(acties)
            waits.append(perf_counter() - started)

    started = perf_counter()
    await asyncio.gather(*(work() for _ in range(_WAITING)))
    seconds = perf_counter() - started
    return seconds / len(waits), sorted(waits)[len(waits) // 2]
