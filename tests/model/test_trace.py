"""Where an actie stands in a trace: what is taken over from a caller, what follows from what, and what is sent on."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import httpx2
import pytest
from opentelemetry.sdk.trace import TracerProvider
from tests.http_server import answer, http_server

from verwerkingenlogging import (
    MemoryLog,
    Propagation,
    Recorder,
    Verwerkingsactie,
    alog_actie,
    gevonden,
    log_actie,
    persoon,
    recording,
    verwerking,
    verwerkingsactie,
)
from verwerkingenlogging.context import current
from verwerkingenlogging.model.trace import Span, Trace, new_span, new_trace, read_trace

TRACE_ID = bytes.fromhex("4bf92f3577b34da6a3ce929d0e0e4736")
CALLER = bytes.fromhex("00f067aa0ba902b7")
TRACEPARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
FSC = b"01890c24-905b-7122-b170-b60814e6ee06"
FSC_ID = bytes.fromhex("01890c24905b7122b170b60814e6ee06")
LISTED = "https://gegevensmagazijn.example/personen"


class SpanMemoryLog(MemoryLog):
    wants_spans = True


@pytest.fixture
def log() -> SpanMemoryLog:
    return SpanMemoryLog()


def places(log: MemoryLog) -> list[Span]:
    spans = [actie.span for actie in log.acties]
    assert len({span.span_id for span in spans if span is not None}) == len(spans)
    return [span for span in spans if span is not None]


@pytest.mark.parametrize(
    ("headers", "trace"),
    [
        ([(b"traceparent", TRACEPARENT)], Trace(trace_id=TRACE_ID, span_id=CALLER)),
        ([(b"TraceParent", TRACEPARENT[:-2] + b"00")], Trace(trace_id=TRACE_ID, span_id=CALLER)),
        ([(b"traceparent", b"cc" + TRACEPARENT[2:] + b"-what-the-future-will-be")], Trace(trace_id=TRACE_ID, span_id=CALLER)),
        ([(b"fsc-transaction-id", FSC), (b"traceparent", TRACEPARENT)], Trace(trace_id=TRACE_ID, span_id=CALLER)),
        ([(b"x-request-id", TRACE_ID.hex().encode()), (b"Fsc-Transaction-Id", FSC)], Trace(trace_id=FSC_ID)),
        ([(b"x-request-id", FSC.upper())], Trace(trace_id=FSC_ID)),
        ([(b"x-request-id", TRACE_ID.hex().upper().encode())], Trace(trace_id=TRACE_ID)),
        ([(b"x-request-id", b"req-1")], None),
        ([(b"x-request-id", b"0" * 32)], None),
        ([(b"x-request-id", FSC), (b"x-request-id", FSC)], None),
        ([(b"accept", b"*/*")], None),
    ],
)
def test_what_a_caller_says_of_its_trace_is_taken_over(headers: list[tuple[bytes, bytes]], trace: Trace | None) -> None:
    assert read_trace(headers) == (trace, ())


@pytest.mark.parametrize(
    "value",
    [
        b"",
        TRACEPARENT[:-1],
        TRACEPARENT.upper(),
        b"ff" + TRACEPARENT[2:],
        TRACEPARENT + b"-more",
        b"00-" + b"0" * 32 + TRACEPARENT[35:],
        TRACEPARENT[:36] + b"0" * 16 + b"-01",
        "00-４bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".encode(),
    ],
)
def test_a_malformed_traceparent_is_ignored_and_counted_and_the_next_header_counts(value: bytes) -> None:
    found = read_trace([(b"traceparent", value), (b"fsc-transaction-id", FSC)])
    assert found == (Trace(trace_id=FSC_ID), ("traceparent: invalid",))


def test_two_of_one_header_contradict_each_other() -> None:
    assert read_trace([(b"traceparent", TRACEPARENT)] * 2) == (None, ("traceparent: duplicate",))
    assert read_trace([(b"fsc-transaction-id", b"x")]) == (None, ("fsc-transaction-id: invalid",))
    assert read_trace([(b"fsc-transaction-id", b"00000000-0000-0000-0000-000000000000")]) == (None, ("fsc-transaction-id: invalid",))


def test_the_caller_is_the_parent_and_what_is_around_is_the_parent_of_what_is_within(recorder: Recorder, log: SpanMemoryLog) -> None:
    @verwerkingsactie("Buiten", activiteit="brp-registratie", objecten=persoon("bsn"))
    def outer(bsn: str) -> None:
        log_actie("Stap", objecten=bsn)
        inner(bsn)

    @verwerkingsactie("Binnen", activiteit="brp-registratie", objecten=persoon("bsn"))
    def inner(bsn: str) -> None:
        log_actie("Stap binnen", objecten=bsn)

    with recording(recorder, trace=Trace(trace_id=TRACE_ID, span_id=CALLER)):
        outer("2308572")
        outer("2308572")
    first, step, within, deepest, second, *_ = places(log)
    assert {span.trace_id for span in places(log)} == {TRACE_ID}
    assert first.parent_span_id == second.parent_span_id == CALLER
    assert step.parent_span_id == within.parent_span_id == first.span_id
    assert deepest.parent_span_id == within.span_id
    assert len({actie.verwerking_id for actie in log.acties}) == 1


def test_without_a_caller_a_trace_is_begun_and_shared_by_all_that_follows(recorder: Recorder, log: SpanMemoryLog) -> None:
    for _ in range(2):
        with recording(recorder), verwerking("Huwelijk", activiteit="brp-registratie"):
            log_actie("Ophalen", objecten="2308572")
            log_actie("Opslaan", objecten="2308572")
    spans = places(log)
    assert [span.parent_span_id for span in spans] == [None] * 4
    assert spans[0].trace_id == spans[1].trace_id != spans[2].trace_id == spans[3].trace_id
    assert {(len(span.trace_id), len(span.span_id)) for span in spans} == {(16, 8)}


def test_what_the_first_actie_decides_within_it_holds_after_it_too(recorder: Recorder, log: SpanMemoryLog) -> None:
    @verwerkingsactie("Ophalen", activiteit="brp-registratie", objecten=persoon("bsn"))
    def read(bsn: str) -> None:
        current().verwerking = None
        log_actie("Stap", objecten=bsn, activiteit="brp-registratie")

    with recording(recorder):
        read("2308572")
        log_actie("Daarna", objecten="2308572")
    first, step, after = log.acties
    assert first.verwerking_id != step.verwerking_id == after.verwerking_id


def test_a_verwerking_within_is_in_the_trace_around_it(recorder: Recorder, log: SpanMemoryLog) -> None:
    @verwerkingsactie("Buiten", activiteit="brp-registratie", objecten=persoon("bsn"))
    def outer(bsn: str) -> None:
        with verwerking("Huwelijk"):
            log_actie("Ophalen", objecten=bsn)

    with recording(recorder, trace=Trace(trace_id=TRACE_ID, span_id=CALLER)):
        with verwerking("Huwelijk", activiteit="brp-registratie"):
            log_actie("Ophalen", objecten="2308572")
        outer("2308572")
    first, around, within = places(log)
    assert {span.trace_id for span in (first, around, within)} == {TRACE_ID}
    assert [span.parent_span_id for span in (first, around, within)] == [CALLER, CALLER, around.span_id]


async def test_persons_found_keep_the_place_of_the_search(recorder: Recorder, log: SpanMemoryLog) -> None:
    @verwerkingsactie("Zoeken", activiteit="brp-registratie", objecten=gevonden(lambda found: found))
    async def search() -> list[str]:
        await alog_actie("Stap", objecten="2308572")
        return ["2308572"]

    with recording(recorder):
        await search()
    step, found = places(log)
    assert step.parent_span_id == found.span_id


def test_a_log_without_spans_gets_none(recorder: Recorder) -> None:
    plain = MemoryLog()
    with recording(Recorder(plain, recorder.settings), trace=Trace(trace_id=TRACE_ID)):
        log_actie("Ophalen", objecten="2308572", activiteit="brp-registratie")
    assert [actie.span for actie in plain.acties] == [None]


def test_beside_opentelemetry_it_is_the_same_trace_and_no_span_of_it_is_a_parent(recorder: Recorder, log: SpanMemoryLog) -> None:
    tracer = TracerProvider().get_tracer("test")
    with tracer.start_as_current_span("request") as span:
        with recording(recorder):
            log_actie("Ophalen", objecten="2308572", activiteit="brp-registratie")
        assert new_trace(ambient=False).trace_id != span.get_span_context().trace_id.to_bytes(16)
    (place,) = places(log)
    assert (place.trace_id, place.parent_span_id) == (span.get_span_context().trace_id.to_bytes(16), None)


def test_where_nothing_uses_opentelemetry_it_is_not_imported() -> None:
    code = "import sys, verwerkingenlogging.ldv\nfrom verwerkingenlogging.model.trace import new_trace\nnew_trace()\nsys.exit('opentelemetry' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_calls_say_which_actie_they_come_from(recorder: Recorder, log: SpanMemoryLog) -> None:
    propagation = Propagation(hosts=["gegevensmagazijn.example"])

    @verwerkingsactie("Ophalen", activiteit="brp-registratie", objecten=persoon("bsn"))
    def read(bsn: str) -> list[str | None]:
        return [propagation.headers(url).get("traceparent") for url in (LISTED, "https://elders.example/")]

    with recording(recorder, trace=Trace(trace_id=TRACE_ID, span_id=CALLER)):
        sent = read("2308572")
        after = propagation.headers(LISTED)["traceparent"]
    (place,) = places(log)
    assert sent == [f"00-{TRACE_ID.hex()}-{place.span_id.hex()}-01", None]
    assert read_trace([(b"traceparent", str(sent[0]).encode())]) == (Trace(trace_id=TRACE_ID, span_id=place.span_id), ())
    assert after == TRACEPARENT.decode()  # no actie is under way any more: the caller's is the last that is known


def test_a_new_trace_names_no_parent_to_others(recorder: Recorder) -> None:
    propagation = Propagation(hosts=["gegevensmagazijn.example"])
    with recording(recorder):
        log_actie("Ophalen", objecten="2308572", activiteit="brp-registratie")
        assert "OIN" in propagation.headers(LISTED)
        assert "traceparent" not in propagation.headers(LISTED)


def test_a_traceparent_of_opentelemetry_stays(recorder: Recorder) -> None:
    propagation = Propagation(hosts=["127.0.0.1"])
    with recording(recorder, trace=Trace(trace_id=TRACE_ID, span_id=CALLER)), http_server() as server:
        server.answer = answer(200, {})
        log_actie("Ophalen", objecten="2308572", activiteit="brp-registratie")
        with httpx2.Client(event_hooks={"request": [propagation.hook]}, trust_env=False) as client:
            client.get(server.url, headers={"traceparent": "theirs"})
            client.get(server.url)
    assert [(headers["traceparent"], "oin" in headers) for _, headers, _ in server.requests] == [
        ("theirs", True),
        (TRACEPARENT.decode(), True),
    ]


async def test_tasks_that_run_at_once_have_their_own_place(recorder: Recorder, log: SpanMemoryLog) -> None:
    @verwerkingsactie("Ophalen", activiteit="brp-registratie", objecten=persoon("bsn"))
    async def read(bsn: str) -> None:
        await asyncio.sleep(0)
        await alog_actie("Stap", objecten=bsn)

    with recording(recorder):
        await asyncio.gather(*(read(str(number)) for number in range(1, 9)))
    by_span = {actie.span.span_id: actie for actie in log.acties if actie.span}
    for actie in log.acties:
        assert isinstance(actie, Verwerkingsactie)
        assert actie.span is not None
        if actie.actie_naam == "Stap":
            assert by_span[actie.span.parent_span_id or b""].verwerkte_objecten == actie.verwerkte_objecten


def test_a_span_follows_from_its_trace() -> None:
    trace = Trace(trace_id=TRACE_ID, span_id=CALLER)
    span = new_span(trace)
    assert (span.trace_id, span.parent_span_id) == (TRACE_ID, CALLER)
    assert Trace(trace_id=TRACE_ID).traceparent() is None
