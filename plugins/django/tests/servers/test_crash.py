"""SIGKILL of an application and its relays under load: what is in its database is in the register, once, and nothing else is.

``python -m crash django`` is the same, for as long as one likes.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from crash.databases import place
from crash.django_loop import crash


@pytest.mark.timeout(400)  # on a busy machine each start takes long
@pytest.mark.parametrize(("kind", "kills"), [("sqlite", 13), ("postgresql", 12)])
def test_rows_and_records_are_the_same_after_every_kill(kind: str, kills: int, tmp_path: Path) -> None:
    with place(kind, tmp_path) as (database, rows):
        result = crash(tmp_path, kills=kills, database=database, rows=rows)
    print(result)
    assert (result.lost, result.unfounded, result.doubled) == (0, 0, 0)
    assert result.rows > kills
    assert result.courier_kills > 0
