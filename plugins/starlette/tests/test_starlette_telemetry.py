"""Beside OpenTelemetry: no span more than before, and no BSN of ours in any of them."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.testclient import TestClient

from verwerkingenlogging import LogUnavailable, MemoryLog, alog_actie, gevonden, persoon, verwerkingsactie

BSN = "999990019"


def build(app: FastAPI | None = None) -> FastAPI:
    app = app or FastAPI()

    @app.post("/personen")
    @verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
    async def read(bsn: str) -> str:
        await alog_actie("Tonen persoonsgegevens", objecten=bsn)
        return bsn

    @app.post("/zoek")
    @verwerkingsactie("Zoeken personen", activiteit="brp", objecten=gevonden(lambda found: [found["bsn"], found["missing"]]))
    async def search() -> dict[str, str]:
        return {"bsn": BSN}

    return app


def spans_of(app: FastAPI, *paths: str) -> tuple[ReadableSpan, ...]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
    client = TestClient(app, raise_server_exceptions=False)
    for path in paths:
        client.post(path)
    FastAPIInstrumentor.uninstrument_app(app)
    return exporter.get_finished_spans()


# The BSN in this address is the application's own doing; one in a record is what we must not spread.
READ = f"/personen?bsn={BSN}"


def test_the_applications_spans_are_the_same_with_and_without_us(guard: Callable[..., None], log: MemoryLog) -> None:
    bare = FastAPI()

    @bare.post("/personen")
    async def read(bsn: str) -> str:
        return bsn

    app = build()
    guard(app)
    assert [(span.name, span.kind) for span in spans_of(app, READ)] == [(span.name, span.kind) for span in spans_of(bare, READ)]
    assert len(log.acties) == 2


def test_what_fails_puts_no_bsn_into_a_span(guard: Callable[..., None], log: MemoryLog) -> None:
    app = build()
    guard(app)
    spans = spans_of(app, "/zoek")  # its extractor fails on a BSN
    log.failure = LogUnavailable("down")
    spans += spans_of(app, "/zoek")
    assert log.acties == []
    assert BSN not in "".join(span.to_json() for span in spans)
    assert {(span.attributes or {}).get("http.status_code") for span in spans if span.parent is None} == {503}


def test_fastapis_own_telemetry_gets_no_bsn_from_us_either(guard: Callable[..., None], log: MemoryLog) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    app = build(FastAPI(telemetry={"tracer_provider": provider}))
    guard(app)
    client = TestClient(app)
    assert client.post("/zoek").status_code == 503
    log.failure = LogUnavailable("down")
    assert client.post("/zoek").status_code == 503
    spans = exporter.get_finished_spans()
    assert len([span for span in spans if span.parent is None]) == 2
    assert BSN not in "".join(span.to_json() for span in spans)
