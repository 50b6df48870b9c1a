"""What URLs log, said in the settings: ``VERWERKINGENLOGGING["ROUTES"]``, for an application whose code stays untouched.

What is said there is put on the very function that handles the request, under all that decorates it: it records when that code
really runs, and not on a redirect to the login page, a 403, a 404 or a 405. Views, URL patterns and classes stay what they are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.urls import get_resolver
from django.urls.converters import IntConverter, UUIDConverter

from verwerkingenlogging.annotation import Annotation, annotations_of
from verwerkingenlogging.configured import METHODS, ConfiguredActie, ConfiguredRoute, read_routes
from verwerkingenlogging.configured_routes import of_method, recorded, refuse_double, refuse_unmatched, stacked
from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_django.patterns import Endpoint, chain, endpoints
from verwerkingenlogging_django.placing import Place, Placed, reach

__all__ = ["SETTING", "Configured", "apply", "configured"]

SETTING = 'settings.VERWERKINGENLOGGING["ROUTES"]'


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Configured:
    """An endpoint, and what the configuration says of it, if anything."""

    endpoint: Endpoint
    route: ConfiguredRoute | None

    @property
    def acties(self) -> tuple[ConfiguredActie, ...]:
        """What it is said to log."""
        return () if self.route is None else self.route.acties

    @property
    def annotations(self) -> tuple[Annotation, ...]:
        """The same, as annotations."""
        return tuple(annotation for actie in self.acties for annotation in _check(actie, self.endpoint))


def configured(source: object) -> list[Configured]:
    """Each endpoint of the project, with what ``source``, the value of the setting, says of it.

    A view that takes any method stands here for each method that is named, and for the rest. Raises ConfigurationError when a
    key matches nothing, or what it says cannot be had there.
    """
    routes = read_routes(source, setting=SETTING)
    every = endpoints()
    known = [(endpoint.names, endpoint.method or "any") for endpoint in every]
    refuse_unmatched(routes, known, anything="any", lists="manage.py verwerkingen_check")
    found = [one for endpoint in every for one in _of_endpoint(endpoint, routes)]
    for one in found:
        refuse_double(one.route, getattr(one.endpoint.holder, one.endpoint.attribute, None), one.endpoint.template)
        for actie in one.acties:
            _check(actie, one.endpoint)
    return found


def _of_endpoint(endpoint: Endpoint, routes: Sequence[ConfiguredRoute]) -> Iterator[Configured]:
    here = [route for route in routes if route.matches(endpoint.names)]
    if endpoint.method is None:
        named = {route.method for route in here}
        for method in METHODS:
            if method in named:
                yield Configured(endpoint=replace(endpoint, method=method), route=of_method(here, method))
    yield Configured(endpoint=endpoint, route=of_method(here, endpoint.method))


def _check(actie: ConfiguredActie, endpoint: Endpoint) -> tuple[Annotation, ...]:
    """The annotation that an actie is, when all that it names is there.

    Where a function's arguments are filled by their names, they are those of the function; else those of the URL.
    """
    holder, attribute = _target(actie, endpoint)
    function = getattr(holder, attribute, None)
    if not callable(function):
        raise ConfigurationError(f"{actie.where}.function: {attribute}: {holder.__name__} has no such method")
    if _by_name(actie, endpoint):
        return annotations_of(actie.annotate(_innermost(function)))[:1]
    known = ["request", *(["self"] if endpoint.view else []), *endpoint.arguments, *endpoint.defaults]
    for name in actie.arguments:
        if name not in known:
            raise ConfigurationError(
                f'{actie.where}: names the argument "{name}", which {endpoint.template} lacks; it has {", ".join(dict.fromkeys(known))}'
            )
    for one in actie.objecten:
        if isinstance(one.value, str) and isinstance(endpoint.arguments.get(one.value), IntConverter | UUIDConverter):
            raise ConfigurationError(
                f'{actie.where}: "{one.value}" is no text in {endpoint.template}, and a number loses its leading zeros (R5); '
                f"name a function, as module:function, that takes {one.value} and gives the id"
            )
    return annotations_of(actie.annotate(recorded))


def _by_name(actie: ConfiguredActie, endpoint: Endpoint) -> bool:
    return endpoint.operation or actie.function is not None


def _target(actie: ConfiguredActie, endpoint: Endpoint) -> tuple[Any, str]:
    if actie.function is None:
        return endpoint.holder, endpoint.attribute
    if endpoint.view is None:
        raise ConfigurationError(f"{actie.where}.function: {endpoint.template} is not handled by a class, so it has no other method")
    return endpoint.view, actie.function


def _innermost(function: Any) -> Any:
    *_, innermost = chain(function)
    return innermost


_placed = Placed()
_applied: tuple[object, object] = (None, None)


def apply(source: object) -> None:
    """Let the project's URLs log what ``source``, the value of the setting, says; None: nothing.

    Done once, when the middleware is made; again with the same, it does nothing, and with something else it takes back what it
    did before. Routes that are not named cost nothing, or a look in a dict where they share a function with one that is.

    Raises ConfigurationError as ``configured`` does, or when a decorator keeps a function out of reach.
    """
    global _applied  # noqa: PLW0603  # there is one URLconf in a process, and it is changed in place
    if source is None and _applied[0] is None:
        return
    now = (source, None if source is None else get_resolver())
    if now == _applied:
        return
    _placed.undo()
    _applied = (None, None)
    if source is not None:
        found = configured(source)
        for one in found:
            _prepare(one)
        for one in found:
            if one.route is not None and one.route.method is not None and not one.acties:
                _except(one.endpoint)
        _placed.install()
        _applied = now


def _prepare(one: Configured) -> None:
    """Say for each function that is to record what to call instead, at this route and method."""
    endpoint, by_place = one.endpoint, dict[Place, list[ConfiguredActie]]()
    for actie in one.acties:
        place = reach(*_target(actie, endpoint))
        if place is None:
            raise ConfigurationError(
                f"{actie.where}: a decorator keeps the function of {endpoint.template} out of reach; annotate that in code, "
                "or write the decorator as a function with functools.wraps"
            )
        by_place.setdefault(_placed.at(place), []).append(actie)
    for place, acties in by_place.items():
        instead = _instead(place, acties, endpoint)
        for route in endpoint.routes:
            place.says(route, endpoint.method, instead)
            if endpoint.method == "GET":
                place.says(route, "HEAD", instead)


def _except(endpoint: Endpoint) -> None:
    """A method of which is said that it handles no personal data, on a function that records for others."""
    place = reach(endpoint.holder, endpoint.attribute)
    recording = None if place is None else _placed.known(place)
    if recording is not None:
        for route in endpoint.routes:
            recording.says(route, endpoint.method, None)


def _instead(place: Place, acties: Sequence[ConfiguredActie], endpoint: Endpoint) -> Callable[..., Any]:
    by_name = functools.partial(_by_name, endpoint=endpoint)
    function, recording = stacked(acties, place.function, is_async=place.is_async, by_name=by_name)

    def as_called(request: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        __traceback_hide__ = True  # what shows local variables, Django's debug page and Sentry, passes over this frame
        return function(*args, **kwargs)

    if recording is None:
        return as_called
    absent = dict.fromkeys([*endpoint.arguments, *endpoint.defaults])  # what an optional part of a regular expression leaves out

    def instead(request: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        __traceback_hide__ = True  # as above
        view = args[0] if place.is_method else None
        arguments = absent | request.resolver_match.kwargs | {"request": request, "self": view}
        return recording(functools.partial(function, *args, **kwargs), **arguments)

    return instead
