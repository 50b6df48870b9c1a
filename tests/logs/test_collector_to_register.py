"""An application, a real collector (rotel) and a register: what comes through, what is lost on the way, and what sees to it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from tests.collectors import Collector, Register, until

from verwerkingenlogging import LogRefused, LogUnavailable, Vertrouwelijkheid, Verwerkingsactie, VerwerktObject
from verwerkingenlogging.ldv.subjects import SubjectsInClear
from verwerkingenlogging.logs.confirmed import ConfirmedLog
from verwerkingenlogging.logs.otlp import acknowledging_session
from verwerkingenlogging.logs.outbox import OutboxLog
from verwerkingenlogging.logs.spans import SpanLog

CLEAR = SubjectsInClear()
QUICK = ("--batch-timeout", "50ms")
HELD = ("--batch-timeout", "3600s")
"""rotel gathers a batch for so long: what it took, it has in memory."""


@pytest.fixture(scope="module")
def the_register(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    register = Register(tmp_path_factory.mktemp("register") / "register")
    register.run()
    yield register
    register.kill()


@dataclass
class Stored:
    """What was stored in the register since this test began."""

    register: Register
    before: int

    @property
    def names(self) -> list[str]:
        return sorted(body["actieNaam"] for body in self.bodies)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return self.register.bodies(self.before)

    @property
    def count(self) -> int:
        return self.register.count() - self.before


@pytest.fixture
def register(the_register: Register) -> Iterator[Register]:
    yield the_register
    the_register.run()


@pytest.fixture
def stored(register: Register) -> Stored:
    return Stored(register, register.count())


@pytest.fixture
def collector(register: Register, tmp_path: Path) -> Iterator[Collector]:
    collector = Collector(tmp_path / "collector", register)
    yield collector
    collector.close()


def an_actie(number: int, persons: int = 1) -> Verwerkingsactie:
    objecten = tuple(VerwerktObject(object_id=f"{number:05}{place}") for place in range(persons))
    return Verwerkingsactie(tijdstip="2024-04-05T14:35:42+01:00", actie_naam=f"Actie {number}", verwerkte_objecten=objecten)


def over_grpc(collector: Collector) -> SpanLog:
    return SpanLog(lambda: GrpcExporter(f"http://127.0.0.1:{collector.grpc}", insecure=True), subjects=CLEAR)


def over_http(collector: Collector) -> SpanLog:
    def exporter() -> HttpExporter:
        return HttpExporter(f"http://127.0.0.1:{collector.http}/v1/traces", timeout=5, session=acknowledging_session())

    return SpanLog(exporter, subjects=CLEAR)


def test_the_stock_exporter_reaches_the_register_without_a_collector(register: Register, stored: Stored) -> None:
    url = f"http://127.0.0.1:{register.port}/v1/traces"
    headers = {"Authorization": f"Bearer {register.token}"}
    for number, compression in enumerate((Compression.NoCompression, Compression.Gzip)):
        exporter = HttpExporter(url, headers=headers, compression=compression, session=acknowledging_session())
        log = SpanLog(exporter, subjects=CLEAR)
        log.log([an_actie(number, persons=3)])
        log.close()
    assert [len(body["verwerkteObjecten"]) for body in stored.bodies] == [3, 3]
    stranger = SpanLog(HttpExporter(url, session=acknowledging_session()), subjects=CLEAR)
    with pytest.raises(LogUnavailable):
        stranger.log([an_actie(9)])
    stranger.close()
    assert stored.count == 2


@pytest.mark.parametrize("span_log", [over_grpc, over_http])
def test_what_goes_into_a_collector_comes_out_of_the_register(
    register: Register, stored: Stored, collector: Collector, span_log: Callable[[Collector], SpanLog]
) -> None:
    collector.start(*QUICK)
    log = ConfirmedLog(span_log(collector), by=register.api_log())
    log.log([an_actie(1), an_actie(2, persons=3)])
    assert stored.names == ["Actie 1", "Actie 2"]
    assert [objekt["objectId"] for objekt in stored.bodies[1]["verwerkteObjecten"]] == ["000020", "000021", "000022"]
    log.close()


def test_what_a_collector_has_in_memory_is_lost_with_it(register: Register, stored: Stored, collector: Collector) -> None:
    """The control: without it, the tests below could not see a loss. It was acknowledged all the same."""
    collector.start(*HELD)
    log = over_http(collector)
    log.log([an_actie(number) for number in range(50)])
    collector.kill()
    collector.start(*QUICK)
    log.log([an_actie(50)])
    until(lambda: stored.count > 0)
    assert stored.names == ["Actie 50"]
    log.close()


def test_a_collector_killed_with_a_backlog_costs_no_record(
    register: Register, stored: Stored, collector: Collector, tmp_path: Path
) -> None:
    collector.start(*HELD)
    outbox = OutboxLog(tmp_path / "outbox", deliver_to=ConfirmedLog(over_http(collector), by=register.api_log(), patience=1.0))
    for number in range(300):
        outbox.log([an_actie(number)])
    assert not outbox.flush(1.0)
    assert stored.count == 0
    collector.kill()
    collector.start(*QUICK)
    assert outbox.flush(60)
    assert len(set(stored.names)) == stored.count == 300
    outbox.close()


def test_nor_does_one_that_is_killed_again_and_again_under_load(
    register: Register, stored: Stored, collector: Collector, tmp_path: Path
) -> None:
    collector.start(*QUICK)
    outbox = OutboxLog(tmp_path / "outbox", deliver_to=ConfirmedLog(over_grpc(collector), by=register.api_log(), patience=1.0), batch=20)
    done = threading.Event()

    def produce() -> None:
        for number in range(400):
            outbox.log([an_actie(number, persons=1 + number % 2)])
            done.wait(0.005)
        done.set()

    producer = threading.Thread(target=produce)
    producer.start()
    for _ in range(4):
        done.wait(random.uniform(0.2, 0.5))
        collector.kill()
        collector.start(*QUICK)
    producer.join()
    assert outbox.flush(90)
    assert len(set(stored.names)) == stored.count == 400
    outbox.close()


def test_nor_does_a_register_that_is_killed_while_a_collector_sends(
    register: Register, stored: Stored, collector: Collector, tmp_path: Path
) -> None:
    """rotel drops what it was sending when the connection was cut before the answer."""
    collector.start(*QUICK)
    outbox = OutboxLog(tmp_path / "outbox", deliver_to=ConfirmedLog(over_http(collector), by=register.api_log(), patience=1.0), batch=5)
    for number in range(100):
        outbox.log([an_actie(number)])
    for reached in (10, 40):
        until(lambda reached=reached: stored.count >= reached)  # type: ignore[misc]  # reached is bound
        register.kill()
        register.run()
    assert outbox.flush(90)
    assert len(set(stored.names)) == stored.count == 100
    outbox.close()


def test_what_the_register_refuses_is_told_and_stops_no_other(register: Register, stored: Stored, collector: Collector) -> None:
    collector.start(*QUICK)
    log = ConfirmedLog(over_http(collector), by=register.api_log())
    pand = VerwerktObject(object_id="1", objecttype="pand")
    with pytest.raises(LogRefused, match=r"the register refused it with 400 \(objecttype \(invalid-choice\)\)"):
        log.log([an_actie(1), Verwerkingsactie(tijdstip="2024-04-05T14:35:42Z", verwerkte_objecten=(pand,)), an_actie(2)])
    assert stored.names == ["Actie 1", "Actie 2"]
    log.close()


async def test_an_event_loop_is_not_held_up_by_waiting(register: Register, stored: Stored, collector: Collector) -> None:
    collector.start(*QUICK)
    log = ConfirmedLog(over_http(collector), by=register.api_log())
    await log.alog([an_actie(1, persons=2)])
    assert stored.names == ["Actie 1"]
    log.close()


def test_a_confidential_actie_stays_one(register: Register, stored: Stored, collector: Collector) -> None:
    collector.start(*QUICK)
    log = ConfirmedLog(over_http(collector), by=register.api_log())
    log.log([Verwerkingsactie(tijdstip="2024-04-05T14:35:42Z", vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK)])
    assert stored.bodies[0]["vertrouwelijkheid"] == "vertrouwelijk"
    log.close()
