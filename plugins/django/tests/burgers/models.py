"""Persons, who is with whom, and what they ask."""

from __future__ import annotations

from django.db import models


class Persoon(models.Model):
    bsn = models.CharField(max_length=9)
    naam = models.CharField(max_length=100)

    class Meta:
        app_label = "burgers"
        verbose_name = "persoon"
        verbose_name_plural = "personen"
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.naam} ({self.bsn})"


class Partner(models.Model):
    persoon = models.ForeignKey(Persoon, models.CASCADE)
    bsn = models.CharField(max_length=9)

    class Meta:
        app_label = "burgers"

    def __str__(self) -> str:
        return f"partner {self.bsn}"


class Adres(models.Model):
    persoon = models.ForeignKey(Persoon, models.CASCADE)
    straat = models.CharField(max_length=100)

    class Meta:
        app_label = "burgers"

    def __str__(self) -> str:
        return self.straat


class Zaak(models.Model):
    naam = models.CharField(max_length=100)
    aanvrager = models.ForeignKey(Persoon, models.CASCADE, related_name="aangevraagd")
    gemachtigde = models.ForeignKey(Persoon, models.PROTECT, null=True, blank=True, related_name="gemachtigd")
    plaats = models.ForeignKey(Adres, models.SET_NULL, null=True, blank=True)
    getuigen = models.ManyToManyField(Persoon, blank=True, related_name="getuigd")

    class Meta:
        app_label = "burgers"
        verbose_name_plural = "zaken"
        ordering = ("id",)

    def __str__(self) -> str:
        return self.naam
