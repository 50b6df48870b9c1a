"""The one route of the application: the view that the settings name."""

from __future__ import annotations

from django.conf import settings
from django.urls import path
from django.utils.module_loading import import_string

__all__ = ["urlpatterns"]

urlpatterns = [path("personen/<bsn>", import_string(settings.BENCH_VIEW))]  # type: ignore[misc]  # a setting of our own
