"""Same record either way: whichever log an application has, the register ends with verwerkingsacties that say the same.

Only ids and moments differ. A new way in gets an entry in ``WAYS``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from starlette.testclient import TestClient
from tests.collectors import SUBJECT_SECRET, Collector, Register

from verwerkingenlogging import (
    Activiteit,
    Activiteiten,
    Recorder,
    Settings,
    Vertrouwelijkheid,
    Verwerkingenlog,
    VerwerktObject,
    gevonden,
    log_actie,
    persoon,
    verwerking,
    verwerkingsactie,
)
from verwerkingenlogging.ldv.subjects import EncryptedSubjects
from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging.logs.confirmed import ConfirmedLog
from verwerkingenlogging.logs.otlp import acknowledging_session
from verwerkingenlogging.logs.outbox import OutboxLog
from verwerkingenlogging.logs.spans import SpanLog
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware

GEMEENTE = "00000001821002193000"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
DOELBINDING = {
    "OIN": "00000099000000001000",
    "VerwerkingsactiviteitId": "c63bc08f-071d-4dff-aaff-c40525ca4244",
    "VerwerkingsactiviteitUrl": "https://var.buurgemeente.example/c63bc08f",
    "VerwerkingId": "16a69cb6-41b0-4ea0-8c80-7a735e3609e0",
    "Bewaartermijn": "P20Y",
}
REQUESTS: list[tuple[str, dict[str, str]]] = [
    ("/personen/999990019", {}),
    ("/personen/999990019", DOELBINDING),
    ("/personen/000000012", {**DOELBINDING, "Vertrouwelijkheid": "vertrouwelijk", "traceparent": TRACEPARENT}),
    ("/personen?naam=Jansen", {"traceparent": TRACEPARENT}),
    ("/personen?naam=niemand", {}),
    ("/huwelijk/111/222", {}),
    ("/fraude/333", {"X-Gebruiker": "2ecf8e86-1a18-46ba-aa13-992c1dc231a5"}),
    ("/pand/0363100012345678", {}),
    ("/statistiek", {}),
]
# ids and moments: what may differ from way to way
_VARY = {"verwerkingId", "tijdstip"}


def over_http(collector: Collector) -> ConfirmedLog:
    """Spans over HTTP to a collector, with numbers that only the register can read."""
    exporter = HttpExporter(f"http://127.0.0.1:{collector.http}/v1/traces", session=acknowledging_session())
    return ConfirmedLog(SpanLog(exporter, subjects=EncryptedSubjects(SUBJECT_SECRET)), by=collector.register.api_log())


def over_grpc(collector: Collector) -> ConfirmedLog:
    """The same over gRPC."""
    exporter = GrpcExporter(f"http://127.0.0.1:{collector.grpc}", insecure=True)
    return ConfirmedLog(SpanLog(exporter, subjects=EncryptedSubjects(SUBJECT_SECRET)), by=collector.register.api_log())


WAYS: dict[str, Callable[[Collector, Path], Any]] = {
    "ApiLog": lambda collector, _: collector.register.api_log(),
    "OutboxLog over ApiLog": lambda collector, folder: OutboxLog(folder, deliver_to=collector.register.api_log()),
    "SpanLog over HTTP, collector": lambda collector, _: over_http(collector),
    "SpanLog over gRPC, collector": lambda collector, _: over_grpc(collector),
    "OutboxLog over SpanLog, collector": lambda collector, folder: OutboxLog(folder, deliver_to=over_http(collector)),
}


def application(log: Verwerkingenlog) -> FastAPI:
    activiteiten = Activiteiten(
        {
            GEMEENTE: [
                Activiteit(naam="brp", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"), url="https://var.example/5f0bef4c", bewaartermijn="P10Y"),
                Activiteit(naam="fraude", id=UUID("4f6db294-830d-4d14-b9bd-3c6d17c40d65")),
            ]
        },
        source="activiteiten.toml",
    )  # fmt: skip
    settings = Settings(
        oin=GEMEENTE,
        activiteiten=activiteiten,
        systeem="FooBarApp v2.1",
        gegevensbron="FooBar Database",
        uitvoerder="00000099000000002000",
        objecttypen=frozenset({"persoon", "pand"}),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        if isinstance(log, ApiLog):  # its connections belong to this event loop
            await log.aclose()

    app = FastAPI(lifespan=lifespan)
    app.add_middleware(
        VerwerkingenloggingMiddleware,
        recorder=Recorder(log, settings),
        trusted_peers=["testclient"],
        gebruiker=lambda scope: dict(scope["headers"]).get(b"x-gebruiker", b"").decode() or None,
    )

    @app.get("/personen/{bsn}")
    @verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn", soorten_gegevens=["Adres", "Geboortedatum"]))
    async def ophalen(bsn: str) -> str:
        return bsn

    @app.get("/personen")
    @verwerkingsactie(
        "Zoeken personen", activiteit="brp", objecten=gevonden(lambda found: found), verwerking_naam="Verhuizing", handeling_naam="Zoeken"
    )
    def zoeken(naam: str) -> list[str]:
        return ["111", "222", "333"] if naam == "Jansen" else []

    @app.get("/huwelijk/{een}/{ander}")
    @verwerkingsactie("Inzien zaak", activiteit="brp", objecten=[persoon("een", betrokkenheid="Aanvrager"), persoon("ander")])
    def huwelijk(een: str, ander: str) -> None:
        with verwerking("Huwelijk", activiteit="brp"):
            log_actie("Opslaan huwelijk", objecten=[VerwerktObject(object_id=een, betrokkenheid="Partner"), ander])
            log_actie("Verstrekken akte", objecten=een, soort_afnemer_id="BSN", afnemer_id="444")

    @app.get("/fraude/{bsn}")
    @verwerkingsactie(
        "Onderzoeken fraude", activiteit="fraude", objecten=persoon("bsn", betrokkenheid="Verdachte"), vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK, bewaartermijn="P5Y"
    )  # fmt: skip
    async def fraude(bsn: str) -> None: ...

    @app.get("/pand/{nummer}")
    async def pand(nummer: str) -> None:
        with verwerking("Taxatie", activiteit="brp"):
            log_actie("Taxeren", objecten=[VerwerktObject(object_id=nummer, objecttype="pand", soort_object_id="BAG")])

    @app.get("/statistiek")
    @verwerkingsactie("Tellen inwoners", activiteit="brp", objecten=[])
    def statistiek() -> int:
        return 0

    return app


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    folder = tmp_path_factory.mktemp("same")
    register = Register(folder / "register")
    register.run("--objecttype", "persoon", "--objecttype", "pand")
    collector = Collector(folder, register)
    collector.start("--batch-timeout", "20ms")
    yield collector
    collector.close()
    register.kill()


def recorded(collector: Collector, way: str, folder: Path) -> list[dict[str, Any]]:
    """What the register holds of the requests, made in order to an application with that log."""
    before = collector.register.count()
    with ExitStack() as stack:
        log = WAYS[way](collector, folder / "outbox")
        stack.enter_context(closing(log))
        client = stack.enter_context(TestClient(application(log)))
        for path, headers in REQUESTS:
            assert client.get(path, headers=headers).status_code == 200, path
        if isinstance(log, OutboxLog):
            assert log.flush(60)
    return collector.register.bodies(before)


@pytest.fixture(scope="module")
def by_api(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return recorded(collector, "ApiLog", tmp_path_factory.mktemp("api"))


def test_the_requests_say_all_that_an_actie_can_say(by_api: list[dict[str, Any]]) -> None:
    assert len(by_api) == 10
    assert {name for body in by_api for name, value in body.items() if not value} - {
        name for body in by_api for name, value in body.items() if value
    } == set()
    assert {len(body["verwerkteObjecten"]) for body in by_api} == {0, 1, 2, 3}


@pytest.mark.parametrize("way", [way for way in WAYS if way != "ApiLog"])
def test_the_register_has_the_same_record_either_way(collector: Collector, by_api: list[dict[str, Any]], tmp_path: Path, way: str) -> None:
    bodies = recorded(collector, way, tmp_path)
    assert [constant(body) for body in bodies] == [constant(body) for body in by_api]
    assert [pattern(body["verwerkingId"] for body in bodies)] == [pattern(body["verwerkingId"] for body in by_api)]
    assert all(body["tijdstip"].endswith("Z") == other["tijdstip"].endswith("Z") for body, other in zip(bodies, by_api, strict=True))


@pytest.mark.parametrize("way", [way for way in WAYS if "SpanLog" in way])
def test_the_record_is_in_the_trace_of_the_caller(collector: Collector, tmp_path: Path, way: str) -> None:
    before = len(keys(collector))
    recorded(collector, way, tmp_path)
    traces = [key.partition("-")[0] for key in keys(collector)[before:]]
    assert traces.count(TRACEPARENT.split("-")[1]) == 2
    assert len(set(traces)) == 7  # of the other requests each has its own


def keys(collector: Collector) -> list[str]:
    """What the acties are known by that were delivered, in the order of storing."""
    return [row.key for row in collector.register.place.query("SELECT key FROM idempotency_key ORDER BY versie")]


def constant(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in _VARY}


def pattern(ids: Iterator[str]) -> list[int]:
    """Which of them are the same: of each the place where it stood first."""
    listed = list(ids)
    return [listed.index(each) for each in listed]
