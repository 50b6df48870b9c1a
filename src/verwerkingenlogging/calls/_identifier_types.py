"""Which types of a parameter can never hold an identifier: numbers, which lose their leading zeros (R5), and bytes.

Read when a function is annotated, so that a wrong one is known before the first request.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Number
from typing import Annotated, Any, Literal, NewType, TypeVar, Union, get_args, get_origin

__all__ = ["no_id"]

_NEVER = (Number, bytes, bytearray)


def no_id(annotation: Any, path: Sequence[str] = ()) -> str | None:
    """The name of the type that a parameter of type ``annotation`` has at ``path``, when each of its values is no text; else None.

    ``int | None``, ``list[int]``, ``Annotated[int, …]`` and a ``NewType`` of it are numbers; what is text too is not, nor what cannot be
    known here.
    """
    types_there = [kind for kind in _leaves(annotation) if kind is not type(None)]
    for step in path:
        types_there = [kind for one in types_there for kind in _leaves(_attribute(one, step)) if kind is not type(None)]
    if types_there and all(isinstance(kind, type) and issubclass(kind, _NEVER) for kind in types_there):
        return str(types_there[0].__name__)
    return None


def _leaves(annotation: Any) -> Iterator[Any]:
    """What values of this type are, or hold one or more of."""
    for inner in _inside(annotation):
        if inner is annotation:
            yield inner
        else:
            yield from _leaves(inner)


def _inside(annotation: Any) -> Iterable[Any]:
    origin, inner = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, NewType):
        inner = (annotation.__supertype__,)
    elif isinstance(annotation, TypeVar):
        inner = annotation.__constraints__ or (annotation.__bound__,)
    elif type(annotation).__name__ == "TypeAliasType":
        inner = (annotation.__value__,)
    elif origin is Annotated:
        inner = inner[:1]
    elif origin is Literal:
        inner = tuple(type(value) for value in inner)
    elif origin not in (Union, types.UnionType) and not _holds_many(origin):
        inner = (annotation,)
    return [kind for kind in inner if kind is not Ellipsis]


def _holds_many(origin: Any) -> bool:
    return isinstance(origin, type) and issubclass(origin, Iterable) and not issubclass(origin, Mapping)


def _attribute(holder: Any, name: str) -> Any:
    """The type of an attribute of a class, or of a key of a typed dict; Any when it says nothing of it, or names what is not here."""
    given = getattr(holder, name, None)
    try:
        if isinstance(given, property):
            return typing.get_type_hints(given.fget, include_extras=True).get("return", Any)
        return typing.get_type_hints(holder, include_extras=True).get(name, Any)
    except Exception:  # whatever evaluating its text raises
        return Any
