"""Wraps the views and hooks of a ModelAdmin, and records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from http import HTTPStatus
from typing import Any, NoReturn

from django.conf import settings
from django.contrib.admin.utils import model_format_dict
from django.db import router, transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.response import SimpleTemplateResponse
from django.utils import translation

from verwerkingenlogging.annotation import marked
from verwerkingenlogging.context import current
from verwerkingenlogging.errors import ConfigurationError, InvalidValue, NotRecorded
from verwerkingenlogging.model.template import Template
from verwerkingenlogging_django.admin._acties import Acties, failure_remembered, is_deletion, with_function
from verwerkingenlogging_django.admin._project_pages.hooks import noting_formset, recording_paginator
from verwerkingenlogging_django.admin._project_pages.notes import Notes, Whose, nobody, notes, taking_notes, whose
from verwerkingenlogging_django.admin._project_pages.pages import Handled, note_page, page_of
from verwerkingenlogging_django.admin._project_pages.related import deleted_with
from verwerkingenlogging_django.admin._project_pages.views import (
    EXPORT,
    OF_ONE,
    OF_VERSIONS,
    VIEWS,
    declare_view,
    object_id_in,
    refuse_silent_views,
    versions_of,
)
from verwerkingenlogging_django.transactions import changing, is_safe

__all__ = ["AdminRecorder"]

_View = Callable[..., Any]
_HOOKS = (
    *("get_object", "get_formsets_with_inlines", "get_changelist_formset", "save_form", "save_model", "get_actions", "get_paginator"),
    *("get_urls", "get_export_data", "render_history_view"),  # the last two are of django-import-export and django-simple-history
)

_WAY = "gets or saves its object in another way than get_object, save_form and save_model"
_WAYS = {"changelist_view": "shows its objects in another way than a ChangeList", EXPORT: "exports in another way than get_export_data"}


class AdminRecorder:
    """Records whose data ``admin`` shows and changes, by its attributes.

    Attributes:
        where: its class, for messages.
        problem: what keeps it from recording anything, and so its pages from being shown; None when all is well.
        whose: whose data an object of its model is.
    """

    def __init__(self, admin: Any) -> None:
        self.admin = admin
        self.where = f"{type(admin).__module__}.{type(admin).__qualname__}"
        self.problem: str | None = None
        self.whose: Whose = nobody
        self._actions: dict[_View, _View] = {}
        self._said: dict[str, _View] = {}
        try:
            self.whose = self._read()
        except ConfigurationError as error:
            self.problem = str(error)
        except InvalidValue as error:
            self.problem = f"{self.where}: {error}"

    def _read(self) -> Whose:
        admin = self.admin
        if not admin.verwerkingsactie_activiteit:
            raise ConfigurationError(f"{self.where}: verwerkingsactie_activiteit is missing; name the verwerkingsactiviteit of this admin")
        if admin.verwerkingsactie_objecten is None:
            raise ConfigurationError(f'{self.where}: verwerkingsactie_objecten is missing; say whose data an object is: persoon("bsn")')
        persons = whose(admin.verwerkingsactie_objecten, where=f"{self.where}.verwerkingsactie_objecten")
        self._acties(max((doing for both in VIEWS.values() for doing in both), key=len))
        self._said = {name: declare_view(admin, name, said, where=self.where) for name, said in admin.verwerkingsactie_views.items()}
        return persons

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

    def whose_of(self, model: Any) -> Whose | None:
        """Whose data the objects of a model hold, as its own admin says; None when no admin says it."""
        if issubclass(model, self.admin.model):
            return self.whose
        site = self.admin.admin_site
        found = site._registry.get(model)
        recorder = getattr(found, "verwerkingsactie", None)
        return recorder.whose if isinstance(recorder, AdminRecorder) else None

    def whose_inline(self, inline: Any) -> Whose:
        """Whose data the objects of an inline hold. Raises ConfigurationError when its attribute is wrong."""
        said = getattr(inline, "verwerkingsactie_objecten", None)
        if said is None:
            return self.whose_of(inline.model) or nobody
        return whose(said, where=f"{type(inline).__module__}.{type(inline).__qualname__}.verwerkingsactie_objecten")

    def _whose(self, instance: Model) -> Whose:
        return self.whose_of(instance._meta.model) or nobody

    def _acties(self, doing: str) -> Acties:
        """The acties called after what is done: ``Ophalen`` of these objects."""
        with translation.override(settings.LANGUAGE_CODE):
            return self._acties_called(f"{doing} {self.admin.verwerkingsactie_gegevens or self.admin.opts.verbose_name_plural}")

    def _acties_called(self, name: str) -> Acties:
        template = Template(
            actie_naam=name,
            activiteit=self.admin.verwerkingsactie_activiteit,
            vertrouwelijkheid=self.admin.verwerkingsactie_vertrouwelijkheid,
            bewaartermijn=self.admin.verwerkingsactie_bewaartermijn,
        )
        return Acties(template, where=self.where)

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
    def _refuse(self) -> NoReturn:
        raise NotRecorded(f"{self.problem}")

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

    # The hooks. Each is given the function that it stands around.

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

    def _record(self, acties: Acties, begun: Any, instances: Any, *, found: bool = False) -> None:
        persons = dict.fromkeys(objekt for one in instances for objekt in self._whose(one)(one))
        acties.record(current(), begun, tuple(persons), found=found)
