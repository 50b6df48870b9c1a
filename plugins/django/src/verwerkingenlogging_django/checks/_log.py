"""Checks of the log: the table of ``DjangoLog``, and settings that are for development only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Warning
from django.db import DatabaseError, connections
from django.db.migrations.recorder import MigrationRecorder

from verwerkingenlogging.logs import MemoryLog
from verwerkingenlogging_django._log.django_log import DjangoLog
from verwerkingenlogging_django._setting_values import setting_path
from verwerkingenlogging_django.checks._settings import read_configuration
from verwerkingenlogging_django.models import Record

__all__ = ["check_deployment", "check_tables"]

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def check_tables(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """W004: the table of DjangoLog. A warning, or ``migrate`` could not make it."""
    read = read_configuration()
    if read is None or not isinstance(read.log, DjangoLog):
        return []
    messages: list[CheckMessage] = []
    table = Record._meta.db_table
    for alias in read.log.databases:
        if alias in (databases or ()) and not _has_table(alias, table):
            message = f"The table {table} of DjangoLog is not in database {alias!r}, so nothing can be recorded there."
            hint = f"manage.py migrate verwerkingenlogging --database {alias}; if that makes no table, a database router keeps it out."
            messages.append(Warning(message, hint=hint, id="verwerkingenlogging.W004"))
    return messages


def check_deployment(**_: Any) -> list[CheckMessage]:
    """W005, W006, W007, W010: settings that are for development only."""
    read = read_configuration()
    messages: list[CheckMessage] = []
    if read is None:
        return messages
    if settings.DEBUG:
        message = "With settings.DEBUG the page of an error shows the personal data that the view had."
        messages.append(Warning(message, hint="Set DEBUG to False.", id="verwerkingenlogging.W005"))
    if isinstance(read.log, DjangoLog) and read.log.deliver_to is None:
        message = f"{setting_path('LOG')}: DjangoLog has no log behind it, so nothing is delivered from here."
        hint = (
            "Give it one, such as DjangoLog(ApiLog.from_env), and run manage.py verwerkingen_deliver; docs/how-to/django-log.md says how."
        )
        messages.append(Warning(message, hint=hint, id="verwerkingenlogging.W010"))
    for log in _behind(read.log):
        if isinstance(log, MemoryLog):
            message = f"{setting_path('LOG')}: MemoryLog forgets all records when the process ends."
            hint = "Use OutboxLog, DjangoLog or ApiLog; docs/how-to/choose-a-log.md helps to choose."
            messages.append(Warning(message, hint=hint, id="verwerkingenlogging.W006"))
        address = urlsplit(str(getattr(log, "url", "")))
        if address.scheme == "http" and address.hostname not in _LOOPBACK:
            message = f"{setting_path('LOG')}: personal data goes to {address.hostname} over plain http."
            hint = "Use https, unless the network itself encrypts."
            messages.append(Warning(message, hint=hint, id="verwerkingenlogging.W007"))
    return messages


def _behind(log: Any) -> Iterator[Any]:
    while log is not None:
        yield log
        log = getattr(log, "deliver_to", None)


def _has_table(alias: str, table: str) -> bool:
    """Whether the table is there, or will be: where nothing was migrated yet, no table is, and Django says so itself."""
    try:
        with connections[alias].cursor() as cursor:
            names = connections[alias].introspection.table_names(cursor)
    except DatabaseError:
        return True  # it cannot be reached, which is not for this check to say
    return table in names or MigrationRecorder.Migration._meta.db_table not in names
