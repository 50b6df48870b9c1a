"""Wraps the views of a ModelAdmin, and records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.db import router, transaction
from django.http import HttpRequest
from django.template.response import SimpleTemplateResponse

from verwerkingenlogging.annotation import marked
from verwerkingenlogging.context import current
from verwerkingenlogging.errors import NotRecorded
from verwerkingenlogging_django._transaction_mode import changing, is_safe
from verwerkingenlogging_django.admin._acties import failure_remembered
from verwerkingenlogging_django.admin._project_pages.hook_recorder import HookRecorder
from verwerkingenlogging_django.admin._project_pages.notes import taking_notes
from verwerkingenlogging_django.admin._project_pages.pages import Handled, note_page, page_of
from verwerkingenlogging_django.admin._project_pages.views import (
    EXPORT,
    OF_ONE,
    OF_VERSIONS,
    VIEWS,
    object_id_in,
    versions_of,
)

__all__ = ["AdminRecorder"]

_View = Callable[..., Any]
_HOOKS = (
    *("get_object", "get_formsets_with_inlines", "get_changelist_formset", "save_form", "save_model", "get_actions", "get_paginator"),
    *("get_urls", "get_export_data", "render_history_view"),  # the last two are of django-import-export and django-simple-history
)

_WAY = "gets or saves its object in another way than get_object, save_form and save_model"
_WAYS = {"changelist_view": "shows its objects in another way than a ChangeList", EXPORT: "exports in another way than get_export_data"}


class AdminRecorder(HookRecorder):
    """Records whose data ``admin`` shows and changes, by its attributes."""

    def stand_around(self) -> None:
        """Wrap the views and hooks of the admin, as its class made them."""
        own = {name: getattr(self.admin, name) for name in (*VIEWS, EXPORT, *_HOOKS) if hasattr(self.admin, name)}
        for name, function in own.items():
            if name in _HOOKS:
                setattr(self.admin, name, wraps(function)(getattr(self, f"_{name}")(function)))
            elif name not in self._said:
                setattr(self.admin, name, self._recorded_export(function) if name == EXPORT else self._recorded(name, function))
        for name, view in self._said.items():
            setattr(self.admin, name, view)

    def _recorded(self, name: str, view: _View) -> _View:
        """A view of the admin, so that it records what it shows or changes."""
        if self.problem is not None:
            return wraps(view)(lambda *_, **__: self._refuse())
        shows, changes, adds = (self._acties(doing) for doing in (*VIEWS[name], "Toevoegen"))

        def recorded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            __traceback_hide__ = True  # as in the core's own wrappers: what shows local variables passes over this frame
            is_new = name == "add_view" or "_saveasnew" in request.POST
            writes = adds if is_new else changes
            with self._one_transaction(request), taking_notes(deletes=name == "delete_view") as taken:
                context = current()
                looking, writing = shows.begin(context), writes.begin(context)
                for version in versions_of(self.admin, request, *args, **kwargs) if name in OF_VERSIONS else ():
                    taken.loaded(version, self.whose)
                response = view(request, *args, **kwargs)
                page = page_of(response) or taken.page
                if name == "history_view" and not taken.asked and response.status_code == HTTPStatus.OK:
                    self.admin.get_object(request, object_id_in(*args, **kwargs))  # whoever it got its history from, it is of that one
                if page is None and not is_safe(request.method):
                    found = taken.known if name in OF_VERSIONS else taken.asked and not is_new and name != "changelist_view"
                    self._seen(name, response, was_seen=taken.touched or found)
                    taken.finish(all_loaded=name in OF_ONE and not is_new and (name in OF_VERSIONS or not taken.touched))
                    writes.record(context, writing, tuple(taken.changed))
                else:
                    was_seen = taken.known if name == "history_view" else taken.asked or is_new or taken.touched or "cl" in (page or {})
                    self._seen(name, response, was_seen=was_seen)
                    note_page(taken, page or {}, Handled(self.whose_of))
                    shows.record(context, looking, tuple(taken.shown), found=name == "changelist_view")
            return response

        return marked(wraps(view)(recorded), shows.annotation, changes.annotation)

    @failure_remembered()
    def _seen(self, name: str, response: Any, *, was_seen: bool) -> None:
        """Whether the view came by the hooks, where it can be seen whose data it handles. Raises NotRecorded."""
        if was_seen or response.status_code >= (300 if name in (EXPORT, "changelist_view") else 400):  # HTTP's own numbers
            return
        raise NotRecorded(f"{self.where}.{name}: it {_WAYS.get(name, _WAY)}; say what it does in verwerkingsactie_views")

    @contextmanager
    def _one_transaction(self, request: HttpRequest) -> Iterator[None]:
        """What is changed and its record are committed together; an answer leaves only after that."""
        with ExitStack() as stack:
            if not is_safe(request.method):
                alias = router.db_for_write(self.admin.model)
                known = getattr(current().recorder.log, "databases", ())
                stack.enter_context(changing(using=alias if alias in known else None))
                stack.enter_context(transaction.atomic(using=alias))
            yield

    def _recorded_export(self, view: _View) -> _View:
        """The view of django-import-export that gives a file, which ``get_export_data`` records, or a form, which names nobody."""
        if self.problem is not None:
            return wraps(view)(lambda *_, **__: self._refuse())

        def recorded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            with self._one_transaction(request), taking_notes(deletes=False) as taken:
                response = view(request, *args, **kwargs)
                self._seen(EXPORT, response, was_seen=taken.touched or isinstance(response, SimpleTemplateResponse))
            return response

        return marked(wraps(view)(recorded), self._acties("Exporteren").annotation)
