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
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.timesince import timesince

from verwerkingenlogging.annotation import geen_verwerking, marked
from verwerkingenlogging.context import current
from verwerkingenlogging.errors import VerwerkingenloggingError
from verwerkingenlogging.model import Vertrouwelijkheid, Verwerkingsactie
from verwerkingenlogging.model.template import Template
from verwerkingenlogging_django._log.status import put_back
from verwerkingenlogging_django.admin._acties import Acties
from verwerkingenlogging_django.admin._log_pages.filters import DatabaseFilter, ToestandFilter, database_of
from verwerkingenlogging_django.admin._log_pages.record_contents import configured_log, log_databases, naam_of_activiteit, persons_in, read
from verwerkingenlogging_django.models import Record
from verwerkingenlogging_django.settings import NAME, configuration, setting_path

__all__ = ["RecordAdmin"]

_NONE = "-"
_HIDDEN = "verborgen"
_HOW_TO_SHOW = format_html(
    "<strong>Verborgen.</strong> Wie dit ziet, verwerkt persoonsgegevens, en dat moet worden vastgelegd. Noem in "
    '<code>{}["ADMIN_ACTIVITEIT"]</code> de verwerkingsactiviteit waarvoor beheerders dit inzien.',
    f"settings.{NAME}",
)


@admin.register(Record)
class RecordAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # it takes one when types are checked only
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

    # What is said of a record

    @admin.display(description="actie")
    def actie(self, record: Record) -> str:
        """Its name, or why it cannot be read."""
        reading = read(record)
        return reading.why_not if reading.actie is None else reading.actie.actie_naam or _NONE

    @admin.display(description="activiteit")
    def activiteit(self, record: Record) -> str:
        """The verwerkingsactiviteit, by its name in the settings."""
        actie = read(record).actie
        return _NONE if actie is None else naam_of_activiteit(actie.verwerkingsactiviteit_id)

    @admin.display(description="database")
    def database(self, record: Record) -> str:
        """Where it lies."""
        return str(record._state.db)

    @admin.display(description="toestand")
    def toestand(self, record: Record) -> str:
        """Whether it waits or was refused."""
        return "Wacht" if record.refused is None else "Geweigerd"

    @admin.display(description="wacht al", ordering="-moment")
    def wacht_al(self, record: Record) -> str:
        """How long ago it was written."""
        return timesince(record.moment)

    @admin.display(description="handeling")
    def handeling(self, record: Record) -> str:
        """The step."""
        return _text(record, "handeling_naam")

    @admin.display(description="verwerking")
    def verwerking(self, record: Record) -> str:
        """The task."""
        return _text(record, "verwerking_naam")

    @admin.display(description="tijdstip")
    def tijdstip(self, record: Record) -> str:
        """When it began, by the clock of the project, as the other moments on the page."""
        moment = parse_datetime(_text(record, "tijdstip"))
        return _NONE if moment is None else date_format(timezone.localtime(moment), "DATETIME_FORMAT")

    @admin.display(description="vertrouwelijkheid")
    def vertrouwelijkheid(self, record: Record) -> str:
        """Its confidentiality."""
        return _text(record, "vertrouwelijkheid")

    @admin.display(description="bewaartermijn")
    def bewaartermijn(self, record: Record) -> str:
        """How long it is kept."""
        return _text(record, "bewaartermijn")

    @admin.display(description="systeem")
    def systeem(self, record: Record) -> str:
        """The software that did it."""
        return _text(record, "systeem")

    @admin.display(description="personen")
    def personen(self, record: Record) -> str:
        """Whose data, when that may be shown."""
        actie = _shown(record)
        if actie is None:
            return read(record).why_not or _HOW_TO_SHOW
        if not actie.verwerkte_objecten:
            return "niemand"
        rows = [
            (one.soort_object_id, one.object_id, f", {one.betrokkenheid}" if one.betrokkenheid else "") for one in actie.verwerkte_objecten
        ]
        return format_html_join("", "<div>{} {}{}</div>", rows)

    @admin.display(description="afnemer")
    def afnemer(self, record: Record) -> str:
        """Who received the data, when that may be shown."""
        actie = _shown(record)
        return _HIDDEN if actie is None else f"{actie.soort_afnemer_id or _NONE} {actie.afnemer_id or ''}"

    @admin.display(description="gebruiker")
    def gebruiker(self, record: Record) -> str:
        """The key of who did it, when that may be shown."""
        actie = _shown(record)
        return _HIDDEN if actie is None else actie.gebruiker or _NONE


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


def _text(record: Record, attribute: str) -> str:
    actie = read(record).actie
    return _NONE if actie is None else str(getattr(actie, attribute) or _NONE)


def _shown(record: Record) -> Verwerkingsactie | None:
    """The actie of a record, when it was recorded that its persons are seen."""
    return read(record).actie if getattr(record, "may_show_persons", False) else None
