"""Running the register: is it well, what does it count, what does it log, what does it limit."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from verwerkingenlogging_register import Settings, create_app
from verwerkingenlogging_register._access.quotas import RateLimit
from verwerkingenlogging_register._access.shared_quotas import SharedMoments
from verwerkingenlogging_register._errors import Problem
from verwerkingenlogging_register._metrics import SHARED_FOLDER, Metrics, together
from verwerkingenlogging_register._technical_log import JsonLines, TextLines
from verwerkingenlogging_register.settings import LegeVelden

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api, Server
from tests.servers import free_port

CANARY = "999990019"
BODY: dict[str, Any] = {
    "vertrouwelijkheid": "normaal",
    "tijdstip": "2024-04-05T14:35:42Z",
    "verwerkteObjecten": [{"objecttype": "persoon", "soortObjectId": "BSN", "objectId": CANARY}],
}


async def test_health_and_readiness_need_no_token_and_hold_no_data(api: Api, stored: Callable[[], int]) -> None:
    for path, status in (("/gezondheid", "gezond"), ("/gereed", "gereed")):
        response = await api.http.get(f"https://log.example.nl{path}")
        assert (response.status_code, response.json(), response.headers["API-Version"]) == (200, {"status": status}, "1.0.0")
    assert stored() == 0


async def test_a_register_that_cannot_write_is_alive_but_not_ready(api: Api) -> None:
    api.register.repository.close()
    assert (await api.http.get("https://log.example.nl/gezondheid")).status_code == 200
    response = await api.http.get("https://log.example.nl/gereed")
    assert (response.status_code, response.json()["code"], response.headers["Retry-After"]) == (503, "service-unavailable", "5")


async def test_readiness_shows_no_more_than_it_must(api: Api) -> None:
    response = await api.http.post("https://log.example.nl/gereed")
    assert (response.status_code, response.headers["Allow"]) == (405, "GET")


def values(text: str) -> dict[str, float]:
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values() if value): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_metrics_stand_on_a_port_of_their_own_and_hold_no_personal_data(server: Server) -> None:
    port = free_port()
    server.start("--metrics-port", str(port), "--log-format", "json")
    question = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": CANARY}
    async with server.client() as http:
        await asyncio.gather(*[http.post("/verwerkingsacties", json=BODY) for _ in range(50)])
        await http.get("/verwerkingsacties", params=question)
        await http.get(f"/verwerkingsacties/{CANARY}")
        await http.get(f"/{CANARY}")
        await http.request("PURGE", "/verwerkingsacties")
        assert (await http.get(f"http://127.0.0.1:{server.port}/metrics")).status_code == 404
        text = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
    found = values(text)
    assert found["verwerkingenlog_requests_total POST /api/v1/verwerkingsacties 201"] == 50
    assert found["verwerkingenlog_requests_total GET /api/v1/verwerkingsacties/{actieId} 400"] == 1
    assert found["verwerkingenlog_requests_total GET (geen route) 404"] >= 2
    assert found["verwerkingenlog_requests_total other /api/v1/verwerkingsacties 405"] == 1
    assert found["verwerkingenlog_commit_writes_sum"] == 51
    assert 1 <= found["verwerkingenlog_commit_seconds_count"] <= 51
    assert found["verwerkingenlog_queue_length"] == 0
    assert CANARY not in text
    assert found["verwerkingenlog_flagged_total alles tijdstip-past"] == 50
    named = [line for line in text.splitlines() if "alles" in line]
    assert {line.partition("{")[0] for line in named} == {"verwerkingenlog_flagged_total", "verwerkingenlog_flagged_created"}
    assert server.stop() in {0, -15}

    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    requests = [line for line in lines if line.get("route") == "/api/v1/verwerkingsacties" and line["method"] == "POST"]
    assert len(requests) == 50
    assert set(requests[0]) == {"time", "level", "logger", "message", "method", "route", "status", "milliseconds"}
    assert CANARY not in server.log.read_text()


def test_a_refused_write_is_counted_by_its_reason() -> None:
    metrics = Metrics()
    metrics.refused("commit-failed", 3)
    assert metrics.registry.get_sample_value("verwerkingenlog_refused_total", {"reason": "commit-failed"}) == 3


@pytest.mark.parametrize("formatter", [TextLines(), JsonLines()])
def test_an_exception_is_logged_by_type_and_place_and_never_by_its_text(formatter: logging.Formatter) -> None:
    try:
        int(f"x{CANARY}")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    line = formatter.format(logging.LogRecord("asyncio", logging.ERROR, "", 0, "Task failed", (), info))
    assert "ValueError at " in line
    assert CANARY not in line


async def raw(server: Server, request: bytes) -> tuple[int, dict[str, str], dict[str, Any]]:
    """The answer to what no HTTP client would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request)
    answer = b""
    with suppress(ConnectionResetError):  # it answers and closes before it has read all, and then TCP resets the connection
        while part := await asyncio.wait_for(reader.read(65536), 60):
            answer += part
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), {name.title(): value for name, _, value in (line.partition(": ") for line in lines)}, json.loads(body)


async def test_what_is_no_http_and_headers_without_end_are_answered_as_problems_too(server: Server) -> None:
    server.start()
    endless = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: " % n + b"x" * 1000 + b"\r\n" for n in range(60))
    for request, status, code in (
        (f"GET /{CANARY} nonsense\r\n\r\n".encode(), 400, "invalid"),
        (endless, 431, "header-fields-too-large"),
        (endless + b"Connection: close\r\n\r\n", 431, "header-fields-too-large"),
        (b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 17_000 + b"\r\nConnection: close\r\n\r\n", 431, "header-fields-too-large"),
        (b"GET /api/v1/openapi.json HTTP/1.1\r\n\r\n", 400, "invalid"),
        (b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, "invalid"),
        (b"POST /api/v1/verwerkingsacties HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "invalid"),
        (b"POST /api/v1/verwerkingsacties HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "invalid"),
    ):  # fmt: skip
        found, headers, problem = await raw(server, request)
        assert (found, problem["status"], problem["code"]) == (status, status, code)
        assert headers["Content-Type"] == "application/problem+json"
        assert (headers["Api-Version"], headers["X-Frame-Options"]) == ("1.0.0", "DENY")
        assert ("invalidParams" in problem) is (status == 400)
        assert CANARY not in str(problem)
    async with server.client() as http:
        assert (await http.get("/openapi.json")).status_code == 200
    assert CANARY not in server.log.read_text()


@pytest.mark.parametrize(
    "begin",
    [b"GET /api/v1/openapi.json", b"GET / HTTP/1.1\r\nX: ", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: "],
    ids=["address", "header", "trailer"],
)
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_what_never_comes_to_an_end_is_cut_off(server: Server, begin: bytes) -> None:
    server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(begin)
    hung_up = asyncio.ensure_future(reader.read())
    for _ in range(200):  # thrice the limit: more could only wait on the way to a server that is slow to read
        if hung_up.done():
            break
        writer.write(b"x" * 1000)
        await asyncio.sleep(0.001)
    await asyncio.wait([hung_up], timeout=60)
    writer.close()
    assert hung_up.done()
    if not hung_up.exception():  # what we sent since may have met a closed connection, and its reset overtakes the answer
        assert b"431 Request Header Fields Too Large" in hung_up.result()


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_a_client_that_would_rather_speak_http_2_is_answered_and_so_is_its_next_request(server: Server) -> None:
    server.start()
    body = json.dumps(BODY)
    upgrade = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAARAAAAAAAIAAAAA"}
    async with server.client() as http:  # sends its headers first, and then the body
        for _ in range(2):
            response = await http.post("/verwerkingsacties", content=body, headers={"Content-Type": "application/json", **upgrade})
            assert response.status_code == 201
    given = {
        "Host": "x",
        "Authorization": f"Bearer {server.token}",
        "Content-Type": "application/json",
        "Content-Length": len(body),
        **upgrade,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for _ in range(2):
        writer.write(f"POST /api/v1/verwerkingsacties HTTP/1.1\r\n{lines}\r\n{body}".encode())
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)).lower()
        assert head.startswith(b"http/1.1 201 ")
        await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]))
    writer.close()


async def test_headers_beyond_the_limit_are_431(api: Api) -> None:
    response = await api.search(headers={"X-Vulling": "x" * 16_384})
    assert (response.status_code, response.json()["code"]) == (431, "header-fields-too-large")
    assert response.headers["API-Version"] == "1.0.0"
    assert (await api.search(objectId="1" * 17_000)).status_code == 431
    assert (await api.search(headers={"X-Vulling": "x" * 12_000})).status_code == 200


def test_processes_that_share_their_moments_limit_together(tmp_path: Path) -> None:
    now = [1e6]
    limits = [RateLimit(1, 4, moments=SharedMoments(tmp_path / "moments"), clock=lambda: now[0]) for _ in range(2)]
    for limit in limits * 2:
        limit.take("een")
    for client in ("twee", "drie"):
        for limit in limits * 2:
            limit.take(client)
    for client in ("een", "twee", "drie"):
        for limit in limits:
            with pytest.raises(Problem):
                limit.take(client)
    now[0] += 1
    limits[1].take("een")
    with pytest.raises(Problem):
        limits[0].take("een")


def test_what_a_dead_worker_counted_stays_and_its_queue_is_forgotten(tmp_path: Path) -> None:
    count = (
        "import os, signal; from verwerkingenlogging_register._metrics import Metrics; metrics = Metrics(shared=True); "
        "metrics.request('GET', '/x', 200, 0.1); metrics._queue.set(7); os.kill(os.getpid(), signal.SIGKILL)"
    )
    for _ in range(2):
        subprocess.run([sys.executable, "-c", count], env={**os.environ, SHARED_FOLDER: str(tmp_path)}, check=False)
    found = values(generate_latest(together(str(tmp_path))).decode())
    assert found["verwerkingenlog_requests_total GET /x 200"] == 2
    assert found["verwerkingenlog_request_seconds_count"] == 2
    assert "verwerkingenlog_queue_length" not in found


@pytest.mark.parametrize("rate", [3, 7, 10, 0.3, 33])
def test_a_whole_burst_may_come_at_once_and_one_more_may_not(rate: float) -> None:
    limit = RateLimit(rate, 100, clock=lambda: 123_456_789.123)
    for _ in range(100):
        limit.take("een")
    with pytest.raises(Problem):
        limit.take("een")


def test_a_rate_is_kept_for_each_client_apart_and_fills_again() -> None:
    now = [0.0]
    limit = RateLimit(2, 3, clock=lambda: now[0])
    for _ in range(3):
        limit.take("een")
    with pytest.raises(Problem) as refused:
        limit.take("een")
    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "1"})
    limit.take("twee")
    now[0] += 0.5
    limit.take("een")
    with pytest.raises(Problem):
        limit.take("een")
    now[0] += 3600
    for _ in range(3):
        limit.take("een")
    with pytest.raises(Problem):
        limit.take("een")


class TestWithOtherSettings:
    """What a deployment may decide."""

    @pytest.fixture
    async def http(
        self, settings: Settings, token: Callable[..., str], request: pytest.FixtureRequest
    ) -> AsyncIterator[httpx2.AsyncClient]:
        app = create_app(dataclasses.replace(settings, **request.param))
        headers = {"Authorization": f"Bearer {token()}"}
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://x/api/v1", headers=headers) as http,
        ):
            yield http

    @pytest.mark.parametrize("http", [{"rate_limit": 0.01, "rate_burst": 2}], indirect=True)
    async def test_a_client_that_asks_too_much_is_told_when_to_come_back(
        self, http: httpx2.AsyncClient, token: Callable[..., str], stored: Callable[[], int]
    ) -> None:
        answers = [await http.post("/verwerkingsacties", json=BODY) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [201, 201, 429]
        assert (answers[2].json()["code"], answers[2].headers["Content-Type"]) == ("too-many-requests", "application/problem+json")
        assert 0 < int(answers[2].headers["Retry-After"]) <= 100
        assert stored() == 2
        other = await http.post("/verwerkingsacties", json=BODY, headers={"Authorization": f"Bearer {token('gemeente')}"})
        assert other.status_code == 201
        assert (await http.get("/openapi.json")).status_code == 200

    @pytest.mark.parametrize("http", [{"lege_velden": LegeVelden.WEG}], indirect=True)
    async def test_what_was_not_given_can_be_left_out_of_every_answer(self, http: httpx2.AsyncClient) -> None:
        created = await http.post("/verwerkingsacties", json=BODY)
        question = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": CANARY}
        answer = created.json()
        assert created.headers["Location"] == answer["url"]
        assert set(answer) == {"url", "actieId", "vertrouwelijkheid", "tijdstip", "tijdstipRegistratie", "verwerkteObjecten"}
        (verwerkt,) = answer["verwerkteObjecten"]
        assert verwerkt["verwerkteSoortenGegevens"] == []
        assert "betrokkenheid" not in verwerkt
        found = (await http.get("/verwerkingsacties", params=question)).json()
        assert (found["results"], found["next"]) == ([answer], None)
        description = (await http.get("/openapi.json")).json()["components"]["schemas"]
        assert set(description["VerwerkingsactieAnswer"]["required"]) == set(answer)

    @pytest.mark.parametrize("http", [{"depth_limit": 5, "body_limit": 2000, "batch_body_limit": 3000}], indirect=True)
    async def test_body_and_depth_are_limited_as_set(self, http: httpx2.AsyncClient) -> None:
        long = {**BODY, "vulling": "x" * 2000}
        statuses = [
            (await http.post("/verwerkingsacties", json=long)).status_code,
            (await http.post("/verwerkingsacties/_batch", json={"acties": [BODY, {"vulling": "x" * 2000}]})).status_code,
            (await http.post("/verwerkingsacties/_batch", json={"acties": [long, long]})).status_code,
            (await http.post("/verwerkingsacties", json={**BODY, "x": [[[[[[]]]]]]})).status_code,
        ]
        assert statuses == [413, 200, 413, 400]
