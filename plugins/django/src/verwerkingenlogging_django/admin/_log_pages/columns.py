"""The columns of the list of records and the fields of a page: what is said of one, for people."""

from __future__ import annotations

from django.contrib import admin
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.timesince import timesince

from verwerkingenlogging.model import Verwerkingsactie
from verwerkingenlogging_django._setting_values import NAME
from verwerkingenlogging_django.admin._log_pages.record_contents import naam_of_activiteit, read
from verwerkingenlogging_django.models import Record

__all__ = ["RecordColumns"]

_NONE = "-"
_HIDDEN = "verborgen"
_HOW_TO_SHOW = format_html(
    "<strong>Verborgen.</strong> Wie dit ziet, verwerkt persoonsgegevens, en dat moet worden vastgelegd. Noem in "
    '<code>{}["ADMIN_ACTIVITEIT"]</code> de verwerkingsactiviteit waarvoor beheerders dit inzien.',
    f"settings.{NAME}",
)


class RecordColumns:
    """What a page says of a record. Persons are named only where it was recorded that they are seen."""

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


def _text(record: Record, attribute: str) -> str:
    actie = read(record).actie
    return _NONE if actie is None else str(getattr(actie, attribute) or _NONE)


def _shown(record: Record) -> Verwerkingsactie | None:
    """The actie of a record, when it was recorded that its persons are seen."""
    return read(record).actie if getattr(record, "may_show_persons", False) else None
