"""The status of the log in a database: what waits, what was refused, who delivers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Count, Min, Q
from django.db.models.functions import Now
from django.utils import timezone

from verwerkingenlogging_django.models import Lease, Record

__all__ = ["Status", "status_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The status of the log in one database.

    Attributes:
        database: its alias.
        waiting: records that were not delivered yet.
        oldest_seconds: how long the oldest of them waits; None when there is none.
        refused: records that were refused for good; ``manage.py verwerkingen_retry`` puts them back.
        relay: machine and process that delivers; None when there is none.
        alarms: what somebody must look at, in words without personal data; empty when all is well.
    """

    database: str
    waiting: int
    oldest_seconds: float | None
    refused: int
    relay: str | None
    alarms: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def status_of(alias: str, *, max_age: float) -> Status:
    """The status of that database. A record that waits longer than ``max_age`` seconds is an alarm. Raises what Django does."""
    waits = Q(refused__isnull=True)
    found = Record.objects.using(alias).aggregate(
        wait=Count("id", filter=waits), are_refused=Count("id", filter=~waits), oldest=Min("moment", filter=waits)
    )
    relay = Lease.objects.using(alias).filter(until__gt=Now()).values_list("name", flat=True).first()
    age = None if found["oldest"] is None else max(0.0, (timezone.now() - found["oldest"]).total_seconds())
    alarms = {
        f"the oldest record waits for {age or 0:.0f} s, longer than max_age": age is not None and age > max_age,
        f"{found['are_refused']} records were refused": found["are_refused"] > 0,
        "records wait and nobody delivers": found["wait"] > 0 and relay is None,
    }
    return Status(
        database=alias,
        waiting=found["wait"],
        oldest_seconds=age,
        refused=found["are_refused"],
        relay=relay,
        alarms=tuple(alarm for alarm, rings in alarms.items() if rings),
    )
