"""SpanLog against real receivers: what it sends, that nothing drops it, and that no answer but SUCCESS counts."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest
import trio
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.conformance import Stored, VerwerkingenlogConformance
from tests.http_server import answer, http_server
from tests.otlp_receiver import Receiver, collector, otlp_grpc, otlp_http
from tests.outbox import wait_until

from verwerkingenlogging import LogUnavailable, Verwerkingsactie, VerwerktObject
from verwerkingenlogging.ldv import actie_of, is_part
from verwerkingenlogging.ldv.subjects import PseudonymousSubjects, SubjectsInClear
from verwerkingenlogging.logs.otlp import acknowledging_session
from verwerkingenlogging.logs.protocol import Entry
from verwerkingenlogging.logs.protocol import Receiver as EntryReceiver
from verwerkingenlogging.logs.spans import SpanLog
from verwerkingenlogging.model import filled, wire_form
from verwerkingenlogging.model.trace import Span

BSN = "999990019"
CLEAR = SubjectsInClear()
PLACE = Span(trace_id=bytes(range(16)), span_id=bytes(range(8)), parent_span_id=b"\xff" * 8)


class SpanConformance(VerwerkingenlogConformance):
    @pytest.fixture
    def stored(self, receiver: Receiver) -> Stored:
        return lambda: [filled(actie, span=None) for actie in receiver.acties()]

    @pytest.fixture
    def break_it(self, receiver: Receiver) -> Callable[[], None]:
        return lambda: setattr(receiver, "down", True)


class TestOverHttp(SpanConformance):
    @pytest.fixture
    def receiver(self) -> Iterator[Receiver]:
        with otlp_http() as receiver:
            yield receiver

    @pytest.fixture
    def log(self, receiver: Receiver) -> Iterator[SpanLog]:
        log = SpanLog(HttpExporter(receiver.address), subjects=CLEAR)
        yield log
        log.close()


class TestOverGrpc(SpanConformance):
    @pytest.fixture
    def receiver(self) -> Iterator[Receiver]:
        with otlp_grpc() as receiver:
            yield receiver

    @pytest.fixture
    def log(self, receiver: Receiver) -> Iterator[SpanLog]:
        log = SpanLog(GrpcExporter(receiver.address, insecure=True), subjects=CLEAR)
        yield log
        log.close()


class Exporter(SpanExporter):
    """An exporter that can be held up, and that knows when two call it at once."""

    def __init__(self) -> None:
        self.result: object = SpanExportResult.SUCCESS
        self.error: BaseException | None = None
        self.fails_from: int | None = None
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()
        self.calls: list[list[ReadableSpan]] = []
        self._busy = threading.Lock()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        assert self._busy.acquire(blocking=False), "called by two threads at once"
        self.entered.set()
        self.open.wait()
        self.calls.append(list(spans))
        self._busy.release()
        if self.error is not None:
            raise self.error
        if len(self.calls) == self.fails_from:
            return SpanExportResult.FAILURE
        return self.result  # type: ignore[return-value]  # that is what some exporters do


@pytest.fixture
def exporter() -> Exporter:
    return Exporter()


@pytest.fixture
def log(exporter: Exporter) -> Iterator[SpanLog]:
    log = SpanLog(exporter, subjects=CLEAR)
    yield log
    exporter.open.set()
    log.close()


def someone(*numbers: str) -> Verwerkingsactie:
    return Verwerkingsactie(
        tijdstip="2024-04-05T14:35:42.123+01:00",
        actie_naam="Ophalen",
        systeem="FooBarApp v2.1",
        verwerkte_objecten=tuple(VerwerktObject(object_id=number) for number in numbers),
    )


@pytest.mark.parametrize(("result", "error"), [(SpanExportResult.FAILURE, None), (None, None), (None, RuntimeError(BSN))])
async def test_any_answer_but_success_is_not_safe(exporter: Exporter, log: SpanLog, result: object, error: Exception | None) -> None:
    exporter.result, exporter.error = result, error
    for attempt in (lambda: log.log([someone(BSN)]), lambda: log.deliver([Entry(key="a", body=wire_form(someone(BSN)))])):
        with pytest.raises(LogUnavailable) as caught:
            attempt()
        assert BSN not in str(caught.value)
    with pytest.raises(LogUnavailable):
        await log.alog([someone(BSN)])
    exporter.result, exporter.error = SpanExportResult.SUCCESS, None
    log.log([someone(BSN)])


def test_no_limit_of_the_sdk_cuts_a_record(monkeypatch: pytest.MonkeyPatch, exporter: Exporter, log: SpanLog) -> None:
    for name in ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    whole = filled(someone(*(f"{number:09}" for number in range(300))), gegevensbron="b" * 242)
    with otlp_http() as receiver:
        wired = SpanLog(HttpExporter(receiver.address), subjects=CLEAR)
        wired.log([whole])
        wired.close()
        assert [filled(actie, span=None) for actie in receiver.acties()] == [whole]
        assert len(receiver.spans) == 301


def test_what_waits_shares_the_next_call_and_calls_never_overlap(exporter: Exporter, log: SpanLog) -> None:
    exporter.open.clear()
    threads = [threading.Thread(target=log.log, args=([someone(str(number))],)) for number in range(600)]
    threads[0].start()
    assert exporter.entered.wait(60)
    for thread in threads[1:]:
        thread.start()
    waiting = log._exporting._worker()._jobs
    wait_until(lambda: len(waiting) == 599)
    exporter.open.set()
    for thread in threads:
        thread.join()
    assert [len(spans) for spans in exporter.calls] == [1, 512, 87]
    assert len({span.attributes["dpl.core.data_subject_id"] for spans in exporter.calls for span in spans if span.attributes}) == 600


async def test_the_event_loop_goes_on_while_an_export_waits(exporter: Exporter, log: SpanLog) -> None:
    exporter.open.clear()
    recording = asyncio.create_task(log.alog([someone(BSN)]))
    await asyncio.to_thread(exporter.entered.wait)
    assert not recording.done()
    exporter.open.set()
    await recording


async def test_what_is_cancelled_before_its_turn_is_not_exported(exporter: Exporter, log: SpanLog) -> None:
    exporter.open.clear()
    first = asyncio.create_task(log.alog([someone("1")]))
    await asyncio.to_thread(exporter.entered.wait)
    second = asyncio.create_task(log.alog([someone("2")]))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    exporter.open.set()
    await first
    await log.alog([someone("3")])
    assert [span.attributes and span.attributes["dpl.core.data_subject_id"] for spans in exporter.calls for span in spans] == ["1", "3"]


def test_on_trio_too(exporter: Exporter, log: SpanLog) -> None:
    trio.run(log.alog, [someone(BSN)])
    assert len(exporter.calls) == 1


def test_after_closing_nothing_is_taken(exporter: Exporter) -> None:
    log = SpanLog(exporter, subjects=CLEAR)
    log.close()
    with pytest.raises(LogUnavailable, match="closed"):
        log.log([someone(BSN)])
    assert exporter.calls == []


def test_an_entry_has_the_same_ids_at_every_attempt(exporter: Exporter, log: SpanLog) -> None:
    assert isinstance(log, EntryReceiver)
    entries = [
        Entry(key="a", body=wire_form(someone("1", "2"))),
        Entry(key="b", body=wire_form(someone("3")), span=PLACE),
    ]
    assert [log.deliver(entries), log.deliver(entries)] == [[None, None], [None, None]]
    assert log.deliver([]) == []
    ids = [[span.context and (span.context.trace_id, span.context.span_id) for span in spans] for spans in exporter.calls]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 4
    placed = exporter.calls[0][-1]
    assert placed.parent is not None
    assert placed.context is not None
    assert (placed.context.trace_id.to_bytes(16), placed.context.span_id.to_bytes(8), placed.parent.span_id.to_bytes(8)) == (
        PLACE.trace_id, PLACE.span_id, PLACE.parent_span_id,
    )  # fmt: skip
    assert placed.context.trace_flags.sampled


def test_an_entry_that_is_no_actie_does_not_hold_up_the_others(exporter: Exporter, log: SpanLog) -> None:
    bodies = [wire_form(someone("1")), b'{"tijdstip": "999990019"}', b'{"tijdstip": "\xff"}', b"", wire_form(someone("2"))]
    first, *wrong, last = log.deliver([Entry(key=str(number), body=body) for number, body in enumerate(bodies)])
    assert (first, last) == (None, None)
    assert [refusal and refusal.status for refusal in wrong] == [400] * 3
    assert BSN not in str(wrong)
    assert [span.attributes and span.attributes["dpl.core.data_subject_id"] for call in exporter.calls for span in call] == ["1", "2"]


def test_an_actie_about_thousands_leaves_in_parts_and_is_safe_when_all_are(exporter: Exporter, log: SpanLog) -> None:
    everybody = someone(*(str(number) for number in range(1, 1201)))
    log.log([everybody])
    assert [len(spans) for spans in exporter.calls] == [512, 512, 177]
    exporter.fails_from = 5
    with pytest.raises(LogUnavailable):
        log.log([everybody])
    assert len(exporter.calls) == 5


def test_nothing_that_an_exporter_raises_stops_those_that_come_after(exporter: Exporter, log: SpanLog) -> None:
    exporter.error = SystemExit(BSN)
    with pytest.raises(LogUnavailable, match="raised SystemExit"):
        log.log([someone(BSN)])
    exporter.error = None
    log.log([someone(BSN)])


def test_without_a_thread_to_spare_it_is_not_safe_and_the_next_one_can_be(
    monkeypatch: pytest.MonkeyPatch, exporter: Exporter, log: SpanLog
) -> None:
    def none_left(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none_left)
        with pytest.raises(LogUnavailable):
            log.log([someone("1")])
    log.log([someone("2")])
    assert [len(spans) for spans in exporter.calls] == [1]


def test_the_resource_says_the_software(exporter: Exporter) -> None:
    with_version = SpanLog(
        exporter,
        subjects=CLEAR,
        resource=Resource({"service.name": "foobar", "service.version": "2.1"}),
        strict=True,
        processors={"1" * 20: "https://a"},
    )
    plain = SpanLog(exporter, subjects=PseudonymousSubjects("s" * 32))
    for log in (with_version, plain, plain):
        log.log([filled(someone(BSN), gebruiker="u1", soort_afnemer_id="OIN", afnemer_id="1" * 20)])
        log.log([filled(someone(BSN), systeem=None)])
    spans = [span for call in exporter.calls for span in call]
    assert [dict(span.resource.attributes) for span in spans[:4]] == [
        {"service.name": "foobar", "service.version": "2.1"},
        {"service.name": "foobar", "service.version": "2.1"},
        {"service.name": "FooBarApp v2.1"},
        {},
    ]
    assert spans[2].resource is spans[4].resource  # an exporter groups by it
    strict, loose = (span.attributes or {} for span in (spans[0], spans[2]))
    assert "dpl.gemma.gebruiker" not in strict
    assert strict["dpl.core.foreign_operation.processor"] == "https://a"
    assert loose["dpl.gemma.gebruiker"] == "u1"
    assert BSN not in str(dict(loose))
    with_version.close()
    plain.close()


FORKING = """
import os, sys
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from verwerkingenlogging import LogUnavailable, Verwerkingsactie
from verwerkingenlogging.logs.spans import SpanLog
from verwerkingenlogging.ldv.subjects import SubjectsInClear
shared, made = SpanLog(InMemorySpanExporter(), subjects=SubjectsInClear()), SpanLog(InMemorySpanExporter, subjects=SubjectsInClear())
actie = Verwerkingsactie(tijdstip="2024-04-05T14:35:42+01:00")
for log in (shared, made):
    log.log([actie])
if os.fork() == 0:
    made.log([actie])
    try:
        shared.log([actie])
    except LogUnavailable as error:
        sys.exit("forked" not in str(error))
    sys.exit(2)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def test_a_process_of_uwsgi_that_only_loads_exports_nothing_for_that_takes_a_thread(uwsgi: ModuleType) -> None:
    log = SpanLog(InMemorySpanExporter(), subjects=CLEAR)
    with pytest.raises(LogUnavailable, match=r"uWSGI loads the application here.*OutboxLog"):
        log.log([someone(BSN)])
    vars(uwsgi)["worker_id"] = lambda: 1  # now it serves
    log.log([someone(BSN)])
    log.close()


def test_a_forked_process_makes_its_own_exporter_or_says_so(tmp_path: Path) -> None:
    script = tmp_path / "forking.py"
    script.write_text(FORKING)
    assert subprocess.run([sys.executable, "-W", "ignore", str(script)], check=False, timeout=60).returncode == 0


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_through_a_real_collector_they_come_back_the_same(tmp_path: Path, protocol: str) -> None:
    acties = [someone(), someone("1"), someone("2", "3", "4")]
    with otlp_http() as receiver, collector(receiver.address.removesuffix("/v1/traces"), tmp_path) as (grpc_port, http_port, _):
        exporter = (
            GrpcExporter(f"http://127.0.0.1:{grpc_port}", insecure=True)
            if protocol == "grpc"
            else HttpExporter(f"http://127.0.0.1:{http_port}/v1/traces", session=acknowledging_session())
        )
        log = SpanLog(exporter, subjects=CLEAR)
        log.log(acties)
        wait_until(lambda: len(receiver.spans) >= 6)
        log.close()
    kept = [filled(actie_of(span), span=None) for span in receiver.spans if not is_part(span)]
    assert sorted(kept, key=lambda actie: len(actie.verwerkte_objecten)) == acties
    whole = next(span for span in receiver.spans if "dpl.gemma.verwerkte_objecten" in span.attributes)
    assert [span.parent_span_id for span in receiver.spans if is_part(span)] == [whole.span_id] * 3


def test_a_strict_session_believes_an_acknowledgement_only() -> None:
    with otlp_http() as receiver:
        log = SpanLog(HttpExporter(receiver.address, session=acknowledging_session()), subjects=CLEAR)
        log.log([someone(BSN)])
        receiver.rejects = True
        with pytest.raises(LogUnavailable):
            log.log([someone(BSN)])
        receiver.rejects, receiver.down = False, True
        with pytest.raises(LogUnavailable):
            log.log([someone(BSN)])
        log.close()
    answers = [
        answer(302, content_type="application/x-protobuf"),
        answer(204, content_type="application/x-protobuf"),
        answer(200, b"<html>please log in", content_type="text/html"),
        answer(200, b"<html>please log in", content_type="application/x-protobuf"),
        answer(200, bytes(1024 * 1024 + 1), content_type="application/x-protobuf"),  # more than is read of it
    ]
    with http_server() as server:
        log = SpanLog(HttpExporter(server.url, session=acknowledging_session()), subjects=CLEAR)
        for server.answer in answers:
            with pytest.raises(LogUnavailable):
                log.log([someone(BSN)])
        log.close()
        assert len(server.requests) == len(answers)  # what is final is not tried again
