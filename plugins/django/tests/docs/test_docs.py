"""The pages about Django are true: their files are taken from them, and run; their tables are held against the code."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.outbox import wait_until
from tests.servers import serving

import verwerkingenlogging_django
from verwerkingenlogging.routes import route_configuration as configured
from verwerkingenlogging_django._configuration import KNOWN_KEYS

DOCS = Path(__file__).parents[4] / "docs"
REFERENCE = (DOCS / "reference" / "django.md").read_text(encoding="utf-8")
UNTOUCHED = (DOCS / "how-to" / "django-without-touching-code.md").read_text(encoding="utf-8")
CELERY = (DOCS / "how-to" / "celery.md").read_text(encoding="utf-8")
TENANTS = (DOCS / "how-to" / "django-multi-tenant.md").read_text(encoding="utf-8")
SOURCE = Path(verwerkingenlogging_django.__file__).parent


def files_of(page: str, folder: Path) -> None:
    for name, content in re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", page, re.DOTALL):
        (folder / name).write_text(content, encoding="utf-8")


def run(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(folder), **more}
    return subprocess.run([sys.executable, *arguments], cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False)


def rows(page: str, heading: str) -> list[str]:
    """What stands in the first column of the table under ``heading``."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
    return [name for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)]


def test_every_setting_check_command_and_field_is_described() -> None:
    assert sorted(rows(REFERENCE, "Keys of `VERWERKINGENLOGGING`")) == sorted(KNOWN_KEYS)
    assert set(rows(REFERENCE, "`ROUTES`")) >= set(configured._FIELDS)
    sources = "".join(path.read_text(encoding="utf-8") for path in (SOURCE / "checks").glob("*.py"))
    ids = re.findall(r'id="(verwerkingenlogging\.[EW]\d+)"', sources)
    assert rows(REFERENCE, "Checks") == sorted(set(ids))
    commands = sorted(path.stem for path in (SOURCE / "management" / "commands").glob("verwerkingen_*.py"))
    assert rows(REFERENCE, "Commands") == [f"manage.py {command}" for command in commands]


CHECK = """
import django, sys
django.setup()
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client, override_settings
def check(**changed):
    with override_settings(VERWERKINGENLOGGING={**settings.VERWERKINGENLOGGING, **changed}):
        try:
            call_command("verwerkingen_check", stderr=sys.stdout)
        except CommandError as error:
            print("failed:", error)
"""
ASK = """
from verwerkingenlogging.testing import capture
check()
check(ROUTES={})
with open("verwerkingen.toml") as file: text = file.read()
with open("verwerkingen.toml", "w") as file: file.write(text.replace('"data.results.bsn"', '"wie:bsns_of"'))
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
    asked = run(tmp_path, "-c", CHECK + ASK)
    assert asked.stdout.splitlines() == [
        *lists["after"].splitlines(),
        *lists["before"].splitlines(),
        "failed: 5 routes, 5 that say nothing, 0 problems",
        "302 0",
        "400 0",
        *["200", "200", "201", "200"],
        "Ophalen persoonsgegevens ['2308572']",
        "Zoeken personen ['2308572', '5649587']",
        "Opslaan persoonsgegevens ['1']",
    ], asked.stderr


ASK_HOSTS = """
from personen import every_night
from verwerkingenlogging_django._configuration import KNOWN_KEYS
from verwerkingenlogging_django.settings import recorder
for host in ("utrecht", "leiden"):
    assert Client(headers={"host": f"{host}.example.nl"}).get("/personen/2308572/").status_code == 200
every_night({"00000099000000001000": ["5649587"], "00000001821002193000": ["5649588"]})
for actie in recorder().log.acties:
    print(actie.actie_naam.split()[0], str(actie.verwerkingsactiviteit_id)[:8])
with open("activiteiten.toml") as file: text = file.read()
with open("activiteiten.toml", "w") as file: file.write(text.replace("brp-bevraging", "brp", 1))
check(ORGANISATIE=None)
"""


def test_each_municipality_has_its_own_ids(tmp_path: Path) -> None:
    files_of(TENANTS, tmp_path)
    asked = run(tmp_path, "-c", CHECK + ASK_HOSTS)
    *acties, _, problem, _ = asked.stdout.splitlines()
    assert acties == ["Ophalen 5f0bef4c", "Ophalen 4f6db294", "Controleren 4f6db294", "Controleren 5f0bef4c"], asked.stderr
    assert '["00000001821002193000"].brp-bevraging: no such' in problem


ASK_CELERY = """
import django
django.setup()
from django.core.management import call_command
from django.test import Client
call_command("migrate", verbosity=0)
headers = {"OIN": "00000001804770694000", "VerwerkingId": "40fc7068-050d-45cc-8f60-770cd6d9de64"}
zaak = "16a69cb6-41b0-4ea0-8c80-7a735e3609e0"
assert Client(headers=headers).get(f"/zaken/{zaak}/vaststellen/").status_code == 200
from zaken import verstuur
verstuur.delay(zaak)
"""


def test_a_celery_task_belongs_to_the_request_that_started_it(tmp_path: Path) -> None:
    files_of(CELERY, tmp_path)
    for name in ("queue", "queue-control"):
        (tmp_path / name).mkdir()
    environ = {
        "QUEUE": str(tmp_path / "queue"),
        "BROKER": "filesystem://",
        "DJANGO_SETTINGS_MODULE": "settings",
        "PYTHONPATH": str(tmp_path),
        "VERWERKINGENLOGGING_REGISTER": "https://log.example.nl/api/v1",
        "VERWERKINGENLOGGING_CLIENT_ID": "zaken",
        "VERWERKINGENLOGGING_CLIENT_SECRET": "a secret of more than thirty-two bytes",
    }

    def recorded() -> list[dict[str, Any]]:
        with closing(sqlite3.connect(tmp_path / "db.sqlite3", timeout=30)) as database:
            return [json.loads(body) for (body,) in database.execute("SELECT body FROM verwerkingenlogging_record ORDER BY id")]

    command = [sys.executable, "-m", "celery", "-A", "zaken", "worker", "--pool", "solo", "--loglevel", "error"]
    with serving(command, folder=tmp_path, environ=environ):
        asked = run(tmp_path, "-c", ASK_CELERY, **environ)
        assert asked.returncode == 0, asked.stderr
        wait_until(lambda: len(recorded()) == 3)
    acties = {(actie["actieNaam"], actie["verwerkingId"], actie.get("afnemerId"), actie.get("verwerkingIdAfnemer")) for actie in recorded()}
    zaak, of_caller = "16a69cb6-41b0-4ea0-8c80-7a735e3609e0", "40fc7068-050d-45cc-8f60-770cd6d9de64"
    (own,) = {actie[1] for actie in acties} - {zaak}
    assert acties == {
        ("Vaststellen beschikking", zaak, "00000001804770694000", of_caller),
        ("Versturen beschikking", zaak, "00000001804770694000", of_caller),
        ("Versturen beschikking", own, None, None),  # that nobody asked for: a verwerking of its own
    }
