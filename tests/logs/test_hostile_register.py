"""A register that means no good, as every log meets it: each call ends in time, says why, takes little memory, and loses nothing."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email.utils import formatdate
from pathlib import Path
from uuid import UUID

import jwt
import pytest
import trio
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from tests.hostile_register import WAYS, Hostile, hostile_register, silent_name_server
from tests.http_server import Server, answer, http_server
from tests.outbox import actie, delivered, wait_until

from verwerkingenlogging import LogRefused, LogUnavailable, Vertrouwelijkheid
from verwerkingenlogging.ldv.subjects import SubjectsInClear
from verwerkingenlogging.logs._http.connections import Network, ending_at
from verwerkingenlogging.logs._http.http_library import core
from verwerkingenlogging.logs.api import ApiLog, ClientToken
from verwerkingenlogging.logs.confirmed import ConfirmedLog
from verwerkingenlogging.logs.delivery import backoff
from verwerkingenlogging.logs.otlp import acknowledging_session
from verwerkingenlogging.logs.outbox import OutboxLog
from verwerkingenlogging.logs.protocol import Entry
from verwerkingenlogging.logs.spans import SpanLog
from verwerkingenlogging.model import wire_form

SECONDS = 0.3
"""What a call may take."""
ENOUGH = 60
"""Seconds after which it would never have ended, however slow this machine is."""
NAME = "register.test"
SECRET = "a secret of more than thirty-two bytes"
VERWERKING = UUID("48086bf2-11b7-4603-9526-67d7c3bb6587")


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    with hostile_register() as running:
        yield running


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "SECONDS", (0.01, 0.05))


def entries(count: int = 3) -> list[Entry]:
    return [Entry(key=str(number), body=wire_form(actie(number))) for number in range(count)]


def api(url: str) -> ApiLog:
    return ApiLog(url, token=ClientToken("app", SECRET), timeout=SECONDS, allow_http=True)


def _alog(log: ApiLog) -> None:
    async def run() -> None:
        try:
            await log.alog([actie()] * 2)
        finally:
            await log.aclose()

    asyncio.run(run())


def _alog_on_trio(log: ApiLog) -> None:
    async def run() -> None:
        try:
            await log.alog([actie()])
        finally:
            await log.aclose()

    trio.run(run)


CALLS: dict[str, Callable[[ApiLog], object]] = {
    "log": lambda log: log.log([actie()] * 2),
    "alog": _alog,
    "alog on trio": _alog_on_trio,
    "deliver": lambda log: log.deliver(entries()),
    "change": lambda log: log.change(VERWERKING, vertrouwelijkheid=Vertrouwelijkheid.OPGEHEVEN),
    "missing": lambda log: log.missing(["a", "b"]),
}


def ends(call: Callable[[], object]) -> Exception:
    """The error in which ``call`` ends, which it does within ENOUGH seconds."""
    errors: list[Exception] = []

    def run() -> None:
        try:
            call()
        except (LogUnavailable, LogRefused) as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(ENOUGH)
    assert not thread.is_alive(), "it hangs"
    (error,) = errors
    return error


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("call", CALLS)
def test_a_call_ends_in_time_whatever_the_register_does(hostile: Hostile, way: str, call: str) -> None:
    hostile.way = way
    log = api(hostile.url)
    error = ends(lambda: CALLS[call](log))
    log.close()
    assert isinstance(error, LogUnavailable) or way == "wrong_clock"
    if way in {"silent", "no_tls", "trickling_status", "trickling_body"}:
        assert "did not answer within 0.3 seconds" in str(error)


@pytest.mark.parametrize("call", CALLS)
def test_a_call_ends_in_time_though_no_name_server_answers(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with silent_name_server(monkeypatch, NAME) as asked:
        log = api(f"http://{NAME}:8080")
        for _ in range(3):
            assert "did not answer within 0.3 seconds" in str(ends(lambda: CALLS[call](log)))
        log.close()
        assert len(asked) == 1  # not a thread for each that asks


@pytest.mark.parametrize("call", CALLS)
def test_a_name_that_is_not_there_is_told(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with silent_name_server(monkeypatch, NAME):
        pass
    log = api(f"http://{NAME}:8080")
    monkeypatch.setattr("verwerkingenlogging.logs._http.exchange.Exchange.deadline", lambda self: time.monotonic() + ENOUGH)
    error = ends(lambda: CALLS[call](log))
    assert "ConnectError" in str(error)
    assert isinstance(error, LogUnavailable)
    assert error.for_all
    log.close()


@pytest.mark.parametrize("call", ["log", "alog", "deliver"])
def test_an_answer_without_end_takes_little_memory(hostile: Hostile, call: str) -> None:
    hostile.way = "endless_body"
    log = ApiLog(hostile.url, token="t", timeout=ENOUGH)
    tracemalloc.start()
    try:
        error = ends(lambda: CALLS[call](log))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        log.close()
    assert str(error) == "the register's answer is longer than 8 MiB"
    assert peak < 40 * 1024**2


def test_an_address_at_which_nobody_is_leaves_the_next_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_server() as server:
        server.answer = answer(201, {"actieId": "x"})
        port = int(server.url.rpartition(":")[2])
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.3", "127.0.0.1")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        for call in ("log", "alog", "alog on trio"):
            log = ApiLog(f"http://{NAME}:{port}", token="t", timeout=ENOUGH, allow_http=True)
            CALLS[call](log)
            log.close()


def test_an_address_at_which_nobody_accepts_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as waiting:
        for _ in range(3):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        with ending_at(time.monotonic() + SECONDS), pytest.raises(core.ConnectTimeout):
            Network().connect_tcp(*full.getsockname())


def test_when_no_time_is_left_no_connection_is_tried() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, ending_at(time.monotonic() - 1):
        with pytest.raises(core.ConnectTimeout):
            Network().connect_tcp(*listening.getsockname())
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_what_nobody_reads_is_not_sent_for_ever() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, ending_at(time.monotonic() + SECONDS):
        stream = Network().connect_tcp(*listening.getsockname())
        with pytest.raises(core.WriteTimeout):
            stream.write(b"x" * 64 * 1024 * 1024)  # more than the kernel keeps for both ends
        stream.close()


def test_what_is_sent_to_who_has_hung_up_is_an_error_of_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, ending_at(time.monotonic() + ENOUGH):
        stream = Network().connect_tcp(*listening.getsockname())
        listening.accept()[0].close()
        with pytest.raises(core.WriteError):
            stream.write(b"x" * 64 * 1024 * 1024)
        stream.close()


def test_a_connection_whose_encryption_cannot_begin_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, ending_at(time.monotonic() + ENOUGH):
        stream = Network().connect_tcp(*listening.getsockname())
        accepted, _ = listening.accept()
        with accepted:
            with pytest.raises(ValueError, match="server_hostname"):
                stream.start_tls(ssl.create_default_context())  # which must know whom to expect
            assert accepted.recv(1) == b""


@pytest.mark.parametrize("way", [way for way in WAYS if way != "no_tls"])
def test_an_outbox_takes_records_meanwhile_rings_the_alarm_and_delivers_when_the_register_is_itself_again(
    hostile: Hostile, tmp_path: Path, way: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verwerkingenlogging.logs.outbox._relay.watchdog.ALARM_SECONDS", 0.05)
    hostile.way = way
    register = api(hostile.url)
    with OutboxLog(tmp_path / "outbox", register, max_age=0.01) as outbox:
        for number in range(3):
            outbox.log([actie(number)])
        wait_until(lambda: "longer than max_age" in caplog.text)
        wait_until(lambda: "nothing is delivered" in caplog.text)
        assert outbox.status().waiting == 3
        outbox.close(timeout=0)
    with http_server() as server, OutboxLog(tmp_path / "outbox", ApiLog(server.url, token=ClientToken("app", SECRET))) as outbox:
        server.answer = answer(200, {"results": [{"status": 201, "actieId": "x"}] * 3})
        delivered(outbox)
        (request,) = server.requests
        assert [request[2].count(f'"actieNaam":"{number}"'.encode()) for number in range(3)] == [1, 1, 1]


def test_the_alarm_does_not_stand_in_the_queue_that_it_watches(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only process that there is hangs in its delivery."""
    monkeypatch.setattr("verwerkingenlogging.logs.outbox._relay.watchdog.ALARM_SECONDS", 0.05)
    gate = threading.Event()

    class Hangs:
        def deliver(self, entries: object) -> list[None]:
            gate.wait()
            return [None]

    with OutboxLog(tmp_path / "outbox", Hangs(), max_age=0.01) as outbox:
        outbox.log([actie()])
        wait_until(lambda: "longer than max_age" in caplog.text)
        wait_until(lambda: "the log behind it has not answered for" in caplog.text)
        gate.set()
        delivered(outbox)


@pytest.mark.parametrize("way", [way for way in WAYS if way not in {"no_tls", "wrong_clock"}])
def test_who_wants_it_confirmed_is_told_in_time_that_it_is_not(hostile: Hostile, way: str) -> None:
    class Taken:
        def deliver(self, given: list[Entry]) -> list[None]:
            return [None] * len(given)

    hostile.way = way
    log = ConfirmedLog(Taken(), by=api(hostile.url), patience=SECONDS)  # type: ignore[arg-type]  # a Receiver by its deliver
    assert isinstance(ends(lambda: log.log([actie()])), LogUnavailable)
    log.close()


@pytest.mark.parametrize("how", ["log", "alog", "deliver"])
@pytest.mark.parametrize("way", [way for way in WAYS if way not in {"no_tls", "wrong_clock"}])
def test_spans_are_told_in_time_that_they_did_not_arrive(hostile: Hostile, way: str, how: str) -> None:
    hostile.way = way
    exporter = OTLPSpanExporter(f"{hostile.url}/v1/traces", session=acknowledging_session(), timeout=ENOUGH)
    log = SpanLog(exporter, subjects=SubjectsInClear(), timeout=SECONDS)
    calls: dict[str, Callable[[], object]] = {
        "log": lambda: log.log([actie()]),
        "alog": lambda: asyncio.run(log.alog([actie()])),
        "deliver": lambda: log.deliver(entries()),
    }
    assert isinstance(ends(calls[how]), LogUnavailable)
    hostile.closing.set()
    log.close()


def test_on_another_event_loop_too(hostile: Hostile) -> None:
    exporter = OTLPSpanExporter(f"{hostile.url}/v1/traces", session=acknowledging_session(), timeout=ENOUGH)
    log = SpanLog(exporter, subjects=SubjectsInClear(), timeout=SECONDS)
    assert "did not answer within 0.3 seconds" in str(ends(lambda: trio.run(log.alog, [actie()])))
    hostile.closing.set()
    log.close()


def test_a_receiver_of_spans_that_answers_without_end_takes_little_memory(hostile: Hostile) -> None:
    hostile.way = "endless_body"
    log = SpanLog(
        OTLPSpanExporter(f"{hostile.url}/v1/traces", session=acknowledging_session(), timeout=ENOUGH),
        subjects=SubjectsInClear(),
    )
    tracemalloc.start()
    try:
        ends(lambda: log.log([actie()]))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        hostile.closing.set()
        log.close()
    assert peak < 40 * 1024**2


# Whose fault it is.


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server() as running:
        yield running


def unbelieved(date: str = "") -> bytes:
    return f"HTTP/1.1 401 X\r\n{f'Date: {date}' if date else 'X: y'}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize("call", CALLS)
def test_a_token_that_is_not_believed_is_made_anew_once(server: Server, call: str) -> None:
    server.answer = unbelieved()
    log = ApiLog(server.url, token=ClientToken("app", SECRET), timeout=ENOUGH)
    ends(lambda: CALLS[call](log))
    assert len(server.requests) == 2
    log.close()


@pytest.mark.parametrize("call", CALLS)
def test_what_a_wrong_clock_spoilt_is_mended_with_the_next_token(server: Server, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was two hours ahead when the token was made, and is right since: what was judged then is not believed for two hours."""
    token = ClientToken("app", SECRET)
    with monkeypatch.context() as ahead:
        ahead.setattr("verwerkingenlogging.logs._http.client_token.time", Clock(7200))
        token()
    log = ApiLog(server.url, token=token, timeout=ENOUGH)
    answers = {"deliver": (200, b'{"results":[{"status":201,"actieId":"x"}]}'), "missing": (200, b'{"missing":[],"refused":[]}')}
    good = answer(*answers.get(call, (204 if call == "change" else 201, b'{"actieId": "x"}')))
    server.believes = lambda headers: (
        jwt.decode(headers["authorization"].removeprefix("Bearer "), SECRET, ["HS256"], options={"verify_iat": False})["iat"]
        < time.time() + 60
    )
    server.answer = good
    if call == "deliver":
        assert log.deliver(entries(1)) == [None]
    else:
        CALLS[call](log)
    assert server.unbelieved == 1
    log.close()


class Clock:
    """The module ``time`` of a machine whose clock is ``ahead`` seconds ahead."""

    def __init__(self, ahead: float) -> None:
        self._ahead = ahead
        self.monotonic = time.monotonic

    def time(self) -> float:
        return time.time() + self._ahead


def test_a_token_lasts_for_half_its_life_whatever_becomes_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    token = ClientToken("app", SECRET)
    first = token()
    monkeypatch.setattr("verwerkingenlogging.logs._http.client_token.time", Clock(7200))
    assert token() is first
    passed = Clock(0)
    passed.monotonic = lambda: time.monotonic() + 1801
    monkeypatch.setattr("verwerkingenlogging.logs._http.client_token.time", passed)
    assert token() is not first


@pytest.mark.parametrize(
    ("given", "tried"),
    [("always the same", 1), (lambda: "always the same", 1), (iter("abcdefgh").__next__, 2)],
    ids=["text", "function", "other each time"],
)
def test_another_token_is_tried_where_there_is_one(server: Server, given: str | Callable[[], str], tried: int) -> None:
    server.answer = unbelieved()
    log = ApiLog(server.url, token=given, timeout=ENOUGH)
    with pytest.raises(LogRefused, match="see to the client's id and secret"):
        log.log([actie()])
    assert len(server.requests) == tried
    log.close()


@pytest.mark.parametrize(
    ("ahead", "message"),
    [
        (7200, "clock of this machine is 7[12].. seconds ahead of the register's, so its tokens are not valid; set it right$"),
        (-7200, "clock of this machine is 7[12].. seconds behind the register's"),
        (0, "answered 401; see to the client's id and secret$"),
        (None, "answered 401; see to the client's id and secret$"),
    ],
)
@pytest.mark.parametrize("call", CALLS)
def test_a_clock_that_differs_is_named_rather_than_the_secret(server: Server, call: str, ahead: int | None, message: str) -> None:
    server.answer = unbelieved("nonsense" if ahead is None else formatdate(time.time() - ahead, usegmt=True))
    log = ApiLog(server.url, token=ClientToken("app", SECRET), timeout=ENOUGH)
    assert re.search(message, str(ends(lambda: CALLS[call](log))))
    log.close()


# When to come back.


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0", 0), ("999999999", 3600), ("-3", None), ("soon", None), ("", None), ("Mon, 30 Feb 2026 99:00:00 GMT", None)],
)
def test_a_register_says_when_to_come_back(server: Server, header: str, seconds: float | None) -> None:
    server.answer = f"HTTP/1.1 503 X\r\nRetry-After: {header}\r\nContent-Length: 0\r\n\r\n".encode()
    log = ApiLog(server.url, token="t", timeout=ENOUGH)
    for call in (lambda: log.log([actie()]), lambda: log.deliver(entries())):
        error = ends(call)
        assert isinstance(error, LogUnavailable)
        assert error.retry_after == seconds
        assert error.for_all is (seconds is not None)
    log.close()


def test_it_may_say_so_as_a_moment(server: Server) -> None:
    for moment, least, most in ((time.time() + 600, 500, 601), (time.time() - 600, 0, 0)):
        server.answer = f"HTTP/1.1 429 X\r\nRetry-After: {formatdate(moment, usegmt=True)}\r\nContent-Length: 0\r\n\r\n".encode()
        log = ApiLog(server.url, token="t", timeout=ENOUGH)
        error = ends(lambda: log.log([actie()]))  # noqa: B023  # it is called at once
        assert isinstance(error, LogUnavailable)
        assert error.retry_after is not None
        assert least <= error.retry_after <= most
        log.close()


def test_nobody_comes_back_sooner_than_that() -> None:
    waits = backoff.Backoff()
    assert waits.failed(LogUnavailable("x", retry_after=900)) == 900
    assert waits.failed(LogUnavailable("x")) <= 0.1
    assert waits.failed(RuntimeError("x")) <= 0.2
