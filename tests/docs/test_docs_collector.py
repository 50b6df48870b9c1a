"""The page on Collectors is true: its application runs, and its configurations lose nothing by their own doing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.collectors import Collector, Register
from tests.servers import BIN

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "use-a-collector.md").read_text(encoding="utf-8")
CONFIGURATIONS: list[dict[str, Any]] = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
USE = """
from collector_log import log
from verwerkingenlogging import Verwerkingsactie

log.log([Verwerkingsactie(tijdstip="2024-04-05T14:35:42Z", actie_naam="Volgens de pagina")])
assert log.flush(60)
log.close()
"""


def test_there_is_one_for_each_destination() -> None:
    exporters = [name for each in CONFIGURATIONS for name in each["exporters"]]
    assert exporters == ["otlphttp/register", "clickhouse", "kafka", "otlphttp/register"]


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=lambda each: next(iter(each["service"]["pipelines"])))
def test_each_queues_on_disk_or_not_at_all_and_never_gives_up(configuration: dict[str, Any]) -> None:
    (pipeline,) = configuration["service"]["pipelines"].values()
    for kind in ("receivers", "processors", "exporters"):
        assert set(pipeline.get(kind, [])) == set(configuration.get(kind, {}))
    assert set(configuration["service"]["extensions"]) == set(configuration["extensions"])
    assert not {name.partition("/")[0] for name in pipeline.get("processors", [])} & {"batch", "memory_limiter", "tail_sampling"}
    for exporter in configuration["exporters"].values():
        assert exporter["retry_on_failure"] == {"max_elapsed_time": 0}
        queue = exporter["sending_queue"]
        if queue.get("enabled", True):
            assert queue["storage"] == "file_storage"
            assert configuration["extensions"]["file_storage"]["fsync"] is True
        else:
            (receiver,) = configuration["receivers"].values()
            assert receiver["message_marking"] == {"after": True, "on_error": False}


def test_the_application_of_the_page_reaches_the_register(tmp_path: Path) -> None:
    register = Register(tmp_path / "register")
    register.run()
    collector = Collector(tmp_path, register)
    collector.start("--batch-timeout", "20ms")
    try:
        (code,) = re.findall(r"<!-- file: collector_log.py -->\n```python\n(.*?)```", PAGE, re.DOTALL)
        # The collector of these tests is the client "alles", on a port of its own.
        changed = code.replace("127.0.0.1:4318", f"127.0.0.1:{collector.http}").replace('client="collector"', 'client="alles"')
        (tmp_path / "collector_log.py").write_text(changed)
        (tmp_path / "use.py").write_text(USE)
        environ = {
            "PATH": str(BIN),
            "VERWERKINGENLOGGING_REGISTER": register.url,
            "VERWERKINGENLOGGING_CLIENT_ID": "alles",
            "VERWERKINGENLOGGING_CLIENT_SECRET": "geheim-van-de-toepassing-van-32-bytes-of-meer",
            "VERWERKINGENLOGGING_OUTBOX": str(tmp_path / "outbox"),
            "VERWERKINGENLOGGING_SUBJECT_SECRET": "geheim-van-de-toepassing-van-32-bytes",
        }
        done = subprocess.run(
            [sys.executable, "use.py"], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=90, check=False
        )
        assert done.returncode == 0, done.stderr
        assert [body["actieNaam"] for body in register.bodies()] == ["Volgens de pagina"]
    finally:
        collector.close()
        register.kill()
