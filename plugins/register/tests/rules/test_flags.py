"""What the administrator is told of what was flagged: by client, and no more than a line a minute."""

from __future__ import annotations

import pytest

from verwerkingenlogging_register._metrics import Metrics
from verwerkingenlogging_register._rules.acceptance import Flag
from verwerkingenlogging_register._rules.flags import Flags


def test_a_flood_of_flags_is_one_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now, metrics = [0.0], Metrics()
    flags = Flags(metrics, lambda: now[0])
    for _ in range(100):
        flags.add("een", [Flag.TIJDSTIP_PAST] * 10)
    flags.add("ander", [Flag.TIJDSTIP_PAST])
    now[0] = 61.0
    flags.add("een", [Flag.TIJDSTIP_PAST])
    assert [record.getMessage().partition(" verwerkingsacties")[0] for record in caplog.records] == [
        "client een: 10", "client ander: 1", "client een: 991",
    ]  # fmt: skip
    assert metrics.registry.get_sample_value("verwerkingenlog_flagged_total", {"client": "een", "flag": "tijdstip-past"}) == 1001
