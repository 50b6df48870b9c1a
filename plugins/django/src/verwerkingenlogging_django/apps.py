"""The app that a project adds to its INSTALLED_APPS."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["VerwerkingenloggingConfig"]


class VerwerkingenloggingConfig(AppConfig):
    """The app configuration of this plugin."""

    name = "verwerkingenlogging_django"
    label = "verwerkingenlogging"
    verbose_name = "Verwerkingenlogging"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, and keep the settings as they are before a test changes them."""
        from verwerkingenlogging_django._routes.configured_endpoints import remember_settings  # noqa: PLC0415  # the same
        from verwerkingenlogging_django.checks import register_checks  # noqa: PLC0415  # models can be imported only now

        register_checks()
        remember_settings()
