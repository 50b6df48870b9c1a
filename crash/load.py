"""The load of both loops: many ask at once, until what they ask is killed; and how long it takes until it answers again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

__all__ = ["first_answer", "load_until"]

_CONNECTIONS = 8

Ask = Callable[[], Awaitable[bool]]
"""Asks once, and says whether that was acknowledged. Raises AssertionError for an answer that must not be."""


async def first_answer(ask: Ask, *, within: float, told: Callable[[], str]) -> float:
    """Wait until something is acknowledged again; gives the seconds. Raises AssertionError, with what was ``told``, after ``within``."""
    began = time.monotonic()
    while not await ask():
        if time.monotonic() - began > within:
            raise AssertionError(f"it did not recover: {told()[-4000:]}")
        await asyncio.sleep(0.005)
    return time.monotonic() - began


async def load_until(kill: Callable[[], None], ask: Ask, *, lives: tuple[float, float], patience: float | None = None) -> None:
    """Ask on many connections, and ``kill`` at a random moment between ``lives``, in seconds. Raises what an ``ask`` raised.

    Whoever then waits for longer than ``patience`` seconds is cancelled: it may have got no further than a socket that stays open.
    """
    stopped = asyncio.Event()

    async def ask_all_the_time() -> None:
        while not stopped.is_set():
            if not await ask():
                await asyncio.sleep(0.002)

    load = [asyncio.ensure_future(ask_all_the_time()) for _ in range(_CONNECTIONS)]
    await asyncio.sleep(random.uniform(*lives))  # noqa: S311  # no secret
    await asyncio.to_thread(kill)
    stopped.set()
    done, unanswered = await asyncio.wait(load, timeout=patience)
    for one in unanswered:
        one.cancel()
    await asyncio.gather(*unanswered, return_exceptions=True)  # they were cancelled
    for one in done:
        one.result()
