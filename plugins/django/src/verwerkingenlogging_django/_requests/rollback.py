"""Rolls back what could not be recorded: transactions that are open when a record fails cannot be committed.

An exception would do that by itself, were it not for code that catches it. So it is said to the connection, at the moment at which the
record fails, whatever becomes of the exception.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from verwerkingenlogging.context import current
from verwerkingenlogging.errors import NotRecorded, OutsideContext

__all__ = ["failed_here", "roll_back"]


def roll_back() -> None:
    """Mark all transactions that are open now, on every database, so that this request or job cannot commit them.

    Those of this thread can only be rolled back from now on, with all savepoints in them; but for those of a TestCase, in which the rest
    of the test goes on. Another thread of the same request, which waits for this one, finds out when it is about to commit. Outside a
    transaction each statement has been committed already: that is not taken back.
    """
    mine = connections.all(initialized_only=True)
    for connection in mine:
        _of_this_thread(connection)
    for reference in list(_opened.values()):
        other = reference()
        if other is not None and other.in_atomic_block and other._thread_ident != threading.get_ident():  # type: ignore[attr-defined]  # unknown to the stubs
            _ask_before_commit(other)


def _of_this_thread(connection: BaseDatabaseWrapper) -> None:
    blocks: list[Any] = connection.atomic_blocks
    own = sum(not block._from_testcase for block in blocks)
    if own:
        connection.needs_rollback = True
        # Without its savepoint a block hands the rollback on to the one around it. The outermost keeps what it has.
        ids = connection.savepoint_ids
        for place in range(len(ids) - own + 1, len(ids)):
            ids[place] = None  # type: ignore[call-overload]  # unknown to the stubs: it stands for no savepoint
    elif not blocks and connection.connection is not None and not connection.autocommit:
        try:
            connection.rollback()
        except DatabaseError:
            connection.close()  # which rolls back too


def _ask_before_commit(connection: BaseDatabaseWrapper) -> None:
    """Let the thread that uses ``connection`` ask, before it commits, whether its own request failed. It does so in this transaction."""
    held: dict[str, Any] = vars(connection)
    if "commit" in held:
        return
    commit, release = connection.commit, connection.savepoint_commit

    def commit_or_not() -> None:
        del held["commit"], held["savepoint_commit"]
        (commit if failed_here() is None else connection.rollback)()

    def release_or_not(sid: str) -> None:
        if failed_here() is not None:
            connection.savepoint_rollback(sid)
        release(sid)

    held["savepoint_commit"] = release_or_not
    held["commit"] = commit_or_not


def failed_here() -> NotRecorded | None:
    """The reason that this request or job could not record something; None when it could."""
    try:
        context = current()
    except OutsideContext:
        return None
    return (context.root or context).failed


_opened: dict[int, weakref.ref[BaseDatabaseWrapper]] = {}
"""The connections of all threads, by number. No lock is needed: each step is one of Python's own."""


def _note(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    number = id(connection)
    if number not in _opened:
        _opened[number] = weakref.ref(connection, lambda _: _opened.pop(number, None))


connection_created.connect(_note, dispatch_uid="verwerkingenlogging_django._requests.rollback")
