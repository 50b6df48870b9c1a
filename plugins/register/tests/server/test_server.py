"""The register as it runs: a process of its own, real HTTP, killed, starved and stopped."""

from __future__ import annotations

import asyncio
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from tests.servers import NO_AUTHORITIES, free_port

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Server

CANARY = "999990019"


def body(number: str = "2308572", **more: Any) -> dict[str, Any]:
    verwerkt = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": number}
    return {"vertrouwelijkheid": "normaal", "tijdstip": "2024-04-05T14:35:42+01:00", "verwerkteObjecten": [verwerkt], **more}


def rows(server: Server, table: str = "verwerkingsactie") -> int:
    return int(server.place.query(f"SELECT count(*) FROM {table}")[0][0])


async def test_concurrent_posts_are_all_there(server: Server) -> None:
    server.start()
    async with server.client() as http:
        responses = await asyncio.gather(*[http.post("/verwerkingsacties", json=body()) for _ in range(300)])
    assert {response.status_code for response in responses} == {201}
    assert sorted(server.place.ids()) == sorted(response.json()["actieId"] for response in responses)
    assert responses[0].headers["Location"].startswith(f"{server.url}/verwerkingsacties/")


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_what_is_sent_again_after_a_kill_is_there_once(server: Server) -> None:
    sent: list[str] = []

    async def post(http: httpx2.AsyncClient, key: str) -> int:
        response = await http.post("/verwerkingsacties", json=body(actieNaam=key), headers={"Idempotency-Key": key})
        return response.status_code

    async def post_until_it_dies_with_keys(http: httpx2.AsyncClient) -> None:
        while True:
            sent.append(f"key-{len(sent)}")
            try:
                await post(http, sent[-1])
            except httpx2.TransportError:
                return

    for _ in range(3):
        server.start("--no-log-inzage")
        async with server.client() as http:
            load = [asyncio.ensure_future(post_until_it_dies_with_keys(http)) for _ in range(8)]
            await asyncio.sleep(random.uniform(0.05, 0.4))
            server.kill()
            await asyncio.gather(*load)
    server.start("--no-log-inzage")
    async with server.client() as http:
        assert {await post(http, key) for key in sent} == {201}
        question = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "2308572", "pageSize": "1"}
        assert (await http.get("/verwerkingsacties", params=question)).json()["count"] == len(sent)


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_a_full_disk_gives_503_nothing_half_stored_and_a_register_that_goes_on(server: Server) -> None:
    room = 400_000
    server.start("--no-log-inzage", preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY)))
    assert server.process is not None
    statuses: list[int] = []
    async with server.client() as http:
        while 503 not in statuses:
            answers = await asyncio.gather(*[http.post("/verwerkingsacties", json=body(actieNaam="x" * 200)) for _ in range(20)])
            statuses += [answer.status_code for answer in answers]
        refused = next(answer for answer in answers if answer.status_code == 503)
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.headers["Retry-After"] == "5"
        query = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "2308572", "pageSize": "1"}
        found = await http.get("/verwerkingsacties", params=query)
        assert (found.status_code, found.json()["count"]) == (200, statuses.count(201))

        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert (await http.post("/verwerkingsacties", json=body())).status_code == 201
    assert set(statuses) == {201, 503}
    assert rows(server) == rows(server, "verwerkt_object") == statuses.count(201) + 1


async def test_no_log_line_holds_a_bsn(server: Server) -> None:
    server.start()
    question = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": CANARY}
    period = {"beginDatum": "2024-01-01", "eindDatum": "2025-01-01"}
    async with server.client() as http:
        await http.post("/verwerkingsacties", json=body(CANARY))
        await http.post("/verwerkingsacties", json=body(CANARY, actieNaam=f"{CANARY}\n"))
        await http.post(f"/verwerkingsacties?bsn={CANARY}", content=CANARY.encode())
        for path in ("/verwerkingsacties", "/verwerkte-objecten"):
            for query in (question, {**question, **period}, {**question, "page": "2"}, {**question, "objecttype": CANARY}):
                await http.get(path, params=query)
            await http.get(f"{path}/{CANARY}")
        await http.get(f"/{CANARY}")
        server.place.execute("DROP TABLE verwerkt_object")
        assert (await http.get("/verwerkingsacties", params=question)).status_code == 500
        assert (await http.post("/verwerkingsacties", json=body(CANARY))).status_code == 503
    # A request that is no HTTP, which the server refuses before we see it.
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET /{CANARY}?{CANARY} nonsense {CANARY}\r\n\r\n".encode())
    await reader.read()
    writer.close()
    server.stop()
    log = server.log.read_text()
    assert "GET /api/v1/verwerkingsacties 500" in log
    assert CANARY not in log


async def test_a_stop_lets_requests_finish(server: Server) -> None:
    server.start()
    async with server.client() as http:
        load = [asyncio.ensure_future(http.post("/verwerkingsacties", json=body())) for _ in range(30)]
        await asyncio.sleep(0.05)
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        answers = await asyncio.gather(*load, return_exceptions=True)
    acknowledged = [answer for answer in answers if isinstance(answer, httpx2.Response) and answer.status_code == 201]
    await asyncio.to_thread(server.process.wait, 60)
    assert len(server.place.ids()) >= len(acknowledged)
    assert "Finished server process" in server.log.read_text()


def test_the_examples_of_the_readme_work(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    port = str(free_port())
    serve, *others = [block for block in blocks if "pip install" not in block]
    script = "set -eu\n" + "\n".join(others).replace("8081", port)
    environment = server_environment(tmp_path)
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(["sh", "-c", f"exec {serve.strip().replace('8081', port)}"], cwd=tmp_path, env=environment, stderr=log) as process,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/gezondheid")
            done = subprocess.run(
                ["sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
            )
        finally:
            process.terminate()
    assert done.returncode == 0, done.stderr
    assert '"actieNaam":"Ophalen persoonsgegevens"' in done.stdout
    assert done.stdout.count('"objectId":"2308572"') >= 3


def server_environment(tmp_path: Path) -> dict[str, str]:
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            httpx2.get(url, timeout=10, verify=NO_AUTHORITIES)
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"nothing answers at {url}")
