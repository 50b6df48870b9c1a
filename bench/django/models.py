"""Rows of the application that is measured."""

from __future__ import annotations

from django.db import models

__all__ = ["Persoon"]


class Persoon(models.Model):
    """Somebody, whose data is shown and changed."""

    bsn = models.CharField(max_length=9)
    naam = models.CharField(max_length=200)

    def __str__(self) -> str:
        return f"persoon {self.pk}"
