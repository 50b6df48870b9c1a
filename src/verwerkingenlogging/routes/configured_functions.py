"""Recording that a configuration adds to functions: whoever calls such a function, in any way, calls one that records.

The route of the request decides which entry counts. A function that is called in another way, by a handler of another route or in a job,
records what is said of it; where its routes say different things, such a call is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any
from weakref import WeakSet

from verwerkingenlogging.context import Context, current
from verwerkingenlogging.errors import NotRecorded, OutsideContext
from verwerkingenlogging.routes.configured_route import ConfiguredActie
from verwerkingenlogging.routes.trampoline import Trampoline

__all__ = ["ConfiguredFunction", "ConfiguredFunctions"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConfiguredFunction:
    """What a configuration says of a function for one of its routes.

    Attributes:
        acties: what it records there; nothing where nothing is said, or that it handles no personal data.
        view: the class whose method it is there: it is not about other classes that inherit it too.
        as_route: what to call when it handles a request of that route.
        otherwise: what to call when it is called in another way.
    """

    acties: tuple[ConfiguredActie, ...] = ()
    view: type | None = None
    as_route: Callable[..., Any] | None = None
    otherwise: Callable[..., Any] | None = None

    def is_about(self, args: tuple[Any, ...]) -> bool:
        """Whether it applies to a call with these arguments."""
        return self.view is None or (bool(args) and isinstance(args[0], self.view))

    def says_as(self, other: ConfiguredFunction) -> bool:
        """Whether both say the same, each for its own route."""
        return [one.entry for one in self.acties] == [one.entry for one in other.acties]


@dataclass(slots=True, eq=False)
class _Entries:
    """All that one configuration says of one function; ``only`` is what it says of every call, where that is one and the same."""

    only: Callable[..., Any] | None = None
    by_route: dict[tuple[Hashable, str | None], ConfiguredFunction] = field(default_factory=dict)
    recording: list[ConfiguredFunction] = field(default_factory=list)

    def at(self, route: Hashable, method: str | None) -> ConfiguredFunction | None:
        """What is said of it as the function of this route; None where it is not. HEAD comes with GET."""
        found = self.by_route.get((route, method))
        if found is None and method == "HEAD":
            found = self.by_route.get((route, "GET"))
        return found or self.by_route.get((route, None))

    def otherwise(self, args: tuple[Any, ...]) -> list[ConfiguredFunction]:
        """What is said of a call with these arguments that is not of a route."""
        return [one for one in self.recording if one.is_about(args)]


_NOTHING = _Entries()


class ConfiguredFunctions:
    """All that one configuration says of functions.

    Args:
        route_of: gives the route of a request and its method, from what the adapter put into ``Context.configured`` beside this (None
            in a job) and the arguments of a call; None for a route that is not known.
        by_hand: whether a call with these arguments outside any context is one of the application's own tests, which may call a
            function by hand.
    """

    def __init__(
        self,
        route_of: Callable[[Any, tuple[Any, ...], dict[str, Any]], tuple[Hashable | None, str | None]],
        *,
        by_hand: Callable[[tuple[Any, ...]], bool] = lambda args: False,
    ) -> None:
        self.route_of = route_of
        self.by_hand = by_hand
        self._behind: dict[_Configured, _Entries] = {}

    def original(self, function: FunctionType) -> Callable[..., Any]:
        """The original code of ``function``."""
        return self._entries(function)[0].original

    def say(self, function: FunctionType, route: Hashable, method: str | None, said: ConfiguredFunction) -> None:
        """Set what is said of ``function`` for this route and method. Without a method, it counts for every method without its own."""
        _, entries = self._entries(function)
        entries.by_route[route, method] = said
        if said.as_route is not None:
            entries.recording.append(said)

    def _entries(self, function: FunctionType) -> tuple[_Configured, _Entries]:
        configured = _Configured.of(function)
        return configured, self._behind.setdefault(configured, _Entries())

    def install(self) -> None:
        """Begin to record, for as long as this object lives."""
        for configured, entries in self._behind.items():
            first, *others = {id(one): one for one in entries.by_route.values()}.values()
            if not others and first.view is None and first.as_route is first.otherwise:
                entries.only = first.as_route
            configured.functions.add(self)

    def remove(self) -> None:
        """Stop recording. A function that no configuration speaks of gets its own code again."""
        for configured in self._behind:
            configured.functions.discard(self)
            if not configured.functions:
                configured.remove()
        self._behind.clear()

    def of(self, configured: _Configured) -> _Entries:
        """What the configuration says of the function that this trampoline belongs to."""
        return self._behind.get(configured, _NOTHING)


class _Configured(Trampoline):
    """Behind a function of which configurations speak."""

    __slots__ = ("functions",)

    def __init__(self, function: FunctionType) -> None:
        self.functions = WeakSet[ConfiguredFunctions]()
        super().__init__(function)

    def choose(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[..., Any]:
        """The function itself where nothing is said. Raises OutsideContext as an annotated function does, and NotRecorded where it
        cannot be told which of several entries counts."""
        try:
            context = current()
        except OutsideContext:
            about = [one for one in list(self.functions) if one.of(self).otherwise(args)]
            if all(one.by_hand(args) for one in about):
                return self.original
            raise
        around = (context.root or context).configured
        if around is None:
            around = tuple((one, None) for one in list(self.functions))
        otherwise: list[ConfiguredFunction] = []
        for functions, request in around:
            entries: _Entries = functions.of(self)
            if request is not None and entries.only is not None:
                return entries.only
            said = entries.at(*functions.route_of(request, args, kwargs))
            if said is not None:
                return said.as_route or self.original
            otherwise += entries.otherwise(args)
        return self._called_otherwise(context, otherwise)

    def _called_otherwise(self, context: Context, said: list[ConfiguredFunction]) -> Callable[..., Any]:
        if not said:
            return self.original
        for other in said:
            if not other.says_as(said[0]):
                places = f"{said[0].acties[0].where} and {other.acties[0].where}"
                error = NotRecorded(
                    f"{self.original.__qualname__} was called by other code than its routes, of which different things are said: "
                    f"{places}; say the same of each, or annotate the function in code"
                )
                context.fail(error)
                raise error
        return said[0].otherwise or self.original
