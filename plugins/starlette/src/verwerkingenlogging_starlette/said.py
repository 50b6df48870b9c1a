"""What one middleware's configuration says, put in place: at each request the dispatchers ask it what to call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from re import Pattern
from typing import Any

from starlette.types import Scope

from verwerkingenlogging.configured import WEBSOCKET, ConfiguredActie
from verwerkingenlogging.configured_routes import stacked
from verwerkingenlogging.errors import ConfigurationError, NotRecorded
from verwerkingenlogging_starlette.configured import Configured, by_name
from verwerkingenlogging_starlette.endpoints import Around, Endpoint, pattern
from verwerkingenlogging_starlette.placing import Place, awaited, connection_of, install, named, places_of_route, undispatched

__all__ = ["Said"]

_Call = Callable[..., Any]


class _Choice:
    """What is said of one template: by function and method, what to call instead."""

    def __init__(self, template: str) -> None:
        self._template = template
        self.instead: dict[tuple[int, str], _Call] = {}

    @cached_property
    def pattern(self) -> Pattern[str]:
        """What a path of this template matches."""
        return pattern(self._template)

    def add(self, function: object, methods: Iterable[str], call: _Call) -> None:
        """At these methods, call that instead of ``function``. HEAD comes with GET."""
        for method in methods:
            self.instead[id(function), method] = call
            if method == "GET":
                self.instead.setdefault((id(function), "HEAD"), call)


class Said:
    """What is said of the endpoints in ``around``, a middleware. It is put in place when this is made.

    Functions of which nothing is said are left alone. Raises ConfigurationError when one cannot be reached.
    """

    def __init__(self, every: Iterable[Configured], around: Around) -> None:
        self._around = around
        self._by_endpoint: dict[int, dict[str, _Choice]] = {}
        self._kept: list[object] = []  # what is known by its id must stay
        inside = [one for one in every if around in one.endpoint.around and one.endpoint.route is not None]
        calls = [list(_placed(one)) for one in inside]
        for one, instead in zip(inside, calls, strict=True):
            self._add(one.endpoint, instead)

    def choose(self, function: object, scope: Scope, root_path: str) -> _Call | None:
        """What to call in the place of ``function``, if anything; ``root_path`` is that of the application around which the middleware
        stands. Raises NotRecorded when the request was led there in a way that cannot be followed."""
        choices = self._by_endpoint.get(id(scope.get("endpoint")))
        if choices is None:
            return None
        choice = next(iter(choices.values())) if len(choices) == 1 else _matching(choices.values(), scope, root_path)
        return choice.instead.get((id(function), scope.get("method", WEBSOCKET)))

    def _add(self, endpoint: Endpoint, calls: Iterable[tuple[object, _Call]]) -> None:
        template = endpoint.template.removeprefix(self._around.prefix)
        original = getattr(endpoint.route, "original_route", endpoint.route)
        # In an included router the scope has the endpoint as it was, and the dispatcher when it has been made anew.
        for found in (endpoint.route.endpoint, original.endpoint, undispatched(original.endpoint)):
            self._kept.append(found)
            choice = self._by_endpoint.setdefault(id(found), {}).setdefault(template, _Choice(template))
            for function, call in calls:
                choice.add(function, endpoint.methods, call)


def _matching(choices: Iterable[_Choice], scope: Scope, root_path: str) -> _Choice:
    """The first of those templates that the path matches, as a router takes the first."""
    top = max(root_path, scope.get("app_root_path", scope.get("root_path", "")), key=len)
    path = scope["path"].removeprefix(top)
    for choice in choices:
        if choice.pattern.fullmatch(path):
            return choice
    raise NotRecorded("a request came to a route by an address that none of its templates matches, so it is unknown what it logs")


def _placed(one: Configured) -> Iterable[tuple[object, _Call]]:
    """Each function that is to record, with a dispatcher put in its place, and what to call instead of it."""
    by_name_of_method: dict[str | None, list[ConfiguredActie]] = {}
    for actie in one.acties:
        by_name_of_method.setdefault(actie.function, []).append(actie)
    for name, acties in by_name_of_method.items():
        places = _places(one.endpoint, name)
        function = None if places is None else install(places)
        if function is None:
            raise ConfigurationError(
                f"{acties[0].where}: a decorator or a middleware of {one.endpoint.template} keeps its function out of reach; "
                "annotate that in code, or write the decorator as a function with functools.wraps"
            )
        yield function, _instead(function, acties, one.endpoint)


def _places(endpoint: Endpoint, name: str | None) -> Sequence[Place] | None:
    if endpoint.view is not None:
        return [Place(holder=endpoint.view, attribute=name or endpoint.attribute)]
    return places_of_route(endpoint.route)


def _instead(function: Any, acties: Sequence[ConfiguredActie], endpoint: Endpoint) -> _Call:
    call, recording = stacked(acties, named(function), is_async=awaited(function), by_name=partial(by_name, endpoint=endpoint))
    if recording is None:
        return call

    def instead(*args: Any, **kwargs: Any) -> Any:
        __traceback_hide__ = True  # what shows local variables, such as Sentry, passes over this frame
        connection = connection_of(args, kwargs)
        arguments = {**connection.path_params, "request": connection, "websocket": connection, "self": args[0]}
        return recording(partial(call, *args, **kwargs), **arguments)

    return instead
