"""The pages about Django are true: their files are taken from them, and run; their tables are held against the code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import verwerkingenlogging_django
from verwerkingenlogging import configured
from verwerkingenlogging_django import settings

DOCS = Path(__file__).parents[3] / "docs"
REFERENCE = (DOCS / "reference" / "django.md").read_text(encoding="utf-8")
UNTOUCHED = (DOCS / "how-to" / "django-without-touching-code.md").read_text(encoding="utf-8")
SOURCE = Path(verwerkingenlogging_django.__file__).parent


def files_of(page: str, folder: Path) -> None:
    for name, content in re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", page, re.DOTALL):
        (folder / name).write_text(content, encoding="utf-8")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(folder)}
    return subprocess.run([sys.executable, *arguments], cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False)


def rows(page: str, heading: str) -> list[str]:
    """What stands in the first column of the table under ``heading``."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
    return [name for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)]


def test_every_setting_check_command_and_field_is_described() -> None:
    assert sorted(rows(REFERENCE, "Keys of `VERWERKINGENLOGGING`")) == sorted(settings._KNOWN)
    assert set(rows(REFERENCE, "`ROUTES`")) >= set(configured._FIELDS)
    ids = re.findall(r'id="(verwerkingenlogging\.[EW]\d+)"', (SOURCE / "checks.py").read_text(encoding="utf-8"))
    assert rows(REFERENCE, "Checks") == sorted(set(ids))
    commands = sorted(path.stem for path in (SOURCE / "management" / "commands").glob("verwerkingen_*.py"))
    assert rows(REFERENCE, "Commands") == [f"manage.py {command}" for command in commands]


ASK = """
import django
django.setup()
from django.conf import settings
from django.test import Client
from verwerkingenlogging.testing import capture
settings.ALLOWED_HOSTS = ["testserver"]
with capture() as log:
    client = Client()
    print(client.get("/dossiers/2308572/").status_code, len(log.acties))
    print(client.post("/personen/", {"bsn": "x"}).status_code, len(log.acties))
    for answer in (client.get("/personen/2308572/"), client.get("/personen/?naam=Jansen"), client.post("/personen/", {"bsn": "1"}), client.get("/hulp/")):
        print(answer.status_code)
    for actie in log.acties:
        print(actie.actie_naam, [objekt.object_id for objekt in actie.verwerkte_objecten])
"""


def test_an_application_logs_whose_code_is_not_touched(tmp_path: Path) -> None:
    files_of(UNTOUCHED, tmp_path)
    lists = dict(re.findall(r"<!-- list: (\w+) -->\n```\n(.*?)```", UNTOUCHED, re.DOTALL))
    after = run(tmp_path, "-m", "django", "verwerkingen_check")
    assert (after.returncode, after.stdout) == (0, lists["after"]), after.stderr
    asked = run(tmp_path, "-c", ASK)
    assert asked.stdout.splitlines() == [
        "302 0",
        "400 0",
        *["200", "200", "201", "200"],
        "Ophalen persoonsgegevens ['2308572']",
        "Zoeken personen ['2308572', '5649587']",
        "Opslaan persoonsgegevens ['1']",
    ], asked.stderr
    toml = tmp_path / "verwerkingen.toml"
    toml.write_text(toml.read_text().replace('"data.results.bsn"', '"wie:bsns_of"'))
    assert run(tmp_path, "-m", "django", "verwerkingen_check").stdout == lists["after"]
    toml.write_text("")
    before = run(tmp_path, "-m", "django", "verwerkingen_check")
    assert (before.returncode, before.stdout) == (1, lists["before"]), before.stderr
