"""The rounds of one process: ``python -m bench.asgi.rounds <framework> <rounds> <requests>`` prints what they took as JSON.

In a process of its own, because some instrumentation changes a framework for the whole process, and because the same code
is a few percent faster or slower from one process to the next.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys

from bench.asgi.application import FRAMEWORKS
from bench.asgi.variants import VARIANTS, Variant, verify
from bench.harness.direct import answer_headers, path_of, timed

__all__ = ["main"]

_WARM_UP = 1000
_RUN_IN = 20


def main(framework: str, rounds: int, requests: int) -> dict[str, list[float]]:
    """Seconds of processor per request of each variant, round by round. Each round starts with the next variant."""
    variants = [make(FRAMEWORKS[framework]) for make in VARIANTS.values()]
    loop = asyncio.new_event_loop()
    paths = [path_of(f"{number:09}") for number in range(requests)]
    for variant in variants:
        _check(loop, variant)
        loop.run_until_complete(timed(variant.app, paths[:1] * _WARM_UP))
    gc.collect()
    gc.freeze()
    seconds: dict[str, list[float]] = {variant.name: [] for variant in variants}
    for number in range(rounds):
        shift = number % len(variants)
        for variant in variants[shift:] + variants[:shift]:
            seconds[variant.name].append(_round(loop, variant, paths) / requests)
    loop.close()
    return seconds


def _round(loop: asyncio.AbstractEventLoop, variant: Variant, paths: list[str]) -> float:
    """One round, in an asyncio task of its own, as a server gives each request. No garbage collection falls into it."""
    loop.run_until_complete(timed(variant.app, paths[:_RUN_IN]))
    if variant.work is not None:
        variant.work.take()
    gc.collect()
    gc.disable()
    try:
        seconds = loop.run_until_complete(timed(variant.app, paths))
    finally:
        gc.enable()
    _check(loop, variant, len(paths))
    return seconds


def _check(loop: asyncio.AbstractEventLoop, variant: Variant, requests: int = 0) -> None:
    """Raises NotDoneError when the variant did not do its work for each of ``requests``, and for one more."""
    answer = loop.run_until_complete(answer_headers(variant.app, path_of("999999990")))
    verify(variant.name, answer, requests=requests + 1, done=variant.work.take() if variant.work is not None else None)


if __name__ == "__main__":
    json.dump(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])), sys.stdout)
