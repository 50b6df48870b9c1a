"""The repository of records in one database: what waits there in order, and what becomes of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models.functions import Now

from verwerkingenlogging_django.models import Record

__all__ = ["WaitingRow", "delete_rows", "has_waiting", "put_back", "refuse_row", "waiting_rows"]

_REASON_MAX = 1000
_LOOKED_PAST = 10_000
"""Records of one verwerking that are looked past for another, to see whether the log behind takes that."""


class WaitingRow(NamedTuple):
    """A record that waits, as it is in the table."""

    id: int
    key: UUID
    body: bytes
    sealed: bool
    place: bytes | None


def waiting_rows(alias: str, *, limit: int, after: int = 0) -> Iterator[WaitingRow]:
    """What waits, from the one behind ``after`` on, asked for ``limit`` at a time. Raises what Django does."""
    waiting = Record.objects.using(alias).filter(refused__isnull=True).order_by("id")
    columns = waiting.values_list("id", "key", "body", "sealed", "place")
    for _ in range(0, _LOOKED_PAST, limit):
        rows = list(columns.filter(id__gt=after)[:limit])
        for id_, key, body, sealed, place in rows:
            yield WaitingRow(id_, key, bytes(body), sealed, None if place is None else bytes(place))
        if len(rows) < limit:
            return
        after = rows[-1][0]


def has_waiting(alias: str, until: datetime) -> bool:
    """Whether a record that was written before ``until`` still waits there. Raises what Django does."""
    return Record.objects.using(alias).filter(refused__isnull=True, moment__lte=until).exists()


def delete_rows(alias: str, ids: Sequence[int]) -> None:
    """Delete what was delivered. Raises what Django does."""
    Record.objects.using(alias).filter(id__in=ids).delete()


def refuse_row(alias: str, id_: int, reason: str, status: int) -> None:
    """Keep a record as refused for good, with the reason. Raises what Django does."""
    Record.objects.using(alias).filter(id=id_).update(refused=Now(), reason=reason[:_REASON_MAX], status=status)


def put_back(alias: str, *ids: int) -> int:
    """Offer refused records again, under the same keys; gives their number. Without ``ids``: all.

    Raises what Django does.
    """
    refused = Record.objects.using(alias).filter(refused__isnull=False)
    return (refused.filter(id__in=ids) if ids else refused).update(refused=None, reason="", status=None)
