"""Values that can be read only once: the record reads them in advance, and the application gets an equal value.

Generators, ``map``, ``zip``, a ``csv.reader``, a result of SQLAlchemy: whoever reads one empties it for the next. What cannot be handed
on as it was, such as a file or the cursor of a database, is refused where the record would read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

from verwerkingenlogging.calls._replay import replayed
from verwerkingenlogging.calls._sql_results import result_again
from verwerkingenlogging.errors import ConfigurationError

__all__ = ["Held", "ReadOnce", "hold", "hold_each", "is_one_shot", "only_iterates"]


class ReadOnce(ConfigurationError):
    """The record would use up a value that the application must read. The message names the type, and the remedy."""

    def __init__(self, kind: type) -> None:
        super().__init__(
            f"{kind.__name__} can be read only once, and the record would leave nothing of it; give list(…) of it, or read it before"
        )


class Held(NamedTuple):
    """A value that holds something that can be read only once.

    Attributes:
        show: gives what the record reads in the place of the value.
        hand_on: gives the value for the application, when the record has read.
    """

    show: Callable[[], Any]
    hand_on: Callable[[], Any]


def is_one_shot(value: object) -> bool:
    """Whether reading ``value`` empties it."""
    return _empties(type(value))


def hold(value: Any, *, nested: bool = True) -> Held | None:
    """``value`` for the record and for the application, or None when it can be read more than once.

    It is looked for where values are put together: in tuples, lists and dicts, and in the attributes of ``value`` itself. What is there
    and cannot be handed on is refused when the record reads it; it is left alone, and not looked at, without ``nested``.
    """
    if _empties(type(value)) or isinstance(value, dict | list | tuple | type):
        return _hold(value, True)
    return _hold_in(value, vars(value), nested) if type(value) is not _Once and hasattr(value, "__dict__") else None


def hold_each(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Held | None:
    """The same for the arguments of a call. Both the record and the application get a pair of positional and named arguments."""
    held = [hold(value, nested=False) for value in args], {name: hold(value, nested=False) for name, value in kwargs.items()}
    if not any([*held[0], *held[1].values()]):
        return None

    def call(of: Callable[[Held | None, Any], Any]) -> Any:
        return tuple(map(of, held[0], args)), {name: of(held[1][name], value) for name, value in kwargs.items()}

    return Held(partial(call, _shown), partial(call, _handed_on))


def only_iterates(kind: type) -> bool:
    """Whether a ``kind`` can only be iterated, so that another iterator can replace it."""
    return _iterates(kind)


_OF_ITERATORS = frozenset(
    [
        *("__iter__", "__next__", "__aiter__", "__anext__", "__length_hint__", "__setstate__", "__del__", "__class_getitem__", "__copy__"),
        *("send", "throw", "close", "asend", "athrow", "aclose", "from_iterable"),
    ]
)


@lru_cache(maxsize=256)
def _iterates(kind: type) -> bool:
    more = set(dir(kind)) - set(dir(object)) - _OF_ITERATORS
    return not any(callable(getattr(kind, name, None)) for name in more)


def _hold(value: Any, nested: bool) -> Held | None:
    if is_one_shot(value):
        return _hold_one_shot(value, nested)
    if isinstance(value, tuple):
        held = [_hold(part, nested) for part in value] if _may_hold(value) else []
        if not any(held):
            return None
        make: Callable[[Sequence[Any]], Any] = getattr(type(value), "_make", type(value))
        return Held(lambda: make(list(map(_shown, held, value))), lambda: make(list(map(_handed_on, held, value))))
    if isinstance(value, dict):
        return _hold_in(value, value, nested) if _may_hold(value.values()) else None
    if isinstance(value, list) and any(map(_empties, set(map(type, value)))):
        return _hold_in(value, value, nested)
    return None


def _hold_one_shot(value: Any, nested: bool) -> Held | None:
    again = result_again(value)
    if again is not None:
        return Held(again, again)
    return _once(value) if nested or only_iterates(type(value)) else None


def _may_hold(values: Any) -> bool:
    """Whether there is something among ``values`` to look into. There may be many, and they have few types."""
    return any(_empties(kind) or issubclass(kind, tuple | dict | list) for kind in set(map(type, values)))


def _empties(kind: type) -> bool:
    return hasattr(kind, "__next__") and kind is not _Once


def _hold_in(value: Any, places: Any, nested: bool) -> Held | None:
    """Put what the record may read in its ``places`` in ``value``, and what goes on afterwards."""
    every = list(places.items() if isinstance(places, dict) else enumerate(places))
    held = {key: found for key, part in every if (found := _hold(part, nested)) is not None}

    def put(of: Callable[[Held | None, Any], Any]) -> Any:
        for key, found in held.items():
            places[key] = of(found, None)
        return value

    return Held(partial(put, _shown), partial(put, _handed_on)) if held else None


def _shown(held: Held | None, value: Any) -> Any:
    return value if held is None else held.show()


def _handed_on(held: Held | None, value: Any) -> Any:
    return value if held is None else held.hand_on()


def _once(value: Iterator[Any]) -> Held:
    once = _Once(value)
    return Held(lambda: once, lambda: replayed(once._source, once._items, once._end))


class _Once:
    """Stands for a one-shot value while the record is made, and keeps what is read of it. Read to its end, it begins again: each of
    several kinds of persons may be in it."""

    def __init__(self, source: Iterator[Any]) -> None:
        self._source = source
        self._items: list[Any] = []
        self._end: Exception | None = None
        self._again: Iterator[Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        self._check()
        if self._end is not None:
            self._again = iter(self._items)
        return self

    def __next__(self) -> Any:
        self._check()
        if self._again is not None:
            return next(self._again)
        if self._end is None:
            try:
                item = next(self._source)
            except Exception as error:  # the application's own error too: it meets that where it would have
                self._end = error
            else:
                if _hold(item, True) is not None:  # it was read here, or is gone when the next one is read, as the groups of groupby
                    raise ReadOnce(type(item))
                self._items.append(item)
                return item
        raise StopIteration

    def __getattr__(self, name: str) -> Any:
        """What it says of itself. What it can do might read it."""
        given = getattr(self._source, name)
        if callable(given):
            raise ReadOnce(type(self._source))
        return given

    def _check(self) -> None:
        if not only_iterates(type(self._source)):
            raise ReadOnce(type(self._source))
