"""Ordinary code around an annotated function that eats what it raises, each in its own way, and answers all the same.

A way takes a function that records and gives what the application would answer.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

__all__ = ["ASYNC_WAYS", "EATEN", "SYNC_WAYS"]

EATEN = "the application's own answer"

_Read = Callable[[], Any]
_ARead = Callable[[], Awaitable[Any]]


def _catches(read: _Read) -> Any:
    try:
        return read()
    except Exception:
        return EATEN


def _returns_at_last(read: _Read) -> Any:
    try:
        read()
    finally:
        return EATEN  # noqa: B012  # that it eats what was raised is the point


def _suppresses(read: _Read) -> Any:
    with contextlib.suppress(BaseException):
        return read()
    return EATEN


def _leaves_it_to_an_exit_stack(read: _Read) -> Any:
    with contextlib.ExitStack() as stack:
        stack.push(lambda *_: True)
        return read()
    return EATEN


def _decorates(read: _Read) -> Any:
    def forgiving(function: _Read) -> _Read:
        @functools.wraps(function)
        def called() -> Any:
            try:
                return function()
            except Exception:
                logging.getLogger("application").exception("it went wrong")
                return EATEN

        return called

    return forgiving(read)()


def _tries_again(read: _Read) -> Any:
    for _ in range(3):
        with contextlib.suppress(Exception):
            return read()
    return EATEN


def _keeps_it_as_a_value(read: _Read) -> Any:
    result: Any = None
    try:
        result = read()
    except Exception as error:
        result = error
    return EATEN if isinstance(result, Exception) else result


def _asks_a_future(read: _Read) -> Any:
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        future = pool.submit(contextvars.copy_context().run, read)
    return EATEN if future.exception() else future.result()


def _raises_and_catches_its_own(read: _Read) -> Any:
    try:
        try:
            return read()
        except Exception as error:
            raise RuntimeError("of its own") from error
    except RuntimeError:
        return EATEN


def _goes_on_with_a_generator(read: _Read) -> Any:
    def several() -> Any:
        for _ in range(2):
            try:
                yield read()
            except Exception:
                yield EATEN

    return list(several())[-1]


SYNC_WAYS: dict[str, Callable[[_Read], Any]] = {
    "catches": _catches,
    "returns-at-last": _returns_at_last,
    "suppresses": _suppresses,
    "exit-stack": _leaves_it_to_an_exit_stack,
    "decorates": _decorates,
    "tries-again": _tries_again,
    "keeps-it-as-a-value": _keeps_it_as_a_value,
    "asks-a-future": _asks_a_future,
    "raises-its-own": _raises_and_catches_its_own,
    "generator": _goes_on_with_a_generator,
}


async def _acatches(read: _ARead) -> Any:
    try:
        return await read()
    except Exception:
        return EATEN


async def _areturns_at_last(read: _ARead) -> Any:
    try:
        await read()
    finally:
        return EATEN  # noqa: B012  # as above


async def _asuppresses(read: _ARead) -> Any:
    with contextlib.suppress(BaseException):
        return await read()
    return EATEN


async def _gathers(read: _ARead) -> Any:
    first, second = await asyncio.gather(read(), read(), return_exceptions=True)
    return EATEN if isinstance(first, Exception) and isinstance(second, Exception) else str(first)


async def _waits(read: _ARead) -> Any:
    done, _ = await asyncio.wait([asyncio.ensure_future(read())])
    return EATEN if all(task.exception() for task in done) else done.pop().result()


async def _groups(read: _ARead) -> Any:
    answer: Any = EATEN
    try:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(_awaited(read))
        answer = task.result()
    except* Exception:
        pass
    return answer


async def _groups_of_anyio(read: _ARead) -> Any:
    answers: list[Any] = [EATEN]

    async def keep() -> None:
        answers.append(await read())

    with contextlib.suppress(ExceptionGroup):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keep)
    return answers[-1]


async def _hears_nothing_of_a_task(read: _ARead) -> Any:
    task = asyncio.create_task(_awaited(read))
    ended = asyncio.Event()
    task.add_done_callback(lambda _: ended.set())
    await ended.wait()
    return EATEN if task.exception() else task.result()


async def _raises_another(read: _ARead) -> Any:
    try:
        try:
            return await read()
        except Exception as error:
            raise RuntimeError("of its own") from error
    except RuntimeError:
        return EATEN


async def _uses_an_exit_stack(read: _ARead) -> Any:
    async with contextlib.AsyncExitStack() as stack:
        stack.push(lambda *_: True)
        return await read()
    return EATEN


async def _awaited(read: _ARead) -> Any:
    return await read()


ASYNC_WAYS: dict[str, Callable[[_ARead], Awaitable[Any]]] = {
    "catches": _acatches,
    "returns-at-last": _areturns_at_last,
    "suppresses": _asuppresses,
    "gathers": _gathers,
    "waits": _waits,
    "groups": _groups,
    "groups-of-anyio": _groups_of_anyio,
    "hears-nothing-of-a-task": _hears_nothing_of_a_task,
    "raises-another": _raises_another,
    "exit-stack": _uses_an_exit_stack,
}
