"""What configurations say of a function, and which of it counts for a call. The adapters' own tests have the requests."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, cast

from verwerkingenlogging import MemoryLog
from verwerkingenlogging.routes.configured_functions import ConfiguredFunction, ConfiguredFunctions
from verwerkingenlogging.routes.route_configuration import read_routes
from verwerkingenlogging.testing import capture


def says(function: Callable[..., Any], naam: str) -> ConfiguredFunctions:
    (route,) = read_routes({"/": {"actie_naam": naam, "activiteit": "brp", "objecten": "bsn"}}, setting="routes")
    functions = ConfiguredFunctions(lambda request, args, kwargs: (None, None))
    plain = cast("FunctionType", function)
    call = route.acties[0].annotate(functions.original(plain))
    functions.say(plain, "/", None, ConfiguredFunction(acties=route.acties, as_route=call, otherwise=call))
    functions.install()
    return functions


def logged(log: MemoryLog) -> list[str | None]:
    return [actie.actie_naam for actie in log.acties]


def test_of_two_configurations_that_go_the_other_one_stays() -> None:
    def read(bsn: str) -> str:
        return bsn

    code = read.__code__
    first, second = says(read, "Ophalen"), says(read, "Ophalen")
    with capture() as log:
        read("1")
        first.remove()
        read("2")
        assert logged(log) == ["Ophalen", "Ophalen"]
        second.remove()
        read("3")
        assert logged(log) == ["Ophalen", "Ophalen"]
    assert read.__code__ is code
