"""No BSN leaves with the application's own telemetry, whoever instrumented it; and nothing else is taken away."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk import _logs
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs import export as log_export
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, StatusCode
from starlette.testclient import TestClient

from verwerkingenlogging import Verwerkingsactie, VerwerktObject
from verwerkingenlogging.ldv.subjects import SubjectsInClear
from verwerkingenlogging.logs.spans import SpanLog
from verwerkingenlogging.telemetry.otel_guard import GuardedLogExporter, GuardedSpanExporter, without_bsns

OLD = not hasattr(_logs, "ReadableLogRecord")
"""Before 1.39 what is exported was called otherwise."""
MEMORY: Any = log_export.InMemoryLogExporter if OLD else log_export.InMemoryLogRecordExporter
BSN, SHORT = "999990019", "11122146"
NO_BSN = "999990018"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (BSN, "***"),
        (f"/personen/{BSN}?bsn={SHORT}&page=2", "/personen/***?bsn=***&page=2"),
        (f"bsn{BSN}x", "bsn***x"),
        (f"KeyError: '{BSN}'", "KeyError: '***'"),
        (NO_BSN, NO_BSN),
        (f"1{BSN}", f"1{BSN}"),
        ("000000000", "000000000"),
        ("00000000", "00000000"),
        ("٩٩٩٩٩٠٠١٩", "٩٩٩٩٩٠٠١٩"),
        (f"{SHORT}-f66f-4311-84a5-19e8bf359eaf", f"{SHORT}-f66f-4311-84a5-19e8bf359eaf"),
        (f"4bf92f3577b{BSN}0ba902b7", f"4bf92f3577b{BSN}0ba902b7"),
        (f"id-{BSN}-1", "id-***-1"),
        ("", ""),
    ],
)
def test_a_number_that_can_be_a_bsn_is_taken_away_and_nothing_else(text: str, left: str) -> None:
    assert without_bsns(text) == left


@pytest.mark.parametrize("own", ["12345672", "012345672"])
def test_one_number_may_stay_with_or_without_its_leading_zero(own: str) -> None:
    assert without_bsns("12345672 en 012345672, 999990019 en %3999990019", but=own) == "12345672 en 012345672, *** en ***"


@given(st.integers(0, 99_999_999))
def test_of_every_eleven_numbers_ten_stay(number: int) -> None:
    """The last digit follows from the others, or there is none that fits: so a net with holes shows."""
    digits = f"{number:08}"
    rest = sum((9 - index) * int(digit) for index, digit in enumerate(digits)) % 11
    for last in range(10):
        expected = "***" if last == rest and number + last else f"{digits}{last}"
        assert without_bsns(f"{digits}{last}") == expected


class Telemetry:
    """Providers whose exporters are guarded, behind the batches that everybody uses."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._logs = MEMORY()
        self.tracing, self.logging = TracerProvider(), LoggerProvider()
        self.tracing.add_span_processor(BatchSpanProcessor(GuardedSpanExporter(self._spans)))
        self.logging.add_log_record_processor(BatchLogRecordProcessor(GuardedLogExporter(self._logs)))

    def exported(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Spans and log records as they left."""
        assert self.tracing.force_flush()
        assert self.logging.force_flush()
        spans = [json.loads(span.to_json()) for span in self._spans.get_finished_spans()]
        logs = [json.loads(record.log_record.to_json() if OLD else record.to_json()) for record in self._logs.get_finished_logs()]
        self.tracing.shutdown()
        self.logging.shutdown()
        return spans, logs


def build(app: FastAPI) -> FastAPI:
    @app.get("/personen/{bsn}")
    async def read(bsn: str, fail: bool = False) -> str:
        logging.getLogger("app").warning("reading %s", bsn)
        if fail:
            raise RuntimeError(f"no such person: {bsn}")
        return bsn

    return app


def native(telemetry: Telemetry) -> FastAPI:
    return build(FastAPI(telemetry={"tracer_provider": telemetry.tracing, "logger_provider": telemetry.logging}))


def contrib(telemetry: Telemetry) -> FastAPI:
    app = build(FastAPI())
    FastAPIInstrumentor.instrument_app(app, tracer_provider=telemetry.tracing)
    return app


@pytest.mark.parametrize("instrument", [native, contrib])
@pytest.mark.filterwarnings("ignore:.*LoggingHandler:DeprecationWarning")
def test_no_bsn_leaves_with_the_telemetry_of_a_real_application(instrument: Callable[[Telemetry], FastAPI]) -> None:
    telemetry = Telemetry()
    handler = LoggingHandler(logger_provider=telemetry.logging)
    logging.getLogger("app").addHandler(handler)
    client = TestClient(instrument(telemetry), raise_server_exceptions=False)
    try:
        assert client.get(f"/personen/{BSN}?bsn={SHORT}").status_code == 200
        assert client.get(f"/personen/{BSN}?fail=1").status_code == 500
        assert client.get(f"/elders/{BSN}").status_code == 404
    finally:
        logging.getLogger("app").removeHandler(handler)
    spans, logs = telemetry.exported()
    everything = json.dumps([spans, logs])
    assert BSN not in everything
    assert SHORT not in everything
    assert "/personen/***" in json.dumps(spans)  # the net had something to catch
    assert "no such person: ***" in everything
    assert [record["body"] for record in logs if record["body"].startswith("reading")] == ["reading ***"] * 2


def test_all_else_of_a_span_stays() -> None:
    exporter = InMemorySpanExporter()
    tight = SpanLimits(max_span_attributes=3, max_events=1, max_links=1, max_event_attributes=1)
    provider = TracerProvider(resource=Resource({"service.name": "app"}), span_limits=tight)
    provider.add_span_processor(BatchSpanProcessor(GuardedSpanExporter(exporter)))
    tracer = provider.get_tracer("scope", "1")
    linked = SpanContext(1, 2, is_remote=True)
    with tracer.start_as_current_span("parent"):
        span = tracer.start_span(f"GET /{BSN}", links=[Link(linked, {"x": BSN}), Link(linked, {"x": BSN})], start_time=5)
        span.set_attributes({"dropped": 1, "list": [BSN, "a"], "bytes": b"\x00", f"key.{BSN}": 11122146})
        span.add_event("first", {"x": 1})
        span.add_event(f"event {BSN}", {"dropped": 1, "exception.message": f"at {BSN}"}, timestamp=7)
        span.set_status(StatusCode.ERROR, f"failed for {BSN}")
        span.end(9)
    assert provider.force_flush()
    provider.shutdown()
    guarded, parent = exporter.get_finished_spans()
    assert (guarded.name, guarded.start_time, guarded.end_time) == ("GET /***", 5, 9)
    assert dict(guarded.attributes or {}) == {"list": ("***", "a"), "bytes": b"\x00", "key.***": 11122146}
    assert (guarded.status.status_code, guarded.status.description) == (StatusCode.ERROR, "failed for ***")
    (event,) = guarded.events
    assert (event.name, dict(event.attributes or {}), event.timestamp) == ("event ***", {"exception.message": "at ***"}, 7)
    (link,) = guarded.links
    assert (link.context, dict(link.attributes or {})) == (linked, {"x": "***"})
    assert (guarded.dropped_attributes, guarded.dropped_events, guarded.dropped_links, event.dropped_attributes) == (1, 1, 1, 1)
    assert (guarded.parent, guarded.resource, guarded.kind) == (parent.context, provider.resource, parent.kind)
    assert guarded.instrumentation_scope == parent.instrumentation_scope
    assert guarded.context is not None
    assert parent.context is not None
    assert guarded.context.trace_id == parent.context.trace_id


@pytest.mark.skipif(OLD, reason="before OpenTelemetry 1.39 a record is made otherwise")
def test_all_else_of_a_log_record_stays_and_the_original_too() -> None:
    exporter = MEMORY()
    guarded = GuardedLogExporter(exporter)
    body: Any = {"bsn": 11122146, "many": [BSN, 3, True, None, 1.5], BSN: {"deep": BSN}}
    record = LogRecord(
        timestamp=5, observed_timestamp=6, severity_text="WARN", body=body, attributes={"x": BSN, "size": 11122146}, event_name="e",
        exception=ValueError(BSN),
    )  # fmt: skip
    original = _logs.ReadableLogRecord(record, Resource({"a": "b"}), limits=_logs.LogRecordLimits())
    guarded.export([original])
    assert guarded.force_flush()
    ((found),) = exporter.get_finished_logs()
    assert found.log_record.body == {"bsn": "***", "many": ("***", 3, True, None, 1.5), "***": {"deep": "***"}}
    assert dict(found.log_record.attributes or {}) == {"x": "***", "size": 11122146}
    assert found.log_record.exception is None
    assert (found.log_record.timestamp, found.log_record.severity_text, found.log_record.event_name) == (5, "WARN", "e")
    assert found.resource == original.resource
    assert record.body is body
    assert record.attributes == {"x": BSN, "size": 11122146}
    guarded.shutdown()


def test_flushing_reaches_the_exporter_within() -> None:
    class Slow(InMemorySpanExporter):
        def force_flush(self, timeout_millis: int = 30000) -> bool:
            return timeout_millis == 7

    assert [GuardedSpanExporter(Slow()).force_flush(timeout) for timeout in (7, 8)] == [True, False]


def test_records_of_ours_pass_through_it_whole() -> None:
    exporter = InMemorySpanExporter()
    log = SpanLog(GuardedSpanExporter(exporter), subjects=SubjectsInClear())
    log.log([Verwerkingsactie(tijdstip="2024-04-05T14:35:42Z", verwerkte_objecten=(VerwerktObject(object_id=BSN),))])
    log.close()
    (span,) = exporter.get_finished_spans()
    assert (span.attributes or {})["dpl.core.data_subject_id"] == BSN
