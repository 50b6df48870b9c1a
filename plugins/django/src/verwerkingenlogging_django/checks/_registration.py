"""Registers the checks with Django."""

from __future__ import annotations

from django.core.checks import Tags, register

from verwerkingenlogging_django.checks._log import check_deployment, check_tables
from verwerkingenlogging_django.checks._settings import check_middleware, check_peers, check_settings
from verwerkingenlogging_django.checks._sqlite import check_journal, check_transaction_mode
from verwerkingenlogging_django.checks._urls import check_urls

__all__ = ["TAG", "register_checks"]

TAG = "verwerkingenlogging"
"""``manage.py check --tag verwerkingenlogging`` runs these alone."""


def register_checks() -> None:
    """Register all checks. Those of URLs run when Django checks URLs, and those of a database only when it may be asked."""
    register(check_settings, TAG)
    register(check_middleware, TAG)
    register(check_peers, TAG, Tags.security)
    register(check_urls, TAG, Tags.urls)
    register(check_tables, TAG, Tags.database)
    register(check_transaction_mode, TAG)
    register(check_journal, TAG, Tags.database)
    register(check_deployment, TAG, Tags.security, deploy=True)
