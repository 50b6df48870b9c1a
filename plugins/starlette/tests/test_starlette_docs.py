"""The page about code that stays untouched is true: its files are taken from it, and run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from verwerkingenlogging.routes import route_configuration as configured

DOCS = Path(__file__).parents[3] / "docs"
UNTOUCHED = (DOCS / "how-to" / "starlette-without-touching-code.md").read_text(encoding="utf-8")
ASK = """
from pathlib import Path
from starlette.testclient import TestClient
from verwerkingenlogging.commands.main import main
said = Path("verwerkingen.toml")
text = said.read_text()
said.write_text("")
print(main(["check", "gelogd:app"]))
said.write_text(text)
print(main(["check", "gelogd:app"]))
said.write_text(text.replace('"results.bsn"', '"wie:bsns_of"'))
from gelogd import app, log
with TestClient(app) as client:
    print(client.post("/verhuizingen", json={"bsn": "1"}).status_code, client.put("/personen/1").status_code, len(log.acties))
    for answer in (client.get("/personen/2308572"), client.get("/personen?naam=Jansen"), client.get("/personen?naam="),
                   client.post("/verhuizingen", json={"bsn": "1", "postcode": "1234AB"}), client.get("/dossiers/2"), client.get("/hulp/x")):
        print(answer.status_code)
    for actie in log.acties:
        print(actie.actie_naam, [objekt.object_id for objekt in actie.verwerkte_objecten])
"""


def test_an_application_logs_whose_code_is_not_touched(tmp_path: Path) -> None:
    for name, content in re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", UNTOUCHED, re.DOTALL):
        (tmp_path / name).write_text(content, encoding="utf-8")
    lists = dict(re.findall(r"<!-- list: (\w+) -->\n```\n(.*?)```", UNTOUCHED, re.DOTALL))
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    asked = subprocess.run([sys.executable, "-c", ASK], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert asked.stdout.splitlines() == [
        *lists["before"].splitlines(),
        "1",
        *lists["after"].splitlines(),
        "0",
        "422 405 0",
        *["200", "200", "200", "201", "200", "200"],
        "Ophalen persoonsgegevens ['2308572']",
        "Zoeken personen ['2308572', '5649587']",
        "Opslaan verhuizing ['1']",
        "Inzien dossier ['2']",
    ], asked.stderr


def test_every_field_of_an_entry_is_in_the_reference_that_it_names() -> None:
    (page,) = re.findall(r"\[reference\]\((\S+)#routes\)", UNTOUCHED)
    reference = (DOCS / "how-to" / page).read_text(encoding="utf-8")
    assert [field for field in configured._FIELDS if f"`{field}`" not in reference] == []
