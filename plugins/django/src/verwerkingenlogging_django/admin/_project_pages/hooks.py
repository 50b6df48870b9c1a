"""Hooks where Django's admin loads, saves and names objects, to note these, and to keep their names out of its history."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Model

from verwerkingenlogging_django.admin._project_pages.notes import Notes, Whose, notes

__all__ = ["Unnamed", "noting_formset", "recording_paginator", "without_names"]


class Unnamed:
    """Replaces an object in the admin's own history, which shows its text on the first page: ``persoon 17``."""

    def __init__(self, instance: Model) -> None:
        self._meta = instance._meta
        self.pk = instance.pk

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


def without_names(message: list[Any]) -> list[Any]:
    """The message of a change for the admin's history, without the texts of the objects in inlines."""
    told = copy.deepcopy(message)
    for change in told:
        for what in change.values():
            what.pop("object", None)
            if "name" in what:
                what["object"] = "…"  # Django's sentence has a place for it
    return told


def noting_formset(formset: type[Any], persons: Whose) -> type[Any]:
    """``formset`` that notes what it loads and saves."""

    class Noting(formset):  # type: ignore[misc]  # a class that is known when the page is made
        """Notes before a form changes its object, which checking it does already."""

        def get_queryset(self) -> Any:
            found = super().get_queryset()
            taken = notes()
            if taken is not None and self.__dict__.setdefault("noted_in", None) is not taken:
                self.noted_in = taken
                for instance in found:
                    taken.loaded(instance, persons)
            return found

        def save_new(self, form: Any, commit: bool = True) -> Any:
            return _changed(super().save_new(form, commit=commit), persons)

        def save_existing(self, form: Any, obj: Any, commit: bool = True) -> Any:
            return _changed(super().save_existing(form, obj, commit=commit), persons)

        def delete_existing(self, obj: Any, commit: bool = True) -> None:
            _changed(obj, persons)
            super().delete_existing(obj, commit=commit)

    Noting.__name__ = formset.__name__
    return Noting


def _changed(instance: Any, persons: Whose) -> Any:
    taken: Notes | None = notes()
    if taken is not None:
        taken.changes(instance, persons)
    return instance


def recording_paginator(paginator: Paginator[Any], record: Callable[[Sequence[Any]], None]) -> Paginator[Any]:
    """``paginator`` that records the objects of a page before it gives them."""
    page = paginator.page

    def recorded(number: Any) -> Any:
        found = page(number)
        found.object_list = list(found.object_list)
        record(found.object_list)
        return found

    paginator.page = recorded  # type: ignore[method-assign]  # of this one, of whatever class
    return paginator
