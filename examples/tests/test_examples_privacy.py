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
from demo.run import settle

if TYPE_CHECKING:
    from examples.tests.conftest import Installation

BSN, OTHER_BSN, UNKNOWN_BSN = "918273645", "918273654", "918273666"
NAAM, GEBOORTEDATUM, ADRES, REKENING = "Kanariepiet", "1901-02-03", "Vogelkooi 99", "NL99CANARY0918273"
CANARIES = (BSN, OTHER_BSN, UNKNOWN_BSN, NAAM, GEBOORTEDATUM, ADRES, REKENING)


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


def settle_canaries_together(database: Path) -> None:
    """Let their money go to the same account, and one of them descend from the other."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE personen SET rekening = ? WHERE bsn IN (?, ?)", (REKENING, BSN, OTHER_BSN))
        connection.execute("INSERT INTO ouders (kind, ouder) VALUES (?, ?)", (BSN, OTHER_BSN))


def good_requests_to_burgerzaken(installation: Installation) -> Iterator[httpx2.Response]:
    ask = installation.burgerzaken
    huwelijk, ceremonie, onderzoek = (new_zaak(installation, kind) for kind in ("huwelijken", "ceremonies", "onderzoeken"))
    for kind in ("partners", "getuigen"):
        yield ask("PUT", f"{huwelijk}/{kind}", {"bsns": [BSN, OTHER_BSN]})
    for step in ("getuigen/raadplegingen", "verwantschapscontroles", "voorouders/raadplegingen"):
        yield ask("POST", f"{huwelijk}/{step}")
    yield ask("POST", f"{ceremonie}/raadplegingen")
    yield ask("PUT", f"{ceremonie}/uitkomst", {"uitkomst": "voltrokken"})
    yield ask("POST", f"{onderzoek}/rekeningvragen", {"rekening": REKENING})
    yield ask("PUT", f"{onderzoek}/verdachte", {"bsn": BSN})
    yield ask("PUT", f"{onderzoek}/afsluiting")


def new_zaak(installation: Installation, kind: str, bsn: str = BSN) -> str:
    answer = installation.burgerzaken("POST", f"/{kind}", {"bsn": bsn} if kind == "ceremonies" else {})
    return f"/{kind}/{answer.json()['id']}"


def bad_requests_to_burgerzaken(installation: Installation) -> Iterator[httpx2.Response]:
    ask = installation.burgerzaken
    huwelijk, onderzoek = new_zaak(installation, "huwelijken"), new_zaak(installation, "onderzoeken")
    yield ask("PUT", f"{huwelijk}/partners", {"bsns": [BSN, f"{BSN}{BSN}"]})
    yield ask("PUT", f"{huwelijk}/partners", {"bsns": [BSN, BSN]})
    yield ask("PUT", f"{huwelijk}/partners", {"bsns": BSN})
    yield ask("PUT", f"{huwelijk}/partners", [BSN])
    yield ask("PUT", f"{huwelijk}/partners", {BSN: [BSN]})
    yield ask("PUT", f"{huwelijk}/getuigen", f'{{"bsns": ["{BSN}", '.encode())
    yield ask("PUT", f"{huwelijk}/registratie", {"trouwdatum": GEBOORTEDATUM})
    yield ask("PUT", f"{huwelijk}/registratie", {"trouwdatum": NAAM})
    yield ask("POST", "/ceremonies", {"bsn": int(BSN), "id": BSN})
    yield ask("POST", f"{onderzoek}/rekeningvragen", {"rekening": [REKENING]})
    yield ask("PUT", f"{new_zaak(installation, 'ceremonies')}/uitkomst", {"uitkomst": BSN})
    yield ask("POST", f"{new_zaak(installation, 'ceremonies', UNKNOWN_BSN)}/raadplegingen")


def failing_requests_to_burgerzaken(installation: Installation) -> Iterator[httpx2.Response]:
    """With the gegevensmagazijn gone, and with a database that refuses."""
    huwelijk, ceremonie = new_zaak(installation, "huwelijken"), new_zaak(installation, "ceremonies")
    with installation.stopped(installation.system.gegevensmagazijn):
        yield installation.burgerzaken("POST", f"{ceremonie}/raadplegingen")
    with installation.refusing(OTHER_BSN):
        yield installation.burgerzaken("PUT", f"{huwelijk}/partners", {"bsns": [BSN, OTHER_BSN]})


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
    settle_canaries_together(installation.databases[1])
    good = [*good_requests(installation), *good_requests_to_burgerzaken(installation)]
    assert all(answer.is_success for answer in good)
    assert BSN in good[0].text
    assert BSN in good[-3].text
    Portal(installation.system).inzage(BSN)
    refused = [*bad_requests(installation), *failing_requests(installation)]
    refused += [*bad_requests_to_burgerzaken(installation), *failing_requests_to_burgerzaken(installation)]
    assert settle(installation.system.burgerzaken) == []
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
    burgerzaken = printed["burgerzaken"]
    assert '"PUT /huwelijken/' in burgerzaken
    assert '"http.route": "' in burgerzaken
    assert "IntegrityError\n" in burgerzaken  # what is said of a row that the database refused
    assert "POST /api/v1/verwerkingsacties 201" in printed["register"]


def test_no_error_body_repeats_a_bsn_or_a_search_criterion(printed_and_refused: tuple[dict[str, str], list[httpx2.Response]]) -> None:
    _, refused = printed_and_refused
    assert {answer.status_code for answer in refused} == {400, 404, 409, 422, 500, 502, 503}
    assert {(answer.url.path, canary) for answer in refused for canary in CANARIES if canary in answer.text} == set()


def test_the_log_itself_holds_the_persons_but_not_what_was_searched_for(
    installation: Installation, printed_and_refused: tuple[dict[str, str], list[httpx2.Response]]
) -> None:
    acties = Auditor(installation.system).acties([BSN, OTHER_BSN])
    assert {"Zoeken persoon", "Zoeken gegevens", "Ophalen persoonsgegevens", "Uitvoeren vereiste controles"} <= {
        actie.actie_naam for actie in acties
    }
    texts = [str(value) for actie in acties for value in (getattr(actie, name) for name in actie.__struct_fields__)]
    assert [canary for canary in (NAAM, GEBOORTEDATUM, ADRES, REKENING) if any(canary in text for text in texts)] == []
