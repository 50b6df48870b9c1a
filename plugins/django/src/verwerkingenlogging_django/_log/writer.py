"""Writes rows into a database, in the open transaction or on a second connection, and describes what goes wrong."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import SynchronousOnlyOperation
from django.db import Error as DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from verwerkingenlogging.errors import LogUnavailable, NotRecorded
from verwerkingenlogging_django._log.rows import Row, insert
from verwerkingenlogging_django._log.second_connection import second_connection_to
from verwerkingenlogging_django._log.session import session_of

__all__ = ["LOCKING", "describe_error", "is_open", "is_test_database", "write", "write_on_second_connection"]

LOCKING = frozenset({"IMMEDIATE", "EXCLUSIVE"})
"""The transaction modes of SQLite that take the lock when a transaction begins, and not when it first writes."""

_NO_TABLE = "42P01"
_REMEDIES: dict[object, str] = {
    "42501": "; may the role that is set there write into the table? What row-level security reads is named in DjangoLog(session=[…])",
    "25P02": "; the transaction has failed before: put what may fail in a block of its own, transaction.atomic()",
}


def is_open(connection: BaseDatabaseWrapper) -> bool:
    """Whether ``connection`` is inside a transaction that is not committed yet."""
    if connection.in_atomic_block:
        return True
    autocommit = connection.autocommit if connection.connection is not None else connection.settings_dict["AUTOCOMMIT"]
    return not autocommit


def is_test_database(connection: BaseDatabaseWrapper) -> bool:
    """Whether a second connection cannot be used: it would not see this database, or would keep what a test undoes."""
    if connection.atomic_blocks and connection.atomic_blocks[0]._from_testcase:  # type: ignore[attr-defined]  # unknown to the stubs
        return True
    return connection.vendor == "sqlite" and connection.is_in_memory_db()  # type: ignore[attr-defined]  # of SQLite's


def write(connection: BaseDatabaseWrapper, rows: Sequence[Row]) -> None:
    """Write ``rows`` in the open transaction, or commit them when none is open.

    Raises NotRecorded, and then that transaction can only be rolled back: what it did has no record.
    """
    __traceback_hide__ = True  # what shows local variables, Django's debug page and Sentry, passes over this frame
    if connection.in_atomic_block and connection.needs_rollback:
        raise NotRecorded(
            f"DjangoLog: the transaction on database {connection.alias!r} will be rolled back because of an earlier error; "
            "nothing can be recorded in it"
        )
    try:
        insert(connection, rows)
    except BaseException as error:
        failure = _failure(connection, error)
        if connection.in_atomic_block:
            connection.needs_rollback = True
            connection.rollback_exc = failure  # type: ignore[attr-defined]  # unknown to the stubs
        if failure is None:
            raise
        raise failure from None


def write_on_second_connection(connection: BaseDatabaseWrapper, rows: Sequence[Row], names: Sequence[str] = ()) -> None:
    """Commit ``rows`` on another connection to the database of ``connection``. Raises NotRecorded.

    What holds on the one holds on the other: its schema, its role, and the settings ``names``.
    """
    __traceback_hide__ = True  # as above
    mode = getattr(connection, "transaction_mode", None)  # of SQLite's, since Django 5.1
    if connection.vendor == "sqlite" and connection.in_atomic_block and mode in LOCKING:
        raise NotRecorded(_locked(connection.alias, f"its transactions begin {mode}"))
    second = second_connection_to(connection.alias)
    try:
        insert(second, rows, session_of(connection, names))
    except BaseException as error:
        failure = _failure(connection, error)
        second.close()  # it may be lost, and the next record then gets another
        if failure is None:
            raise
        if second.vendor == "sqlite" and "locked" in str(error):
            failure = LogUnavailable(_locked(connection.alias, "the transaction that is open, or another process, holds its lock"))
        raise failure from None


def _locked(alias: str, why: str) -> str:
    return (
        f"DjangoLog: what is read cannot be recorded apart from the transaction on SQLite database {alias!r}: {why}. "
        "Let code that reads run outside a transaction (transaction.non_atomic_requests), or say that it changes (transactions.changing)"
    )


def _failure(connection: BaseDatabaseWrapper, error: BaseException) -> NotRecorded | None:
    """What went wrong, without the text of the database, which may repeat what was to be written. None: it is none of ours."""
    if isinstance(error, SynchronousOnlyOperation):
        return NotRecorded("DjangoLog: log was called on an event loop; asynchronous code records with alog (alog_actie)")
    if not isinstance(error, DatabaseError):
        return None
    return LogUnavailable(f"DjangoLog: database {connection.alias!r} did not take the record: {describe_error(error, connection.alias)}")


def describe_error(error: DatabaseError, alias: str) -> str:
    """The text of ``error`` of the database ``alias`` that may be logged: its kind and code, and the remedy for a missing table."""
    state = getattr(error.__cause__, "sqlstate", None)
    missing = state == _NO_TABLE or "no such table" in str(error)
    code = f" (SQLSTATE {state})" if isinstance(state, str) else ""
    remedy = f"; run: manage.py migrate --database={alias}" if missing else _REMEDIES.get(state, "")
    return f"{type(error).__name__}{code}{remedy}"
