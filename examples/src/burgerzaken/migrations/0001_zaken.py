"""The tables of the zaken, and of what must still change in the register."""

from __future__ import annotations

import uuid
from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    """The first tables."""

    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []
    operations: ClassVar[list[migrations.operations.base.Operation]] = [
        migrations.CreateModel(
            name="Ceremonie",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("bsn", models.CharField(max_length=9, verbose_name="BSN van de aanvrager")),
                (
                    "uitkomst",
                    models.CharField(
                        blank=True,
                        choices=[("voltrokken", "Voltrokken"), ("geannuleerd", "Geannuleerd")],
                        editable=False,
                        max_length=11,
                        verbose_name="uitkomst",
                    ),
                ),
            ],
            options={
                "verbose_name": "ceremonie",
                "verbose_name_plural": "ceremonies",
            },
        ),
        migrations.CreateModel(
            name="Huwelijk",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("familierechtelijk_beletsel", models.BooleanField(editable=False, null=True, verbose_name="familierechtelijk beletsel")),
                ("trouwdatum", models.DateField(editable=False, null=True, verbose_name="trouwdatum")),
            ],
            options={
                "verbose_name": "huwelijk",
                "verbose_name_plural": "huwelijken",
            },
        ),
        migrations.CreateModel(
            name="Onderzoek",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("verdachte", models.CharField(blank=True, editable=False, max_length=9, verbose_name="BSN van de verdachte")),
                ("gesloten", models.DateTimeField(editable=False, null=True, verbose_name="gesloten")),
            ],
            options={
                "verbose_name": "onderzoek",
                "verbose_name_plural": "onderzoeken",
            },
        ),
        migrations.CreateModel(
            name="AskedProvider",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("verwerking_id", models.UUIDField(verbose_name="verwerking")),
                ("host", models.CharField(max_length=255, verbose_name="bevraagde host")),
            ],
            options={
                "verbose_name": "bevraagde bron",
                "verbose_name_plural": "bevraagde bronnen",
                "constraints": [models.UniqueConstraint(fields=("verwerking_id", "host"), name="once_per_verwerking")],
            },
        ),
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("verwerking_id", models.UUIDField(verbose_name="verwerking")),
                ("of_afnemer", models.BooleanField(default=False, verbose_name="bij wie wij bevroegen")),
                ("vertrouwelijkheid", models.CharField(blank=True, max_length=13, verbose_name="vertrouwelijkheid")),
                ("bewaartermijn", models.CharField(blank=True, max_length=40, verbose_name="bewaartermijn")),
                ("decided_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="besloten")),
                ("made_at", models.DateTimeField(blank=True, null=True, verbose_name="doorgevoerd")),
                ("reason", models.TextField(blank=True, verbose_name="reden dat het nog niet lukte")),
            ],
            options={
                "verbose_name": "wijziging in het register",
                "verbose_name_plural": "wijzigingen in het register",
                "indexes": [models.Index(fields=["made_at"], name="not_made_yet")],
            },
        ),
        migrations.CreateModel(
            name="Betrokkene",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "betrokkenheid",
                    models.CharField(choices=[("Partner", "Partner"), ("Getuige", "Getuige")], max_length=10, verbose_name="betrokkenheid"),
                ),
                ("bsn", models.CharField(max_length=9, verbose_name="BSN")),
                (
                    "huwelijk",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="betrokkenen", to="burgerzaken.huwelijk"),
                ),
            ],
            options={
                "verbose_name": "betrokkene",
                "verbose_name_plural": "betrokkenen",
            },
        ),
    ]
