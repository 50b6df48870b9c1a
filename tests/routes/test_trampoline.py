"""Other code behind a function: the function stays what it is, whoever holds it calls what is chosen, and it can be taken away."""

from __future__ import annotations

import asyncio
import copy
import functools
import gc
import inspect
import sys
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
import wrapt

from verwerkingenlogging.routes.trampoline import Trampoline, innermost, inwards, is_held

seen: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_seen() -> Iterator[None]:
    seen.clear()
    yield
    seen.clear()


class Noting(Trampoline):
    """Notes each call, and lets it go on."""

    __slots__ = ()

    def choose(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[..., Any]:
        seen.append(f"{self.original.__name__}{args}{kwargs or ''}")
        return self.original


def noting(function: Any) -> Noting:
    return Noting.of(function)


def every_kind(a: int, /, b: int, *rest: int, c: int, d: int = 4, **more: int) -> tuple[Any, ...]:
    return (a, b, rest, c, d, more)


def test_a_function_is_called_with_what_it_was_called_with_and_keeps_its_signature() -> None:
    function = copied(every_kind)
    before = inspect.signature(function)
    noting(function)
    assert inspect.signature(function) == before
    assert inspect.getsource(function) == inspect.getsource(every_kind)
    assert inspect.getfullargspec(function) == inspect.getfullargspec(every_kind)
    assert function(1, 2, 3, c=5, e=6) == (1, 2, (3,), 5, 4, {"e": 6})
    assert function(1, b=2, c=3) == (1, 2, (), 3, 4, {})
    assert seen == ["every_kind(1, 2, 3){'c': 5, 'd': 4, 'e': 6}", "every_kind(1, 2){'c': 3, 'd': 4}"]
    with pytest.raises(TypeError, match=r"every_kind\(\) missing 1 required keyword-only argument: 'c'"):
        function(1, 2)


def copied(function: Any) -> Any:
    new = types.FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__)
    new.__kwdefaults__ = function.__kwdefaults__
    new.__annotations__ = function.__annotations__
    return new


def keyword_only(*, bsn: str) -> str:
    return bsn


def test_a_function_of_keywords_alone_is_called_with_them() -> None:
    function = copied(keyword_only)
    noting(function)
    assert function(bsn="1") == "1"
    assert seen == ["keyword_only(){'bsn': '1'}"]


def made(calls: int) -> tuple[type, Callable[[int], int]]:
    class Base:
        def get(self) -> str:
            return "base"

    class Derived(Base):
        def get(self) -> str:
            return f"{super().get()} {calls}"

        async def aget(self) -> str:
            await asyncio.sleep(0)
            return super().get()

    def counting(left: int) -> int:
        nonlocal calls
        calls += 1
        return counting(left - 1) if left else calls

    return Derived, counting


def test_what_a_function_closes_over_goes_along() -> None:
    """Its class too, for super(), and itself."""
    derived, counting = made(0)
    for function in (derived.get, derived.aget, counting):  # type: ignore[attr-defined]  # of the class that was made
        noting(function)
    assert derived().get() == "base 0"
    assert inspect.iscoroutinefunction(derived().aget)
    assert asyncio.run(derived().aget()) == "base"
    assert counting(2) == 3
    assert counting.__code__.co_freevars == ("calls", "counting")
    assert inspect.getclosurevars(counting).nonlocals["calls"] == 3
    assert [one.partition("(")[0] for one in seen] == ["get", "aget", "counting", "counting", "counting"]


def test_whoever_held_it_before_calls_it_too() -> None:
    def function(bsn: str) -> str:
        return bsn

    held: list[Callable[..., str]] = [function, functools.partial(function, "1"), lambda: function("1"), copy.copy(function)]
    bound = types.MethodType(function, "1")
    noting(function)
    answers = [held[0]("1"), held[1](), held[2](), held[3]("1"), bound(), [*map(function, ["1"])][0]]  # noqa: RUF015  # by map itself
    assert answers == ["1"] * 6
    assert seen == ["function('1',)"] * 6


def test_there_is_one_for_each_function_and_none_that_functools_wraps_copied() -> None:
    def function() -> None: ...

    first = noting(function)

    @functools.wraps(function)
    def decorated() -> None: ...

    assert noting(function) is first
    assert noting(decorated) is not first


def test_it_can_be_taken_away() -> None:
    def function() -> str:
        return "own"

    code = function.__code__
    noting(function).remove()
    assert (function.__code__, function.__dict__, function()) == (code, {}, "own")
    assert seen == []


def test_what_somebody_else_put_before_it_is_left_alone() -> None:
    """A tracer exchanges the code of functions too, and calls what it found."""

    def function() -> str:
        return "own"

    trampoline = noting(function)
    found = copied(function)
    function.__code__ = _tracing.__code__
    _found.append(found)
    trampoline.remove()
    assert function() == "traced own"
    assert noting(function) is trampoline


_found: list[Callable[[], str]] = []


def _tracing() -> str:
    return f"traced {_found[-1]()}"


def test_a_tracer_that_came_first_goes_on() -> None:
    def function() -> str:
        return "own"

    _found.append(copied(function))
    function.__code__ = _tracing.__code__
    noting(function)
    assert function() == "traced own"
    assert len(seen) == 1


def test_it_keeps_nothing_alive() -> None:
    """A code object is no part of garbage collection: what it held would stay for ever, and its application with it."""

    class Application:
        def route(self) -> Callable[[], Application]:
            def function() -> Application:
                return self

            self.function = function  # as a route has it
            return function

    app = Application()
    noting(app.route())
    assert app.function() is app
    gone = weakref.ref(app)
    del app
    gc.collect()
    assert gone() is None


def test_a_base_says_nothing_of_what_to_call() -> None:
    def function() -> None: ...

    Trampoline.of(cast("types.FunctionType", function))
    with pytest.raises(NotImplementedError):
        function()


def inner() -> str:
    return "inner"


def in_a_cell(function: Callable[[], str]) -> Callable[[], str]:
    @functools.wraps(function)
    def outer() -> str:
        return function() + later

    if function is not inner:
        later = ""
    return outer


def in_a_default(function: Callable[[], str]) -> Callable[[], str]:
    @functools.wraps(function)
    def outer(*, called: Callable[[], str] = function) -> str:
        return called()

    return outer


class InAnAttribute:
    def __init__(self, function: Callable[[], str]) -> None:
        functools.update_wrapper(self, function)
        self.function = function

    def __call__(self) -> str:
        return self.function()


@wrapt.decorator
def by_wrapt(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    return wrapped(*args, **kwargs)


def in_a_list(function: Callable[[], str]) -> Callable[[], str]:
    steps = [{"call": functools.partial(function)}]

    @functools.wraps(function)
    def outer() -> str:
        return steps[0]["call"]()

    return outer


@pytest.mark.parametrize("decorate", [in_a_cell, in_a_default, InAnAttribute, in_a_list, by_wrapt])
def test_a_decorator_that_holds_its_function_calls_what_is_behind_it(decorate: Callable[[Any], Any]) -> None:
    assert is_held(decorate(inner))
    assert is_held(in_a_cell(decorate(inner)))
    assert innermost(decorate(inner)) is inner
    assert is_held(inner)


def as_a_copy(function: Any) -> Any:
    copy = copied(function)

    @functools.wraps(function)
    def outer() -> str:
        return str(copy())

    return outer


def by_its_name(function: Any) -> Any:
    name = function.__name__

    @functools.wraps(function)
    def outer() -> str:
        return str(getattr(sys.modules[__name__], name)())

    return outer


class Elsewhere:
    def __init__(self, function: Any) -> None:
        self.__wrapped__ = function

    def __call__(self) -> str:
        return "elsewhere"


@pytest.mark.parametrize("decorate", [as_a_copy, by_its_name, Elsewhere])
def test_a_decorator_that_holds_something_else_is_told_apart(decorate: Callable[[Any], Any]) -> None:
    assert not is_held(decorate(inner))
    assert not is_held(in_a_cell(decorate(inner)))


class Called:
    def __call__(self) -> str:
        return "called"

    @classmethod
    def of_class(cls) -> str:
        return "class"


def test_the_innermost_is_what_is_called_in_the_end() -> None:
    assert innermost(functools.partial(functools.partial(in_a_cell(inner)))) is inner
    assert innermost(Called()) is Called.__call__
    assert innermost(Called().__call__) is Called.__call__
    assert innermost(Called.of_class) is Called.__dict__["of_class"].__func__
    assert innermost(Called) is Called
    assert innermost(len) is len


def test_what_wraps_itself_has_an_end() -> None:
    def function() -> None: ...

    function.__wrapped__ = function  # type: ignore[attr-defined]  # a mistake that inspect refuses
    assert list(inwards(function)) == [function]
