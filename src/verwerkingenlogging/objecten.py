"""Whose data: how the verwerkte objecten of an actie come from a function's arguments or from its result.

A value is named by the path to it, ``"bsn"``, ``"verhuizing.medebewoners.bsn"``, ``"request.path_params.bsn"``; where a path
is not enough, by a function whose parameters are named after the arguments it needs::

    persoon("bsn", betrokkenheid="Aanvrager")
    persoon(lambda verhuizing: [m.bsn for m in verhuizing.medebewoners], betrokkenheid="Medebewoner")
    gevonden(lambda personen: [p.bsn for p in personen], soorten_gegevens=lambda velden: velden)
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verwerkingenlogging.errors import ConfigurationError, InvalidValue, NotInRequest
from verwerkingenlogging.limits import IDENTIFICATOR_MAX, PERSOON, check_identificator, check_naam, check_objecttype
from verwerkingenlogging.model import VerwerktObject, VerwerktSoortGegeven, filled, identified

__all__ = [
    "Arguments",
    "Objecten",
    "Value",
    "follow",
    "gevonden",
    "partial_in",
    "persoon",
    "typed_signature",
    "verwerkt_object",
    "verwerkte_objecten",
]

Value = str | Callable[..., Any]
"""The path to a value in a function's arguments, or a function of those arguments."""
Soorten = Sequence[str] | Callable[..., Iterable[str]]

_Getter = Callable[[tuple[Any, ...], dict[str, Any]], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Objecten:
    """What ``persoon``, ``verwerkt_object`` and ``gevonden`` give: where the ids come from, and what is said of each."""

    value: Value
    found: bool
    betrokkenheid: str | None
    soort_object_id: str
    objecttype: str
    soorten_gegevens: Soorten

    def __post_init__(self) -> None:
        check_naam("soort_object_id", self.soort_object_id)
        check_objecttype("objecttype", self.objecttype)
        if self.betrokkenheid is not None:
            check_naam("betrokkenheid", self.betrokkenheid)
        if not callable(self.soorten_gegevens):
            _soorten(self.soorten_gegevens)

    def bind(self, arguments: Arguments) -> Callable[..., tuple[VerwerktObject, ...]]:
        """A function that gives the objecten: of ``(args, kwargs)``, or of ``(result, args, kwargs)`` for found ones.

        Raises ConfigurationError when an argument that it names is not there.
        """
        ids = arguments.of_result(self.value) if self.found else arguments.getter(self.value)
        prototype = VerwerktObject(
            object_id="-", soort_object_id=self.soort_object_id, objecttype=self.objecttype, betrokkenheid=self.betrokkenheid
        )
        if not callable(self.soorten_gegevens):
            fixed = filled(prototype, verwerkte_soorten_gegevens=_soorten(self.soorten_gegevens))
            if not self.found:
                return lambda args, kwargs: verwerkte_objecten(ids(args, kwargs), fixed)
            return lambda *call: verwerkte_objecten(ids(*call), fixed)
        soorten = arguments.getter(self.soorten_gegevens)
        return lambda *call: verwerkte_objecten(ids(*call), filled(prototype, verwerkte_soorten_gegevens=_soorten(soorten(*call[-2:]))))


def persoon(value: Value, *, betrokkenheid: str | None = None, soort_object_id: str = "BSN", soorten_gegevens: Soorten = ()) -> Objecten:
    """Persons known before the function runs; the actie is recorded before it (B7952).

    Args:
        value: where their ids are among the arguments: one, several, or None for nobody.
        betrokkenheid: capacity in which they take part (B1598).
        soort_object_id: another than ``BSN`` where the BSN may not be used (B7972, C3538).
        soorten_gegevens: kinds of data, fixed or as a function of the arguments (B6247, C7293).
    """
    return verwerkt_object(
        value, objecttype=PERSOON, soort_object_id=soort_object_id, betrokkenheid=betrokkenheid, soorten_gegevens=soorten_gegevens
    )


def verwerkt_object(
    value: Value, *, objecttype: str, soort_object_id: str, betrokkenheid: str | None = None, soorten_gegevens: Soorten = ()
) -> Objecten:
    """The same for another kind of object, which the settings' ``objecttypen`` must allow (X61)."""
    return Objecten(
        value=value,
        found=False,
        betrokkenheid=betrokkenheid,
        soort_object_id=soort_object_id,
        objecttype=objecttype,
        soorten_gegevens=soorten_gegevens,
    )


def gevonden(
    value: Callable[..., Any],
    *,
    betrokkenheid: str | None = "Getoond in zoekresultaat",
    soort_object_id: str = "BSN",
    objecttype: str = PERSOON,
    soorten_gegevens: Soorten = (),
) -> Objecten:
    """Persons known only from the result; the actie is recorded before that goes on, and not at all when nobody was found.

    ``value`` is called with the result first, and with the arguments that its further parameters name. It gives ids, or
    VerwerktObject where persons take part in different capacities. Never log what was searched for (B0233).
    """
    return Objecten(
        value=value,
        found=True,
        betrokkenheid=betrokkenheid,
        soort_object_id=soort_object_id,
        objecttype=objecttype,
        soorten_gegevens=soorten_gegevens,
    )


_BSN = VerwerktObject(object_id="-")


def verwerkte_objecten(value: Any, prototype: VerwerktObject = _BSN) -> tuple[VerwerktObject, ...]:
    """VerwerktObjecten from an id, a VerwerktObject, None, or an iterable of these.

    An id takes the rest from ``prototype``. It is text: a number would lose its leading zeros (R5). Raises InvalidValue.
    """
    if isinstance(value, str):
        if not (0 < len(value) <= IDENTIFICATOR_MAX and value.isprintable()):  # nearly every value is, and needs no closer look
            check_identificator("object_id", value)
        return (identified(prototype, value),)
    if value is None:
        return ()
    if isinstance(value, VerwerktObject):
        return (value,)
    if isinstance(value, bytes | Mapping) or not isinstance(value, Iterable):
        raise InvalidValue("object_id", "invalid", f"must be text or an iterable of texts, not {type(value).__name__}")
    return tuple(objekt for item in value for objekt in verwerkte_objecten(item, prototype))


def _soorten(names: Iterable[str] | None) -> tuple[VerwerktSoortGegeven, ...]:
    if isinstance(names, str):
        raise InvalidValue("soorten_gegevens", "invalid", "must be a list of names, not one text")
    return tuple(VerwerktSoortGegeven(soort_gegeven=name) for name in names or ())


class Arguments:
    """The arguments of a function, found by name in whatever way it is called. Made once, when the function is annotated."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.where = f"{function.__module__}.{function.__qualname__}"
        self._parameters = list(_signature(function).parameters.values())
        self._keywords = next((p.name for p in self._parameters if p.kind is p.VAR_KEYWORD), None)

    def getter(self, value: Value) -> _Getter:
        """A function of ``(args, kwargs)`` that gives ``value``. Raises ConfigurationError when the function lacks the argument."""
        if callable(value):
            return self._call(value, _names(self.where, value))
        name, *path = value.split(".")
        argument = self._argument(name)
        if not path:
            return argument
        if name == "request" and path[0] in SENT:
            return lambda args, kwargs: sent(argument(args, kwargs), path)
        return lambda args, kwargs: follow(argument(args, kwargs), path)

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
        return lambda args, kwargs: function(**{name: get(args, kwargs) for name, get in getters})

    def _argument(self, name: str) -> _Getter:
        for index, parameter in enumerate(self._parameters):
            if parameter.name == name and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                position = index if parameter.kind is not parameter.KEYWORD_ONLY else None
                return _positional_or_keyword(name, position, parameter.default)
        if self._keywords is not None:
            return _positional_or_keyword(name, None, inspect.Parameter.empty)
        has = ", ".join(p.name for p in self._parameters) or "none"
        raise ConfigurationError(f'{self.where}: the annotation names the argument "{name}", which the function lacks; it has {has}')


def partial_in(function: Callable[..., Any]) -> functools.partial[Any] | None:
    """The partial that ``function`` is or wraps, if there is one."""
    inner = inspect.unwrap(function, stop=lambda one: isinstance(one, functools.partial))
    return inner if isinstance(inner, functools.partial) else None


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """How ``function`` is called. Of a partial that says that it wraps a method, as Django's ``method_decorator`` makes them, it is
    not that method's: self is in it already."""
    partial = partial_in(function)
    return inspect.signature(function if partial is None else functools.partial(partial.func, *partial.args, **partial.keywords))


def typed_signature(function: Callable[..., Any]) -> inspect.Signature | None:
    """The signature of ``function``, with the types that its module only names in text; None where there are no such names.

    Django Ninja looks for those names in the module of the function that it is given, which for a decorated one is the decorator's.
    A name that only type checkers know stays text.
    """
    signature = _signature(function)
    names = getattr(inspect.unwrap(function), "__globals__", {})
    typed = signature.replace(
        parameters=[one.replace(annotation=_typed(one.annotation, names)) for one in signature.parameters.values()],
        return_annotation=_typed(signature.return_annotation, names),
    )
    return typed if typed != signature else None


def _typed(annotation: Any, names: dict[str, Any]) -> Any:
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, names)  # noqa: S307  # the application's own code
    except Exception:
        return annotation


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


_MANY = (list, tuple, set, frozenset)


def _step(value: Any, name: str) -> Any:
    """An attribute before a key: a Starlette request is a mapping too, of its scope."""
    try:
        return value[name] if isinstance(value, dict) else getattr(value, name)
    except AttributeError:
        if isinstance(value, Mapping):
            return value[name]
        raise


SENT = frozenset({"GET", "POST", "FILES", "COOKIES", "data", "query_params", "headers", "cookies"})
"""Attributes of a request, in Django, REST framework and Starlette, in which stands what the client chose to send."""


def sent(request: Any, path: Sequence[str]) -> Any:
    """``follow`` into what the client sent. What is not there is the client's to mend, and no failure of ours.

    Raises NotInRequest then, which names the path; whatever the framework raises when it cannot read it.
    """
    kept = _step(request, path[0])
    try:
        return follow(kept, path[1:])
    except (LookupError, AttributeError):
        raise NotInRequest(f"request.{'.'.join(path)} is not there") from None


def follow(value: Any, path: Sequence[str]) -> Any:
    """Follow ``path`` into ``value``: a key of a dict, an attribute of an object, and the same for each item of what holds many.

    None stays None. Raises LookupError or AttributeError where the path leads nowhere.
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
            return [follow(item, path[depth:]) for item in value]  # a queryset, a page of a paginator
    return value
