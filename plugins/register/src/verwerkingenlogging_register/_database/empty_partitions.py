"""Drops the partitions of months that the purge has emptied, so that their number does not grow for ever (PostgreSQL)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from verwerkingenlogging_register._model.versions import instant_of

__all__ = ["Dropped", "drop_emptied"]

_LOCK_NOT_AVAILABLE = "55P03"
_UNDEFINED_TABLE = "42P01"
# Shorter than PostgreSQL waits before it looks for a deadlock: whoever gives way, it is never a reader.
_PATIENCE = "500ms"


@dataclass(slots=True)
class Dropped:
    """The result for the months without acties.

    Attributes:
        months: how many were dropped.
        in_use: how many could not be, because somebody was reading; the next purge tries again.
    """

    months: int = 0
    in_use: int = 0


def drop_emptied(reader: Engine, writer: Engine, now: datetime) -> Dropped:
    """Drop the partitions of each month before that of ``now`` that a purge has emptied.

    A month that was made for acties that are still to come stays. Each month is a transaction of its own, which readers wait
    for. Needs the role that owns the tables; on SQLite there are no partitions.
    """
    dropped = Dropped()
    if writer.dialect.name != "postgresql":
        return dropped
    try:
        with reader.begin() as connection:
            months = _emptied_months(connection, now)
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != _UNDEFINED_TABLE:
            raise
        return dropped  # another purge drops them right now
    for month in months:
        try:
            with writer.begin() as connection:
                dropped.months += _drop(connection, month)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            dropped.in_use += 1
    return dropped


# By name: make_partitions gave them theirs. The pattern keeps anything else out of the statements below.
_MONTHS = text(r"""
    SELECT right(relname, 7) AS month
    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = to_regclass('verwerkingsactie') AND relname ~ '^verwerkingsactie_\d{4}_\d{2}$'
    ORDER BY month""")
_IS_THERE = text("SELECT to_regclass('verwerkingsactie_' || :month)")
_PURGED_IN = text("SELECT EXISTS (SELECT FROM purge WHERE first_tijdstip_instant < :until AND last_tijdstip_instant >= :since)")


def _emptied_months(connection: Connection, now: datetime) -> list[str]:
    """The months before that of ``now``, as ``2024_05``, in which nothing is, and which are in the range of some purge.

    Few months are empty, so the lines that all purges ever left are read a few times at most.
    """
    found = []
    for month in connection.execute(_MONTHS).scalars().all():
        first = datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC)
        until = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
        bounds = {"since": instant_of(first), "until": instant_of(until)}
        if until <= now and _is_empty(connection, month) and connection.execute(_PURGED_IN, bounds).scalar_one():
            found.append(month)
    return found


def _is_empty(connection: Connection, month: str) -> bool:
    """Whether the month is there and nothing is in it. Another purge may have dropped it meanwhile."""
    if connection.execute(_IS_THERE, {"month": month}).scalar_one() is None:
        return False
    return not any(
        connection.exec_driver_sql(f"SELECT EXISTS (SELECT FROM {parent}_{month})").scalar_one()  # noqa: S608  # names of ours
        for parent in ("verwerkingsactie", "verwerkt_object")
    )


def _drop(connection: Connection, month: str) -> bool:
    """Drop both partitions, unless something came in since; says whether it did. Who reads or writes locks the parents first."""
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_PATIENCE}'")
    connection.exec_driver_sql("LOCK TABLE ONLY verwerkingsactie, ONLY verwerkt_object IN ACCESS EXCLUSIVE MODE")
    if not _is_empty(connection, month):
        return False
    connection.exec_driver_sql(f"DROP TABLE verwerkingsactie_{month}, verwerkt_object_{month}")
    return True
