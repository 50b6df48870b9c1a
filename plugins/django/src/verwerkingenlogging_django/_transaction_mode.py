"""The mode of the code that runs: whether it reads or changes, and in which database; ``transactions`` is its public face."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, NamedTuple, ParamSpec, TypeVar, overload

from asgiref.sync import iscoroutinefunction

from verwerkingenlogging import ConfigurationError

__all__ = ["Mode", "Scope", "changing", "enter_mode", "for_method", "is_safe", "leave_mode", "mode", "mode_of", "reading"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Mode(NamedTuple):
    """How records are written now: as those of reading, or of a change.

    Attributes:
        reads: apart from the transaction that is open; otherwise in it.
        using: the database in whose transaction, when that was said.
    """

    reads: bool
    using: str | None = None


_READING = Mode(reads=True)
_CHANGING = Mode(reads=False)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing (RFC 9110, 9.2.1)."""

_mode: ContextVar[Mode] = ContextVar("verwerkingenlogging_django.mode", default=_CHANGING)

mode = _mode.get
"""The mode of the code that calls."""


class Scope:
    """A mode, for the code in a ``with`` block or in the function that it decorates, synchronous or asynchronous."""

    __slots__ = ("_mode", "_token")
    _token: Token[Mode]

    def __init__(self, mode: Mode) -> None:
        self._mode = mode

    def __enter__(self) -> None:
        self._token = _mode.set(self._mode)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        _mode.reset(self._token)

    def __call__(self, function: Callable[_P, _R]) -> Callable[_P, _R]:
        """``function``, run in this mode. Raises ConfigurationError for a generator, whose code runs when somebody asks for its items."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise ConfigurationError(f"{function.__qualname__}: a generator runs after it was called; decorate the view that makes it")
        within = self._mode
        if iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                __traceback_hide__ = True  # what shows local variables, Django's debug page and Sentry, passes over this frame
                with Scope(within):
                    return await function(*args, **kwargs)

            return awaited  # type: ignore[return-value]  # a coroutine function for a coroutine function

        @functools.wraps(function)
        def called(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            __traceback_hide__ = True  # as above
            with Scope(within):
                return function(*args, **kwargs)

        return called


@overload
def reading(function: Callable[_P, _R]) -> Callable[_P, _R]: ...
@overload
def reading() -> Scope: ...
def reading(function: Callable[..., Any] | None = None) -> Any:
    """Records inside are about reading: they are committed at once, and stay when the transaction around is rolled back.

    For a ``with`` block: ``with reading():``; for a function, synchronous or asynchronous: ``@reading``.
    """
    scope = Scope(_READING)
    return scope if function is None else scope(function)


@overload
def changing(function: Callable[_P, _R]) -> Callable[_P, _R]: ...
@overload
def changing(*, using: str | None = None) -> Scope: ...
def changing(function: Callable[..., Any] | None = None, *, using: str | None = None) -> Any:
    """Records inside belong to a change: they are committed or rolled back with the open transaction.

    ``using`` is the database of the change, which a log of several databases must be told when transactions are open on more
    than one. For a ``with`` block: ``with changing():``; for a function: ``@changing`` or ``@changing(using="archief")``.
    """
    scope = Scope(_CHANGING if using is None else Mode(reads=False, using=using))
    return scope if function is None else scope(function)


def mode_of(method: str | None) -> Mode:
    """The mode of a request with that method: the safe methods read, others change."""
    return _READING if method in _SAFE else _CHANGING


enter_mode = _mode.set
"""Begin a mode, for a middleware: a ``with`` block would be paid for by every request. Gives the token for ``leave_mode``."""
leave_mode = _mode.reset
"""Go back to what was before ``enter_mode`` gave this token."""


def for_method(method: str | None) -> Scope:
    """``mode_of``, for a ``with`` block."""
    return Scope(mode_of(method))


def is_safe(method: str | None) -> bool:
    """Whether a request with that method only reads (RFC 9110, 9.2.1)."""
    return method in _SAFE
