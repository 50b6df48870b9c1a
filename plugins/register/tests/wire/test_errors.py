"""Every answer has the same headers, and every error the same form (gemma.md 6, ADR)."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api, Place

# Decided before any database is asked: one kind is enough.
SQLITE = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

HEADERS = {
    "API-Version": "1.0.0",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
QUESTION = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "2308572"}


@SQLITE
@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nergens", 404, "not-found"),
        ("GET", "/verwerkingsacties/", 404, "not-found"),
        ("POST", "/verwerkingsacties/", 404, "not-found"),
        ("GET", "/verwerkte-objecten/", 404, "not-found"),
        ("DELETE", "/verwerkingsacties", 405, "method-not-allowed"),
        ("POST", "/verwerkte-objecten", 405, "method-not-allowed"),
        ("OPTIONS", "/verwerkingsacties", 405, "method-not-allowed"),
        ("POST", "/openapi.json", 405, "method-not-allowed"),
        ("GET", "/verwerkingsacties", 400, "invalid"),
        ("GET", "/verwerkingsacties/00000000-0000-4000-8000-000000000000", 404, "not-found"),
    ],
)
async def test_an_error_is_a_problem_with_all_headers(api: Api, method: str, path: str, status: int, code: str) -> None:
    response = await api.http.request(method, path, headers=api.auth())
    assert (response.status_code, response.json()["code"], response.json()["status"]) == (status, code, status)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert {name: response.headers[name] for name in HEADERS} == HEADERS
    assert {"type", "code", "title", "status", "detail", "instance"} <= response.json().keys()


async def test_a_method_that_does_not_exist_says_which_do(api: Api) -> None:
    response = await api.http.delete("/verwerkingsacties", headers=api.auth())
    assert response.headers["Allow"] == "GET, PATCH, POST"


async def test_a_good_answer_has_the_same_headers(api: Api) -> None:
    for response in (await api.post(), await api.search(), await api.http.get("/openapi.json")):
        assert response.is_success
        assert {name: response.headers[name] for name in HEADERS} == HEADERS


@SQLITE
@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("text/html, application/*;q=0.1", 200),
        ("APPLICATION/JSON; charset=utf-8", 200),
        ("text/html", 406),
        ("application/json;q=0", 406),
        ("application/json; q=0.000, text/csv", 406),
        ("", 406),
    ],
)
async def test_a_client_that_takes_no_json_is_told_so(api: Api, accept: str, status: int) -> None:
    response = await api.search(headers={"Accept": accept})
    assert response.status_code == status
    if status == 406:
        assert response.headers["Content-Type"] == "application/problem+json"


async def test_each_error_has_an_instance_of_its_own(api: Api) -> None:
    first, second = [(await api.http.get("/nergens")).json()["instance"] for _ in range(2)]
    assert first != second
    assert first.startswith("urn:uuid:")


async def test_a_fault_of_ours_is_a_500_that_only_the_technical_log_explains(
    api: Api, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    await api.posted()
    place.execute("DROP TABLE verwerkt_object")
    with caplog.at_level(logging.INFO, logger="verwerkingenlogging_register"):
        response = await api.search()
    problem = response.json()
    assert (response.status_code, problem["code"], response.headers["API-Version"]) == (500, "error", "1.0.0")
    assert "verwerkt_object" not in response.text
    ours = [record for record in caplog.records if record.name == "verwerkingenlogging_register"]
    (line,) = [record for record in ours if record.levelno == logging.ERROR]
    assert problem["instance"] in line.getMessage()
    assert "GET /api/v1/verwerkingsacties" in line.getMessage()
    assert re.search(r"(Operational|Programming)Error at \S+statements.py:\d+ in run", line.getMessage())
    assert not [record for record in ours if "2308572" in record.getMessage()]


async def test_a_request_is_logged_by_the_template_of_its_route(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    answer = await api.posted()
    with caplog.at_level(logging.INFO, logger="verwerkingenlogging_register"):
        await api.search()
        await api.actie(answer["actieId"])
        await api.http.get("/verwerkte-objecten/2308572", headers=api.auth())
        await api.http.get("/2308572")
    lines = [record.getMessage().rpartition(" ")[0].rpartition(" ")[0] for record in caplog.records if record.levelno == logging.INFO]
    assert lines == [
        "GET /api/v1/verwerkingsacties 200",
        "GET /api/v1/verwerkingsacties/{actieId} 200",
        "GET /api/v1/verwerkte-objecten/{verwerktObjectId} 400",
        "GET (geen route) 404",
    ]
    assert "2308572" not in caplog.text
