"""SIGKILL of an application's processes at random moments mid-request: every answer that arrived has its record, once (P2).

``python -m crash application`` is the same, for as long as one likes.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from crash.outbox_loop import OTEL, crash


@pytest.mark.parametrize(("safety", "kills"), [("power", 17), ("process", 8)])
def test_what_was_acknowledged_survives_a_kill_exactly_once(safety: str, kills: int, tmp_path: Path) -> None:
    result = crash(safety, tmp_path, kills=kills)
    print(result)
    assert (result.lost, result.doubled) == (0, 0)
    assert result.acknowledged > 2 * kills


def test_the_same_kills_lose_what_a_batch_processor_holds(tmp_path: Path) -> None:
    """So the oracle sees losses where there are any."""
    assert crash(OTEL, tmp_path, kills=2).lost > 0
