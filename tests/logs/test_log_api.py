"""ApiLog against a real HTTP server: what counts as an acknowledgement, and what every other answer becomes."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import pytest
from tests.http_server import Server, answer, http_server

from verwerkingenlogging import ConfigurationError, LogRefused, LogUnavailable, NotRecorded, Verwerkingsactie, VerwerktObject
from verwerkingenlogging.logs._http.http_library import core
from verwerkingenlogging.logs.api import ApiLog, ClientToken

CREATED = answer(201, {"actieId": "7a22eb38-bca6-463f-9955-54ab040287cb"})
SECRET = "a secret of more than thirty-two bytes"
ACTIE = Verwerkingsactie(
    tijdstip="2024-04-05T14:35:42+01:00",
    actie_naam="Ophalen persoonsgegevens",
    verwerking_id=UUID("48086bf2-11b7-4603-9526-67d7c3bb6587"),
    verwerkte_objecten=(VerwerktObject(object_id="2308572"),),
)


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server() as running:
        running.answer = CREATED
        yield running


async def send(log: ApiLog, *, how: str, acties: list[Verwerkingsactie] | None = None) -> None:
    try:
        if how == "log":
            await asyncio.to_thread(log.log, acties or [ACTIE])
        else:
            await log.alog(acties or [ACTIE])
    finally:
        log.close()
        await log.aclose()


BOTH = pytest.mark.parametrize("how", ["log", "alog"])


@BOTH
async def test_a_record_is_posted_as_the_standard_says(server: Server, how: str) -> None:
    await send(ApiLog(server.url + "/api/v1/", token="abc", timeout=60), how=how)
    ((line, headers, body),) = server.requests
    assert line == "POST /api/v1/verwerkingsacties HTTP/1.1"
    assert (headers["authorization"], headers["content-type"]) == ("Bearer abc", "application/json")
    assert json.loads(body) == {
        "tijdstip": "2024-04-05T14:35:42+01:00",
        "actieNaam": "Ophalen persoonsgegevens",
        "verwerkingId": "48086bf2-11b7-4603-9526-67d7c3bb6587",
        "vertrouwelijkheid": "normaal",
        "verwerkteObjecten": [{"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "2308572"}],
    }


@BOTH
async def test_no_doelbinding_header_goes_to_the_log_itself(server: Server, how: str) -> None:
    await send(ApiLog(server.url, token="abc", timeout=60), how=how)
    sent = set(server.requests[0][1])
    assert not sent & {"oin", "verwerkingid", "verwerkingsactiviteitid", "verwerkingsactiviteiturl", "vertrouwelijkheid", "bewaartermijn"}


@BOTH
async def test_a_connection_is_kept_for_the_next_record(server: Server, how: str) -> None:
    await send(ApiLog(server.url, token="abc", timeout=60), how=how, acties=[ACTIE] * 3)
    assert (len(server.requests), server.connections) == (3, 1)


# What a register may answer instead of an acknowledgement, and what it becomes.
ANSWERS: list[tuple[bytes, type[NotRecorded], str]] = [
    (
        answer(400, {"code": "invalid", "invalidParams": [{"name": "tijdstip", "code": "invalid", "reason": "2308572"}]}),
        LogRefused,
        r"answered 400 \(tijdstip: invalid\)$",
    ),
    (
        answer(400, {"invalidParams": [{"name": "verwerkteObjecten[0].objectId", "code": "max-length", "reason": "x"}]}),
        LogRefused,
        r"\(verwerkteObjecten\[0\]\.objectId: max-length\)$",
    ),
    (
        answer(400, {"invalidParams": [{"name": "BSN 2308572", "code": "invalid"}, {"name": 5}, "x", {"name": "a", "code": "2308572"}]}),
        LogRefused,
        "answered 400$",
    ),
    (answer(400, {"invalidParams": "2308572"}), LogRefused, "answered 400$"),
    (answer(401, {"code": "unauthorized"}), LogRefused, "answered 401; see to the client's id and secret$"),
    (answer(403, {"code": "forbidden"}), LogRefused, "answered 403; see to what the client may do$"),
    (answer(404), LogRefused, "answered 404; see to the address of the register$"),
    (answer(413), LogRefused, "answered 413$"),
    (answer(408), LogUnavailable, "answered 408$"),
    (answer(429), LogUnavailable, "answered 429$"),
    (answer(500, b"Traceback: 2308572", content_type="text/plain"), LogUnavailable, "answered 500$"),
    (answer(503), LogUnavailable, "answered 503$"),
    (answer(200, {"actieId": "7a22eb38-bca6-463f-9955-54ab040287cb"}), LogUnavailable, "answered 200$"),
    (answer(302), LogUnavailable, "answered 302$"),
    (answer(201), LogUnavailable, "201 without an actieId"),
    (answer(201, b"<html>Welcome to the Wi-Fi</html>"), LogUnavailable, "201 without an actieId"),
    (answer(201, {"actieId": ""}), LogUnavailable, "201 without an actieId"),
    (answer(201, {"actieId": None}), LogUnavailable, "201 without an actieId"),
    (answer(201, b'["actieId"]'), LogUnavailable, "201 without an actieId"),
    (b"garbage\r\n\r\n", LogUnavailable, r"\(RemoteProtocolError\)"),
    (b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{", LogUnavailable, "within 0.3 seconds .*Timeout"),
    (b"", LogUnavailable, r"\(RemoteProtocolError\)"),
]


@BOTH
@pytest.mark.parametrize(("given", "error", "message"), ANSWERS)
async def test_every_other_answer_means_not_recorded(
    server: Server, how: str, given: bytes, error: type[NotRecorded], message: str
) -> None:
    server.answer = given
    with pytest.raises(error, match=message) as caught:
        await send(ApiLog(server.url, token="abc", timeout=0.3 if "Timeout" in message else 60), how=how)
    assert type(caught.value) is error
    assert "2308572" not in str(caught.value)
    assert caught.value.__cause__ is None
    if isinstance(caught.value, LogRefused):
        assert f"answered {caught.value.status}" in str(caught.value)


@BOTH
async def test_a_register_that_is_not_there_means_not_recorded(how: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]  # kept, so that nobody else listens on it
        with pytest.raises(LogUnavailable, match="ConnectError"):
            await send(ApiLog(f"http://127.0.0.1:{port}", token="abc", timeout=60), how=how)


@BOTH
async def test_a_register_that_says_nothing_means_not_recorded(how: str) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(LogUnavailable, match="Timeout"):
            await send(ApiLog(f"http://127.0.0.1:{silent.getsockname()[1]}", token="abc", timeout=0.2), how=how)


@BOTH
async def test_the_first_record_that_fails_stops_the_rest(server: Server, how: str) -> None:
    server.answer = answer(503)
    with pytest.raises(LogUnavailable):
        await send(ApiLog(server.url, token="abc", timeout=60), how=how, acties=[ACTIE] * 3)
    assert len(server.requests) == 1


@BOTH
async def test_it_signs_its_own_token(server: Server, how: str) -> None:
    before = int(time.time())
    await send(ApiLog(server.url, token=ClientToken("zaaksysteem", SECRET, lifetime=60), timeout=60), how=how)
    after = int(time.time())
    token = server.requests[0][1]["authorization"].removeprefix("Bearer ")
    claims: dict[str, Any] = jwt.decode(token, SECRET, algorithms=["HS256"])
    assert (claims["iss"], claims["client_id"]) == ("zaaksysteem", "zaaksysteem")
    assert claims["exp"] - claims["iat"] == 60
    assert before <= claims["iat"] <= after


def test_a_token_is_kept_for_half_its_life() -> None:
    long, short = ClientToken("zaaksysteem", SECRET), ClientToken("zaaksysteem", SECRET, lifetime=0)
    assert long() is long()
    assert short() is not short()


def test_a_short_secret_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigurationError, match="'zaaksysteem' has fewer than 32 bytes") as caught:
        ClientToken("zaaksysteem", "hunter2")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("log.gemeente.example", "https address"),
        ("ftp://log.gemeente.example", "https address"),
        ("https://", "https address"),
        ("https://log.gemeente.example/api?x=1", "without query"),
        ("https://a\x00b", "not a valid address"),
        ("https://log.gemeente.example:port", "not a valid address"),
        (f"https://{'a' * 64}.example", "not a valid address"),
        ("http://log.gemeente.example/api/v1", "plain http; use https"),
    ],
)
def test_an_address_that_is_wrong_or_unsafe_stops_the_start(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ApiLog(url, token="abc")


@pytest.mark.parametrize("url", ["https://log.example/api/v1", "http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost"])
def test_https_or_this_machine_is_fine(url: str) -> None:
    assert ApiLog(url, token="abc", ssl_context=ssl.create_default_context()).url == url + "/verwerkingsacties"


def test_plain_http_to_another_machine_must_be_asked_for() -> None:
    assert ApiLog("http://log.intern", token="abc", allow_http=True).url == "http://log.intern/verwerkingsacties"


ENVIRON = {
    "VERWERKINGENLOGGING_REGISTER": "https://log.example/api/v1",
    "VERWERKINGENLOGGING_CLIENT_ID": "zaaksysteem",
    "VERWERKINGENLOGGING_CLIENT_SECRET": SECRET,
}


async def test_the_environment_says_where_the_register_is_and_who_we_are(server: Server, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n")
    with_file = {**ENVIRON, "VERWERKINGENLOGGING_CLIENT_SECRET": "", "VERWERKINGENLOGGING_CLIENT_SECRET_FILE": str(tmp_path / "secret")}
    for environ in (ENVIRON, with_file):
        await send(ApiLog.from_env({**environ, "VERWERKINGENLOGGING_REGISTER": server.url}), how="alog")
    for _, headers, _ in server.requests:
        assert jwt.decode(headers["authorization"].removeprefix("Bearer "), SECRET, algorithms=["HS256"])["iss"] == "zaaksysteem"


@pytest.mark.parametrize("name", ENVIRON)
def test_what_the_environment_lacks_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for other, value in ENVIRON.items():
        monkeypatch.setenv(other, "" if other == name else value)
    with pytest.raises(ConfigurationError, match=f"environment: {name} is missing"):
        ApiLog.from_env()


def test_a_secret_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"CLIENT_SECRET_FILE: /nowhere/secret: cannot be read"):
        ApiLog.from_env({**ENVIRON, "VERWERKINGENLOGGING_CLIENT_SECRET_FILE": "/nowhere/secret"})


def test_each_event_loop_has_its_own_connections(server: Server) -> None:
    log = ApiLog(server.url, token="abc", timeout=60)

    async def use() -> None:
        await log.alog([ACTIE])
        await log.aclose()
        await log.aclose()  # a second time does no harm

    asyncio.run(use())
    asyncio.run(use())
    assert server.connections == 2


def _in_child(log: ApiLog, done: Any) -> None:
    log.log([ACTIE])
    log.close()
    done.put(os.getpid())


def test_a_forked_child_makes_its_own_connections(server: Server) -> None:
    log = ApiLog(server.url, token="abc", timeout=60)
    log.log([ACTIE])
    fork = multiprocessing.get_context("fork")
    done = fork.Queue()
    child = fork.Process(target=_in_child, args=(log, done))
    child.start()
    assert done.get(timeout=60) == child.pid
    child.join()
    log.log([ACTIE])
    log.close()
    log.close()  # a second time does no harm
    assert (server.connections, len(server.requests)) == (2, 3)


def test_it_speaks_through_the_library_that_is_installed() -> None:
    """``test_extras`` runs these tests once more where there is no httpcore2."""
    assert core.__name__ == ("httpcore" if os.environ.get("WITHOUT_HTTPCORE2") else "httpcore2")


@BOTH
async def test_whom_the_environment_trusts_is_not_believed(authority: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(authority, authority.with_name("key.pem"))
    with http_server(tls) as server:
        server.answer = CREATED
        with pytest.raises(LogUnavailable, match="ConnectError"):
            await send(ApiLog(server.url, token="abc", timeout=60), how=how)
        assert not server.requests
        await send(ApiLog(server.url, token="abc", timeout=60, ssl_context=ssl.create_default_context(cafile=authority)), how=how)
        assert len(server.requests) == 1
