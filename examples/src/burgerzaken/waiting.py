"""The records that the register does not have yet."""

from __future__ import annotations

from datetime import datetime

from verwerkingenlogging_django.models import Record

__all__ = ["waiting", "waits_since"]


def waiting() -> dict[str, int]:
    """The number of records that wait for delivery, and of those that the register refused."""
    waits = Record.objects.filter(refused=None).count()
    return {"waiting": waits, "refused": Record.objects.count() - waits}


def waits_since(moment: datetime) -> bool:
    """Whether a record from before ``moment`` still waits."""
    return Record.objects.filter(refused=None, moment__lte=moment).exists()
