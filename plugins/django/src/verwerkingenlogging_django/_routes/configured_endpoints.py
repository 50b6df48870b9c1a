"""URLs that ``VERWERKINGENLOGGING["ROUTES"]`` speaks for, in an application whose code cannot be touched.

What is said there counts for the very function that handles the request, under all that decorates it: it records when that code
really runs, and not on a redirect to the login page, a 403, a 404 or a 405. Views, URL patterns and classes stay what they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any, ClassVar

from django.conf import settings
from django.urls.converters import IntConverter

from verwerkingenlogging.annotation import Annotation, annotations_of
from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.routes.configured_route import METHODS, ConfiguredActie, ConfiguredRoute
from verwerkingenlogging.routes.configured_routes import of_method, reached, recorded, refuse_double, refuse_unmatched
from verwerkingenlogging.routes.route_configuration import read_routes
from verwerkingenlogging.routes.trampoline import innermost
from verwerkingenlogging_django._routes.endpoints import Endpoint, endpoints
from verwerkingenlogging_django._routes.introspection import of_api_view
from verwerkingenlogging_django._setting_values import NAME

__all__ = [
    "SETTING",
    "ConfiguredEndpoint",
    "by_name",
    "configured_endpoints",
    "handling_function",
    "recorded_function",
    "remember_settings",
]

SETTING = 'settings.VERWERKINGENLOGGING["ROUTES"]'


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConfiguredEndpoint:
    """An endpoint, and what the configuration says that it logs, if anything."""

    endpoint: Endpoint
    route: ConfiguredRoute | None

    @property
    def acties(self) -> tuple[ConfiguredActie, ...]:
        """The acties that the configuration says it logs."""
        return () if self.route is None else self.route.acties

    @property
    def annotations(self) -> tuple[Annotation, ...]:
        """The acties that the configuration says it logs, as annotations."""
        return tuple(annotation for actie in self.acties for annotation in _check(actie, self.endpoint))


class _Written:
    """What the project's own settings say. A test may put other URLs in their place, for which ``ROUTES`` was not written."""

    urlconf: ClassVar[object] = None
    routes: ClassVar[object] = None

    @classmethod
    def elsewhere(cls, source: object) -> bool:
        """Whether ``source`` is what the settings say, and the URLs are not."""
        return cls.routes is not None and source == cls.routes and cls.urlconf != settings.ROOT_URLCONF


def remember_settings() -> None:
    """Keep the settings as they are before any test changes them."""
    _Written.routes = _given().get("ROUTES")
    _Written.urlconf = getattr(settings, "ROOT_URLCONF", None)


def _given() -> Mapping[str, Any]:
    """The setting, right or wrong."""
    said = getattr(settings, NAME, None)
    return said if isinstance(said, Mapping) else {}


def configured_endpoints(source: object) -> list[ConfiguredEndpoint]:
    """Each endpoint of the project, with what ``source``, the value of the setting, says of it.

    A view that takes any method stands here for each method that is named, and for the rest. Raises ConfigurationError when a
    key matches nothing, or what it says cannot be had there.
    """
    routes = read_routes(source, setting=SETTING)
    every = endpoints(_given().get("URLCONFS", ()))
    known = [(endpoint.names, endpoint.method or "any") for endpoint in every]
    if not _Written.elsewhere(source):
        refuse_unmatched(routes, known, anything="any", lists="manage.py verwerkingen_check")
    found = [one for endpoint in every for one in _of_endpoint(endpoint, routes)]
    for one in found:
        refuse_double(one.route, getattr(one.endpoint.holder, one.endpoint.attribute, None), one.endpoint.template)
        for actie in one.acties:
            _check(actie, one.endpoint)
    return found


def _of_endpoint(endpoint: Endpoint, routes: Sequence[ConfiguredRoute]) -> Iterator[ConfiguredEndpoint]:
    here = [route for route in routes if route.matches(endpoint.names)]
    if endpoint.method is None:
        named = {route.method for route in here}
        for method in METHODS:
            if method in named:
                yield ConfiguredEndpoint(endpoint=replace(endpoint, method=method), route=of_method(here, method))
    yield ConfiguredEndpoint(endpoint=endpoint, route=of_method(here, endpoint.method))


def _check(actie: ConfiguredActie, endpoint: Endpoint) -> tuple[Annotation, ...]:
    """The annotation that an actie is, when all that it names is there.

    Where a function's arguments are filled by their names, they are those of the function; else those of the URL.
    """
    function = recorded_function(actie, endpoint)
    if by_name(actie, endpoint):
        return annotations_of(actie.annotate(function))[:1]
    known = ["request", *(["self"] if endpoint.view else []), *endpoint.arguments, *endpoint.defaults]
    for name in actie.arguments:
        if name not in known:
            raise ConfigurationError(
                f'{actie.where}: names the argument "{name}", which {endpoint.template} lacks; it has {", ".join(dict.fromkeys(known))}'
            )
    for one in actie.objecten:
        if isinstance(one.value, str) and isinstance(endpoint.arguments.get(one.value), IntConverter):
            raise ConfigurationError(
                f'{actie.where}: "{one.value}" is no text in {endpoint.template}, and a number loses its leading zeros (R5); '
                f"name a function, as module:function, that takes {one.value} and gives the id"
            )
    return annotations_of(actie.annotate(recorded))


def by_name(actie: ConfiguredActie, endpoint: Endpoint) -> bool:
    """Whether the actie names arguments of the function, and not of the URL."""
    return endpoint.operation or actie.function is not None


def recorded_function(actie: ConfiguredActie, endpoint: Endpoint) -> FunctionType:
    """The innermost function, which records. Raises ConfigurationError when it cannot be reached."""
    where = f"{actie.where}: {endpoint.template}"
    if actie.function is None:
        function = reached(endpoint.handler, where=where)
        inner = of_api_view(function)
        return function if inner is None else reached(inner, where=where)
    if endpoint.view is None:
        raise ConfigurationError(f"{actie.where}.function: {endpoint.template} is not handled by a class, so it has no other method")
    method = getattr(endpoint.view, actie.function, None)
    if not callable(method):
        raise ConfigurationError(f"{actie.where}.function: {actie.function}: {endpoint.view.__name__} has no such method")
    return reached(method, where=where)


def handling_function(endpoint: Endpoint) -> Any:
    """The innermost handler of ``endpoint``, whether or not it can be reached."""
    function = innermost(endpoint.handler)
    inner = of_api_view(function)
    return function if inner is None else innermost(inner)
