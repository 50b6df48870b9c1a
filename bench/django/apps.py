"""The application that is measured, as Django knows it."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["BenchConfig"]


class BenchConfig(AppConfig):
    """One view, and the models of the rows that are written beside ours."""

    name = "bench.django"
    label = "bench"
    default_auto_field = "django.db.models.BigAutoField"
