"""Which routes a key is about, and which function of a decorated one records: what the adapters of the frameworks share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any

import pytest

from verwerkingenlogging import ConfigurationError
from verwerkingenlogging.routes.configured_route import ConfiguredRoute
from verwerkingenlogging.routes.configured_routes import of_method, reached, refuse_unmatched


def said(*keys: str) -> list[ConfiguredRoute]:
    return [ConfiguredRoute(where=f'routes["{key}"]', key=key, geen_verwerking="explanations") for key in keys]


def test_a_method_goes_before_none_and_a_whole_name_before_its_beginning() -> None:
    routes = said("/*", "/personen", "POST /personen")
    assert [getattr(of_method(routes, method), "key", None) for method in ("POST", "GET")] == ["POST /personen", "/personen"]
    assert of_method([], "GET") is None
    with pytest.raises(ConfigurationError, match=r'routes\["/personen"\]: /personen is the same route; say it once'):
        of_method(said("/personen", "/personen"), "GET")


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("/personn", r"did you mean /personen\?"),
        ("/x", "there are none like it"),
        ("DELETE /personen", "it takes GET, POST"),
        ("WEBSOCKET /alles", r"it takes \*"),
    ],
)
def test_a_key_that_is_about_no_route_is_refused_with_a_hint(key: str, hint: str) -> None:
    known = [(("/personen",), "GET"), (("/personen",), "POST"), (("/alles",), "*")]
    refuse_unmatched(said("/personen", "GET /personen", "DELETE /alles", "/*"), known, anything="*", lists="the list")
    with pytest.raises(ConfigurationError, match=rf'routes\["{key}"\]: there is no such route \({hint}\); the list lists them'):
        refuse_unmatched(said(key), known, anything="*", lists="the list")


def plain(bsn: str) -> str:
    return bsn


def wrapped(function: Callable[[str], str]) -> Callable[[str], str]:
    @functools.wraps(function)
    def outer(bsn: str) -> str:
        return function(bsn)

    return outer


def copying(function: Any) -> Callable[[str], str]:
    return wrapped(wrapped(FunctionType(function.__code__, function.__globals__)))


def test_the_function_that_records_is_the_innermost() -> None:
    assert reached(wrapped(functools.partial(wrapped(plain))), where="routes") is plain


@pytest.mark.parametrize(
    ("decorated", "message"),
    [
        (functools.update_wrapper(copying(plain), plain), "routes: a decorator keeps the function out of reach"),
        (wrapped(functools.lru_cache(plain)), r"routes: a cache \(functools.lru_cache\) answers in the place of the function"),
        (functools.partial(len), "routes: is handled by a builtin_function_or_method and not by a function in Python"),
    ],
)
def test_a_function_that_may_be_passed_by_is_refused(decorated: Callable[..., Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        reached(decorated, where="routes")
