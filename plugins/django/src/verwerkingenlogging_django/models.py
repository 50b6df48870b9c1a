"""The tables in the application's own database: the records that wait, and the lease of who delivers them."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models

__all__ = ["Lease", "Record"]


class Record(models.Model):
    """A verwerkingsactie that waits for delivery, or that the log behind refused for good. It is deleted once delivered.

    Attributes:
        key: what it is known by through every attempt.
        moment: when it was written.
        body: the actie as the JSON of the standard's API, or that sealed.
        sealed: whether ``body`` is encrypted with the key file of the log.
        place: its place in a trace, where the log that it is for keeps spans: trace_id, span_id and that of its parent (32 bytes).
        refused: when it was refused for good; null while it waits.
        reason: why, without personal data.
        status: the HTTP status that this would be.
    """

    id = models.BigAutoField(primary_key=True)
    key = models.UUIDField("sleutel", default=uuid.uuid4, editable=False)
    moment = models.DateTimeField("vastgelegd op", editable=False)
    body = models.BinaryField("verwerkingsactie", editable=False)
    sealed = models.BooleanField("versleuteld", default=False, editable=False)
    place = models.BinaryField("plaats in de trace", max_length=32, null=True, editable=False)
    refused: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField("geweigerd op", null=True, editable=False)
    reason = models.CharField("reden van weigering", max_length=1000, blank=True, default="", editable=False)
    status = models.PositiveSmallIntegerField("status van weigering", null=True, editable=False)

    class Meta:
        """Its names for people."""

        verbose_name = "te bezorgen verwerkingsactie"
        verbose_name_plural = "te bezorgen verwerkingsacties"
        default_permissions = ("view", "change")
        # Those of the relay, which looks often, while there may be many that were refused.
        indexes = (models.Index(fields=["id"], condition=models.Q(refused__isnull=True), name="verwerkingenlogging_wachtend"),)

    def __str__(self) -> str:
        return str(self.key)


class Lease(models.Model):
    """The right to deliver the records of this database, which one process at a time has.

    Attributes:
        owner: who has the lease, different for each process and start.
        name: where that runs: machine and process, for people.
        until: when the lease ends unless it is renewed, by the clock of the database.
    """

    id = models.PositiveSmallIntegerField(primary_key=True)
    owner = models.CharField("houder", max_length=32, editable=False)
    name = models.CharField("proces", max_length=255, editable=False)
    until = models.DateTimeField("tot", editable=False)

    class Meta:
        """Its names for people."""

        verbose_name = "bezorger"
        verbose_name_plural = "bezorgers"
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
