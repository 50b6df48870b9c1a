"""Records what is done in an admin: one actie for each thing that somebody does, in parts when it is about very many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from django.contrib.admin.actions import delete_selected

from verwerkingenlogging.annotation import Annotation
from verwerkingenlogging.context import Context, current
from verwerkingenlogging.errors import NotRecorded, OutsideContext
from verwerkingenlogging.model import Verwerkingsactie, VerwerktObject, filled
from verwerkingenlogging.model.template import Template

__all__ = ["Acties", "failure_remembered", "is_deletion", "with_function"]

_MOST = 1000
"""Persons in one actie: a log need not take one of any length."""
_FOUND = "Getoond in zoekresultaat"


@contextmanager
def failure_remembered() -> Iterator[None]:
    """A block that records. The request remembers its error, even when the page, an action or a field catches it."""
    try:
        yield
    except NotRecorded as error:
        with suppress(OutsideContext):  # there is nobody to remember it, and no page without a middleware
            current().fail(error)
        raise


class Acties:
    """Records the acties of one kind. ``where`` names their place in messages."""

    def __init__(self, template: Template, *, where: str) -> None:
        self.annotation = Annotation(where=where, template=template, objecten=lambda *_: (), found=True, verwerking_id=None)

    @failure_remembered()
    def begin(self, context: Context) -> Verwerkingsactie:
        """Make the actie, without its persons. Raises NotRecorded."""
        return self.annotation.begin(context, (), {})[0]

    @failure_remembered()
    def record(self, context: Context, begun: Verwerkingsactie, persons: Sequence[VerwerktObject], *, found: bool = False) -> None:
        """Record it with these ``persons``, and not at all when there are none. Raises NotRecorded.

        ``found``: they were found by a search, and take part in nothing more (C4081).
        """
        persons = _once(persons)
        if found:
            persons = [filled(one, betrokkenheid=_FOUND) if one.betrokkenheid is None else one for one in persons]
        parts = [tuple(persons[start : start + _MOST]) for start in range(0, len(persons), _MOST)]
        if parts:
            context.recorder.record([self._part(context, begun, part, is_first=part is parts[0]) for part in parts])

    def _part(self, context: Context, begun: Verwerkingsactie, persons: tuple[VerwerktObject, ...], *, is_first: bool) -> Verwerkingsactie:
        # Each has a place of its own in a trace, and all began at one moment.
        actie = begun if is_first else self.begin(context)
        return filled(actie, tijdstip=begun.tijdstip, verwerkte_objecten=persons)


def _once(persons: Sequence[VerwerktObject]) -> Sequence[VerwerktObject]:
    """``persons``, without who is also there in some capacity, such as an aanvrager whom a field names again."""
    in_a_capacity = {_id(one) for one in persons if one.betrokkenheid is not None}
    return [one for one in persons if one.betrokkenheid is not None or _id(one) not in in_a_capacity]


def _id(one: VerwerktObject) -> tuple[str, str, str]:
    return one.objecttype, one.soort_object_id, one.object_id


def with_function(action: Any, make: Callable[[Any, str, str], Any]) -> Any:
    """A copy of ``action`` of an admin with another function: a tuple, or since Django 6.1 an object."""
    if isinstance(action, tuple):
        function, name, description = action
        return (make(function, name, description), name, description)
    return replace(action, func=make(action.func, action.name, action.plural_description))


def is_deletion(function: Any, name: str) -> bool:
    """Whether an action is Django's own deletion of selected objects, or replaces it."""
    return function is delete_selected or name == delete_selected.__name__
