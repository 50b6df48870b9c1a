"""Other code in the place of a function, at the requests that are named, and the function itself at all others.

Decorators are left as they are. What each of them calls is in a cell of its closure, so that is where the other code is put:
under the check of a login or a cache, and not around it.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CellType, MethodType
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.urls import URLPattern

from verwerkingenlogging.configured_routes import kept
from verwerkingenlogging_django.patterns import of_api_view

__all__ = ["Place", "Placed", "reach"]

_Instead = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]
"""What is called instead, with the request and the arguments of the call."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """Where a function is kept.

    Attributes:
        holder, attribute: the object that has it, and the name under which.
        function: what is there.
        is_method: whether its first argument is a view of a class, which has the request; else it is the request.
    """

    holder: Any
    attribute: str
    function: Callable[..., Any]
    is_method: bool
    table: dict[str, dict[str | None, _Instead | None]] = field(default_factory=dict)

    @property
    def is_async(self) -> bool:
        """Whether the function is to be awaited."""
        return bool(iscoroutinefunction(self.function))

    def says(self, route: str, method: str | None, instead: _Instead | None) -> None:
        """Call ``instead`` at this route and method (None: any that is not named), or the function itself where it is None."""
        self.table.setdefault(route, {})[method] = instead

    def dispatcher(self) -> Callable[..., Any]:
        """The function, but for what the table says."""
        function, table, is_method = self.function, self.table, self.is_method

        def chosen(first: Any) -> tuple[Any, _Instead | None]:
            request = first.request if is_method else first
            match = request.resolver_match
            methods = None if match is None else table.get(match.route)
            return request, None if methods is None else methods.get(request.method, methods.get(None))

        if self.is_async:

            async def adispatch(*args: Any, **kwargs: Any) -> Any:
                __traceback_hide__ = True  # what shows local variables, Django's debug page and Sentry, passes over this frame
                request, instead = chosen(args[0])
                return await (function(*args, **kwargs) if instead is None else instead(request, args, kwargs))

            return functools.update_wrapper(adispatch, function)

        def dispatch(*args: Any, **kwargs: Any) -> Any:
            __traceback_hide__ = True  # as above
            request, instead = chosen(args[0])
            return function(*args, **kwargs) if instead is None else instead(request, args, kwargs)

        return functools.update_wrapper(dispatch, function)


def reach(holder: Any, attribute: str) -> Place | None:
    """Where the function is that ``holder`` has, under all that decorates it. None where a decorator keeps it out of reach."""
    is_method = isinstance(holder, type)
    while True:
        function = getattr(holder, attribute)
        inner = None if isinstance(function, MethodType) else getattr(function, "__wrapped__", None)
        if inner is None:
            inner = of_api_view(function)
            if inner is None:
                return Place(holder=holder, attribute=attribute, function=function, is_method=is_method)
            is_method = False  # from here on it is a function of the request
        found = kept(function, functools.partial(operator.is_, inner))
        if found is None:
            return None
        holder, attribute = found


class _Callback:
    """A view in its URL pattern. It equals the view that it stands for, so that ``reverse(view)`` finds it as before."""

    def __init__(self, place: Place) -> None:
        functools.update_wrapper(self, place.function)
        self._function = place.function
        self._dispatch = place.dispatcher()
        if place.is_async:
            markcoroutinefunction(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        __traceback_hide__ = True  # as above
        return self._dispatch(*args, **kwargs)

    def __eq__(self, other: object) -> bool:
        return self is other or self._function == other

    def __hash__(self) -> int:
        return hash(self._function)


class Placed:
    """All that is put in place together, and taken away together."""

    def __init__(self) -> None:
        self._places: dict[tuple[int, str], Place] = {}
        self._undo: list[Callable[[], None]] = []

    def at(self, place: Place) -> Place:
        """The one place that this is."""
        return self._places.setdefault((id(place.holder), place.attribute), place)

    def known(self, place: Place) -> Place | None:
        """The same, if something is to be put there."""
        return self._places.get((id(place.holder), place.attribute))

    def install(self) -> None:
        """Put all in place."""
        for place in self._places.values():
            holder, attribute = place.holder, place.attribute
            own = isinstance(holder, CellType) or attribute in vars(holder)
            undo = functools.partial(setattr, holder, attribute, place.function) if own else functools.partial(delattr, holder, attribute)
            self._undo.append(undo)
            setattr(holder, attribute, _Callback(place) if isinstance(holder, URLPattern) else place.dispatcher())

    def undo(self) -> None:
        """Take all away."""
        while self._undo:
            self._undo.pop()()
        self._places.clear()
