"""Our doelbinding on instrumented clients: real ones, real calls, and only to who is listed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from opentelemetry import baggage, trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.urllib import URLLibInstrumentor
from opentelemetry.propagate import get_global_textmap, inject, set_global_textmap
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from tests.http_server import Server, answer, http_server
from tests.otlp_receiver import otlp_http

from verwerkingenlogging import (
    ConfigurationError,
    HeaderProfile,
    MemoryLog,
    Propagation,
    Recorder,
    Vertrouwelijkheid,
    log_actie,
    persoon,
    recording,
    verwerking,
    verwerkingsactie,
)
from verwerkingenlogging.ldv.subjects import SubjectsInClear
from verwerkingenlogging.logs.spans import SpanLog
from verwerkingenlogging.model.doelbinding import NO_DOELBINDING
from verwerkingenlogging.telemetry.otel_propagator import DoelbindingPropagator, HostKeepingSampler, extracted_doelbinding

OURS = {"oin", "verwerkingsactiviteitid", "verwerkingsactiviteiturl", "verwerkingid", "vertrouwelijkheid", "bewaartermijn"}


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server() as running:
        running.answer = answer(200, {})
        yield running


@pytest.fixture(params=["requests", "urllib"])
def client(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def use(*hosts: str) -> None:
    set_global_textmap(CompositePropagator([TraceContextTextMapPropagator(), DoelbindingPropagator(hosts)]))


@pytest.fixture(autouse=True)
def before() -> Iterator[None]:
    textmap = get_global_textmap()
    yield
    set_global_textmap(textmap)


def call(client: str, url: str, sampler: Sampler = ALWAYS_ON) -> None:
    """One call by an instrumented client."""
    instrumentor = RequestsInstrumentor() if client == "requests" else URLLibInstrumentor()
    instrumentor.instrument(tracer_provider=TracerProvider(sampler=sampler))
    try:
        if client == "requests":
            requests.get(url, timeout=30)
        else:
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=30).close()
    finally:
        instrumentor.uninstrument()


def sent(server: Server) -> list[set[str]]:
    return [set(headers) & OURS for _, headers, _ in server.requests]


def test_an_instrumented_client_sends_what_was_logged(recorder: Recorder, log: MemoryLog, server: Server, client: str) -> None:
    use("127.0.0.1")
    with recording(recorder), verwerking("Huwelijk", activiteit="brp-registratie", vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK):
        log_actie("Ophalen", objecten="2308572")
        token = attach(baggage.set_baggage("secret", "1"))
        call(client, server.url)
        detach(token)
    ((_, headers, _),) = server.requests
    (actie,) = log.acties
    assert headers["verwerkingid"] == str(actie.verwerking_id)
    assert headers["verwerkingsactiviteitid"] == str(actie.verwerkingsactiviteit_id)
    assert headers["vertrouwelijkheid"] == "vertrouwelijk"
    assert "traceparent" in headers
    assert "baggage" not in headers


def test_nobody_else_gets_it(recorder: Recorder, server: Server, client: str) -> None:
    with recording(recorder), verwerking(activiteit="brp-registratie"):
        for hosts in ([], ["elders.example"], ["127.0.0.1:1"]):
            use(*hosts)
            call(client, server.url)
        use(server.url.removeprefix("http://"))
        call(client, server.url)
        call(client, server.url.replace("127.0.0.1", "localhost"))
    assert [bool(names) for names in sent(server)] == [False, False, False, True, False]


def test_outside_a_verwerking_nothing_is_sent(recorder: Recorder, server: Server, client: str) -> None:
    use("127.0.0.1")
    call(client, server.url)
    with recording(recorder):
        call(client, server.url)
    assert sent(server) == [set(), set()]


def test_a_call_that_is_not_sampled_keeps_its_doelbinding_with_our_sampler(recorder: Recorder, server: Server, client: str) -> None:
    use("127.0.0.1")
    with recording(recorder), verwerking(activiteit="brp-registratie"):
        call(client, server.url, ALWAYS_OFF)  # the host cannot be known
        call(client, server.url, HostKeepingSampler(ALWAYS_OFF))
        call(client, server.url, HostKeepingSampler(ALWAYS_ON))
        call(client, server.url.replace("127.0.0.1", "localhost"), HostKeepingSampler(ALWAYS_OFF))
    assert [bool(names) for names in sent(server)] == [False, True, True, False]
    assert int(server.requests[1][1]["traceparent"][-2:], 16) & 1 == 0


def test_the_sampler_decides_as_the_one_within_and_what_is_inside_a_call_is_not_that_call(recorder: Recorder) -> None:
    use("a.example")
    sampler = HostKeepingSampler(ParentBased(ALWAYS_OFF))
    assert sampler.get_description().startswith("HostKeepingSampler(ParentBased{root:AlwaysOffSampler")
    tracer = TracerProvider(sampler=sampler).get_tracer("test")
    caller = trace.NonRecordingSpan(SpanContext(1, 2, True, TraceFlags(0), TraceState([("vendor", "x")])))
    with recording(recorder), verwerking(activiteit="brp-registratie"), trace.use_span(caller):
        with tracer.start_as_current_span("call", kind=SpanKind.CLIENT, attributes={"url.full": "https://a.example/"}):
            assert _injected() >= {"OIN", "traceparent", "tracestate"}
            carrier: dict[str, str] = {}
            inject(carrier)
            assert carrier["tracestate"] == "vendor=x"
            with tracer.start_as_current_span("message", kind=SpanKind.PRODUCER, attributes={"url.full": "https://a.example/"}):
                assert "OIN" not in _injected()
        sampled = trace.NonRecordingSpan(SpanContext(1, 2, True, TraceFlags(1)))
        with trace.use_span(sampled), tracer.start_as_current_span("x") as span:
            assert span.is_recording()


def _injected() -> set[str]:
    carrier: dict[str, str] = {}
    inject(carrier)
    return set(carrier)


@pytest.mark.parametrize(
    ("attributes", "kind", "goes"),
    [
        ({"url.full": "https://a.example:8443/x"}, SpanKind.CLIENT, True),
        ({"http.url": "https://A.example/x"}, SpanKind.CLIENT, True),
        ({"server.address": "a.example", "server.port": 443}, SpanKind.CLIENT, True),
        ({"server.address": "a.example"}, SpanKind.CLIENT, True),
        ({"net.peer.name": "::1", "net.peer.port": 80}, SpanKind.CLIENT, True),
        ({"server.address": "b.example", "net.peer.name": "a.example"}, SpanKind.CLIENT, False),
        ({"url.full": "https://a.example@b.example/", "server.address": "a.example"}, SpanKind.CLIENT, False),
        ({"url.full": "https://a.example.b.example/"}, SpanKind.CLIENT, False),
        ({"url.full": "https://[a.example/"}, SpanKind.CLIENT, False),
        ({"url.full": "https://a.example/"}, SpanKind.SERVER, False),
        ({"url.full": "https://a.example/"}, SpanKind.PRODUCER, False),
        ({}, SpanKind.CLIENT, False),
    ],
)
def test_only_the_span_of_a_call_says_where_it_goes(recorder: Recorder, attributes: dict[str, Any], kind: SpanKind, goes: bool) -> None:
    use("a.example", "::1")
    with (
        recording(recorder),
        verwerking(activiteit="brp-registratie"),
        TracerProvider().get_tracer("t").start_as_current_span("call", kind=kind, attributes=attributes),
    ):
        assert ("OIN" in _injected()) is goes


def test_without_a_span_nothing_is_sent(recorder: Recorder) -> None:
    use("a.example")
    with recording(recorder), verwerking(activiteit="brp-registratie"):
        assert _injected() == set()


def test_deliveries_of_the_log_carry_none_though_everything_is_instrumented(recorder: Recorder) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    use("127.0.0.1")
    RequestsInstrumentor().instrument(tracer_provider=TracerProvider())
    try:
        with otlp_http() as receiver:
            log = SpanLog(OTLPSpanExporter(receiver.address), subjects=SubjectsInClear())
            with recording(Recorder(log, recorder.settings)), verwerking(activiteit="brp-registratie"):
                log_actie("Ophalen", objecten="2308572")
            log.close()
    finally:
        RequestsInstrumentor().uninstrument()
    (headers,) = receiver.headers
    assert not set(headers) & (OURS | {"traceparent"})


def test_a_traceparent_of_ours_never_takes_the_place_of_opentelemetrys(recorder: Recorder) -> None:
    class SpanMemoryLog(MemoryLog):
        wants_spans = True

    # The order of the environment's list is anybody's.
    set_global_textmap(CompositePropagator([TraceContextTextMapPropagator(), DoelbindingPropagator(["a.example"])]))
    tracer = TracerProvider().get_tracer("t")
    carrier: dict[str, str] = {}

    @verwerkingsactie("Ophalen", activiteit="brp-registratie", objecten=persoon("bsn"))
    def read(bsn: str) -> int:
        attributes = {"url.full": "https://a.example/"}
        with tracer.start_as_current_span("call", kind=SpanKind.CLIENT, attributes=attributes) as span:
            inject(carrier)
        assert "traceparent" in Propagation(hosts=["a.example"]).headers("https://a.example/")
        return span.get_span_context().span_id

    with recording(Recorder(SpanMemoryLog(), recorder.settings)):
        span_id = read("2308572")
    assert "OIN" in carrier
    assert carrier["traceparent"].split("-")[2] == f"{span_id:016x}"


def test_what_a_caller_sent_is_there_for_who_asks() -> None:
    propagator = DoelbindingPropagator([])
    carrier = {"OIN": ["00000001804770694000"], "VerwerkingId": "rubbish €"}
    found = extracted_doelbinding(propagator.extract(carrier))
    assert (found.oin, found.faults) == ("00000001804770694000", ("VerwerkingId: invalid",))
    assert extracted_doelbinding(propagator.extract({}, Context({"other": "1"}))) is NO_DOELBINDING
    assert propagator.extract({}, Context({"other": "1"})) == {"other": "1"}
    assert extracted_doelbinding() is NO_DOELBINDING


def test_the_names_of_the_headers_can_be_others() -> None:
    profile = HeaderProfile(oin="x-oin", vertrouwelijkheid=None)
    propagator = DoelbindingPropagator([], profile=profile)
    assert propagator.fields == {"x-oin", "VerwerkingsactiviteitId", "VerwerkingsactiviteitUrl", "VerwerkingId", "Bewaartermijn"}
    assert extracted_doelbinding(propagator.extract({"x-oin": "00000001804770694000"})).oin == "00000001804770694000"


def test_hosts_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERWERKINGENLOGGING_PROPAGATION_HOSTS", "https://a.example/")
    with pytest.raises(ConfigurationError, match="is not a host"):
        DoelbindingPropagator()


BY_NAME = """
import json, os
from opentelemetry.propagate import inject
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind
from verwerkingenlogging import Recorder, recording, verwerking, MemoryLog, Settings
from verwerkingenlogging.testing import AnyActiviteiten
recorder = Recorder(MemoryLog(), Settings(oin="00000099000000000000", activiteiten=AnyActiviteiten()))
tracer = TracerProvider().get_tracer("t")
with recording(recorder), verwerking(activiteit="brp"), tracer.start_as_current_span("c", kind=SpanKind.CLIENT, attributes={"url.full": "https://b.example/"}):
    carrier = {}
    inject(carrier)
print(json.dumps(sorted(carrier)))
"""


def test_it_is_found_by_its_name() -> None:
    environ = {"OTEL_PROPAGATORS": "tracecontext,verwerkingenlogging", "VERWERKINGENLOGGING_PROPAGATION_HOSTS": "a.example, b.example,"}
    done = subprocess.run(
        [sys.executable, "-c", BY_NAME], env={**os.environ, **environ}, capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(done.stdout) == ["OIN", "VerwerkingId", "VerwerkingsactiviteitId", "VerwerkingsactiviteitUrl", "traceparent"]
