"""Same record whatever the framework: a request that FastAPI and Django handle alike gives one verwerkingsactie, but for ids and moments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast
from uuid import UUID

import httpx2
import msgspec
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, JsonResponse
from django.test import override_settings
from django.urls import path
from fastapi import FastAPI
from plugins.django.tests.conftest import connections_kept
from starlette.testclient import TestClient

from verwerkingenlogging import Activiteit, Activiteiten, MemoryLog, Recorder, Settings, gevonden, persoon, verwerkingsactie
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware

View = TypeVar("View", bound=Callable[..., Any])
OIN = "00000001821002193000"
URL = "https://var.buurgemeente.example/c63bc08f"
DOELBINDING = {
    "OIN": "00000099000000001000",
    "VerwerkingsactiviteitId": "c63bc08f-071d-4dff-aaff-c40525ca4244",
    "VerwerkingsactiviteitUrl": URL,
    "VerwerkingId": "16a69cb6-41b0-4ea0-8c80-7a735e3609e0",
    "Bewaartermijn": "P20Y",
}
TRACE = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
REQUESTS: list[tuple[str, dict[str, str]]] = [
    ("/personen/999990019", {}),
    ("/personen/999990019", DOELBINDING),
    ("/personen/000000012", {**DOELBINDING, "Vertrouwelijkheid": "vertrouwelijk", **TRACE}),
    ("/personen/000000012", {**DOELBINDING, "OIN": "12", "Bewaartermijn": "20", "Vertrouwelijkheid": "geheim"}),
    ("/personen/999990019", {"X-Gebruiker": "2ecf8e86-1a18-46ba-aa13-992c1dc231a5"}),
    ("/personen?naam=Jansen", TRACE),
    ("/personen?naam=niemand", {}),
]
RECORD_OF_ONE = verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"), verwerking_naam="Balie")
ACTIVITEITEN = Activiteiten(
    {OIN: [Activiteit(naam="brp", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"), bewaartermijn="P10Y")]}, source="activiteiten.toml"
)


class SpanMemory(MemoryLog):
    wants_spans = True


def found(naam: str) -> list[str]:
    return ["999990019", "999990342"] if naam == "Jansen" else []


def search(ids: Callable[[Any], list[str]]) -> Callable[[View], View]:
    annotate = verwerkingsactie("Zoeken personen", activiteit="brp", objecten=gevonden(ids, soorten_gegevens=["Naam"]))
    return cast("Callable[[View], View]", annotate)


def by_fastapi(log: MemoryLog) -> httpx2.Client:
    app = FastAPI()
    recorder = Recorder(log, Settings(oin=OIN, activiteiten=ACTIVITEITEN, systeem="FooBarApp v2.1"))
    app.add_middleware(
        VerwerkingenloggingMiddleware,
        recorder=recorder,
        trusted_peers=["127.0.0.1"],
        gebruiker=lambda scope: dict(scope["headers"]).get(b"x-gebruiker", b"").decode() or None,
    )

    @app.get("/personen/{bsn}")
    @RECORD_OF_ONE
    def ophalen(bsn: str) -> str:
        return bsn

    @app.get("/personen")
    @search(lambda result: result)
    def zoeken(naam: str) -> list[str]:
        return found(naam)

    return TestClient(app, client=("127.0.0.1", 1))


@RECORD_OF_ONE
def ophalen(request: HttpRequest, bsn: str) -> JsonResponse:
    return JsonResponse(bsn, safe=False)


@search(lambda response: msgspec.json.decode(response.content))
def zoeken(request: HttpRequest) -> JsonResponse:
    return JsonResponse(found(request.GET["naam"]), safe=False)


def said(log: MemoryLog) -> list[dict[str, Any]]:
    """What was recorded, without what is new each time."""
    acties = msgspec.to_builtins(log.acties)
    for actie, made in zip(acties, log.acties, strict=True):
        assert actie.pop("verwerkingId")
        assert actie.pop("tijdstip")
        actie.pop("span", None)
        assert made.span is not None
        actie["parent"] = made.span.parent_span_id
        actie["trace"] = made.span.trace_id if made.span.parent_span_id else None
    return list(acties)


@pytest.mark.filterwarnings("ignore:No directory at:UserWarning")
def test_a_request_says_the_same_through_either_framework() -> None:
    ours, theirs = SpanMemory(), SpanMemory()
    client = by_fastapi(theirs)
    answers = [client.get(address, headers=headers).json() for address, headers in REQUESTS]
    project = {
        "ROOT_URLCONF": (path("personen/<bsn>", ophalen), path("personen", zoeken)),
        "MIDDLEWARE": ["verwerkingenlogging_django.middleware.VerwerkingenloggingMiddleware"],
        "ALLOWED_HOSTS": ["*"],
        "VERWERKINGENLOGGING": {
            "OIN": OIN,
            "ACTIVITEITEN": ACTIVITEITEN,
            "SYSTEEM": "FooBarApp v2.1",
            "LOG": ours,
            "TRUSTED_PEERS": ["127.0.0.1"],
            "GEBRUIKER": lambda request: request.headers.get("X-Gebruiker"),
        },
    }
    with (
        connections_kept(),
        override_settings(**project),
        httpx2.Client(transport=httpx2.WSGITransport(WSGIHandler()), base_url="http://test") as django,
    ):
        assert [django.get(address, headers=headers).json() for address, headers in REQUESTS] == answers
    assert said(ours) == said(theirs)
    assert len(ours.acties) == len(REQUESTS) - 1
