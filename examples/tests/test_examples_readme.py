"""The lines of the README, executed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sysconfig
import time
from pathlib import Path

import httpx2
from examples.tests.test_examples_demo import from_curl
from tests.servers import NO_AUTHORITIES

from demo.processes import free_ports

README = Path(__file__).parents[1] / "README.md"


def test_the_lines_to_run_everything_by_hand_work(tmp_path: Path) -> None:
    start, *asks = re.findall(r"```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    ports = dict(zip((8080, 8001, 8002, 8003), free_ports(4), strict=True))
    for port, free in ports.items():
        start, *asks = (re.sub(rf"((?:--port |127\.0\.0\.1:)){port}\b", rf"\g<1>{free}", lines) for lines in (start, *asks))
    gegevensmagazijn = f"http://127.0.0.1:{ports[8002]}"
    ours = {"ZAAKSYSTEEM_GEGEVENSMAGAZIJN": gegevensmagazijn, "BURGERZAKEN_GEGEVENSMAGAZIJN": gegevensmagazijn}
    environment = {name: value for name, value in os.environ.items() if name != "COVERAGE_PROCESS_CONFIG"} | ours
    script = start.replace("$PWD/.venv/bin", sysconfig.get_path("scripts")) + "\nwait\n"
    with (tmp_path / "output").open("wb") as output:
        shell = subprocess.Popen(
            ["bash", "-euc", script], cwd=tmp_path, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        for port, path in ((8080, "/api/v1/openapi.json"), (8002, "/health"), (8001, "/health"), (8003, "/health")):
            wait_for(f"http://127.0.0.1:{ports[port]}{path}")
        read, opened, health = [from_curl(line) for ask in asks for line in ask.replace("\\\n", "").splitlines()]
    finally:
        os.killpg(shell.pid, signal.SIGTERM)
        shell.wait(30)
    assert [persoon["bsn"] for persoon in read.json()] == ["2308572"]
    assert opened.status_code == 201, opened.text
    assert health.json()["status"] == "ok"


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            if httpx2.get(url, trust_env=False, verify=NO_AUTHORITIES).is_success:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")
