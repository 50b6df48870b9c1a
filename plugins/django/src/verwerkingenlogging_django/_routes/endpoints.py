"""Every way into the code of a Django project: its URL patterns, and the methods that each of them takes."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import translation
from django.views.generic import RedirectView

from verwerkingenlogging.routes.configured_route import METHODS
from verwerkingenlogging_django._routes.introspection import closure_variables, wrapper_chain
from verwerkingenlogging_django._routes.url_templates import readable_part, routes_of

__all__ = ["Endpoint", "endpoints", "of_pattern"]

_View = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Endpoint:
    """One way into the code: a URL pattern and a method.

    Attributes:
        method: ``GET``, or None for a view that takes any.
        template: ``/personen/<str:bsn>/``, the whole of it.
        name: ``personen:ophalen``, with its namespaces, or None.
        routes: what ``request.resolver_match.route`` says; several where that depends on the language.
        arguments: the names of what the pattern takes from the URL, each with its converter, if it has one.
        defaults: the arguments that the pattern itself gives.
        callback: the view, as the pattern has it.
        holder, attribute: where the function that handles the method is kept: the pattern, a class, a ninja operation.
    """

    method: str | None
    template: str
    name: str | None
    routes: frozenset[str]
    arguments: Mapping[str, object]
    defaults: Mapping[str, object]
    callback: _View
    holder: Any
    attribute: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which configuration may call it."""
        return (self.template,) if self.name is None else (self.name, self.template)

    @property
    def handler(self) -> _View:
        """Its handler, with all decorators."""
        function: _View = getattr(self.holder, self.attribute)
        return function

    @property
    def view(self) -> type | None:
        """The class of that handler, if it is a method."""
        return self.holder if isinstance(self.holder, type) else None

    @property
    def operation(self) -> bool:
        """Whether it is an operation of django-ninja, which fills arguments by their names."""
        return not isinstance(self.holder, type | URLPattern)


def endpoints(urlconfs: Iterable[str] = ()) -> list[Endpoint]:
    """The endpoints of the project and of ``urlconfs``, in the order in which Django tries them. This imports the URLconf."""
    with translation.override(settings.LANGUAGE_CODE):
        return [one for urlconf in (None, *urlconfs) for one in _walk(get_resolver(urlconf), (), Counter())]


def _walk(resolver: URLResolver, above: tuple[URLResolver, ...], seen: Counter[int]) -> Iterator[Endpoint]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, (*above, pattern), seen)
        else:
            yield from of_pattern(pattern, above, seen)


def of_pattern(pattern: URLPattern, above: tuple[URLResolver, ...], seen: Counter[int]) -> Iterator[Endpoint]:
    """The endpoints of one pattern, under the resolvers ``above``; ``seen`` counts how often each view of ninja came by."""
    parts = [*(resolver.pattern for resolver in above), pattern.pattern]
    namespaces = [resolver.namespace for resolver in above if resolver.namespace]
    arguments: dict[str, object] = {}
    defaults: dict[str, object] = {}
    for one in parts:
        arguments |= dict.fromkeys(one.regex.groupindex) | dict(one.converters)
    for resolver in above:
        defaults |= resolver.default_kwargs
    for method, holder, attribute in _handlers(pattern, seen):
        yield Endpoint(
            method=method,
            template="/" + "".join(map(readable_part, parts)),
            name=":".join([*namespaces, pattern.name]) if pattern.name else None,
            routes=routes_of(parts),
            arguments=arguments,
            defaults=defaults | pattern.default_args,
            callback=pattern.callback,
            holder=holder,
            attribute=attribute,
        )


def _handlers(pattern: URLPattern, seen: Counter[int]) -> Iterator[tuple[str | None, Any, str]]:
    """Each method that the pattern's view takes, and where the function that handles it is kept."""
    path_view = _path_view(pattern.callback)
    if path_view is not None:
        # Ninja makes a pattern for each operation of a path, all with one view: the first pattern is for the first operation.
        operation = path_view.operations[seen[id(path_view)] % len(path_view.operations)]
        seen[id(path_view)] += 1
        yield from ((method, operation, "view_func") for method in operation.methods)
        return
    view = getattr(pattern.callback, "cls", None) or getattr(pattern.callback, "view_class", None)
    if view is None:
        yield from ((method, pattern, "callback") for method in _allowed(pattern.callback))
        return
    methods = [] if view is RedirectView else sorted(_of_class(view, getattr(pattern.callback, "actions", None)))
    yield from ((method, view, attribute) for _, method, attribute in methods)
    if not methods:
        yield None, view, "dispatch"


def _path_view(callback: _View) -> Any:
    kind = getattr(sys.modules.get("ninja.operation"), "PathView", ())  # where ninja is not imported, nothing is of it
    return next((held for one in wrapper_chain(callback) for held in closure_variables(one).values() if isinstance(held, kind)), None)


_FRAMEWORKS = ("django.views.generic.base", "rest_framework.views")


def _of_class(view: Any, actions: Mapping[str, str] | None) -> Iterator[tuple[int, str, str]]:
    """The methods of a class, and their usual order: no HEAD that comes with GET, nor the OPTIONS that a framework gives all."""
    names = dict(actions) if actions is not None else {method: method for method in view.http_method_names}
    for method, attribute in names.items():
        handler = getattr(view, attribute, None)
        if handler is None or (method == "options" and handler.__module__ in _FRAMEWORKS):
            continue
        if method != "head" or handler is not getattr(view, names.get("get", ""), None):
            yield METHODS.index(method.upper()), method.upper(), attribute


def _allowed(callback: _View) -> Sequence[str | None]:
    """The methods of a function view, where ``require_http_methods`` says them; HEAD comes with GET."""
    for one in wrapper_chain(callback):
        allowed = closure_variables(one).get("request_method_list")
        if allowed is not None:
            return [method for method in allowed if method != "HEAD" or "GET" not in allowed]
    return [None]
