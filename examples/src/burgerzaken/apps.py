"""The app configuration."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["BurgerzakenConfig"]


class BurgerzakenConfig(AppConfig):
    """Marriages, ceremonies and investigations."""

    name = "burgerzaken"
    verbose_name = "Burgerzaken"
    default_auto_field = "django.db.models.BigAutoField"
