"""The page about the admin is true: its example records, and what it lists is what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import path
from plugins.django.tests.admin.test_admin_mixin import ADMIN, JAN, P, Z, logged_in
from plugins.django.tests.burgers import models
from plugins.django.tests.conftest import GEMEENTE, Project

from verwerkingenlogging import Activiteit, Activiteiten, MemoryLog
from verwerkingenlogging_django.settings import configuration

PAGE = (Path(__file__).parents[4] / "docs" / "how-to" / "django-admin.md").read_text(encoding="utf-8")
SOURCES = Path(__file__).parents[2] / "src" / "verwerkingenlogging_django"


def example(name: str) -> str:
    (found,) = re.findall(rf"<!-- file: {name} -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


@pytest.mark.django_db(transaction=True)
def test_its_example_records(project: Project, log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, Any] = {}
    exec(compile(example("settings"), "settings", "exec"), names)
    own = admin.AdminSite()
    monkeypatch.setattr(admin, "register", lambda model: lambda of: own.register(model, of))
    exec(compile(example("admin.py"), "admin.py", "exec"), {**vars(models), "__name__": "example"})
    activiteiten = Activiteiten(
        {GEMEENTE: [Activiteit(naam=naam, id=UUID(int=9)) for naam in ("brp-registratie", "beheer-verwerkingenlogging")]}
    )
    setting = {key.lower(): value for key, value in names["VERWERKINGENLOGGING"].items()}
    project(path("admin/", own.urls), middleware=ADMIN, activiteiten=activiteiten, **setting)
    assert configuration().settings.activiteiten.get(GEMEENTE, configuration().admin_activiteit).id == UUID(int=9)
    jan = models.Persoon.objects.create(naam="Jan", bsn=JAN)
    models.Zaak.objects.create(id=1, naam="Huwelijk", aanvrager=jan)
    client: Client = logged_in()
    for address in (f"{P}{jan.pk}/change/", Z, "/admin/autocomplete/?app_label=burgers&model_name=zaak&field_name=aanvrager"):
        assert client.get(address).status_code == 200
    assert [actie.actie_naam for actie in log.acties] == ["Ophalen persoonsgegevens", "Zoeken zaken", "Zoeken persoonsgegevens"]
    assert {one.object_id for actie in log.acties for one in actie.verwerkte_objecten} == {JAN}
    found = [problem.id for model in (models.Persoon, models.Zaak) for problem in own._registry[model].check()]
    assert found == ["verwerkingenlogging.W043", "verwerkingenlogging.W043"]  # the other two fields of this Zaak


def test_every_message_of_the_check_is_described() -> None:
    written = {code for path in SOURCES.glob("admin/**/*.py") for code in re.findall(r'id="(verwerkingenlogging\.\w+)"', path.read_text())}
    assert set(re.findall(r"^\| `(verwerkingenlogging\.[EW]\d+)`", PAGE, re.MULTILINE)) == written
