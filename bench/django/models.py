"""Rows of the application that is measured."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

__all__ = ["Persoon", "Regel"]


class Persoon(models.Model):
    """Somebody, whose data is shown and changed."""

    bsn = models.CharField(max_length=9)
    naam = models.CharField(max_length=200)

    objects: ClassVar[models.Manager[Persoon]] = models.Manager()

    def __str__(self) -> str:
        return f"persoon {self.pk}"


class Regel(models.Model):
    """A row of the same size as a record of ours, in a table without any index but that of its key."""

    key = models.UUIDField(default=uuid.uuid4)
    moment = models.DateTimeField()
    body = models.BinaryField()

    objects: ClassVar[models.Manager[Regel]] = models.Manager()

    def __str__(self) -> str:
        return str(self.key)
