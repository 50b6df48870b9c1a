"""A request whose records leave as spans: whose trace is believed, and that nothing of OpenTelemetry can make one disappear."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.testclient import TestClient
from tests.otlp_receiver import Receiver, otlp_http

from verwerkingenlogging import MemoryLog, Recorder, Verwerkingenlog, gevonden, persoon, verwerkingsactie
from verwerkingenlogging.ldv.subjects import PseudonymousSubjects
from verwerkingenlogging.logs.outbox import OutboxLog
from verwerkingenlogging.logs.spans import SpanLog
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware

BSN = "999990019"
TRACE_ID, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
NOT_SAMPLED = {"traceparent": f"00-{TRACE_ID}-{CALLER}-00"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with otlp_http() as receiver:
        yield receiver


@pytest.fixture
def spans(receiver: Receiver) -> Iterator[SpanLog]:
    log = SpanLog(OTLPSpanExporter(receiver.address), subjects=PseudonymousSubjects("s" * 32))
    yield log
    log.close()


@pytest.fixture
def build(recorder: Recorder, spans: SpanLog) -> Callable[..., FastAPI]:
    def build(*, log: Verwerkingenlog = spans, **options: Any) -> FastAPI:
        app = FastAPI()
        app.state.ran = 0

        @app.get("/personen/{bsn}")
        @verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
        async def read(bsn: str) -> str:
            app.state.ran += 1
            return bsn

        @app.get("/zoek")
        @verwerkingsactie("Zoeken personen", activiteit="brp", objecten=gevonden(lambda found: found))
        async def search() -> list[str]:
            return [BSN, "999990020"]

        app.state.recorder = Recorder(log, recorder.settings)
        app.add_middleware(VerwerkingenloggingMiddleware, recorder=app.state.recorder, **{"trusted_peers": ["testclient"], **options})
        return app

    return build


def ids(receiver: Receiver) -> list[tuple[str, str | None]]:
    return [(span.trace_id.hex(), span.parent_span_id.hex() if span.parent_span_id else None) for span in receiver.spans]


def test_the_callers_trace_is_taken_over_from_who_is_believed(build: Callable[..., FastAPI], receiver: Receiver) -> None:
    app = build()
    TestClient(app).get(f"/personen/{BSN}", headers=NOT_SAMPLED)
    TestClient(app).get(
        f"/personen/{BSN}", headers={"traceparent": "rubbish", "Fsc-Transaction-Id": "01890c24-905b-7122-b170-b60814e6ee06"}
    )
    assert ids(receiver) == [(TRACE_ID, CALLER), ("01890c24905b7122b170b60814e6ee06", None)]
    assert app.state.recorder.faults["header traceparent: invalid"] == 1
    assert BSN not in "".join(str(span) for span in receiver.raw)


@pytest.mark.parametrize("level", ["itself", "power_safe", "process_safe"])
def test_it_goes_along_through_an_outbox(
    build: Callable[..., FastAPI], spans: SpanLog, receiver: Receiver, tmp_path: Path, level: str
) -> None:
    with OutboxLog(tmp_path, deliver_to=spans) as outbox:
        log = outbox if level == "itself" else getattr(outbox, level)
        TestClient(build(log=log)).get(f"/personen/{BSN}", headers=NOT_SAMPLED)
        assert outbox.flush()
    assert ids(receiver) == [(TRACE_ID, CALLER)]


def test_a_stranger_cannot_name_the_trace_by_any_way(build: Callable[..., FastAPI], receiver: Receiver) -> None:
    app = build(trusted_peers=["10.0.0.0/8"])
    FastAPIInstrumentor.instrument_app(app, tracer_provider=TracerProvider())
    client = TestClient(app)
    client.get(f"/personen/{BSN}", headers=NOT_SAMPLED)
    client.get(f"/personen/{BSN}")
    FastAPIInstrumentor.uninstrument_app(app)
    assert TRACE_ID not in str(ids(receiver))
    assert [parent for _, parent in ids(receiver)] == [None, None]
    assert app.state.recorder.faults == {"header trace: untrusted peer": 1}


def test_who_proves_its_oin_is_believed(build: Callable[..., FastAPI], receiver: Receiver) -> None:
    proven = {"oin": "00000001804770694000"}
    app = build(verified_oin=lambda scope: proven["oin"])
    TestClient(app).get(f"/personen/{BSN}", headers=NOT_SAMPLED)
    proven["oin"] = None  # type: ignore[assignment]  # without a proof
    TestClient(app).get(f"/personen/{BSN}", headers=NOT_SAMPLED)
    assert [trace == TRACE_ID for trace, _ in ids(receiver)] == [True, False]


def test_a_log_without_spans_reads_no_trace(recorder: Recorder, log: MemoryLog, guard: Callable[..., None]) -> None:
    app = FastAPI()

    @app.get("/personen/{bsn}")
    @verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
    async def read(bsn: str) -> str:
        return bsn

    guard(app)
    TestClient(app).get(f"/personen/{BSN}", headers={"traceparent": "rubbish"})
    assert ([actie.span for actie in log.acties], recorder.faults) == ([None], {})


def test_no_sampler_flag_or_full_queue_drops_a_record_and_a_failure_is_a_503(
    monkeypatch: pytest.MonkeyPatch, build: Callable[..., FastAPI], receiver: Receiver
) -> None:
    """As hostile as a configuration can be: nothing is sampled, the caller says so too, and the queue holds one span."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1")
    theirs = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(theirs, schedule_delay_millis=1e9))
    app = build()
    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
    client = TestClient(app)
    for _ in range(20):
        assert client.get(f"/personen/{BSN}", headers=NOT_SAMPLED).status_code == 200
    receiver.down = True
    assert client.get(f"/personen/{BSN}", headers=NOT_SAMPLED).status_code == 503
    assert client.get("/zoek", headers=NOT_SAMPLED).status_code == 503
    receiver.down = False
    assert client.get("/zoek", headers=NOT_SAMPLED).status_code == 200
    FastAPIInstrumentor.uninstrument_app(app)
    provider.shutdown()
    assert theirs.get_finished_spans() == ()
    assert app.state.ran == 20
    assert [len(actie.verwerkte_objecten) for actie in receiver.acties()] == [1] * 20 + [2]
    assert {span.trace_id.hex() for span in receiver.spans} == {TRACE_ID}
