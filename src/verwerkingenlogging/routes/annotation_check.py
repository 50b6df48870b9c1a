"""Checks whether every route says what it does with personal data.

An adapter for a framework lists the routes of an application; what must hold for them is decided here, for all frameworks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from verwerkingenlogging.annotation import Annotation, annotations_of, geen_verwerking_reason
from verwerkingenlogging.recorder import Recorder
from verwerkingenlogging.routes.caches import cache_of, caches, inner_of
from verwerkingenlogging.routes.trampoline import inwards

__all__ = ["READING", "Adapter", "Route", "cached", "describe", "late", "listed", "problems", "said_in_code", "summary", "unannotated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route of an application.

    Attributes:
        name: ``GET /personen/{bsn}``, with the whole path template.
        annotations: what it logs.
        geen_verwerking: why it handles no personal data, if it says so.
        wildcard: the key of the configuration, such as ``/static/*``, that alone says so, and will of all that comes under it later.
        url_name: by which configuration and code may call it, where the framework has such names.
        recorder: the recorder of the middleware around it, if there is one.
    """

    name: str
    annotations: tuple[Annotation, ...] = ()
    geen_verwerking: str | None = None
    recorder: Recorder | None = None
    wildcard: str | None = None
    url_name: str | None = None


Adapter = Callable[[object], list[Route] | None]
"""Lists the routes of an application, or gives None when that is of another framework. Entry point ``verwerkingenlogging.routes``."""


def said_in_code(functions: Iterable[Any]) -> tuple[tuple[Annotation, ...], str | None]:
    """The annotations of ``functions`` and of all that they wrap, the outermost first, and why there is no personal data."""
    annotations: dict[Annotation, None] = {}  # a set that keeps its order
    reason = None
    for function in functions:
        for one in inwards(function):
            annotations |= dict.fromkeys(annotations_of(one))
            reason = reason or geen_verwerking_reason(one)
    return tuple(annotations), reason


def problems(routes: Iterable[Route]) -> list[str]:
    """A message for each thing that stops these routes from logging: no middleware, or an activiteit that an organisation lacks."""
    found: dict[str, None] = {}  # a set that keeps its order
    for route in routes:
        if route.annotations and route.recorder is None:
            found[f"{route.name}: annotated, but there is no verwerkingenlogging middleware around it"] = None
        elif route.recorder is not None:
            for annotation in route.annotations:
                for problem in route.recorder.settings.activiteiten.problems(annotation.template.activiteit):
                    found[f"{problem}; named by {annotation.where}"] = None
    return list(found)


def cached() -> list[str]:
    """A message for each annotated function under a cache, which answers without running it and so without a record.

    Functions that no route shows are among them, such as those of a service below it. A cache that the application wrote itself cannot be
    told from any other decorator.
    """
    found: dict[str, None] = {}
    for cache in caches():
        for annotation in said_in_code([inner_of(cache)])[0]:
            found[
                f"{annotation.where}: a cache ({cache_of(cache)}) stands above what records, and answers without a record; do not cache "
                "personal data, or put @verwerkingsactie above the cache"
            ] = None
    return sorted(found)


_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
READING = frozenset(
    {
        "bekijken",
        "bevragen",
        "controleren",
        "exporteren",
        "inzien",
        "lezen",
        "opvragen",
        "ophalen",
        "opzoeken",
        "raadplegen",
        "tonen",
        "vergelijken",
        "zoeken",
    }
)
"""Verbs of an actie_naam, an infinitive and a noun (A7838), that changes nothing whatever its method."""


def late(routes: Iterable[Route]) -> list[str]:
    """A warning for each route that seems to change data before it records: one that changes data and finds persons in its result.

    Not those that record somebody known beforehand too, nor those whose actie_naam begins with a verb of reading.
    """
    found = []
    for route in routes:
        changes = _CHANGING & set(route.name.partition(" ")[0].split("|"))
        acties = [one for one in route.annotations if one.template.actie_naam.partition(" ")[0].lower() not in READING]
        if changes and acties and all(one.found for one in route.annotations):
            found.append(
                f"{route.name}: records after it ran ({acties[0].template.actie_naam}), so what it changed and committed stays when "
                "the log fails; record with persoon, or with log_actie before the commit"
            )
    return found


def unannotated(routes: Iterable[Route]) -> list[Route]:
    """The routes that say neither what they log nor that they handle no personal data."""
    return [route for route in routes if not route.annotations and route.geen_verwerking is None]


def summary(routes: Sequence[Route], wrong: Sequence[str]) -> str:
    """The last line of a check: the number of routes, and how many say nothing or have a problem."""
    by_wildcard = sum(route.wildcard is not None for route in routes)
    exempt = f", {by_wildcard} exempt by a wildcard only" if by_wildcard else ""
    return f"{len(routes)} routes, {len(unannotated(routes))} that say nothing{exempt}, {len(wrong)} problems"


def listed(routes: Sequence[Route]) -> Iterator[str]:
    """A line for each route: its template, its other name if any route has one, and what it logs."""
    width = max((len(route.name) for route in routes), default=0)
    names = max((len(route.url_name or "") for route in routes), default=0)
    for route in routes:
        called = f"  {route.url_name or '-':<{names}}" if names else ""
        yield f"{route.name:<{width}}{called}  {describe(route)}"


def describe(route: Route) -> str:
    """One line on what a route logs."""
    if route.annotations:
        return ", ".join(_described(annotation) for annotation in route.annotations)
    if route.geen_verwerking is not None:
        by = f" (only by {route.wildcard})" if route.wildcard is not None else ""
        return f"no personal data: {route.geen_verwerking}{by}"
    return "SAYS NOTHING: annotate it with @verwerkingsactie(...) or @geen_verwerking(...)"


def _described(annotation: Annotation) -> str:
    template = annotation.template
    return f"{template.actie_naam} [{template.activiteit}] before {'its result goes on' if annotation.found else 'it runs'}"
