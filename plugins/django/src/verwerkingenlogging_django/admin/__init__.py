"""For Django's admin: the page of the log in the database, and the mixin by which a project's own pages record."""

from __future__ import annotations

from verwerkingenlogging_django.admin.mixin import VerwerkingsactieAdminMixin
from verwerkingenlogging_django.admin.records import RecordAdmin

__all__ = ["RecordAdmin", "VerwerkingsactieAdminMixin"]
