"""One way into the code of an application of Starlette or FastAPI, and our middlewares around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.routing import PARAM_REGEX

from verwerkingenlogging.recorder import Recorder
from verwerkingenlogging_starlette._path_templates import without_host

__all__ = ["ANY", "EnclosingMiddleware", "Endpoint"]

ANY = "*"
"""What stands for the method of what takes any."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EnclosingMiddleware:
    """A middleware of ours around some of the endpoints.

    Attributes:
        prefix: the template of the application that it stands around.
        recorder: what it records with.
        routes: what it says of routes in configuration.
    """

    prefix: str
    recorder: Recorder | None
    routes: object


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Endpoint:
    """One way into the code.

    Attributes:
        methods: that it takes; ``ANY`` or ``WEBSOCKET`` in their place.
        template: ``/personen/{bsn}``, the whole of it; ``//host/personen/{bsn}`` where it is for one host only.
        route: the route, or what FastAPI knows of one in an included router; None for a mounted application.
        functions: those on which an annotation counts for it, the one that handles it first.
        view: the class of which that one is a method, if it is of one; and the name of that method.
        enclosing: our middlewares, the outermost first.
    """

    methods: tuple[str, ...]
    template: str
    route: Any
    functions: tuple[Any, ...]
    view: type | None = None
    attribute: str = ""
    enclosing: tuple[EnclosingMiddleware, ...] = ()

    @property
    def name(self) -> str:
        """The name of this endpoint in the list of routes."""
        return f"{'|'.join(self.methods)} {self.template}"

    @property
    def recorder(self) -> Recorder | None:
        """The recorder of its innermost middleware."""
        return self.enclosing[-1].recorder if self.enclosing else None

    def names(self, enclosing: EnclosingMiddleware) -> tuple[str, ...]:
        """By what the configuration of that middleware may call it: its template in that application, with and without convertors, and
        with and without the host."""
        template = self.template_in(enclosing)
        every = dict.fromkeys([template, without_host(template)])
        if self.route is None:
            return (*every, *(one + "/" for one in every))
        return (*every, *(PARAM_REGEX.sub(r"{\1}", one) for one in every))

    def template_in(self, enclosing: EnclosingMiddleware) -> str:
        """Its template in the application that this middleware wraps."""
        if self.template.startswith(enclosing.prefix):
            return self.template.removeprefix(enclosing.prefix)
        path = without_host(self.template)  # it stands in one for a host, below that middleware
        return self.template.removesuffix(path) + path.removeprefix(without_host(enclosing.prefix))
