"""The zaaksysteem and the gegevensmagazijn as they run: what they log, and what they do when that fails."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from demo.case import BURGER, MEDEBEWONERS, NAAMGENOTEN
from demo.system import OIN
from verwerkingenlogging.testing import told

if TYPE_CHECKING:
    from examples.tests.conftest import Installation

    from verwerkingenlogging import Verwerkingsactie

ADRES = "Voorbeeldplein 12, Voorbeeldstad"
ZOEKVRAAG = {"geboortedatum": "1985-03-14", "naam": "De Vries"}
# Everything that either application does with persons who are known beforehand: which of them is asked, where, and what.
KNOWN_PERSONS = [
    ("zaak", "/raadplegingen", {"bsn": BURGER}),
    ("zaak", "/verhuizingen", {"bsn": BURGER, "adres": ADRES}),
    ("zaak", "/gegevensmagazijn/raadplegingen", {"bsn": BURGER}),
    ("zaak", "/gegevensmagazijn/verhuizingen", {"bsn": BURGER, "adres": ADRES}),
    ("gegevensmagazijn", "/raadplegingen", {"bsn": BURGER}),
    ("gegevensmagazijn", "/verhuizingen", {"bsns": [BURGER], "adres": ADRES}),
]


APPLICATIONS = ["zaaksysteem.app:app", "gegevensmagazijn.app:app", "burgerzaken.wsgi:application"]


def ask_all(installation: Installation) -> list[httpx2.Response]:
    answers = [getattr(installation, application)(path, body) for application, path, body in KNOWN_PERSONS]
    return [*answers, installation.zaak("/aanvrager", {"bsn": BURGER}, method="PUT")]


def summary(acties: Sequence[Verwerkingsactie]) -> list[tuple[str | None, list[str]]]:
    return [(actie.actie_naam, [told(objekt) for objekt in actie.verwerkte_objecten]) for actie in acties]


def test_without_the_register_everything_answers_503_and_no_database_is_read_or_written(installation: Installation) -> None:
    with installation.trapped() as trap:
        with installation.stopped(installation.system.register):
            without_register = ask_all(installation)
        untouched = [database.read_bytes() == trap for database in installation.databases]
        with_register = ask_all(installation)
    whole_again = ask_all(installation)

    assert [(answer.status_code, answer.headers["content-type"]) for answer in without_register] == [(503, "application/problem+json")] * 7
    assert all(answer.json()["code"] == "niet-vastgelegd" for answer in without_register)
    assert untouched == [True, True]
    # The proof that the trap bites: the same requests fail on it as soon as they may go on.
    assert [answer.status_code for answer in with_register] == [500] * 7
    assert all(answer.is_success for answer in whole_again)


def test_without_the_register_nobody_who_was_found_is_shown(installation: Installation) -> None:
    with installation.stopped(installation.system.register):
        answers = [
            installation.zaak("/zoekvragen", ZOEKVRAAG),
            installation.gegevensmagazijn("/zoekvragen", ZOEKVRAAG),
            installation.gegevensmagazijn("/raadplegingen-met-medebewoners", {"bsn": BURGER}),
        ]
    assert [answer.status_code for answer in answers] == [503] * 3
    assert not any(bsn in answer.text for answer in answers for bsn in (BURGER, *NAAMGENOTEN, *MEDEBEWONERS))


def test_without_the_gegevensmagazijn_the_zaaksysteem_answers_502_and_has_logged_its_own_actie(installation: Installation) -> None:
    with installation.logged() as acties, installation.stopped(installation.system.gegevensmagazijn):
        answer = installation.zaak("/gegevensmagazijn/raadplegingen", {"bsn": BURGER})
    assert answer.status_code == 502
    assert summary(acties) == [("Ophalen persoonsgegevens", [f"BSN {BURGER} Aanvrager"])]


def test_a_search_in_the_gegevensmagazijn_logs_everybody_who_was_found(installation: Installation) -> None:
    with installation.logged() as acties:
        found = installation.gegevensmagazijn("/zoekvragen", ZOEKVRAAG).json()
    assert [persoon["bsn"] for persoon in found] == [BURGER, *NAAMGENOTEN]
    assert summary(acties) == [("Zoeken gegevens", [f"BSN {bsn}" for bsn in (BURGER, *NAAMGENOTEN)])]


@pytest.mark.parametrize("application", ["zaak", "gegevensmagazijn"])
def test_a_search_that_finds_nobody_logs_nothing(installation: Installation, application: str) -> None:
    with installation.logged() as acties:
        answer = getattr(installation, application)("/zoekvragen", ZOEKVRAAG | {"naam": "Nergensma"})
    assert answer.json() == []
    assert acties == []


def test_medebewoners_from_the_gegevensmagazijn_are_in_the_same_actie(installation: Installation) -> None:
    installation.gegevensmagazijn("/verhuizingen", {"bsns": [BURGER, *MEDEBEWONERS], "adres": ADRES})
    with installation.logged() as acties:
        personen = installation.gegevensmagazijn("/raadplegingen-met-medebewoners", {"bsn": BURGER}).json()
    assert {persoon["bsn"] for persoon in personen} == {BURGER, *MEDEBEWONERS}
    assert summary(acties) == [("Ophalen gegevens", [f"BSN {BURGER}", *(f"BSN {bsn} Medebewoner" for bsn in MEDEBEWONERS)])]


def test_a_caller_without_doelbinding_is_logged_all_the_same(installation: Installation) -> None:
    with installation.logged() as acties:
        installation.gegevensmagazijn("/raadplegingen", {"bsn": BURGER})
    (actie,) = acties
    assert (actie.afnemer_id, actie.verwerking_id_afnemer, actie.bewaartermijn) == (None, None, None)


def test_a_caller_in_lower_case_and_in_years_is_understood(installation: Installation) -> None:
    with installation.logged() as acties:
        installation.gegevensmagazijn("/raadplegingen", {"bsn": BURGER}, {"oin": OIN, "bewaartermijn": "150"})
    (actie,) = acties
    assert (actie.soort_afnemer_id, actie.afnemer_id, actie.bewaartermijn) == ("OIN", OIN, "P150Y")


@pytest.mark.parametrize("path", ["/raadplegingen", "/gegevensmagazijn/raadplegingen"])
def test_an_unknown_zaak_is_answered_with_404(installation: Installation, path: str) -> None:
    url = f"{installation.system.zaaksysteem.url}/zaken/00000000-0000-4000-8000-000000000000{path}"
    assert httpx2.post(url, json={"bsn": BURGER}, trust_env=False).status_code == 404


@pytest.mark.parametrize("path", ["/raadplegingen", "/raadplegingen-met-medebewoners"])
def test_somebody_whom_the_gegevensmagazijn_does_not_know_is_answered_with_404(installation: Installation, path: str) -> None:
    assert installation.gegevensmagazijn(path, {"bsn": "1111111"}).status_code == 404
    assert installation.zaak("/gegevensmagazijn/raadplegingen", {"bsn": "1111111"}).status_code == 404


@pytest.mark.parametrize("application", APPLICATIONS)
def test_every_route_says_what_it_logs(application: str) -> None:
    done = verwerkingenlogging_check(application, "a-secret-of-at-least-32-bytes-for-this-test")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 that say nothing, 0 problems" in done.stdout


@pytest.mark.parametrize("application", APPLICATIONS)
def test_a_missing_secret_is_named_when_the_application_starts(application: str) -> None:
    done = verwerkingenlogging_check(application, "")
    assert done.returncode == 1
    assert "VERWERKINGENLOGGING_CLIENT_SECRET is missing" in done.stderr


def verwerkingenlogging_check(application: str, secret: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sysconfig.get_path("scripts")) / "verwerkingenlogging"), "check", application]
    environment = {
        "VERWERKINGENLOGGING_REGISTER": "http://127.0.0.1:8080/api/v1",
        "VERWERKINGENLOGGING_CLIENT_ID": "application",
        "VERWERKINGENLOGGING_CLIENT_SECRET": secret,
    }
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
