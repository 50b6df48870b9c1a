"""Wraps the hooks of a ModelAdmin: notes what they get and save, and records what actions, exports and searches do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any, NoReturn

from django.conf import settings
from django.contrib.admin.utils import model_format_dict
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import translation

from verwerkingenlogging.annotation import marked
from verwerkingenlogging.context import current
from verwerkingenlogging.errors import NotRecorded
from verwerkingenlogging_django._transaction_mode import is_safe
from verwerkingenlogging_django.admin._acties import failure_remembered, is_deletion, with_function
from verwerkingenlogging_django.admin._project_pages.declaration import AdminDeclaration
from verwerkingenlogging_django.admin._project_pages.hooks import noting_formset, recording_paginator
from verwerkingenlogging_django.admin._project_pages.notes import Notes, notes
from verwerkingenlogging_django.admin._project_pages.related import deleted_with
from verwerkingenlogging_django.admin._project_pages.views import (
    refuse_silent_views,
)

__all__ = ["HookRecorder"]

_View = Callable[..., Any]


class HookRecorder(AdminDeclaration):
    """Wraps the hooks of ``admin``: each method takes the function that it wraps."""

    def __init__(self, admin: Any) -> None:
        super().__init__(admin)
        self._actions: dict[_View, _View] = {}

    def _get_object(self, get: _View) -> _View:
        def get_object(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            __traceback_hide__ = True
            found, taken = get(request, *args, **kwargs), notes()
            if taken is not None:
                taken.asked = True
                for one in () if found is None else deleted_with([found]) if taken.deletes else (found,):
                    taken.loaded(one, self._whose(one))
                    if taken.deletes and not is_safe(request.method):
                        taken.changes(one, self._whose(one))
            return found

        return get_object

    def _get_formsets_with_inlines(self, get: _View) -> _View:
        def get_formsets_with_inlines(*args: Any, **kwargs: Any) -> Iterator[tuple[Any, Any]]:
            for formset, inline in get(*args, **kwargs):
                yield noting_formset(formset, self.whose_inline(inline)), inline

        return get_formsets_with_inlines

    def _get_changelist_formset(self, get: _View) -> _View:
        return lambda *args, **kwargs: noting_formset(get(*args, **kwargs), self.whose)

    def _save_form(self, save: _View) -> _View:
        return lambda *args, **kwargs: self._note_change(save(*args, **kwargs))

    def _save_model(self, save: _View) -> _View:
        def save_model(request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
            save(request, obj, form, change)
            self._note_change(obj)

        return save_model

    def _note_change(self, instance: Any) -> Any:
        taken: Notes | None = notes()
        if taken is not None:
            taken.changes(instance, self.whose)
        return instance

    def _get_actions(self, get: _View) -> _View:
        def get_actions(*args: Any, **kwargs: Any) -> dict[str, Any]:
            found: dict[str, Any] = get(*args, **kwargs)
            return {name: with_function(action, self._recorded_action) for name, action in found.items()}

        return get_actions

    def _recorded_action(self, function: _View, name: str, description: Any) -> _View:
        """An action, so that it is recorded before it runs; the same each time it is asked for."""
        if self.problem is not None:
            return lambda *_: self._refuse()
        if function not in self._actions:
            self._actions[function] = self._action(function, name, description)
        return self._actions[function]

    def _action(self, function: _View, name: str, description: Any) -> _View:
        deletes = is_deletion(function, name)
        if deletes:
            does, asks = self._acties("Verwijderen"), self._acties("Ophalen")
        else:
            with translation.override(settings.LANGUAGE_CODE):
                does = asks = self._acties_called(str(description) % model_format_dict(self.admin.opts))

        def action(modeladmin: Any, request: HttpRequest, queryset: Any) -> Any:
            __traceback_hide__ = True  # as in the core's own wrappers: what shows local variables passes over this frame
            acties, taken, context = does if request.POST.get("post") else asks, notes(), current()
            if taken is not None:
                taken.touched = True  # what the action does is what is done
            begun = acties.begin(context)
            selected = list(queryset)
            self._record(acties, begun, deleted_with(selected) if deletes else selected)
            # Not what has come to fit since they were recorded.
            return function(modeladmin, request, queryset.filter(pk__in=[one.pk for one in selected]))

        return marked(wraps(function)(action), does.annotation)

    def _get_urls(self, get: _View) -> _View:
        def get_urls() -> list[Any]:
            urls: list[Any] = get()
            refuse_silent_views(urls, self._refuse_view)
            return urls

        return get_urls

    @failure_remembered()
    def _refuse_view(self, name: str) -> NoReturn:
        raise NotRecorded(f"{self.where}: its view {name} does not say what it does with personal data; say it in verwerkingsactie_views")

    def _get_export_data(self, get: _View) -> _View:
        """Of django-import-export, whose versions give the objects as one argument or another."""
        acties = None if self.problem is not None else self._acties("Exporteren")

        def get_export_data(*args: Any, **kwargs: Any) -> Any:
            __traceback_hide__ = True
            taken = notes()
            if acties is None:
                self._refuse()
            if taken is not None:
                taken.touched = True
            begun = acties.begin(current())
            exported = {id(one): one for one in (*args, *kwargs.values()) if isinstance(one, QuerySet)}
            for key, queryset in exported.items():
                selected = list(queryset)
                self._record(acties, begun, selected)
                exported[key] = queryset.filter(pk__in=[one.pk for one in selected])
            args = tuple(exported.get(id(one), one) for one in args)
            return get(*args, **{name: exported.get(id(one), one) for name, one in kwargs.items()})

        return get_export_data

    def _render_history_view(self, render: _View) -> _View:
        """Of django-simple-history, which makes its pages at once: what is on them is in the context."""

        def render_history_view(request: HttpRequest, template: Any, context: Any, **kwargs: Any) -> Any:
            taken = notes()
            if taken is not None:
                taken.page = context
            return render(request, template, context, **kwargs)

        return render_history_view

    def _get_paginator(self, get: _View) -> _View:
        def get_paginator(request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any) -> Any:
            paginator = get(request, queryset, *args, **kwargs)
            is_ours = issubclass(getattr(queryset, "model", type(None)), self.admin.model)
            return recording_paginator(paginator, self._record_found) if is_ours and notes() is None else paginator

        return get_paginator

    def _record_found(self, instances: Sequence[Model]) -> None:
        """For the pages of others that ask this admin for its objects: the search in a field of another form."""
        if self.problem is not None:
            self._refuse()
        acties = self._acties("Zoeken")
        self._record(acties, acties.begin(current()), instances, found=True)
