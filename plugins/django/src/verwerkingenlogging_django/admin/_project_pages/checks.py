"""Checks whether an admin says what to record, and whether other pages of its site show the same persons unrecorded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.contrib.admin import AllValuesFieldListFilter
from django.contrib.admin.utils import flatten, flatten_fieldsets, get_fields_from_path
from django.core.checks import CheckMessage, Error, Warning
from django.db.models import BooleanField, DateField, ForeignKey, ManyToManyField

from verwerkingenlogging.calls.objecten import Objecten
from verwerkingenlogging.errors import ConfigurationError, InvalidValue
from verwerkingenlogging_django.admin._project_pages.views import silent_views

if TYPE_CHECKING:
    from verwerkingenlogging_django.admin._project_pages.recorder import AdminRecorder

__all__ = ["problems_of"]


def problems_of(admin: Any, recorder: AdminRecorder) -> list[CheckMessage]:
    """A message for each thing that keeps ``admin`` from recording, and for each page that shows its persons unrecorded.

    An activiteit that an organisation lacks is found where all URLs are checked.
    """
    if recorder.problem is not None:
        return [Error(recorder.problem, obj=type(admin), id="verwerkingenlogging.E040")]
    return [*_views(admin), *_paths(admin), *_inlines(admin, recorder), *_filters(admin), *_others(admin, recorder)]


def _views(admin: Any) -> Iterator[CheckMessage]:
    for url, view in silent_views(admin.get_urls()):
        yield Error(
            f"{view} ({url}) does not say what it does with personal data, and answers 503",
            hint=f'Annotate it, or say it in verwerkingsactie_views = {{"{view}": verwerkingsactie(…)}}.',
            obj=type(admin),
            id="verwerkingenlogging.E043",
        )


def _paths(admin: Any) -> Iterator[CheckMessage]:
    said = admin.verwerkingsactie_objecten
    for spec in [said] if isinstance(said, Objecten) else said:
        first = spec.value.partition(".")[0] if isinstance(spec.value, str) else None
        if first is not None and not hasattr(admin.model, first):
            yield Error(
                f'verwerkingsactie_objecten names "{first}", which {admin.model.__qualname__} lacks',
                hint="A path begins at an object of the model; where a path is not enough, give a function of the object.",
                obj=type(admin),
                id="verwerkingenlogging.E041",
            )


def _inlines(admin: Any, recorder: AdminRecorder) -> Iterator[CheckMessage]:
    for inline in admin.inlines:
        if getattr(inline, "verwerkingsactie_objecten", None) is None and recorder.whose_of(inline.model) is None:
            yield Warning(
                f"{inline.__qualname__} does not say whose data it shows",
                hint='Set its verwerkingsactie_objecten: persoon("…"), or () when all of it is of the persons of the page.',
                obj=type(admin),
                id="verwerkingenlogging.W040",
            )
            continue
        try:
            recorder.whose_inline(inline)
        except (ConfigurationError, InvalidValue) as error:
            yield Error(str(error), obj=type(admin), id="verwerkingenlogging.E041")


def _filters(admin: Any) -> Iterator[CheckMessage]:
    for item in admin.list_filter:
        path, kind = item if isinstance(item, list | tuple) else (item, None)
        if isinstance(path, str) and (kind is AllValuesFieldListFilter or (kind is None and _lists_values(admin.model, path))):
            yield Warning(
                f'list_filter "{path}" lists the values of everybody beside the list, and nobody is recorded for that',
                hint="Search for it (search_fields), or give a SimpleListFilter with values that point to nobody.",
                obj=type(admin),
                id="verwerkingenlogging.W041",
            )


def _lists_values(model: Any, path: str) -> bool:
    """Whether Django lists all values of a field as its filter, as it does where it knows nothing better."""
    field: Any = get_fields_from_path(model, path)[-1]
    return not (field.is_relation or field.flatchoices or isinstance(field, BooleanField | DateField))


def _others(admin: Any, recorder: AdminRecorder) -> Iterator[CheckMessage]:
    """Pages of the same site with a field that points to the persons of this admin."""
    persons = admin.opts.verbose_name_plural
    for other in admin.admin_site._registry.values():
        records = type(getattr(other, "verwerkingsactie", None)) is type(recorder)
        for part in (other, *other.inlines):
            for name in _fields_to(part, admin.model, parent=None if part is other else other.model):
                if not records:
                    yield Warning(
                        f"{type(other).__qualname__} shows {persons} (by {part.model.__qualname__}.{name}) and records nothing",
                        hint="Give it VerwerkingsactieAdminMixin too.",
                        obj=type(other),
                        id="verwerkingenlogging.W042",
                    )
                elif _offers_all(part, name):
                    yield Warning(
                        f"{part.model.__qualname__}.{name} lists all {persons} on its page, and each time all of them are recorded",
                        hint="Name it in autocomplete_fields or raw_id_fields.",
                        obj=type(other),
                        id="verwerkingenlogging.W043",
                    )


def _fields_to(part: Any, target: Any, *, parent: Any) -> Iterator[str]:
    """The fields of an admin or an inline that point to ``target``, without the one by which an inline belongs to ``parent``."""
    fields = [
        field
        for field in (*part.model._meta.fields, *part.model._meta.many_to_many)
        if isinstance(field, ForeignKey | ManyToManyField) and issubclass(target, field.related_model)
    ]
    to_parent = [field.name for field in fields if parent is not None and issubclass(parent, field.related_model)]
    belongs = part.fk_name or to_parent[0] if to_parent else None  # where there are several, Django wants fk_name
    return (field.name for field in fields if field.name != belongs)


def _offers_all(part: Any, name: str) -> bool:
    """Whether a form of the admin or the inline ``part`` has a list of all objects to choose from in that field."""
    if name in (*part.raw_id_fields, *part.autocomplete_fields, *part.readonly_fields, *(part.exclude or ())):
        return False
    fields: Any = flatten_fieldsets(part.fieldsets) if part.fieldsets else part.fields
    return fields is None or name in flatten(fields)
