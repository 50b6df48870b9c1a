"""Which routes the keys of a configuration match, and how to put recording under decorators. For adapters of frameworks."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from types import FunctionType
from typing import Any

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.routes.annotation_check import said_in_code
from verwerkingenlogging.routes.caches import cache_of
from verwerkingenlogging.routes.configured_route import WEBSOCKET, ConfiguredActie, ConfiguredRoute
from verwerkingenlogging.routes.trampoline import innermost, inwards, is_held

__all__ = ["arecorded", "of_method", "reached", "recorded", "refuse_double", "refuse_unmatched", "stacked"]


def of_method(routes: Iterable[ConfiguredRoute], method: str | None) -> ConfiguredRoute | None:
    """The most specific of ``routes`` for ``method``. Raises ConfigurationError when two are equally specific."""
    here = sorted(route for route in routes if route.method in (None, method))
    if len(here) > 1 and not here[-2] < here[-1]:
        raise ConfigurationError(f"{here[-1].where}: {here[-2].key} is the same route; say it once")
    return here[-1] if here else None


def refuse_unmatched(
    routes: Iterable[ConfiguredRoute], known: Sequence[tuple[Sequence[str], str]], *, anything: str | None = None, lists: str
) -> None:
    """Raise ConfigurationError when one of ``routes`` matches none of the ``known`` ones.

    Args:
        routes: what the configuration says.
        known: of each route of the application its names, and the method that it takes.
        anything: what stands for a method where a route takes any.
        lists: the command that lists the routes, for the message.
    """
    for route in routes:
        takes = {method for names, method in known if route.matches(names)}
        suits = {route.method, None if route.method == WEBSOCKET else anything}
        if not takes or (route.method is not None and not takes & suits):
            every = sorted({name for names, _ in known for name in names})
            close = difflib.get_close_matches(route.target, every, n=1, cutoff=0.5)
            hint = f"it takes {', '.join(sorted(takes))}" if takes else f"did you mean {close[0]}?" if close else "there are none like it"
            raise ConfigurationError(f"{route.where}: there is no such route ({hint}); {lists} lists them")


def refuse_double(route: ConfiguredRoute | None, function: Any, name: str) -> None:
    """Raise ConfigurationError when ``function``, the handler of ``name``, has an annotation and ``route`` speaks of it too.

    It would be recorded twice, or contradicted. A ``*`` is about the others among its routes.
    """
    if route is not None and said_in_code([function])[0] and not route.target.endswith("*"):
        raise ConfigurationError(f"{route.where}: {name} is annotated in its code; remove this key, or that annotation")


def recorded(call: Callable[[], Any], /, **arguments: Any) -> Any:
    """Run ``call()`` and record with ``arguments``, which are not those of the called function."""
    __traceback_hide__ = True  # what shows local variables, Django's debug page and Sentry, passes over this frame
    return call()


async def arecorded(call: Callable[[], Awaitable[Any]], /, **arguments: Any) -> Any:
    """The same for an asynchronous function."""
    __traceback_hide__ = True  # as above
    return await call()


def reached(decorated: Any, *, where: str) -> FunctionType:
    """The innermost function of ``decorated``, where its annotation would stand in code.

    Raises ConfigurationError beginning with ``where`` when it cannot be told that all calls come to that function.
    """
    for one in inwards(decorated):
        cache = cache_of(one)
        if cache is not None:
            raise ConfigurationError(
                f"{where}: a cache ({cache}) answers in the place of the function, and nothing is recorded then; "
                "do not cache personal data, or annotate above the cache in code"
            )
    function = innermost(decorated)
    if type(function) is not FunctionType:
        raise ConfigurationError(f"{where}: is handled by a {type(function).__name__} and not by a function in Python; annotate it in code")
    if not is_held(decorated):
        raise ConfigurationError(
            f"{where}: a decorator keeps the function out of reach: it does not hold what it says it wraps; annotate that in code, or "
            "write the decorator as a function with functools.wraps"
        )
    return function


def stacked(
    acties: Sequence[ConfiguredActie], function: Callable[..., Any], *, is_async: bool, by_name: Callable[[ConfiguredActie], bool]
) -> tuple[Callable[..., Any], Callable[..., Any] | None]:
    """``function`` with the annotations whose arguments are its own (``by_name``), and ``recorded`` with those of the route's.

    The second is None when there are none of those. The first of ``acties`` is the outermost, as where annotations are stacked.
    """
    recording: Callable[..., Any] = arecorded if is_async else recorded
    of_route = False
    for actie in reversed(acties):
        if by_name(actie):
            function = actie.annotate(function)
        else:
            recording, of_route = actie.annotate(recording), True
    return function, recording if of_route else None
