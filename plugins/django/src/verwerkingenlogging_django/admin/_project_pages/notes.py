"""Notes whose data an admin view reads and changes while it runs, before and after the change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from django.db.models import Model

from verwerkingenlogging.calls.arguments import Arguments
from verwerkingenlogging.calls.objecten import Objecten
from verwerkingenlogging.errors import ConfigurationError, not_recorded
from verwerkingenlogging.model import VerwerktObject
from verwerkingenlogging_django.admin._acties import failure_remembered

__all__ = ["Notes", "Whose", "nobody", "notes", "taking_notes", "whose"]

Whose = Callable[[Model], tuple[VerwerktObject, ...]]
"""Whose data an object of a model is. Raises NotRecorded when that cannot be said."""


def nobody(instance: Model) -> tuple[VerwerktObject, ...]:
    """For objects that hold no person's data."""
    return ()


def whose(objecten: Objecten | Iterable[Objecten], *, where: str) -> Whose:
    """A function that gives the persons in an object of a model, as ``objecten`` says.

    A path begins at the object, ``persoon("bsn")``, ``persoon("aanvrager.bsn")``; a function takes the object. Raises
    ConfigurationError, which begins with ``where``, for found persons: here there is no result to find them in.
    """
    specs = [objecten] if isinstance(objecten, Objecten) else list(objecten)
    if not all(isinstance(spec, Objecten) and not spec.found for spec in specs):
        raise ConfigurationError(f'{where}: say whose data an object is with persoon("…") or verwerkt_object("…", …)')
    arguments = Arguments(_of)
    bound = [_on_the_object(spec).bind(arguments) for spec in specs]

    @failure_remembered()
    def persons(instance: Model) -> tuple[VerwerktObject, ...]:
        try:
            return tuple(objekt for each in bound for objekt in each((instance,), {}))
        except Exception as error:
            raise not_recorded(where, error) from None

    return persons


def _of(instance: Model) -> None: ...


def _on_the_object(spec: Objecten) -> Objecten:
    value, soorten = spec.value, spec.soorten_gegevens
    return replace(
        spec,
        value=f"instance.{value}" if isinstance(value, str) else _of_the_object(value),
        soorten_gegevens=_of_the_object(soorten) if callable(soorten) else soorten,
    )


def _of_the_object(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` of one parameter, however that is called."""
    return lambda instance: function(instance)  # noqa: PLW0108  # the core gives arguments by their names, and here the name is ours


class Notes:
    """The notes of one view: what it has read and changed.

    Attributes:
        deletes: whether the view is about deleting its object, and what goes with it.
        asked: whether the view looked for its object, found or not.
        touched: whether it changed anything.
        page: what a page is made of, where it was made at once; else its answer says so.
        shown: whose data the answer shows.
        changed: whose data was changed: of what it was before, and of what it became.
    """

    def __init__(self, *, deletes: bool) -> None:
        self.deletes = deletes
        self.asked = False
        self.touched = False
        self.page: dict[str, Any] | None = None
        self.shown: dict[VerwerktObject, None] = {}  # sets that keep their order
        self.changed: dict[VerwerktObject, None] = {}
        self._before: dict[int, tuple[Model, tuple[VerwerktObject, ...]]] = {}
        self._after: dict[int, tuple[Model, Whose]] = {}

    @property
    def known(self) -> bool:
        """Whether any object was loaded."""
        return bool(self._before)

    def loaded(self, instance: Model, persons: Whose) -> None:
        """Note an object as it comes from the database, because the validation of a form already changes it."""
        self._before[id(instance)] = (instance, persons(instance))

    def changes(self, instance: Model, persons: Whose) -> None:
        """Note an object that is being changed, made, or deleted."""
        self.touched = True
        self._after[id(instance)] = (instance, nobody if self.deletes else persons)

    def show(self, instance: Model, persons: Whose) -> None:
        """Note an object that the answer shows."""
        self.shown.update(dict.fromkeys(persons(instance)))

    def show_loaded(self) -> None:
        """Note that the answer shows the loaded objects, as they are in the database."""
        for _, persons in self._before.values():
            self.shown.update(dict.fromkeys(persons))

    def finish(self, *, all_loaded: bool) -> None:
        """After the changes: note whose data it was, and whose it is now.

        ``all_loaded``: all that was loaded was changed, or may have been when nobody saw what was.
        """
        if all_loaded:
            self.changed.update(dict.fromkeys(one for _, persons in self._before.values() for one in persons))
        for key, (instance, persons) in self._after.items():
            _, before = self._before.get(key, (instance, ()))
            after = persons(instance) if instance.pk is not None else ()
            self.changed.update(dict.fromkeys((*before, *after)))


_notes: ContextVar[Notes | None] = ContextVar("verwerkingenlogging_django.admin", default=None)

notes = _notes.get
"""The notes of the view that runs; None where none does that records."""


@contextmanager
def taking_notes(*, deletes: bool) -> Iterator[Notes]:
    """Take notes while a view runs."""
    made = Notes(deletes=deletes)
    token = _notes.set(made)
    try:
        yield made
    finally:
        _notes.reset(token)
