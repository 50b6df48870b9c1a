"""The records that wait, and the right to deliver them."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """The first tables."""

    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []
    operations: ClassVar[list[migrations.operations.base.Operation]] = [
        migrations.CreateModel(
            name="Lease",
            fields=[
                ("id", models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                ("owner", models.CharField(editable=False, max_length=32, verbose_name="houder")),
                ("name", models.CharField(editable=False, max_length=255, verbose_name="proces")),
                ("until", models.DateTimeField(editable=False, verbose_name="tot")),
            ],
            options={"verbose_name": "bezorger", "verbose_name_plural": "bezorgers", "default_permissions": ()},
        ),
        migrations.CreateModel(
            name="Record",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("key", models.UUIDField(default=uuid.uuid4, editable=False, verbose_name="sleutel")),
                ("moment", models.DateTimeField(editable=False, verbose_name="vastgelegd op")),
                ("body", models.BinaryField(verbose_name="verwerkingsactie")),
                ("sealed", models.BooleanField(default=False, editable=False, verbose_name="versleuteld")),
                ("place", models.BinaryField(max_length=32, null=True, verbose_name="plaats in de trace")),
                ("refused", models.DateTimeField(editable=False, null=True, verbose_name="geweigerd op")),
                (
                    "reason",
                    models.CharField(blank=True, default="", editable=False, max_length=1000, verbose_name="reden van weigering"),
                ),
                ("status", models.PositiveSmallIntegerField(editable=False, null=True, verbose_name="status van weigering")),
            ],
            options={
                "verbose_name": "te bezorgen verwerkingsactie",
                "verbose_name_plural": "te bezorgen verwerkingsacties",
                "default_permissions": ("view", "change"),
                "indexes": [
                    models.Index(fields=["id"], condition=models.Q(refused__isnull=True), name="verwerkingenlogging_wachtend"),
                ],
            },
        ),
    ]
