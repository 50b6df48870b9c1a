"""Checks of SQLite, which has one lock for all writers: when ``DjangoLog`` cannot write beside a request's transaction.

When exactly that is, stands in docs/reference/django.md; its tests try each case with two connections.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Warning
from django.db import DatabaseError, connections

from verwerkingenlogging_django._log.django_log import DjangoLog
from verwerkingenlogging_django._log.writer import LOCKING, is_test_database
from verwerkingenlogging_django.settings import configuration

__all__ = ["check_journal", "check_transaction_mode"]


def check_transaction_mode(**_: Any) -> list[CheckMessage]:
    """W011: each request holds the lock from its start, so that its reads cannot be recorded on the second connection."""
    alias = _database()
    if alias is None:
        return []
    mode = str(connections[alias].settings_dict["OPTIONS"].get("transaction_mode") or "").upper()
    if mode not in LOCKING:
        return []
    message = f"Database {alias!r} has ATOMIC_REQUESTS and its transactions begin {mode}, so DjangoLog refuses all that reads (503)."
    hint = (
        "Leave out transaction_mode and set the journal to WAL, or leave out ATOMIC_REQUESTS and put transaction.atomic around what "
        "changes; docs/reference/django.md says when SQLite is locked."
    )
    return [Warning(message, hint=hint, id="verwerkingenlogging.W011")]


def check_journal(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """W012: a request that has read blocks the commit of the record of what it found."""
    alias = _database()
    if alias is None or alias not in (databases or ()) or _journal(alias) in ("wal", None):
        return []
    message = f"Database {alias!r} has ATOMIC_REQUESTS and no write-ahead log, so DjangoLog cannot record what a view found: it is locked."
    hint = 'Give it "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL"}; docs/reference/django.md says when SQLite is locked.'
    return [Warning(message, hint=hint, id="verwerkingenlogging.W012")]


def _database() -> str | None:
    """The one that records of reading go to, where it is a file of SQLite, and each request a transaction from which they must be apart."""

    try:
        log = configuration().log
    except Exception:  # E001 says it
        return None
    if not isinstance(log, DjangoLog):
        return None
    connection = connections[log.databases[0]]
    is_so = connection.vendor == "sqlite" and connection.settings_dict["ATOMIC_REQUESTS"] and not is_test_database(connection)
    return connection.alias if is_so else None


def _journal(alias: str) -> str | None:
    """How SQLite keeps its journal there; None when that cannot be asked."""
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("PRAGMA journal_mode")
            return str(cursor.fetchone()[0])
    except DatabaseError:
        return None
