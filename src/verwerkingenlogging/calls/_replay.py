"""An iterator of which something was read, as it was before: with what was read, and then the rest."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from types import GeneratorType
from typing import Any

__all__ = ["replayed"]


def replayed(source: Iterator[Any], read: Sequence[Any], end: Exception | None) -> Iterator[Any]:
    """An iterator that gives what was ``read`` of ``source``, and then the rest; or raises ``end`` there, where that ended it."""
    items = deque(read)
    if not items and end is None:
        return source
    if not isinstance(source, GeneratorType):
        return _Again(source, items, end)
    generator = _generator(source, items, end)
    next(generator)
    named: Any = generator
    named.__name__, named.__qualname__ = source.__name__, source.__qualname__
    return generator


def _generator(source: Generator[Any, Any, Any], items: deque[Any], end: Exception | None) -> Generator[Any, Any, Any]:
    try:
        yield  # so far it goes at once: one that was never begun could not close the other
        while items:
            yield items.popleft()
        if end is None:
            return (yield from source)
        if isinstance(end, StopIteration):
            return end.value
        raise end
    finally:
        source.close()


class _Again:
    """What was read of an iterator, and then the rest of it. Like an iterator in C it has no ``__dict__``, which a framework would show."""

    __slots__ = ("_end", "_items", "_source")

    def __init__(self, source: Iterator[Any], items: deque[Any], end: Exception | None) -> None:
        self._source = source
        self._items = items
        self._end = end

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._items:
            return self._items.popleft()
        end, self._end = self._end, None
        if end is not None and not isinstance(end, StopIteration):
            raise end
        return next(self._source)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)
