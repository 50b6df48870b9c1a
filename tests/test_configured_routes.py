"""Which routes a key is about, and where a decorated function is kept: what the adapters of the frameworks share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from verwerkingenlogging import ConfigurationError
from verwerkingenlogging.configured import ConfiguredRoute
from verwerkingenlogging.configured_routes import kept, of_method, refuse_unmatched


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


def inner() -> str:
    return "inner"


def in_a_cell(function: Callable[[], str]) -> Callable[[], str]:
    @functools.wraps(function)
    def outer() -> str:
        return function() + later

    if function is not inner:
        later = ""
    return outer


class InAnAttribute:
    def __init__(self, function: Callable[[], str]) -> None:
        self.function = self.__wrapped__ = function


@pytest.mark.parametrize("decorate", [in_a_cell, InAnAttribute])
def test_what_a_decorator_calls_is_in_a_cell_or_an_attribute(decorate: Callable[[Any], Any]) -> None:
    """Not in ``__wrapped__``, which it does not call; and a cell may be empty still."""
    found = kept(decorate(inner), lambda content: content is inner)
    assert found is not None
    holder, attribute = found
    assert getattr(holder, attribute) is inner
    assert kept(decorate(inner), lambda content: content is in_a_cell) is None
