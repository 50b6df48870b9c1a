"""Objects that an admin page shows beside its own: choices of a field, targets of a field, and what a deletion removes too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django import forms
from django.contrib.admin.utils import NestedObjects
from django.contrib.admin.widgets import AutocompleteMixin, ForeignKeyRawIdWidget, RelatedFieldWidgetWrapper
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import router
from django.db.models import Model

__all__ = ["deleted_with", "related_in_filters", "related_in_form", "related_to_object"]

Handled = Callable[[Any], bool]
"""Whether it is known of a model whose data its objects are."""


def related_in_form(form: Any, handled: Handled) -> Iterator[Model]:
    """The objects that the fields of a form name: all choices of a list, or the chosen one when another page offers the choices."""
    fields: dict[str, Any] = form.fields
    for name, field in fields.items():
        if _is_choice(field) and handled(field.queryset.model):
            if _is_chosen_elsewhere(field.widget):
                yield from _chosen(field, form[name].value())
            else:
                yield from field.queryset.all()


def _is_choice(field: Any) -> bool:
    return isinstance(field, forms.ModelChoiceField) and not field.widget.is_hidden


def _is_chosen_elsewhere(widget: Any) -> bool:
    """Whether a field shows no more than what is chosen: another page offers the rest, and records that."""
    inner = widget.widget if isinstance(widget, RelatedFieldWidgetWrapper) else widget
    return isinstance(inner, AutocompleteMixin | ForeignKeyRawIdWidget)


def _chosen(field: Any, value: Any) -> Iterator[Model]:
    """The objects whose keys stand in a field, whoever put them there: the widgets say their names."""
    # The widgets look among all objects, not among those that may be chosen.
    objects = field.queryset.model._default_manager.using(field.queryset.db)
    for one in value if isinstance(value, list | tuple) else [value]:
        try:
            yield from objects.filter(**{field.to_field_name or "pk": getattr(one, "pk", one)})
        except (ValueError, TypeError, ValidationError):  # it is no key, so there is no name
            continue


def related_to_object(instance: Model, names: Iterable[object], handled: Handled) -> Iterator[Model]:
    """The objects that an object's own fields point to when these are shown: in the columns of a list, or read only."""
    for name in names:
        try:
            field = instance._meta.get_field(str(name))
        except FieldDoesNotExist:
            continue  # a method of the project's, which knows what it shows
        if field.is_relation and handled(field.related_model):
            value = getattr(instance, field.name, None)
            if isinstance(value, Model):
                yield value
            elif value is not None:
                yield from value.all()


def related_in_filters(specs: Iterable[Any], handled: Handled) -> Iterator[Model]:
    """The objects that a filter beside the list names."""
    for spec in specs:
        model = getattr(getattr(spec, "field", None), "related_model", None)
        if model is not None and handled(model):
            keys = [key for key, _ in getattr(spec, "lookup_choices", ())]
            yield from model._default_manager.filter(pk__in=[key for key in keys if key is not None])


def deleted_with(instances: Iterable[Model]) -> Iterator[Model]:
    """The objects that a deletion of ``instances`` removes, themselves included, and those that forbid it: the page names all."""
    some = list(instances)
    if some:
        collector: Any = NestedObjects(using=router.db_for_write(some[0]._meta.model), origin=some)
        collector.collect(some)
        for found in collector.model_objs.values():
            yield from found
        yield from collector.protected
