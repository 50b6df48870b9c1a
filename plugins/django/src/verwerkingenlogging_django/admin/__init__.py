"""For Django's admin: the page of the log in the database, and the mixin with which a project's own pages record.

Import ``RecordAdmin`` and ``VerwerkingsactieAdminMixin`` from here; all else in it is private.
It imports ``_log``, ``_routes``, ``settings``, ``transactions``, ``models`` and the core.
"""

from __future__ import annotations

from verwerkingenlogging_django.admin._log_pages.record_admin import RecordAdmin
from verwerkingenlogging_django.admin._project_pages.mixin import VerwerkingsactieAdminMixin

__all__ = ["RecordAdmin", "VerwerkingsactieAdminMixin"]
