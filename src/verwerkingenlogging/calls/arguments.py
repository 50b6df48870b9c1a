"""Values in the arguments of a function, named by a path or by a function of those arguments, in whatever way it is called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from verwerkingenlogging.calls._identifier_types import no_id
from verwerkingenlogging.calls._one_shot import ReadOnce, hold, is_one_shot
from verwerkingenlogging.calls.signatures import evaluated, signature_of
from verwerkingenlogging.errors import ConfigurationError, NotInRequest

__all__ = ["Arguments", "Value", "follow", "readable"]

Value = str | Callable[..., Any]
"""The path to a value in a function's arguments, or a function of those arguments."""

_Getter = Callable[[tuple[Any, ...], dict[str, Any]], Any]


class Arguments:
    """The arguments of a function, found by name in whatever way it is called. Made once, when the function is annotated."""

    def __init__(self, function: Callable[..., Any]) -> None:
        named = function.func if isinstance(function, functools.partial) else function
        self.where = f"{named.__module__}.{named.__qualname__}"
        self._parameters = list(signature_of(function).parameters.values())
        self._names = getattr(inspect.unwrap(function), "__globals__", {})
        self._keywords = next((p.name for p in self._parameters if p.kind is p.VAR_KEYWORD), None)

    def getter(self, value: Value) -> _Getter:
        """A function of ``(args, kwargs)`` that gives the value of ``value``. Raises ConfigurationError when the argument is missing."""
        if callable(value):
            return self._call(value, _names(self.where, value))
        name, *path = value.split(".")
        argument = self._argument(name)
        if not path:
            return argument
        if name == "request" and path[0] in _SENT:
            return lambda args, kwargs: _sent(argument(args, kwargs), path, value)
        return lambda args, kwargs: _followed(argument(args, kwargs), path, value)

    def refuse_numbers(self, value: Value) -> None:
        """Raise ConfigurationError when ``value`` is the path to a number by its type: a number is never an id (R5)."""
        if callable(value):
            return
        name, *path = value.split(".")
        for parameter in self._parameters:
            kind = no_id(evaluated(parameter.annotation, self._names), path) if parameter.name == name else None
            if kind is not None:
                raise ConfigurationError(
                    f'{self.where}: "{value}" is {kind}, and a number loses its leading zeros (R5); make it str, or give a function that '
                    f'makes it text: persoon(lambda {name}: f"{{{value}:09d}}"), in a configuration module:function'
                )

    def sent(self, value: Value, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether ``value`` is the path to something whose type the client chose, as in a body of JSON."""
        if callable(value):
            return False
        name, *path = value.split(".")
        return bool(path) and (isinstance(self._argument(name)(args, kwargs), Mapping) or (name == "request" and path[0] in _SENT))

    def names(self, value: Value) -> tuple[str, ...]:
        """The names by which a client may know ``value``: a path without its request, or the arguments of a function."""
        if callable(value):
            return tuple(name for name in _names(self.where, value) if name not in _NOT_SENT)
        return _sent_names(value)

    def of_result(self, value: Value) -> Callable[..., Any]:
        """A function of ``(result, args, kwargs)`` that calls ``value`` with the result and the arguments it names."""
        if not callable(value):
            raise ConfigurationError(
                f"{self.where}: gevonden takes a function of the result, such as lambda personen: [p.bsn for p in personen]"
            )
        names = _names(self.where, value)
        if not names:
            raise ConfigurationError(f"{self.where}: the function given to gevonden must take the result as its first parameter")
        getters = [(name, self._argument(name)) for name in names[1:]]
        return lambda result, args, kwargs: value(result, **{name: get(args, kwargs) for name, get in getters})

    def _call(self, function: Callable[..., Any], names: Sequence[str]) -> _Getter:
        getters = [(name, self._argument(name)) for name in names]
        return lambda args, kwargs: function(**{name: readable(get(args, kwargs), deep=name not in _NOT_SENT) for name, get in getters})

    def _argument(self, name: str) -> _Getter:
        for index, parameter in enumerate(self._parameters):
            if parameter.name == name and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                position = index if parameter.kind is not parameter.KEYWORD_ONLY else None
                return _positional_or_keyword(name, position, parameter.default)
        if self._keywords is not None:
            return _positional_or_keyword(name, None, inspect.Parameter.empty)
        has = ", ".join(p.name for p in self._parameters) or "none"
        raise ConfigurationError(f'{self.where}: the annotation names the argument "{name}", which the function lacks; it has {has}')


def _positional_or_keyword(name: str, position: int | None, default: Any) -> _Getter:
    def get(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if name in kwargs:
            return kwargs[name]
        if position is not None and position < len(args):
            return args[position]
        if default is inspect.Parameter.empty:
            raise LookupError(name)
        return default

    return get


def _names(where: str, function: Callable[..., Any]) -> list[str]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise ConfigurationError(f"{where}: the signature of a function in the annotation cannot be read; use a lambda") from None
    return [parameter.name for parameter in parameters]


_SENT = frozenset({"GET", "POST", "FILES", "COOKIES", "data", "query_params", "headers", "cookies"})
"""Attributes of a request, in Django, REST framework and Starlette, in which stands what the client chose to send."""
_MANY = (list, tuple, set, frozenset)
_MANY_OR_KEYS = (*_MANY, Mapping)


def _step(value: Any, name: str) -> Any:
    """An attribute before a key: a Starlette request is a mapping too, of its scope."""
    try:
        return value[name] if isinstance(value, dict) else getattr(value, name)
    except AttributeError:
        if isinstance(value, Mapping):
            return value[name]
        raise


_NOT_SENT = ("self", "request", "websocket")
"""Arguments that are not of the client's making."""


def _sent_names(path: str) -> tuple[str, ...]:
    name, *rest = path.split(".")
    return (".".join(rest[1:] or rest) if name in _NOT_SENT and rest else path,)


def _sent(request: Any, path: Sequence[str], whole: str) -> Any:
    """``follow`` into what the client sent. What is not there is the client's to mend, and no failure of ours: NotInRequest.

    What the framework raises when it cannot read it, passes.
    """
    sent = _followed(request, path[:1], whole)
    try:
        return follow(sent, path[1:])
    except (LookupError, AttributeError):
        raise NotInRequest(f"{whole} is not there", names=_sent_names(whole)) from None


def _followed(value: Any, path: Sequence[str], whole: str) -> Any:
    """What ``follow`` gives, with the path in the message where it leads nowhere: that stands in code, and holds no personal data.

    What is in a dict was sent by the client, and a key that it lacks is for the client to mend: NotInRequest.
    """
    try:
        return follow(value, path)
    except (LookupError, AttributeError) as error:
        if whole.split(".", maxsplit=1)[0] not in _NOT_SENT and (isinstance(error, LookupError) or isinstance(value, _MANY_OR_KEYS)):
            raise NotInRequest(f"{whole} is not there", names=_sent_names(whole)) from None
        raise ConfigurationError(f'the path "{whole}" leads nowhere in this {type(value).__name__}; see to its spelling') from None


def readable(value: Any, *, deep: bool = False) -> Any:
    """``value``, when reading it, or what is in it, leaves it as it is. Raises ReadOnce."""
    if is_one_shot(value) or (deep and type(value) is not str and hold(value, nested=False) is not None):
        raise ReadOnce(type(value))
    return value


def follow(value: Any, path: Sequence[str]) -> Any:
    """Follow ``path`` into ``value``: a key of a dict, an attribute of an object, and the same for each item of what holds many.

    None stays None. Raises LookupError or AttributeError where the path leads nowhere, ReadOnce where that would empty something.
    """
    for depth, step in enumerate(path):
        if value is None:
            return None
        if isinstance(value, _MANY):
            return [follow(item, path[depth:]) for item in value]
        try:
            value = _step(value, step)
        except AttributeError:
            # A stream holds no items: Django's request is one, of the lines of its body, so a misspelt attribute of it would be nobody.
            if isinstance(value, str | bytes) or hasattr(value, "read") or not isinstance(value, Iterable):
                raise
            return [follow(item, path[depth:]) for item in readable(value)]  # a queryset, a page of a paginator
    return value
