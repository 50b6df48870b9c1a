"""Finds whose data a page of the admin shows: its own objects, and those that it names beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import Model

from verwerkingenlogging_django.admin._project_pages.notes import Notes, Whose, nobody
from verwerkingenlogging_django.admin._project_pages.related import related_in_filters, related_in_form, related_to_object

__all__ = ["Handled", "note_page", "page_of"]


@dataclass(frozen=True, slots=True)
class Handled:
    """The models of which it is known whose data their objects hold.

    Attributes:
        whose_of: says whose data an object of a model is; None where that is not known.
    """

    whose_of: Callable[[Any], Whose | None]

    def __call__(self, model: Any) -> bool:
        """Whether it is known of that model."""
        return self.whose_of(model) is not None

    def show(self, taken: Notes, instances: Iterable[Model]) -> None:
        """Note that ``instances`` are shown."""
        for instance in instances:
            taken.show(instance, self.whose_of(instance._meta.model) or nobody)


def page_of(response: Any) -> dict[str, Any] | None:
    """The context of a page that shows objects; None for any other answer, such as that of a popup to its opener."""
    context: dict[str, Any] | None = getattr(response, "context_data", None)
    return context if context and context.keys() & {"cl", "adminform", "object", "deletable_objects"} else None


def note_page(taken: Notes, page: dict[str, Any], handled: Handled) -> None:
    """Note what a page shows. What it would read later, while it is rendered, is read now."""
    cl = page.get("cl")
    if cl is not None:
        _note_list(taken, cl, handled)
        return
    for part in (page.get("adminform"), *page.get("inline_admin_formsets", ())):
        if part is not None:
            _note_part(taken, part, handled)
    taken.show_loaded()  # now that the inlines have read theirs


def _note_list(taken: Notes, cl: Any, handled: Handled) -> None:
    handled.show(taken, cl.result_list)
    for instance in cl.result_list:
        handled.show(taken, related_to_object(instance, cl.list_display, handled))
    handled.show(taken, related_in_filters(cl.filter_specs, handled))
    for form in cl.formset.forms if cl.formset else ():
        handled.show(taken, related_in_form(form, handled))


def _note_part(taken: Notes, part: Any, handled: Handled) -> None:
    """``part`` is the form of a page, or one of its inlines."""
    formset = getattr(part, "formset", None)
    names = [*flatten_fieldsets(part.fieldsets), *(part.readonly_fields or ())]
    for form in [part.form] if formset is None else [*formset.forms, formset.empty_form]:
        handled.show(taken, related_in_form(form, handled))
        if not form.instance._state.adding:
            handled.show(taken, related_to_object(form.instance, names, handled))
