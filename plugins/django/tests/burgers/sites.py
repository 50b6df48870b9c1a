"""The admin of the application, as a project would write it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from plugins.django.tests.burgers.models import Adres, Partner, Persoon, Zaak

from verwerkingenlogging import persoon
from verwerkingenlogging_django.admin import VerwerkingsactieAdminMixin
from verwerkingenlogging_django.models import Record

__all__ = ["PersoonAdmin", "ZaakAdmin", "site"]

site = admin.AdminSite()


class PartnerInline(admin.TabularInline):  # type: ignore[type-arg]  # it takes some when types are checked only
    model = Partner
    extra = 0
    verwerkingsactie_objecten: ClassVar[Any] = persoon("bsn", betrokkenheid="Partner")


class AdresInline(admin.TabularInline):  # type: ignore[type-arg]  # as above
    model = Adres
    extra = 0
    verwerkingsactie_objecten: ClassVar[Any] = ()


class PersoonAdmin(VerwerkingsactieAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    verwerkingsactie_activiteit = "brp"
    verwerkingsactie_objecten: ClassVar[Any] = persoon("bsn")
    verwerkingsactie_gegevens = "persoonsgegevens"
    list_display = ("naam", "bsn")
    list_editable: ClassVar[Any] = ("bsn",)
    search_fields = ("naam",)
    inlines: ClassVar[Any] = (PartnerInline, AdresInline)
    actions = ("exporteer", "anonimiseer")
    save_as = True
    list_per_page = 3

    @admin.action(description="Exporteer %(verbose_name_plural)s")
    def exporteer(self, request: HttpRequest, queryset: Any) -> HttpResponse:
        return HttpResponse("\n".join(str(each) for each in queryset))

    @admin.action(description="Anonimiseer %(verbose_name_plural)s")
    def anonimiseer(self, request: HttpRequest, queryset: Any) -> None:
        queryset.update(naam="anoniem")


class ZaakAdmin(VerwerkingsactieAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    verwerkingsactie_activiteit = "brp"
    verwerkingsactie_objecten: ClassVar[Any] = persoon("aanvrager.bsn", betrokkenheid="Aanvrager")
    autocomplete_fields: ClassVar[Any] = ("aanvrager",)
    raw_id_fields: ClassVar[Any] = ("gemachtigde", "getuigen")
    list_display = ("naam", "gemachtigde")
    list_filter: ClassVar[Any] = ("gemachtigde", "plaats")


site.register(Persoon, PersoonAdmin)
site.register(Zaak, ZaakAdmin)
site.register(Record, type(admin.site._registry[Record]))
