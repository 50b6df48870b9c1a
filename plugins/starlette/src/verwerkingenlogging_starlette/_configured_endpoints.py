"""Routes that the argument ``routes`` of the middleware speaks for, in an application whose code cannot be touched.

Entries are those of ``verwerkingenlogging.routes.route_configuration``; a key is a method, if it matters, and the template of a path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

from starlette.convertors import FloatConvertor, IntegerConvertor

from verwerkingenlogging.annotation import Annotation, annotations_of
from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.routes.annotation_check import Route, said_in_code
from verwerkingenlogging.routes.configured_route import WEBSOCKET, ConfiguredActie, ConfiguredRoute
from verwerkingenlogging.routes.configured_routes import of_method, reached, recorded, refuse_double, refuse_unmatched
from verwerkingenlogging.routes.route_configuration import read_routes
from verwerkingenlogging_starlette._endpoints import ANY, EnclosingMiddleware, Endpoint
from verwerkingenlogging_starlette._path_templates import path_parameters

__all__ = ["SETTING", "ConfiguredEndpoint", "configured_endpoints", "names_arguments", "recording_function"]

SETTING = "VerwerkingenloggingMiddleware: routes"

_NUMBERS = (IntegerConvertor, FloatConvertor)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConfiguredEndpoint:
    """An endpoint, and what the configuration says that it logs, if anything."""

    endpoint: Endpoint
    route: ConfiguredRoute | None

    @property
    def acties(self) -> tuple[ConfiguredActie, ...]:
        """The acties that the configuration says it logs."""
        return () if self.route is None else self.route.acties

    def as_route(self) -> Route:
        """The endpoint as a row in the list of routes: what configuration and code say of it."""
        annotations, reason = said_in_code(self.endpoint.functions)
        said = [annotation for actie in self.acties for annotation in _check(actie, self.endpoint)]
        wildcard = None
        if self.route is not None and self.route.geen_verwerking is not None:
            wildcard = self.route.key if self.route.target.endswith("*") and reason is None and not annotations else None
            reason = self.route.geen_verwerking
        return Route(
            name=self.endpoint.name,
            annotations=(*said, *annotations),
            geen_verwerking=reason,
            recorder=self.endpoint.recorder,
            wildcard=wildcard,
        )


def configured_endpoints(found: Sequence[Endpoint], *own: EnclosingMiddleware) -> list[ConfiguredEndpoint]:
    """The endpoints, each with what the middlewares around it say of it. ``own`` is one that may be around none.

    One that takes several methods stands here for each group of them of which the same is said. Raises ConfigurationError when a
    key matches nothing, says what is said elsewhere too, or what it says cannot be had there.
    """
    every_middleware = dict.fromkeys([*own, *(enclosing for endpoint in found for enclosing in endpoint.enclosing)])
    said = {enclosing: read_routes(enclosing.routes, setting=SETTING) for enclosing in every_middleware}
    for enclosing, routes in said.items():
        inside = [endpoint for endpoint in found if enclosing in endpoint.enclosing]
        known = [(endpoint.names(enclosing), method) for endpoint in inside for method in endpoint.methods]
        refuse_unmatched(routes, known, lists="verwerkingenlogging check module:app")
    every = [one for endpoint in found for one in _of_endpoint(endpoint, said)]
    for one in every:
        refuse_double(one.route, one.endpoint.functions[0], one.endpoint.name)
        for actie in one.acties:
            _check(actie, one.endpoint)
    return every


def _of_endpoint(endpoint: Endpoint, said: dict[EnclosingMiddleware, list[ConfiguredRoute]]) -> Iterator[ConfiguredEndpoint]:
    groups: dict[ConfiguredRoute | None, list[str]] = {}
    for method in endpoint.methods:
        about = (
            of_method((one for one in said[enclosing] if one.matches(endpoint.names(enclosing))), method)
            for enclosing in endpoint.enclosing
        )
        here = [route for route in about if route is not None]
        if len(here) > 1:
            raise ConfigurationError(f"{here[1].where}: {here[0].where} is about the same route; say it once")
        groups.setdefault(here[0] if here else None, []).append(method)
    for route, methods in groups.items():
        yield ConfiguredEndpoint(endpoint=replace(endpoint, methods=tuple(methods)), route=route)


def _check(actie: ConfiguredActie, endpoint: Endpoint) -> tuple[Annotation, ...]:
    """The annotation that an actie is, when all that it names is there."""
    if endpoint.route is None or (endpoint.methods == (ANY,)):
        raise ConfigurationError(
            f"{actie.where}: {endpoint.template} is an ASGI application of its own, whose functions cannot be found; "
            "annotate those in code, or its __call__"
        )
    function = recording_function(actie, endpoint)
    if names_arguments(actie, endpoint):
        return annotations_of(actie.annotate(function))[:1]
    convertors = path_parameters(endpoint.template)
    known = ["websocket" if endpoint.methods == (WEBSOCKET,) else "request", *(["self"] if endpoint.view else []), *convertors]
    for name in actie.arguments:
        if name not in known:
            raise ConfigurationError(
                f'{actie.where}: names the argument "{name}", which {endpoint.template} lacks; it has {", ".join(known)}'
            )
    _refuse_numbers(actie, endpoint, [name for name, convertor in convertors.items() if isinstance(convertor, _NUMBERS)])
    return annotations_of(actie.annotate(recorded))


def names_arguments(actie: ConfiguredActie, endpoint: Endpoint) -> bool:
    """Whether what the actie names are the arguments of the function. FastAPI fills those by their names; an endpoint of Starlette has
    a request alone, so there it is what the path takes from the address."""
    return actie.function is not None or getattr(endpoint.route, "dependant", None) is not None


def recording_function(actie: ConfiguredActie, endpoint: Endpoint) -> FunctionType:
    """The innermost function, which records. Raises ConfigurationError when it cannot be reached."""
    decorated = endpoint.functions[0] if actie.function is None else _method(actie, endpoint, actie.function)
    return reached(decorated, where=f"{actie.where}: {endpoint.template}")


def _method(actie: ConfiguredActie, endpoint: Endpoint, name: str) -> Any:
    if endpoint.view is None:
        raise ConfigurationError(f"{actie.where}.function: {endpoint.template} is not handled by a class, so it has no other method")
    function = getattr(endpoint.view, name, None)
    if not callable(function):
        raise ConfigurationError(f"{actie.where}.function: {name}: {endpoint.view.__name__} has no such method")
    return function


def _refuse_numbers(actie: ConfiguredActie, endpoint: Endpoint, numbers: Iterable[str]) -> None:
    for one in actie.objecten:
        if isinstance(one.value, str) and one.value in numbers:
            raise ConfigurationError(
                f'{actie.where}: "{one.value}" is no text in {endpoint.template}, and a number loses its leading zeros (R5); '
                f"name a function, as module:function, that takes {one.value} and gives the id"
            )
