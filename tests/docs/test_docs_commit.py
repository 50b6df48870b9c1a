"""The page about changes is true: what could not be recorded was not changed, and the verbs that it lists are those that count."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from verwerkingenlogging.routes.annotation_check import READING

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "record-before-you-commit.md").read_text(encoding="utf-8")
ASK = """
from starlette.testclient import TestClient
from verwerkingenlogging import LogUnavailable, MemoryLog, Recorder, Settings
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware
from verhuizen import app, database

log = MemoryLog()
app.add_middleware(VerwerkingenloggingMiddleware, recorder=Recorder(log, Settings.from_file("verwerkingenlogging.toml")))
with database:
    database.execute("INSERT INTO persoon VALUES ('1', 'Dorp 1'), ('2', 'Dorp 1'), ('3', 'Dorp 2')")
with TestClient(app) as client:
    for log.failure in (LogUnavailable("down"), None):
        print(client.post("/adressen/Dorp 1/verhuizen?nieuw=Stad 1").status_code)
        print([*database.execute("SELECT bsn FROM persoon WHERE adres = 'Stad 1'")])
    print([objekt.object_id for objekt in log.acties[0].verwerkte_objecten])
database.close()
"""


def test_a_change_that_could_not_be_recorded_was_not_made(tmp_path: Path) -> None:
    ((name, code),) = re.findall(r"<!-- file: (\S+) -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / name).write_text(code, encoding="utf-8")
    (tmp_path / "verwerkingenlogging.toml").write_text('oin = "00000001821002193000"\nactiviteiten = "activiteiten.toml"\n')
    (tmp_path / "activiteiten.toml").write_text(
        '["00000001821002193000"]\nbrp-registratie = { id = "5f0bef4c-f66f-4311-84a5-19e8bf359eaf" }\n'
    )
    asked = subprocess.run([sys.executable, "-c", ASK], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert asked.stdout.splitlines() == ["503", "[]", "200", "[('1',), ('2',)]", "['1', '2']"], asked.stderr


def test_the_verbs_of_the_page_are_those_that_are_known() -> None:
    (listed,) = re.findall(r"a verb that changes nothing: ([^.]*)\.", PAGE)
    assert {verb.strip() for verb in listed.split(",")} == READING
