"""The admin's view of the log in the database: what waits, what was refused, and the state of delivery.

The list shows no persons. The page of one record does, so looking at it is itself recorded, before the page is made, for the
activiteit that ``VERWERKINGENLOGGING["ADMIN_ACTIVITEIT"]`` names; without that setting it shows no persons. Nothing here can be added,
changed or deleted; who may change records may offer refused ones again.
"""

from __future__ import annotations

from datetime import timedelta
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.core.checks import CheckMessage, Error
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils import timezone

from verwerkingenlogging.annotation import geen_verwerking, marked
from verwerkingenlogging.context import current
from verwerkingenlogging.errors import VerwerkingenloggingError
from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging.model.template import Template
from verwerkingenlogging_django._log.repository import put_back
from verwerkingenlogging_django._setting_values import setting_path
from verwerkingenlogging_django.admin._acties import Acties
from verwerkingenlogging_django.admin._log_pages.columns import RecordColumns
from verwerkingenlogging_django.admin._log_pages.filters import DatabaseFilter, ToestandFilter, database_of
from verwerkingenlogging_django.admin._log_pages.record_contents import configured_log, log_databases, persons_in, read
from verwerkingenlogging_django.models import Record
from verwerkingenlogging_django.settings import configuration

__all__ = ["RecordAdmin"]


@admin.register(Record)
class RecordAdmin(RecordColumns, admin.ModelAdmin):  # type: ignore[type-arg]  # it takes one when types are checked only
    """Shows the records that wait and those that were refused; see the module."""

    list_display = ("actie", "activiteit", "toestand", "wacht_al", "reason")
    list_filter = (ToestandFilter, DatabaseFilter)
    sortable_by = ("wacht_al",)
    ordering = ("id",)
    actions = ("opnieuw_aanbieden",)
    fieldsets = (
        ("Bezorging", {"fields": ("toestand", "moment", "wacht_al", "reason", "status", "key")}),
        (
            "Verwerkingsactie",
            {"fields": ("actie", "handeling", "verwerking", "activiteit", "tijdstip", "vertrouwelijkheid", "bewaartermijn", "systeem")},
        ),
        ("Van wie en voor wie", {"fields": ("personen", "afnemer", "gebruiker")}),
    )
    readonly_fields = (
        *("actie", "activiteit", "afnemer", "bewaartermijn", "database", "gebruiker", "handeling", "personen", "systeem", "tijdstip"),
        *("toestand", "verwerking", "vertrouwelijkheid", "wacht_al"),
    )

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        every = self.get_actions

        @wraps(every)  # whose arguments differ among the versions of Django
        def own(*args: Any, **kwargs: Any) -> dict[str, Any]:
            """Only its own: one that a site adds to all of its pages might export the records."""
            return {name: action for name, action in every(*args, **kwargs).items() if name in self.actions}

        setattr(self, "get_actions", own)  # noqa: B010  # a method is no attribute to a type checker

    # Who may what

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody; the permission is for offering again."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: a record that is gone was delivered."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Users with the permission to view, or to offer again."""
        return super().has_view_permission(request, obj) or self.has_retry_permission(request)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Whether the user may offer again what was refused: the permission to change records."""
        return bool(request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}"))

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Only our own filters: with ``?body__contains=`` somebody could find out whether a person is in a record."""
        return lookup in (ToestandFilter.parameter_name, DatabaseFilter.parameter_name)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Record]:
        """The records of the database that was asked for, else of the first."""
        return super().get_queryset(request).using(database_of(request))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The fields of a page; with several databases also the database."""
        return [("Database", {"fields": ("database",)}), *self.fieldsets] if len(log_databases()) > 1 else self.fieldsets

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """Django's own checks, and that of the setting of this page."""
        try:
            activiteit = configuration().admin_activiteit
        except VerwerkingenloggingError:
            activiteit = None  # which the check of the settings says
        wrong = activiteit is not None and not (isinstance(activiteit, str) and activiteit)
        own = [Error(f"{setting_path('ADMIN_ACTIVITEIT')}: must be the name of a verwerkingsactiviteit", id="verwerkingenlogging.E042")]
        return [*super().check(**kwargs), *(own if wrong else [])]

    def get_urls(self) -> list[URLPattern]:
        """Its pages, which say what they log."""
        urls: list[URLPattern] = super().get_urls()
        acties = _acties()
        for url in urls:
            if acties is not None and (url.name or "").endswith("_change"):
                marked(url.callback, acties.annotation)
            else:
                geen_verwerking("shows no persons")(url.callback)
        return urls

    # The pages

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list, and above it the state of delivery."""
        log = configured_log()
        now = timezone.now()
        standen = [
            {**one.as_dict(), "sinds": None if one.oldest_seconds is None else now - timedelta(seconds=one.oldest_seconds)}
            for one in (() if log is None else log.status())
        ]
        return super().changelist_view(request, {**(extra_context or {}), "standen": standen, "getoond": database_of(request)})

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The page of a record. It shows persons only after that was recorded."""
        response = super().changeform_view(request, *args, **kwargs)
        if isinstance(response, TemplateResponse):
            record = (response.context_data or {})["original"]
            actie = read(record).actie
            acties = _acties(confidential=actie is not None and actie.vertrouwelijkheid is Vertrouwelijkheid.VERTROUWELIJK)
            if acties is not None and actie is not None:
                context = current()
                acties.record(context, acties.begin(context), persons_in(actie))
                record.may_show_persons = True
        return response

    @admin.action(description="Geweigerde opnieuw aanbieden", permissions=["retry"])
    def opnieuw_aanbieden(self, request: HttpRequest, queryset: QuerySet[Record]) -> None:
        """Offer refused records again, under the same keys."""
        refused = list(queryset.filter(refused__isnull=False).only("id", "key"))
        number = put_back(queryset.db, *(record.id for record in refused)) if refused else 0
        where = f" in database {queryset.db}" if len(log_databases()) > 1 else ""  # another may have a record with the same number
        for record in refused:
            self.log_change(request, record, f"Opnieuw aangeboden{where}.")
        if number:
            self.message_user(request, f"Opnieuw aangeboden: {number}.", messages.SUCCESS)
        else:
            self.message_user(request, "Hier was niets geweigerd; er is niets opnieuw aangeboden.", messages.WARNING)


def _acties(*, confidential: bool = False) -> Acties | None:
    """What looking at a record is recorded as. None where the settings do not say for which activiteit."""
    try:
        activiteit = configuration().admin_activiteit
    except VerwerkingenloggingError:
        return None
    if not activiteit:
        return None
    template = Template(
        actie_naam="Inzien te bezorgen verwerkingsactie",
        activiteit=activiteit,
        vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK if confidential else None,
    )
    return Acties(template, where=setting_path("ADMIN_ACTIVITEIT"))
