"""Strict JSON: an object with a repeated name is an error.

RFC 8259 leaves open which of the two counts, and readers differ: what one of them judged as ``vertrouwelijk``, the next stored as
``normaal``. So it is refused, at every depth, as I-JSON (RFC 7493) has it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, NoReturn

__all__ = ["DOUBLED_MAX", "DoubledNames", "Place", "read"]

DOUBLED_MAX = 250
"""Most objects with a name twice that are looked for in one text."""
Place = tuple[str | int, ...]
"""Where in a document something stands: names of objects and places in lists, from the outside inwards."""


class DoubledNames(ValueError):
    """A JSON object has the same name twice. The message holds nothing of the text.

    Attributes:
        places: each such name, as the last part of where it stands. What stands within what is doubled itself is not looked at.
            ``()``, for the whole, when more than ``DOUBLED_MAX`` objects have one: to find each would take long.
        document: what the text says when the last one counts: to judge the rest by, never to store. None beside that ``()``.
    """

    def __init__(self, text: str) -> None:
        super().__init__("an object has one name twice")
        self.places: tuple[Place, ...] = ((),)
        self.document: Any = None
        marking = _Marking()
        try:
            self.document = json.JSONDecoder(object_pairs_hook=marking.object).decode(text)
        except _TooMany:
            return
        self.places = tuple(_doubled_in(self.document, ()))


def read(text: str | bytes) -> Any:
    """Parse ``text``; bytes are UTF-8. A lone surrogate is kept, so that the check of that field can refuse it.

    Raises DoubledNames, and ValueError when it is no JSON, goes deeper than the interpreter, or has NaN or an endless number.
    """
    text = text if isinstance(text, str) else text.decode()
    try:
        return _STRICT.decode(text)
    except _Doubled:
        pass
    except RecursionError:
        raise ValueError("goes too deep") from None
    raise DoubledNames(text)


class _Doubled(ValueError):
    pass


class _Marked(dict[str, Any]):
    """An object with ``doubled`` names."""

    doubled: tuple[str, ...]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Doubled
    return found


class _TooMany(Exception):
    pass


class _Marking:
    def __init__(self) -> None:
        self._marked = 0

    def object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        self._marked += 1
        if self._marked > DOUBLED_MAX:
            raise _TooMany
        marked = _Marked(found)
        marked.doubled = tuple(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        return marked


def _doubled_in(document: Any, place: Place) -> Iterator[Place]:
    doubled: tuple[str, ...] = ()
    if isinstance(document, _Marked):
        doubled = document.doubled
        yield from ((*place, name) for name in doubled)
    if isinstance(document, dict):
        for name, value in document.items():
            if name not in doubled:
                yield from _doubled_in(value, (*place, name))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from _doubled_in(value, (*place, index))


def _no_number(_text: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")


# Nothing quicker refuses them: msgspec and pydantic let the last one win. The C scanner calls _object once for each object.
_STRICT = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)
