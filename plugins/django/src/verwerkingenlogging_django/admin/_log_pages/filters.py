"""The filters above the list of records: by database and by state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import PAGE_VAR
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

from verwerkingenlogging_django.admin._log_pages.record_contents import log_databases

__all__ = ["DatabaseFilter", "ToestandFilter", "database_of"]

_CAME_FROM = "_changelist_filters"
"""Django's name for the filters of the list that somebody came from."""


class ToestandFilter(admin.SimpleListFilter):
    """Filters by state: records that wait, or records that were refused."""

    title = "toestand"
    parameter_name = "toestand"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The two."""
        return [("wacht", "Wacht"), ("geweigerd", "Geweigerd")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those in the state that was asked for."""
        chosen = self.value()
        return queryset if chosen is None else queryset.filter(refused__isnull=chosen == "wacht")


class DatabaseFilter(admin.SimpleListFilter):
    """Filters by database, when the log has several. ``database_of`` applies it, on every page."""

    title = "database"
    parameter_name = "database"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """One for each; of one there is nothing to choose."""
        databases = log_databases()
        return [(alias, alias) for alias in databases] if len(databases) > 1 else []

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Each; there is no list of all of them together, for their records have the same ids."""
        shown = changelist.queryset.db
        for alias, title in self.lookup_choices:
            yield {
                "selected": str(alias) == shown,
                "query_string": changelist.get_query_string({self.parameter_name: alias}, [PAGE_VAR]),
                "display": title,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """As it is."""
        return queryset


def database_of(request: HttpRequest) -> str:
    """The database whose records a page shows. Links from a filtered list hold the filter, as Django makes them."""
    asked = request.GET.get(DatabaseFilter.parameter_name)
    if asked is None:
        asked = QueryDict(request.GET.get(_CAME_FROM)).get(DatabaseFilter.parameter_name)
    databases = log_databases()
    return asked if asked in databases else databases[0]
