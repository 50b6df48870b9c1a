"""Under a real uWSGI, which forks in C: every worker answers, no id is given twice, and each record is in the register once.

``python -m crash uwsgi`` is the same, with more starts and all of its flags.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from crash.databases import place
from crash.receivers import register
from crash.uwsgi import FLAGS, starts
from tests.servers import BIN

ROOT = Path(__file__).parents[4]
_INI = re.findall(
    r"<!-- file: uwsgi.ini -->\n```ini\n(.*?)```", (ROOT / "docs/how-to/run-under-uwsgi.md").read_text(encoding="utf-8"), re.DOTALL
)
_SAID = dict(re.findall(r"^(\S+) = (.*)$", _INI[0], re.MULTILINE))
PAGE = "--module {module} " + " ".join(
    f"--{key}" if value == "true" else f"--{key}={value}" for key, value in _SAID.items() if key not in {"http", "module"}
)
"""What the ini file of the page says, beside the address and the application."""

pytestmark = pytest.mark.skipif(not (BIN / "uwsgi").exists(), reason="uWSGI (PyPI: pyuwsgi) is not installed beside this Python")


@pytest.mark.timeout(400)  # on a busy machine each start takes long
@pytest.mark.parametrize(
    ("log", "name"),
    [
        ("outbox", "its defaults"),
        ("outbox", "as Open Forms"),
        ("outbox", "as the how-to"),
        ("django", "as Open Zaak"),
        ("api", "--threads 4"),
    ],
)
def test_every_worker_answers_and_all_is_recorded_once(log: str, name: str, tmp_path: Path) -> None:
    with register(tmp_path) as sink, place("postgresql" if log == "django" else "sqlite", tmp_path) as (database, _):
        result = starts(log, PAGE if name == "as the how-to" else FLAGS[name], tmp_path, sink, number=1, database=database)
    print(result)
    assert result.faultless, (tmp_path / "uwsgi").read_text()[-4000:]
    assert result.answered >= 80
