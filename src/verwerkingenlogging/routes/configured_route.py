"""What a configuration says of one route, read: its acties, or why it has none."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from verwerkingenlogging.annotation import annotated
from verwerkingenlogging.calls.arguments import Value
from verwerkingenlogging.calls.objecten import Objecten
from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.logs.protocol import Safety
from verwerkingenlogging.model.template import Template

__all__ = ["METHODS", "WEBSOCKET", "ConfiguredActie", "ConfiguredRoute", "P", "R"]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")
WEBSOCKET = "WEBSOCKET"
"""What a key may begin with: one of the methods, or that word where a framework has routes for websockets."""
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredActie:
    """One verwerkingsactie of a route: the arguments of ``@verwerkingsactie``, read.

    Attributes:
        where: the file or setting, and the key in it.
        entry: what stands there.
        function: name of the method to annotate, where that is not what handles the request: ``perform_create``, which runs
            when a body has been found valid.
    """

    where: str
    entry: object = field(hash=False, repr=False)
    template: Template
    objecten: tuple[Objecten, ...]
    verwerking_id: Value | None = None
    safety: Safety | None = None
    function: str | None = None

    def annotate(self, function: Callable[P, R]) -> Callable[P, R]:
        """``function`` with this recording. Raises ConfigurationError when it lacks an argument that is named here."""
        try:
            return annotated(function, self.template, self.objecten, verwerking_id=self.verwerking_id, safety=self.safety, where=self.where)
        except ConfigurationError as error:
            message = str(error)
            raise ConfigurationError(message if message.startswith(self.where) else f"{self.where}: {message}") from None

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of the arguments that it needs."""
        values = [value for one in self.objecten for value in (one.value, one.soorten_gegevens)] + [self.verwerking_id]
        results = [one.value for one in self.objecten if one.found]
        return tuple(dict.fromkeys(name for value in values for name in _names(value)[1 if value in results else 0 :]))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredRoute:
    """What a configuration says of one route, or of all routes with the same beginning.

    Attributes:
        where: the file or setting, and the key in it.
        key: that key.
        method: the method that it begins with, if any.
        target: the rest: a name, a template, or the beginning of one with a ``*``.
        acties: what it logs.
        geen_verwerking: why it handles no personal data, if it says so.
    """

    where: str
    key: str
    method: str | None = field(init=False)
    target: str = field(init=False)
    acties: tuple[ConfiguredActie, ...] = ()
    geen_verwerking: str | None = None

    def __post_init__(self) -> None:
        method, _, rest = self.key.partition(" ")
        known = method in (*METHODS, WEBSOCKET)
        object.__setattr__(self, "method", method if known else None)
        object.__setattr__(self, "target", rest.strip() if known else self.key)
        if self.acties and self.target.endswith("*"):
            raise ConfigurationError(
                f"{self.where}: * takes geen_verwerking only: each route has its persons in its own place; name the routes one by one"
            )

    def matches(self, names: Sequence[str]) -> bool:
        """Whether this matches the route with these names, one of which is its template."""
        if self.target.endswith("*"):
            return any(name.startswith(self.target[:-1]) for name in names)
        return self.target in names

    def __lt__(self, other: ConfiguredRoute) -> bool:
        """Whether ``other`` is more specific: a whole name before the beginning of one, a method before none."""
        return self._specific < other._specific

    @property
    def _specific(self) -> tuple[bool, int, bool]:
        many = self.target.endswith("*")
        return not many, len(self.target) if many else 0, self.method is not None


def _names(value: object) -> list[str]:
    """The arguments that a value needs; none for fixed soorten_gegevens."""
    if isinstance(value, str):
        return [value.split(".")[0]]
    return list(inspect.signature(value).parameters) if callable(value) else []
