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

from demo.processes import free_ports

README = Path(__file__).parents[1] / "README.md"


def test_the_lines_to_run_everything_by_hand_work(tmp_path: Path) -> None:
    start, ask = re.findall(r"```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    register, gegevensmagazijn, zaaksysteem = free_ports(3)
    for port, free in {8080: register, 8001: zaaksysteem, 8002: gegevensmagazijn}.items():
        start, ask = (lines.replace(f"--port {port}", f"--port {free}").replace(f":{port}/", f":{free}/") for lines in (start, ask))
    ours = {"ZAAKSYSTEEM_GEGEVENSMAGAZIJN": f"http://127.0.0.1:{gegevensmagazijn}"}
    environment = {name: value for name, value in os.environ.items() if name != "COVERAGE_PROCESS_CONFIG"} | ours
    script = start.replace("$PWD/.venv/bin", sysconfig.get_path("scripts")) + "\nwait\n"
    with (tmp_path / "output").open("wb") as output:
        shell = subprocess.Popen(
            ["bash", "-euc", script], cwd=tmp_path, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        for port, path in ((register, "/api/v1/openapi.json"), (gegevensmagazijn, "/health"), (zaaksysteem, "/health")):
            wait_for(f"http://127.0.0.1:{port}{path}")
        url = re.search(r"http://\S+", ask)
        body = re.search(r"--data '(.*?)'", ask)
        assert url is not None
        assert body is not None
        answer = httpx2.post(url[0], content=body[1], headers={"Content-Type": "application/json"}, trust_env=False)
    finally:
        os.killpg(shell.pid, signal.SIGTERM)
        shell.wait(30)
    assert [persoon["bsn"] for persoon in answer.json()] == ["2308572"]


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if httpx2.get(url, trust_env=False).is_success:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")
