"""Time: what takes too long ends, and a client that was revoked gets nothing more, whatever it had under way."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import httpx2
import pytest
from plugins.register.tests import engines
from plugins.register.tests.conftest import BASE_URL, DOELBINDING, MINIMAL, SECRET, Api, Place, Server, make_token
from plugins.register.tests.http_wire import read_answer

from verwerkingenlogging_register import Settings, create_app
from verwerkingenlogging_register._access.clients import Client, register_client, revoke_client
from verwerkingenlogging_register._keys.key_file import KeySource
from verwerkingenlogging_register._keys.protection import Keys
from verwerkingenlogging_register._model.scopes import Scope
from verwerkingenlogging_register._model.tables import client
from verwerkingenlogging_register._requests.admission import FRESH_SECONDS

PATIENCE_SECONDS = 60
ALIVE = b"GET /gezondheid HTTP/1.1\r\nHost: x\r\n\r\n"
ACTIES = "/api/v1/verwerkingsacties"


@pytest.fixture(scope="module")
def server(shared_server: Callable[..., Server]) -> Server:
    """One register that has little patience."""
    limits = ("--header-timeout", "1", "--body-timeout", "3", "--idle-timeout", "1", "--connection-limit", "60")
    return shared_server("--rate-limit", "0", "--no-log-inzage", *limits)


@pytest.fixture(scope="module")
def patient(shared_server: Callable[..., Server]) -> Server:
    """One that has as much as any."""
    return shared_server("--rate-limit", "0", "--no-log-inzage")


@asynccontextmanager
async def connection(server: Server) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection that keeps little of what it does not read."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", server.port))
    reader, writer = await asyncio.open_connection(sock=raw, limit=4096)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def rest_of(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the server ends the connection."""
    found = bytearray()
    with suppress(ConnectionError):
        while part := await asyncio.wait_for(reader.read(4096), PATIENCE_SECONDS):
            found += part
    return bytes(found)


def request(server: Server, *lines: str, token: str = "", method: str = "POST", path: str = ACTIES) -> bytes:
    """The head of a request with a body in JSON."""
    authorization = f"Authorization: Bearer {token or server.token}"
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", authorization, "Content-Type: application/json", *lines, "", ""]).encode()


SLOW = {
    "nothing": (b"", b"", b""),
    "an address without end": (b"GET /", b"x", b"408"),
    "headers without end": (b"GET / HTTP/1.1\r\nX: ", b"x", b"408"),
    "a header at a time": (b"GET / HTTP/1.1\r\nHost: x\r\n", b"X: y\r\n", b"408"),
    "a body that trickles": (b"BODY", b" ", b"408"),
    "a body that never comes": (b"BODY", b"", b"408"),
    "chunks that trickle": (b"CHUNKS", b"1\r\n \r\n", b"408"),
    "a trailer that trickles": (b"CHUNKS0\r\n", b"X: y\r\n", b"408"),
    "the rest of a refused body": (b"POST /nergens HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", b" ", b"404"),
    "the rest of a refused body, that never comes": (b"POST /nergens HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", b"", b"404"),
    "nothing behind an answer": (ALIVE, b"", b"200"),
    "an empty line at a time": (b"", b"\r\n", b""),
}


async def slowly(server: Server, begin: bytes, more: bytes) -> bytes:
    """What comes back when ``begin`` is sent, and then ``more`` now and again until the server has had enough."""
    async with connection(server) as (reader, writer):
        writer.write(begin)
        ended = asyncio.ensure_future(rest_of(reader))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not ended.done() and time.monotonic() < deadline:
            writer.write(more)
            await asyncio.wait([ended], timeout=0.2)
        return await ended


async def test_what_comes_too_slowly_is_ended_and_told_so(server: Server) -> None:
    heads = {b"BODY": request(server, "Content-Length: 100000"), b"CHUNKS": request(server, "Transfer-Encoding: chunked")}
    asked = []
    for begin, more, _ in SLOW.values():
        head = next((name for name in heads if begin.startswith(name)), b"")
        asked.append(slowly(server, heads.get(head, b"") + begin.removeprefix(head), more))
    answers = dict(zip(SLOW, await asyncio.gather(*asked), strict=True))
    assert {name: answer.split(b" ")[1 if answer else 0] for name, answer in answers.items()} == {
        name: status for name, (_, _, status) in SLOW.items()
    }
    for answer in answers.values():
        if b" 408 " in answer:
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "request-timeout"


async def test_a_client_that_never_reads_its_answers_is_cut_off(server: Server) -> None:
    async with connection(server) as (_, writer):
        asked = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 400
        with pytest.raises((ConnectionError, TimeoutError)) as ended:  # noqa: PT012  # which write meets the end, nobody knows
            deadline = time.monotonic() + PATIENCE_SECONDS
            writer.write(asked)
            while time.monotonic() < deadline:
                writer.write(asked[:100])
                await writer.drain()
                await asyncio.sleep(0.1)
            raise TimeoutError
        assert isinstance(ended.value, ConnectionError)


async def test_honest_clients_are_answered_while_more_slow_ones_come_than_there_is_room_for(server: Server) -> None:
    writers = []
    async with server.client() as http:
        for number in range(90):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write([b"", b"GET /", request(server, "Content-Length: 100"), b"\x00"][number % 4])
            writers.append(writer)
            if number % 10 == 9:
                assert (await http.post("/verwerkingsacties", json=MINIMAL)).status_code == 201
    for writer in writers:
        writer.close()


def registered(server: Server) -> str:
    """A new client with every right."""
    name = f"weg-{uuid4()}"
    with engines.writer(server.place.owner, Keys(KeySource(file=server.place.keys))) as writer:
        register_client(writer, Client(name=name, scopes=frozenset(Scope), secret=SECRET))
    return name


def revoke(server: Server, name: str) -> None:
    with engines.writer(server.place.owner, Keys(KeySource(file=server.place.keys))) as writer:
        revoke_client(writer, name)


WITH_BODY = {
    "create": ("POST", ACTIES, MINIMAL),
    "replace": ("PUT", f"{ACTIES}/{uuid4()}", MINIMAL),
    "change": ("PATCH", f"{ACTIES}?verwerkingId={uuid4()}", {"bewaartermijn": "P1Y"}),
    "batch": ("POST", f"{ACTIES}/_batch", {"acties": [MINIMAL]}),
    "confirm": ("POST", f"{ACTIES}/_bevestig", {"idempotencyKeys": ["x"]}),
    "search": ("POST", f"{ACTIES}/_zoek", {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "1"}),
    "inspect": ("POST", "/api/v1/verwerkte-objecten/_zoek", {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "1"}),
    "spans": ("POST", "/v1/traces", {"resourceSpans": []}),
}


async def test_a_client_that_is_revoked_while_its_body_comes_gets_nothing(patient: Server) -> None:
    name = registered(patient)
    before = patient.place.query("SELECT count(*) FROM verwerkingsactie")[0][0]
    token, revoked = make_token(name), asyncio.Event()
    judged = []

    async def ask(method: str, path: str, body: object) -> int:
        sent = json.dumps(body).encode()
        lines = [f"Content-Length: {len(sent)}", "Expect: 100-continue", *[f"{header}: {value}" for header, value in DOELBINDING.items()]]
        async with connection(patient) as (reader, writer):
            writer.write(request(patient, *lines, token=token, method=method, path=path))
            assert (await read_answer(reader))[0] == 100  # who is let in is asked for the body
            judged.append(path)
            await revoked.wait()
            writer.write(sent)
            return (await read_answer(reader))[0]

    asked = [asyncio.ensure_future(ask(*each)) for each in WITH_BODY.values()]
    while len(judged) < len(asked):
        await asyncio.wait(asked, timeout=0.01)
        assert not any(each.done() for each in asked)
    revoke(patient, name)
    await asyncio.sleep(FRESH_SECONDS)
    revoked.set()
    assert await asyncio.gather(*asked) == [401] * len(asked)
    assert patient.place.query("SELECT count(*) FROM verwerkingsactie")[0][0] == before


async def test_a_client_that_is_revoked_while_it_reads_is_cut_off_within_a_second(patient: Server) -> None:
    name, objekt = registered(patient), str(uuid4())
    persoon = {"objecttype": "persoon", "soortObjectId": "Nummer", "objectId": objekt}
    async with patient.client() as http:
        acties = [{**MINIMAL, "verwerkteObjecten": [persoon]}] * 500
        assert (await http.post("/verwerkingsacties/_batch", json={"acties": acties})).status_code == 200
    body = json.dumps(persoon).encode()
    question = request(patient, f"Content-Length: {len(body)}", token=make_token(name), path=f"{ACTIES}/_zoek?pageSize=500") + body
    async with patient.client() as http:
        whole = len((await http.post("/verwerkingsacties/_zoek?pageSize=500", json=persoon)).content)
    async with connection(patient) as (reader, writer):
        writer.write(question * 50)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        revoke(patient, name)
        received = 0
        with suppress(ConnectionError):
            while part := await asyncio.wait_for(reader.read(1024), PATIENCE_SECONDS):
                received += len(part)
                await asyncio.sleep(0.01)  # it would take a minute to read all, and a part of that is on its way already
        assert received < 50 * whole / 2


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.parametrize("operation", ["read", "write"])
async def test_a_client_that_is_revoked_while_its_answer_is_made_gets_none(
    place: Place, settings: Settings, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verwerkingenlogging_register._requests.admission.FRESH_SECONDS", 0)
    app = create_app(dataclasses.replace(settings, log_inzage=True))
    columns = ", ".join(column.name for column in client.columns if column.name not in {"versie", "revoked"})
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=f"{BASE_URL}/api/v1") as http,
    ):
        api = Api(http, app)
        with engines.writer(place.owner) as writer, writer.begin() as connection:  # until its end, nothing else is written
            connection.exec_driver_sql(f"INSERT INTO client ({columns}, revoked) SELECT {columns}, 1 FROM client WHERE name = 'alles'")
            asked = asyncio.ensure_future(api.post() if operation == "write" else api.search())
            await asyncio.wait([asked], timeout=0.3)
            assert not asked.done()
        answer = await asked
    assert (answer.status_code, answer.json()["code"]) == (401, "not-authenticated")


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_a_token_that_is_nested_without_end_is_a_wrong_token(api: Api, part: int) -> None:
    parts = make_token().split(".")
    parts[part] = base64.urlsafe_b64encode(b'{"a":' * 900).decode().rstrip("=")
    answer = await api.http.get("/verwerkingsacties", headers={"Authorization": f"Bearer {'.'.join(parts)}"})
    assert answer.status_code == 401
