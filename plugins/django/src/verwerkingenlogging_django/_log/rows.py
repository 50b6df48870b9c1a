"""A verwerkingsactie as a row of the table, and a row as the entry that is delivered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper
from django.utils import timezone

from verwerkingenlogging.logs.outbox.encryption import Keys
from verwerkingenlogging.logs.parts import parts_of
from verwerkingenlogging.logs.protocol import Entry
from verwerkingenlogging.model import Verwerkingsactie, wire_form
from verwerkingenlogging.model.limits import RECORD_MAX
from verwerkingenlogging.model.trace import Span
from verwerkingenlogging.support.ids import new_ordered_id
from verwerkingenlogging_django._log.session import Session
from verwerkingenlogging_django.models import Record

__all__ = ["Row", "entry_of", "insert", "opened", "rows_of"]

Row = tuple[UUID, datetime, bytes, bool, bytes | None]
"""Key, moment, body, whether it is sealed, and the place in a trace."""

_COLUMNS = ("key", "moment", "body", "sealed", "place")
_CHUNK = 100
"""Rows in one statement: SQLite takes 999 parameters everywhere."""


def rows_of(acties: Sequence[Verwerkingsactie], keys: Keys | None) -> list[Row]:
    """The rows of ``acties``, made now, a large one in parts. Raises LogRefused for one that cannot be divided."""
    moment = timezone.now()
    return [row for actie in acties for row in _rows(actie, moment, keys)]


def _rows(actie: Verwerkingsactie, moment: datetime, keys: Keys | None) -> list[Row]:
    body = wire_form(actie)
    if len(body) <= RECORD_MAX:
        return [_row(actie, body, moment, keys)]
    return [_row(part, wire_form(part), moment, keys) for part in parts_of(actie)]


def _row(actie: Verwerkingsactie, body: bytes, moment: datetime, keys: Keys | None) -> Row:
    key = new_ordered_id()
    place = actie.span.packed() if actie.span is not None else None
    return key, moment, body if keys is None else keys.seal(body, _bound(key, place)), keys is not None, place


def entry_of(key: UUID, body: bytes, place: bytes | None) -> Entry:
    """The entry to deliver for a row, its body decrypted."""
    return Entry(key=str(key), body=body, span=Span.unpacked(place) if place is not None else None)


def opened(key: UUID, body: bytes, place: bytes | None, keys: Keys) -> bytes:
    """The decrypted body of an encrypted row. Raises as ``Keys.open`` does."""
    return keys.open(body, _bound(key, place))


def _bound(key: UUID, place: bytes | None) -> bytes:
    """What a sealed body is bound to: it cannot be moved to another row."""
    return key.bytes + (place or b"")


def insert(connection: BaseDatabaseWrapper, rows: Sequence[Row], session: Session | None = None) -> None:
    """Write ``rows`` on ``connection``: in one statement, or for many rows in several within one transaction. Raises what Django does.

    ``session``: what holds on the connection in whose place this one is.
    """
    schema = None if session is None else session.schema
    many = len(rows) > _CHUNK or (session is not None and session.settings)
    if not many or connection.in_atomic_block or not connection.get_autocommit():
        _statements(connection, rows, schema)
        return
    # Not transaction.atomic: that finds its connection by name, and this may be another.
    connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    try:
        if session is not None:
            session.enter(connection)
        _statements(connection, rows, schema)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    finally:
        connection.set_autocommit(True)


def _statements(connection: BaseDatabaseWrapper, rows: Sequence[Row], schema: str | None) -> None:
    with connection.cursor() as cursor:
        # Where queries are noted, for the debug page or a test that counts them, this one is not: it holds whose data it is about, and a
        # test of the application counts what that does.
        plain = CursorWrapper(cursor.cursor, connection) if isinstance(cursor, CursorDebugWrapper) else cursor
        for start in range(0, len(rows), _CHUNK):
            some = rows[start : start + _CHUNK]
            plain.execute(_sql(connection, len(some), schema), [value for row in some for value in _adapted(connection, row)])


def _sql(connection: BaseDatabaseWrapper, number: int, schema: str | None) -> str:
    """The statement that writes ``number`` rows, into the table of that schema, or where the connection finds it."""
    quote = connection.ops.quote_name
    known = _known.get((connection.vendor, number))
    if known is None:
        columns = ", ".join(quote(column) for column in (*_COLUMNS, "reason"))
        # Nothing was refused yet. Not a default of the column: Django 4.2 knows none.
        values = ", ".join(["(" + ", ".join([*["%s"] * len(_COLUMNS), "''"]) + ")"] * number)
        known = _known[connection.vendor, number] = f"{quote(Record._meta.db_table)} ({columns}) VALUES {values}"
    return f"INSERT INTO {known}" if schema is None else f"INSERT INTO {quote(schema)}.{known}"


_known: dict[tuple[str, int], str] = {}
_FIELDS: list[Any] = [Record._meta.get_field(column) for column in _COLUMNS]


def _adapted(connection: BaseDatabaseWrapper, row: Row) -> list[Any]:
    """``row`` as the driver takes it."""
    return [field.get_db_prep_value(value, connection, prepared=True) for field, value in zip(_FIELDS, row, strict=True)]
