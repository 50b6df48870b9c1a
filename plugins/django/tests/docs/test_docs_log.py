"""The page about DjangoLog is true."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands
from django.urls import path
from plugins.django.tests.conftest import Asking, Project
from plugins.django.tests.databases import records

from verwerkingenlogging_django import DjangoLog

PAGE = Path(__file__).parents[4].joinpath("docs", "how-to", "django-log.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"<!-- file: (\S+) -->\n```python\n(.*?)```", PAGE, re.DOTALL))


def run(name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"__name__": "page"}
    exec(compile(FILES[name], name, "exec"), found)
    return found


@pytest.mark.django_db(transaction=True)
def test_its_views_record_as_it_says(project: Project) -> None:
    views = run("views.py")
    project(path("zoek", views["zoek"]), path("opslaan/<bsn>", views["sla_op"]), log=DjangoLog())
    assert Asking("wsgi")("/zoek", "POST", data={"bsn": "2308572"}).text == "gevonden"
    assert Asking("wsgi")("/opslaan/2308572", "POST").text == "opgeslagen"
    assert [one.actie_naam for one in records("default")] == ["Zoeken persoonsgegevens", "Opslaan persoonsgegevens", "Opslaan adres"]


def test_its_log_is_made_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    log = run("mijn_log.py")["make_log"]()
    for name, value in {"REGISTER": "https://log.example.nl/api/v1", "CLIENT_ID": "app", "CLIENT_SECRET": "x" * 32}.items():
        monkeypatch.setenv(f"VERWERKINGENLOGGING_{name}", value)
    assert log.deliver_to.url == "https://log.example.nl/api/v1/verwerkingsacties"


def test_its_table_has_every_argument_and_its_default() -> None:
    documented = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", PAGE, re.MULTILINE))
    parameters = inspect.signature(DjangoLog).parameters
    assert list(documented) == list(parameters)
    for name in ("batch", "lease", "poll", "max_age"):
        assert float(documented[name]) == parameters[name].default


def test_its_commands_are_all_of_the_log() -> None:
    commands = set(re.findall(r"manage\.py (verwerkingen_\w+)", PAGE))
    assert commands == {name for name, app in get_commands().items() if app == "verwerkingenlogging_django"} - {"verwerkingen_check"}
