"""No BSN and no search criterion in any technical log line, span or error body (P3): a run with canaries, searched through."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from demo.processes import Service
from demo.reading import Auditor, Portal

if TYPE_CHECKING:
    from examples.tests.conftest import Installation

BSN, OTHER_BSN, UNKNOWN_BSN = "918273645", "918273654", "918273666"
NAAM, GEBOORTEDATUM, ADRES = "Kanariepiet", "1901-02-03", "Vogelkooi 99"
CANARIES = (BSN, OTHER_BSN, UNKNOWN_BSN, NAAM, GEBOORTEDATUM, ADRES)


def settle_canaries(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        rows = [(bsn, NAAM, GEBOORTEDATUM, ADRES) for bsn in (BSN, OTHER_BSN)]
        connection.executemany("INSERT INTO personen (bsn, naam, geboortedatum, adres) VALUES (?, ?, ?, ?)", rows)


def good_requests(installation: Installation) -> Iterator[httpx2.Response]:
    zoekvraag = {"geboortedatum": GEBOORTEDATUM, "naam": NAAM}
    family = {"bsn": BSN, "medebewoners": [OTHER_BSN]}
    yield installation.zaak("/zoekvragen", zoekvraag)
    yield installation.zaak("/aanvrager", {"bsn": BSN}, method="PUT")
    for at in ("", "/gegevensmagazijn"):
        yield installation.zaak(f"{at}/raadplegingen", family)
        yield installation.zaak(f"{at}/verhuizingen", family | {"adres": ADRES})
    yield installation.gegevensmagazijn("/zoekvragen", zoekvraag)
    yield installation.gegevensmagazijn("/raadplegingen-met-medebewoners", {"bsn": BSN})


def bad_requests(installation: Installation) -> Iterator[httpx2.Response]:
    for ask in (installation.zaak, installation.gegevensmagazijn):
        yield ask("/raadplegingen", {"bsn": f"{BSN}{OTHER_BSN}"})
        yield ask("/raadplegingen", {"bsn": int(BSN)})
        yield ask("/raadplegingen", {BSN: BSN})
        yield ask("/raadplegingen", f'{{"bsn": "{BSN}", '.encode())
        yield ask("/raadplegingen", f"bsn={BSN}".encode())
        yield ask("/zoekvragen", {"geboortedatum": f"{GEBOORTEDATUM}T{NAAM}", "naam": [NAAM]})
        yield ask("/zoekvragen", {"geboortedatum": f"3{GEBOORTEDATUM}", "naam": NAAM * 100})
        yield ask("/verhuizingen", {"bsns": [BSN, ADRES], "bsn": ADRES, "adres": [ADRES]})
    yield installation.gegevensmagazijn("/raadplegingen", {"bsn": UNKNOWN_BSN})
    yield installation.zaak("/gegevensmagazijn/raadplegingen", {"bsn": UNKNOWN_BSN})
    yield installation.gegevensmagazijn("/raadplegingen", {"bsn": "1"}, {"OIN": BSN, "VerwerkingId": BSN, "Bewaartermijn": NAAM})


def failing_requests(installation: Installation) -> Iterator[httpx2.Response]:
    """With each part of the system gone in turn, and with the databases gone."""
    system = installation.system
    for gone in (system.register, system.gegevensmagazijn):
        with installation.stopped(gone):
            yield installation.zaak("/zoekvragen", {"geboortedatum": GEBOORTEDATUM, "naam": NAAM})
            yield installation.zaak("/gegevensmagazijn/raadplegingen", {"bsn": BSN})
    with installation.trapped():
        yield from good_requests(installation)


@pytest.fixture(scope="module")
def printed_and_refused(installation: Installation) -> tuple[dict[str, str], list[httpx2.Response]]:
    """What each process printed, and the answers that were no success, of a whole run with canaries."""
    for database in installation.databases:
        settle_canaries(database)
    good = list(good_requests(installation))
    assert all(answer.is_success for answer in good)
    assert BSN in good[0].text
    Portal(installation.system).inzage(BSN)
    refused = [*bad_requests(installation), *failing_requests(installation)]
    services: tuple[Service, ...] = installation.system.services
    return {service.name: service.output for service in services}, [answer for answer in refused if not answer.is_success]


def test_no_process_prints_a_bsn_or_a_search_criterion(printed_and_refused: tuple[dict[str, str], list[httpx2.Response]]) -> None:
    printed, _ = printed_and_refused
    assert {(name, canary) for name, output in printed.items() for canary in CANARIES if canary in output} == set()


def test_the_output_that_was_searched_holds_access_lines_spans_log_records_and_tracebacks(
    printed_and_refused: tuple[dict[str, str], list[httpx2.Response]],
) -> None:
    printed, _ = printed_and_refused
    for application in ("zaaksysteem", "gegevensmagazijn"):
        output = printed[application]
        assert '"POST /' in output  # a line of the access log
        assert '"http.route": "/' in output  # an attribute of a span
        assert '"severity_text": "' in output  # a log record
        assert "file is not a database" in output  # a traceback
    assert "POST /api/v1/verwerkingsacties 201" in printed["register"]


def test_no_error_body_repeats_a_bsn_or_a_search_criterion(printed_and_refused: tuple[dict[str, str], list[httpx2.Response]]) -> None:
    _, refused = printed_and_refused
    assert {answer.status_code for answer in refused} == {404, 422, 500, 502, 503}
    assert {(answer.url.path, canary) for answer in refused for canary in CANARIES if canary in answer.text} == set()


def test_the_log_itself_holds_the_persons_but_not_what_was_searched_for(
    installation: Installation, printed_and_refused: tuple[dict[str, str], list[httpx2.Response]]
) -> None:
    acties = Auditor(installation.system).acties([BSN])
    assert {"Zoeken persoon", "Zoeken gegevens", "Ophalen persoonsgegevens"} <= {actie.actie_naam for actie in acties}
    texts = [str(value) for actie in acties for value in (getattr(actie, name) for name in actie.__struct_fields__)]
    assert [canary for canary in (NAAM, GEBOORTEDATUM, ADRES) if any(canary in text for text in texts)] == []
