"""The trampoline: other code behind a function, so that everybody who holds the function runs that code.

A function is held in many places: a module, a class, a cell of a decorator, a partial, a route. So it stays the object that it is, with its
name, its parameters, its defaults and its kind, and only its ``__code__`` is exchanged for a few instructions that hand the call on. Its
own code goes on in a function of its own, with the same globals, closure and defaults.
"""

from __future__ import annotations

import functools
import gc
import inspect
import weakref
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Self

__all__ = ["Trampoline", "innermost", "inwards", "is_held"]

_ATTRIBUTE = "__verwerkingenlogging_trampoline__"
_CONSTANT = "verwerkingenlogging.trampoline"
_FREE = "__verwerkingenlogging_free_{}__"


class Trampoline:
    """Stands between a function and its own code. A subclass decides what to call instead.

    Attributes:
        original: a function with that code. Calling it passes the trampoline by.
    """

    __slots__ = ("__weakref__", "_code", "_function", "original")

    def __init__(self, function: FunctionType) -> None:
        self._function = weakref.ref(function)
        self.original: Callable[..., Any] = _copied(function)
        # A code object takes no part in garbage collection, so it may not keep what keeps the function.
        self._code = _handing_on(function.__code__, weakref.proxy(self))
        function.__dict__[_ATTRIBUTE] = self
        function.__code__ = self._code

    @classmethod
    def of(cls, function: FunctionType) -> Self:
        """The trampoline of ``function``; it gets one if it has none."""
        found = function.__dict__.get(_ATTRIBUTE)
        # functools.wraps copies attributes to what decorates the function.
        return found if isinstance(found, cls) and found._function() is function else cls(function)

    def choose(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[..., Any]:
        """The function that a call with these arguments runs."""
        raise NotImplementedError

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Call the chosen function."""
        __traceback_hide__ = True  # what shows local variables, Django's debug page and Sentry, passes over this frame
        return self.choose(args, kwargs)(*args, **kwargs)

    def remove(self) -> None:
        """Give the function its own code again, unless somebody else replaced the code meanwhile, since that code may call this."""
        function = self._function()
        if function is not None and function.__code__ is self._code:
            function.__code__ = self.original.__code__
            del function.__dict__[_ATTRIBUTE]


def _copied(function: FunctionType) -> FunctionType:
    copy = FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__)
    functools.update_wrapper(copy, function)
    for name in ("__wrapped__", "__signature__"):  # its parameters are those of its code, whatever a framework is told
        copy.__dict__.pop(name, None)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _handing_on(code: CodeType, trampoline: object) -> CodeType:
    """Code of the same kind as ``code``, with the same parameters, that calls ``trampoline.call`` with them."""
    positional = list(code.co_varnames[: code.co_argcount])
    keyword_only = list(code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount])
    variable = iter(code.co_varnames[code.co_argcount + code.co_kwonlyargcount :])
    parameters, call = list(positional), list(positional)
    if code.co_posonlyargcount:
        parameters.insert(code.co_posonlyargcount, "/")
    if code.co_flags & inspect.CO_VARARGS:
        parameters.append(f"*{next(variable)}")
        call.append(parameters[-1])
    elif keyword_only:
        parameters.append("*")
    parameters += keyword_only
    call += [f"{name}={name}" for name in keyword_only]
    if code.co_flags & inspect.CO_VARKEYWORDS:
        parameters.append(f"**{next(variable)}")
        call.append(parameters[-1])
    called = f'"{_CONSTANT}".call({", ".join(call)})'
    is_async = bool(code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR))
    free = [_FREE.format(index) for index in range(len(code.co_freevars))]
    # What it closes over stands after the end, so that a closure of that length fits.
    source = (
        f"def outer({', '.join(free)}):\n"
        f" {'async def' if is_async else 'def'} inner({', '.join(parameters)}):\n"
        f"  __traceback_hide__ = True\n{_handed_on(code, called)}  [{', '.join(free)}]\n"
    )
    outer = _code_in(compile(source, code.co_filename, "exec"))
    inner = _code_in(outer)
    return inner.replace(
        co_name=code.co_name,
        co_qualname=code.co_qualname,
        co_firstlineno=code.co_firstlineno,
        co_freevars=code.co_freevars,
        co_consts=tuple(trampoline if constant == _CONSTANT else constant for constant in inner.co_consts),
    )


def _handed_on(code: CodeType, called: str) -> str:
    """The lines that do what is ``called`` as code of that kind does. What is thrown into an asynchronous generator only closes it."""
    if code.co_flags & inspect.CO_ASYNC_GENERATOR:
        made, item = _FREE.format("made"), _FREE.format("item")
        return f"  {made} = {called}\n  try:\n   async for {item} in {made}: yield {item}\n  finally: await {made}.aclose()\n  return\n"
    kind = "await " if code.co_flags & inspect.CO_COROUTINE else "yield from " if code.co_flags & inspect.CO_GENERATOR else ""
    return f"  return ({kind}{called})\n"


def _code_in(code: CodeType) -> CodeType:
    return next(constant for constant in code.co_consts if isinstance(constant, CodeType))


def innermost(called: Any) -> Any:
    """What ``called`` calls in the end: under decorators that keep to ``functools.wraps``, partials and bound methods; of an object, its
    ``__call__``."""
    *_, last = inwards(called)
    return last


def inwards(called: Any) -> Iterator[Any]:
    """``called``, and all that it calls in turn, down to the innermost."""
    seen = set[int]()
    while called is not None and id(called) not in seen:
        yield called
        seen.add(id(called))
        called = _inner(called)


def _inner(called: Any) -> Any:
    if isinstance(called, functools.partial):
        return called.func
    if isinstance(called, MethodType):
        return called.__func__
    inner = getattr(called, "__wrapped__", None)
    if inner is not None or isinstance(called, type) or inspect.isroutine(called):
        return inner
    return getattr(type(called), "__call__", None)  # noqa: B004  # not whether it can be called, but by which function


_DEEP = 5
"""How many objects deep a decorator may hold its function: a cell in a closure in a partial in an attribute."""


def is_held(called: Any) -> bool:
    """Whether each decorator of ``called`` really refers to the function in its ``__wrapped__``, and not to a copy or a name."""
    around = [one for one in inwards(called) if getattr(one, "__wrapped__", None) is not None]
    return all(_holds(one, one.__wrapped__) for one in around)


def _holds(decorator: Any, inner: object) -> bool:
    seen, level = {id(decorator): decorator}, [decorator]
    for _ in range(_DEEP):
        found = {id(held): held for one in level for held in _held(one)}
        if id(inner) in found:
            return True
        level = [held for key, held in found.items() if key not in seen]
        seen |= found
    return False


def _held(one: Any) -> Iterator[Any]:
    """What an object holds for itself: no modules and their names, no classes, and not the mark of ``functools.wraps``."""
    is_function = type(one) is FunctionType  # a proxy of wrapt says that it is one too
    if is_function:
        yield from (*(one.__closure__ or ()), *(one.__defaults__ or ()), *(one.__kwdefaults__ or {}).values())
    attributes = getattr(one, "__dict__", None)
    if isinstance(attributes, dict) and "__wrapped__" in attributes:
        yield from (value for name, value in attributes.items() if name != "__wrapped__")
    elif not is_function and not isinstance(one, ModuleType | type):
        yield from gc.get_referents(one)
