"""What is kept of somebody, and how it was."""

from __future__ import annotations

import reversion
from django.db import models
from simple_history.models import HistoricalRecords

__all__ = ["Besluit", "Dossier"]


class Dossier(models.Model):
    bsn = models.CharField(max_length=9)
    naam = models.CharField(max_length=100)
    history = HistoricalRecords()

    class Meta:
        app_label = "archief"
        verbose_name_plural = "dossiers"
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.naam} ({self.bsn})"


@reversion.register()
class Besluit(models.Model):
    bsn = models.CharField(max_length=9)
    naam = models.CharField(max_length=100)

    class Meta:
        app_label = "archief"
        verbose_name_plural = "besluiten"
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.naam} ({self.bsn})"
