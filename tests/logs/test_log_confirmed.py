"""ConfirmedLog: what the register does not confirm is not safe. With a real Collector: test_collector_to_register.py."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from tests.http_server import Server, answer, http_server
from tests.outbox import wait_until

from verwerkingenlogging import LogRefused, LogUnavailable, Verwerkingsactie
from verwerkingenlogging.ldv import key_of
from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging.logs.confirmed import ConfirmedLog
from verwerkingenlogging.logs.protocol import Entry
from verwerkingenlogging.model import wire_form
from verwerkingenlogging.model.trace import Span, span_of_key
from verwerkingenlogging.support import process

ALL = answer(200, {"missing": [], "refused": []})


@dataclass
class Way:
    """What stands between: it takes everything, and keeps what it took."""

    taken: list[list[Entry]] = field(default_factory=list)
    refuses: LogRefused | LogUnavailable | None = None
    closed: bool = False
    arrived: Callable[[], None] = lambda: None

    def deliver(self, entries: Sequence[Entry]) -> Sequence[LogRefused | LogUnavailable | None]:
        self.taken.append(list(entries))
        self.arrived()
        return [self.refuses for _ in entries]

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def register() -> Iterator[Server]:
    with http_server() as server:
        server.answer = ALL
        yield server


@pytest.fixture
def way() -> Way:
    return Way()


@pytest.fixture
def log(register: Server, way: Way, monkeypatch: pytest.MonkeyPatch) -> Iterator[ConfirmedLog]:
    """Waits by a clock that only goes on while it waits: how fast this machine is does not matter."""
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    monkeypatch.setattr("verwerkingenlogging.logs.confirmed.time", SimpleNamespace(monotonic=lambda: clock[0], sleep=sleep))
    log = ConfirmedLog(way, by=ApiLog(register.url, token="t", timeout=60), client="collector", patience=0.2)
    yield log
    log.close()


def entry(number: int) -> Entry:
    return Entry(key=str(number), body=wire_form(actie()), span=place(number))


def place(number: int) -> Span:
    return Span(trace_id=b"t" * 16, span_id=number.to_bytes(8))


def actie(span: Span | None = None) -> Verwerkingsactie:
    return Verwerkingsactie(tijdstip="2024-04-05T14:35:42Z", span=span)


def missing(*numbers: int, refused: Sequence[dict[str, Any]] = ()) -> bytes:
    return answer(200, {"missing": [key_of(place(number)) for number in numbers], "refused": list(refused)})


def asked(register: Server) -> list[Any]:
    return [json.loads(body) for _, _, body in register.requests]


def test_the_register_is_asked_by_trace_and_span_for_what_the_client_named_sent(register: Server, way: Way, log: ConfirmedLog) -> None:
    register.answer = missing(1)
    log._in_doubt = False  # as after an earlier delivery
    with pytest.raises(LogUnavailable, match=r"^the register did not confirm 1 of 1 records within 0\.2 seconds$"):
        log.deliver([entry(1)])
    line, headers, _ = register.requests[0]
    assert (line, headers["authorization"]) == ("POST /verwerkingsacties/_bevestig HTTP/1.1", "Bearer t")
    assert asked(register)[0] == {"client": "collector", "idempotencyKeys": [f"{'74' * 16}-{'0' * 15}1"]}
    assert len(register.requests) == 3  # after 0.05, 0.15 and 0.35 seconds


def test_what_was_not_confirmed_is_sent_again_and_nothing_else(register: Server, way: Way, log: ConfirmedLog) -> None:
    register.answer = missing(1, 2, 3)
    with pytest.raises(LogUnavailable):
        log.deliver([entry(1), entry(2), entry(3)])
    register.answer = missing(2)
    way.arrived = lambda: setattr(register, "answer", ALL)
    assert log.deliver([entry(1), entry(2), entry(3)]) == [None, None, None]
    assert way.taken == [[entry(1), entry(2), entry(3)], [entry(2)]]


def test_who_has_no_reason_to_doubt_does_not_ask_first(register: Server, way: Way, log: ConfirmedLog) -> None:
    log.deliver([entry(1)])  # the first may be a repetition, by a process that took over: it is asked for
    assert way.taken == []
    log.deliver([entry(2)])
    assert way.taken == [[entry(2)]]


def test_a_refusal_of_the_register_is_told_without_what_could_be_a_value(register: Server, way: Way, log: ConfirmedLog) -> None:
    reasons = ("actie_naam (max-length)", "iets over 999990019")
    refused = [
        {"idempotencyKey": key_of(place(number)), "status": 400 + number, "reason": reason} for number, reason in enumerate(reasons, 1)
    ]
    register.answer = missing(refused=refused)
    first, second, third = log.deliver([entry(1), entry(2), entry(3)])
    assert third is None
    assert [(str(each), each.status) for each in (first, second) if each] == [
        ("the register refused it with 401 (actie_naam (max-length))", 401),
        ("the register refused it with 402", 402),
    ]
    register.answer = missing(1)
    with pytest.raises(LogUnavailable):
        log.log([actie(place(1))])
    register.answer = missing(refused=refused)
    with pytest.raises(LogRefused):
        log.log([actie(place(3)), actie(place(1))])


def test_a_refusal_on_the_way_is_told_and_not_waited_for(register: Server, way: Way, log: ConfirmedLog) -> None:
    register.answer = missing(1)
    way.refuses = LogRefused("no", status=400)
    assert log.deliver([entry(1)]) == [way.refuses]


def test_what_the_way_does_not_take_now_is_not_waited_for_either(register: Server, way: Way, log: ConfirmedLog) -> None:
    register.answer = missing(1)
    way.refuses = LogUnavailable("not now")
    with pytest.raises(LogUnavailable, match="not now"):
        log.deliver([entry(1)])
    assert len(register.requests) == 1  # before it was sent, and not after


def test_an_entry_without_a_place_gets_the_same_one_each_time(register: Server, way: Way, log: ConfirmedLog) -> None:
    log._in_doubt = False
    log.deliver([Entry(key="sleutel", body=wire_form(actie()))])
    assert [each.span for each in way.taken[0]] == [span_of_key("sleutel")]


@pytest.mark.parametrize(
    "given",
    [
        answer(500),
        answer(401),
        answer(404),
        answer(200, b"ja"),
        answer(200, {"missing": []}),
        answer(200, {"missing": [], "refused": [{"status": 400}]}),
        answer(302, b""),
        b"",
    ],
)
def test_anything_else_confirms_nothing(register: Server, way: Way, log: ConfirmedLog, given: bytes) -> None:
    register.answer = given
    with pytest.raises(LogUnavailable):
        log.log([actie()])


def test_many_are_asked_for_in_as_many_questions_as_it_takes(register: Server, way: Way, log: ConfirmedLog) -> None:
    log.log([actie() for _ in range(1001)])
    assert [len(question["idempotencyKeys"]) for question in asked(register)] == [1000, 1]


def test_a_child_asks_first_whatever_its_parent_was_sure_of(
    register: Server, way: Way, log: ConfirmedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        log.log([actie()])
    assert len(way.taken) == 1  # the first was in doubt, and the register had it
    monkeypatch.setattr(process, "known", 0)  # as if this were the child
    process.check()
    log.log([actie()])
    assert len(way.taken) == 1


async def test_nothing_is_asked_of_nothing(register: Server, way: Way, log: ConfirmedLog) -> None:
    await log.alog([])
    assert log.deliver([]) == []
    assert register.requests == []
    assert way.taken == []


def test_closing_ends_the_wait_and_what_stands_behind(register: Server, way: Way) -> None:
    log = ConfirmedLog(way, by=ApiLog(register.url, token="t", timeout=60), patience=3600)
    register.answer = missing(1)
    waiting = threading.Thread(target=_refused, args=(log,))
    waiting.start()
    wait_until(lambda: len(register.requests) >= 2)
    log.close()
    waiting.join(30)
    assert not waiting.is_alive()
    assert way.closed


def _refused(log: ConfirmedLog) -> None:
    with pytest.raises(LogUnavailable):
        log.deliver([entry(1)])


def test_what_cannot_be_closed_need_not_be(register: Server) -> None:
    class Bare:
        def deliver(self, entries: Sequence[Entry]) -> Sequence[LogRefused | None]:
            return [None] * len(entries)

    ConfirmedLog(Bare(), by=ApiLog(register.url, token="t")).close()
