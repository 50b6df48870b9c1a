"""Puts the recording that the settings ask for behind the functions that handle the URLs."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FunctionType
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.urls import get_resolver
from django.views import View

from verwerkingenlogging.context import current
from verwerkingenlogging.routes.configured_functions import ConfiguredFunction, ConfiguredFunctions
from verwerkingenlogging.routes.configured_route import ConfiguredActie
from verwerkingenlogging.routes.configured_routes import stacked
from verwerkingenlogging_django._routes.configured_endpoints import (
    ConfiguredEndpoint,
    by_name,
    configured_endpoints,
    handling_function,
    recorded_function,
)
from verwerkingenlogging_django._routes.endpoints import Endpoint

__all__ = ["install_routes"]

_applied: tuple[object, object] = (None, None)
_functions: ConfiguredFunctions | None = None


def install_routes(source: object) -> ConfiguredFunctions | None:
    """Let the project's URLs log what ``source``, the value of the setting, says. None removes it.

    Done once, when the middleware is made; again with the same, it does nothing, and with something else it takes back what it
    did before. Routes that are not named cost nothing, or a look in a dict where they share a function with one that is.

    Raises ConfigurationError as ``configured_endpoints`` does.
    """
    global _applied, _functions  # noqa: PLW0603  # there is one URLconf in a process
    now = (source, None if source is None else get_resolver())
    if now != _applied:
        if _functions is not None:
            _functions.remove()
        _applied, _functions = (None, None), None
        if source is not None:
            _functions = _put(configured_endpoints(source))
            _applied = now
    return _functions


def _put(every: list[ConfiguredEndpoint]) -> ConfiguredFunctions:
    functions = ConfiguredFunctions(_route_of, by_hand=_by_hand)
    known = {function for one in every for function in _said(one, functions)}
    for one in every:
        function = handling_function(one.endpoint)
        if not one.acties and function in known:  # nothing is said of it there
            _say(one.endpoint, function, ConfiguredFunction(), functions)
    functions.install()
    return functions


def _said(one: ConfiguredEndpoint, functions: ConfiguredFunctions) -> Iterator[FunctionType]:
    by_function: dict[FunctionType, list[ConfiguredActie]] = {}
    for actie in one.acties:
        by_function.setdefault(recorded_function(actie, one.endpoint), []).append(actie)
    for function, acties in by_function.items():
        name, view = acties[0].function or one.endpoint.attribute, one.endpoint.view
        own = view is not None and inspect.getattr_static(view, name, None) is function
        as_route, otherwise = _recording(functions.original(function), acties, one.endpoint)
        said = ConfiguredFunction(acties=tuple(acties), view=view if own else None, as_route=as_route, otherwise=otherwise)
        _say(one.endpoint, function, said, functions)
        yield function


def _say(endpoint: Endpoint, function: FunctionType, said: ConfiguredFunction, functions: ConfiguredFunctions) -> None:
    for route in endpoint.routes:
        functions.say(function, route, endpoint.method, said)


_Call = Callable[..., Any]

_BEGUN = "_verwerkingenlogging_begun"
"""Where a request has the functions that were called as that of its route."""


def _recording(original: _Call, acties: Sequence[ConfiguredActie], endpoint: Endpoint) -> tuple[_Call, _Call]:
    """What to call in the place of ``original`` when it handles a request of the URL, and when it is called in another way.

    The one has its arguments from the URL, for a decorator may give the function others; the other has none but those of the function.
    """
    named = functools.partial(by_name, endpoint=endpoint)
    call, recording = stacked(acties, original, is_async=iscoroutinefunction(original), by_name=named)
    if recording is None:
        return call, call
    absent = dict.fromkeys([*endpoint.arguments, *endpoint.defaults])  # what an optional part of a regular expression leaves out
    signature = inspect.signature(original)

    def as_route(*args: Any, **kwargs: Any) -> Any:
        __traceback_hide__ = True  # what shows local variables, Django's debug page and Sentry, passes over this frame
        request = _request_in(args, kwargs) or _request_here()
        begun = getattr(request, "_request", request).__dict__.setdefault(_BEGUN, set())
        if original in begun:  # another call is the code's own, with arguments of its own
            return otherwise(*args, **kwargs)
        begun.add(original)
        arguments = absent | request.resolver_match.kwargs | {"request": request, "self": args[0] if endpoint.view else None}
        return recording(functools.partial(call, *args, **kwargs), **arguments)

    def otherwise(*args: Any, **kwargs: Any) -> Any:
        __traceback_hide__ = True  # as above
        view = args[0] if endpoint.view else None
        arguments = dict(getattr(view, "kwargs", ()))
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            arguments |= value if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD else {name: value}
        arguments |= {"request": _request_in(args, kwargs), "self": view}
        return recording(functools.partial(call, *args, **kwargs), **arguments)

    return as_route, otherwise


def _route_of(request: HttpRequest | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str | None, str | None]:
    asked = request or _request_in(args, kwargs)
    match = getattr(asked, "resolver_match", None)
    return (None, None) if asked is None or match is None else (match.route, asked.method)


def _request_in(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The request among the arguments, REST framework's own too, or of the view that is the first of them."""
    # By type and not isinstance, for which a lazy object among them would be made.
    of_view = getattr(args[0], "request", None) if args and issubclass(type(args[0]), View) else None
    kinds = (HttpRequest, getattr(sys.modules.get("rest_framework.request"), "Request", HttpRequest))
    return next((one for one in (of_view, *args, *kwargs.values()) if issubclass(type(one), kinds)), None)


def _request_here() -> Any:
    context = current()
    return next(request for _, request in (context.root or context).configured or ())


def _by_hand(args: tuple[Any, ...]) -> bool:
    """Whether one of the project's own tests calls this: with a request that came to no URL, in the test environment of Django."""
    state = getattr(sys.modules.get("django.test.utils"), "_TestState", None)
    return hasattr(state, "saved_data") and getattr(_request_in(args, {}), "resolver_match", None) is None
