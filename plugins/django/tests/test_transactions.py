"""Does the code that runs read or change: what was said of it holds inside, and nowhere else."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator

import pytest

from verwerkingenlogging import ConfigurationError
from verwerkingenlogging_django._transaction_mode import Mode, changing, for_method, mode, reading


@pytest.mark.parametrize(
    ("method", "reads"),
    [(m, True) for m in ("GET", "HEAD", "OPTIONS", "TRACE")] + [(m, False) for m in ("POST", "PUT", "PATCH", "DELETE", "get", None)],
)
def test_a_safe_method_reads_and_any_other_changes(method: str | None, reads: bool) -> None:
    with reading(), for_method(method):
        assert mode().reads is reads


def test_code_changes_unless_it_is_told_otherwise() -> None:
    assert mode() == Mode(reads=False)
    with reading():
        assert mode() == Mode(reads=True)
        with changing(using="archief"):
            assert mode() == Mode(reads=False, using="archief")
        assert mode().reads
    assert not mode().reads


def test_what_was_said_ends_with_an_exception_too() -> None:
    with pytest.raises(ZeroDivisionError), reading():
        raise ZeroDivisionError
    assert not mode().reads


def test_a_function_is_told_once_and_may_call_itself() -> None:
    @reading
    def count(number: int) -> list[bool]:
        return [mode().reads, *(count(number - 1) if number else [])]

    @changing
    def change() -> Mode:
        return mode()

    @changing(using="archief")
    def archive() -> Mode:
        return mode()

    assert count(2) == [True, True, True]
    with reading():
        assert [change(), archive()] == [Mode(reads=False), Mode(reads=False, using="archief")]
    assert not mode().reads
    assert count.__name__ == "count"


async def test_so_is_an_asynchronous_one_while_others_run() -> None:
    both = asyncio.Barrier(2)

    @reading
    async def read() -> bool:
        await both.wait()
        return mode().reads

    async def change() -> bool:
        await both.wait()
        return mode().reads

    assert inspect.iscoroutinefunction(read)
    told = [*await asyncio.gather(read(), change())]
    assert told == [True, False]


def test_a_generator_is_refused_for_its_code_runs_later() -> None:
    def rows() -> Iterator[int]:
        yield 1

    async def arows() -> AsyncIterator[int]:
        yield 1

    for function in (rows, arows):
        with pytest.raises(ConfigurationError, match="decorate the view"):
            reading(function)
