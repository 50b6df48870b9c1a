"""Under a real uWSGI, which forks in C: every worker answers, no id is given twice, and each record is in the register once.

``python -m crash uwsgi`` is the same, with more starts and all of its flags.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from crash.places import place
from crash.sinks import register
from crash.uwsgi import starts
from tests.servers import BIN

pytestmark = pytest.mark.skipif(not (BIN / "uwsgi").exists(), reason="uWSGI (PyPI: pyuwsgi) is not installed beside this Python")


@pytest.mark.timeout(400)  # on a busy machine each start takes long
@pytest.mark.parametrize(
    ("log", "flags"),
    [
        ("outbox", "its defaults"),
        ("outbox", "as Open Forms"),
        ("django", "as Open Zaak"),
        ("api", "--threads 4"),
    ],
)
def test_every_worker_answers_and_all_is_recorded_once(log: str, flags: str, tmp_path: Path) -> None:
    with register(tmp_path) as sink, place("postgresql" if log == "django" else "sqlite", tmp_path) as (database, _):
        result = starts(log, flags, tmp_path, sink, number=1, database=database)
    print(result)
    assert result.faultless, (tmp_path / "uwsgi").read_text()[-4000:]
    assert result.answered >= 80
