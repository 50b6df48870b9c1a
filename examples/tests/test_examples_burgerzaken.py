"""Burgerzaken as it runs: what it logs, what it has changed in the register, and what it does when something fails on the way."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from demo.case import BURGER, GETUIGEN, PARTNER, PERSONEN, VOOROUDERS
from demo.reading import Auditor
from demo.run import delivered, settle
from verwerkingenlogging.testing import told

if TYPE_CHECKING:
    from examples.tests.conftest import Installation

    from verwerkingenlogging import Verwerkingsactie
    from verwerkingenlogging.model import RegisteredVerwerkingsactie

ENVIRONMENT = {
    "VERWERKINGENLOGGING_REGISTER": "http://127.0.0.1:8080/api/v1",
    "VERWERKINGENLOGGING_CLIENT_ID": "burgerzaken",
    "VERWERKINGENLOGGING_CLIENT_SECRET": "a-secret-of-at-least-32-bytes-for-this-test",
}
REKENING = {"rekening": "NL00TEST0123456789"}


def zaak(installation: Installation, kind: str, **more: str) -> str:
    """The path of a new zaak of that kind."""
    answer = installation.burgerzaken("POST", f"/{kind}", more)
    assert answer.status_code == 201, answer.text
    return f"/{kind}/{answer.json()['id']}"


def summary(acties: Sequence[Verwerkingsactie]) -> list[tuple[str | None, list[str]]]:
    return [(actie.actie_naam, [told(objekt) for objekt in actie.verwerkte_objecten]) for actie in acties]


def of_zaak(installation: Installation, path: str) -> list[RegisteredVerwerkingsactie]:
    """What the register has of a zaak: of burgerzaken, and of whom it asked."""
    verwerking = path.rpartition("/")[2]
    acties = Auditor(installation.system).acties(PERSONEN)
    return [actie for actie in acties if verwerking in (str(actie.verwerking_id), str(actie.verwerking_id_afnemer))]


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "burgerzaken", *arguments]
    return subprocess.run(command, env={**os.environ, **ENVIRONMENT, **environment}, capture_output=True, text=True, check=False)


def test_what_is_not_done_is_not_logged(installation: Installation) -> None:
    huwelijk, empty, unknown = zaak(installation, "huwelijken"), zaak(installation, "huwelijken"), f"/huwelijken/{uuid4()}"
    installation.burgerzaken("PUT", f"{huwelijk}/partners", {"bsns": [BURGER, PARTNER]})
    installation.burgerzaken("PUT", f"{huwelijk}/getuigen", {"bsns": [*GETUIGEN]})
    assert settle(installation.system.burgerzaken) == []
    refused = [
        ("PUT", f"{huwelijk}/registratie", {"trouwdatum": "2026-12-18"}, 409),  # its record is rolled back with it
        ("PUT", f"{huwelijk}/partners", {"bsns": [BURGER, BURGER]}, 400),
        ("PUT", f"{huwelijk}/getuigen", {"bsns": [BURGER]}, 400),
        ("PUT", f"{unknown}/partners", {"bsns": [BURGER, PARTNER]}, 404),
        ("POST", f"{unknown}/getuigen/raadplegingen", {}, 404),
        ("GET", f"{huwelijk}/partners", {}, 405),
        ("POST", f"{empty}/getuigen/raadplegingen", {}, 409),
        ("POST", f"{empty}/verwantschapscontroles", {}, 409),
        ("POST", "/huwelijken", {"id": huwelijk.rpartition("/")[2]}, 409),
        ("POST", "/ceremonies", {"bsn": 2308572}, 400),
    ]
    with installation.logged() as acties:
        answers = [installation.burgerzaken(method, path, body) for method, path, body, _ in refused]
    assert [answer.status_code for answer in answers] == [status for *_, status in refused]
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}
    assert acties == []


def test_an_address_that_is_none_is_a_problem_too_and_is_not_repeated(installation: Installation) -> None:
    answer = installation.burgerzaken("GET", f"/personen/{BURGER}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert answer.json() == {"title": "Niet gevonden", "status": 404}


def test_a_closed_zaak_answers_409_and_logs_nothing_more(installation: Installation) -> None:
    onderzoek = zaak(installation, "onderzoeken")
    assert installation.burgerzaken("PUT", f"{onderzoek}/afsluiting").status_code == 204
    with installation.logged() as acties:
        answers = [
            installation.burgerzaken("POST", f"{onderzoek}/rekeningvragen", REKENING),
            installation.burgerzaken("PUT", f"{onderzoek}/verdachte", {"bsn": BURGER}),
            installation.burgerzaken("PUT", f"{onderzoek}/afsluiting"),
        ]
    assert [answer.status_code for answer in answers] == [409] * 3
    assert acties == []


def test_what_is_read_stays_logged_when_the_gegevensmagazijn_fails(installation: Installation) -> None:
    ceremonie = zaak(installation, "ceremonies", bsn=BURGER)
    with installation.logged() as acties, installation.stopped(installation.system.gegevensmagazijn):
        answer = installation.burgerzaken("POST", f"{ceremonie}/raadplegingen")
    assert (answer.status_code, answer.json()["detail"]) == (502, "Het gegevensmagazijn is niet bereikbaar.")
    assert summary(acties)[-1] == ("Opvragen persoonsgegevens", [f"BSN {BURGER} Partner"])


def test_without_the_register_burgerzaken_goes_on_and_everything_arrives_in_order_and_is_changed(installation: Installation) -> None:
    huwelijk, ceremonie = zaak(installation, "huwelijken"), zaak(installation, "ceremonies", bsn=BURGER)
    installation.burgerzaken("POST", f"{ceremonie}/raadplegingen")
    assert settle(installation.system.burgerzaken) == []
    terms = {actie.bewaartermijn for actie in of_zaak(installation, ceremonie)}
    with installation.logged() as acties, installation.stopped(installation.system.register):
        for _ in range(3):
            assert installation.burgerzaken("PUT", f"{huwelijk}/partners", {"bsns": [BURGER, PARTNER]}).status_code == 204
        assert installation.burgerzaken("PUT", f"{huwelijk}/getuigen", {"bsns": [*GETUIGEN]}).status_code == 204
        assert installation.burgerzaken("PUT", f"{ceremonie}/uitkomst", {"uitkomst": "geannuleerd"}).status_code == 204
        under_way = installation.burgerzaken("GET", "/health").json()

    assert under_way == {"status": "ok", "waiting": 5, "refused": 0, "changing": 2}
    in_order = sorted(acties, key=lambda actie: actie.tijdstip_registratie)
    assert [actie.actie_naam for actie in in_order if actie.bewaartermijn == "P150Y"] == ["Opvoeren partners"] * 3 + ["Opvoeren getuigen"]
    assert terms == {None}
    assert [actie.bewaartermijn for actie in of_zaak(installation, ceremonie)] == ["P1Y"] * 4


def marry(installation: Installation, *partners: str) -> tuple[bool, int]:
    """Whether the rule forbids these partners to marry, and how the registration is answered."""
    huwelijk = zaak(installation, "huwelijken")
    installation.burgerzaken("PUT", f"{huwelijk}/partners", {"bsns": [*partners]})
    installation.burgerzaken("PUT", f"{huwelijk}/getuigen", {"bsns": [*GETUIGEN]})
    forbidden = installation.burgerzaken("POST", f"{huwelijk}/verwantschapscontroles").json()["familierechtelijk_beletsel"]
    return forbidden, installation.burgerzaken("PUT", f"{huwelijk}/registratie", {"trouwdatum": "2026-12-18"}).status_code


def test_relatives_may_not_marry(installation: Installation) -> None:
    (_, gegevensmagazijn) = installation.databases
    with closing(sqlite3.connect(gegevensmagazijn)) as connection, connection:
        # Two children of one of the ancestors, and a grandchild of each.
        parents = [("11111110", VOOROUDERS[0]), ("11111111", VOOROUDERS[0]), ("11111112", "11111110"), ("11111113", "11111111")]
        connection.executemany("INSERT INTO ouders (kind, ouder) VALUES (?, ?)", parents)
    assert marry(installation, BURGER, VOOROUDERS[0]) == (True, 409)
    assert marry(installation, VOOROUDERS[0], "11111112") == (True, 409)
    assert marry(installation, "11111110", "11111111") == (True, 409)
    assert marry(installation, "11111112", "11111113") == (False, 204)  # cousins
    assert marry(installation, BURGER, PARTNER) == (False, 204)


def test_a_check_of_other_partners_is_worth_nothing(installation: Installation) -> None:
    huwelijk = zaak(installation, "huwelijken")
    installation.burgerzaken("PUT", f"{huwelijk}/getuigen", {"bsns": [*GETUIGEN]})
    installation.burgerzaken("PUT", f"{huwelijk}/partners", {"bsns": [BURGER, PARTNER]})
    assert installation.burgerzaken("POST", f"{huwelijk}/verwantschapscontroles").json() == {"familierechtelijk_beletsel": False}
    installation.burgerzaken("PUT", f"{huwelijk}/partners", {"bsns": [BURGER, VOOROUDERS[0]]})
    assert installation.burgerzaken("PUT", f"{huwelijk}/registratie", {"trouwdatum": "2026-12-18"}).status_code == 409


def states(acties: Sequence[RegisteredVerwerkingsactie]) -> list[tuple[str, str]]:
    return [(str(actie.actie_naam), str(actie.vertrouwelijkheid)) for actie in acties]


def test_nothing_is_lifted_before_all_of_it_has_been_delivered(installation: Installation) -> None:
    """Otherwise what arrives after the change would stay hidden for ever."""
    onderzoek, delivery = zaak(installation, "onderzoeken"), installation.system.burgerzaken.delivery
    assert installation.burgerzaken("POST", f"{onderzoek}/rekeningvragen", REKENING).status_code == 200
    assert settle(installation.system.burgerzaken) == []
    with installation.stopped(delivery):
        installation.burgerzaken("PUT", f"{onderzoek}/verdachte", {"bsn": BURGER})
        installation.burgerzaken("PUT", f"{onderzoek}/afsluiting")
        installation.system.burgerzaken.manage("make_changes")
        before, health = of_zaak(installation, onderzoek), installation.burgerzaken("GET", "/health").json()
    assert settle(installation.system.burgerzaken) == []

    assert health == {"status": "ok", "waiting": 2, "refused": 0, "changing": 2}
    assert states(before) == [("Zoeken persoon", "vertrouwelijk"), ("Zoeken gegevens", "vertrouwelijk")]
    after = of_zaak(installation, onderzoek)
    assert states(after) == [
        ("Zoeken persoon", "opgeheven"),
        ("Zoeken gegevens", "opgeheven"),
        ("Opslaan dossier", "opgeheven"),
        ("Afsluiten zaakdossier", "opgeheven"),
    ]


def test_a_change_waits_for_as_long_as_a_request_may_take(installation: Installation) -> None:
    """One that began before the zaak was closed may still be about to record something."""
    burgerzaken, ceremonie = installation.system.burgerzaken, zaak(installation, "ceremonies", bsn=BURGER)
    with installation.stopped(burgerzaken.changes):
        installation.burgerzaken("PUT", f"{ceremonie}/uitkomst", {"uitkomst": "voltrokken"})
        assert delivered(burgerzaken) == []
        replace(burgerzaken, environment={**burgerzaken.environment, "BURGERZAKEN_LONGEST_REQUEST_SECONDS": "3600"}).manage("make_changes")
        health = installation.burgerzaken("GET", "/health").json()
    assert settle(burgerzaken) == []
    assert health["changing"] == 2
    assert [actie.bewaartermijn for actie in of_zaak(installation, ceremonie)] == ["P150Y"] * 2


def test_django_finds_nothing_wrong_every_view_says_what_it_logs_and_the_tables_are_those_of_the_models(tmp_path: Path) -> None:
    code = [
        "from django.core.management import call_command",
        "call_command('check', fail_level='WARNING')",
        "call_command('verwerkingen_check')",
        "call_command('makemigrations', 'burgerzaken', check_changes=True, dry_run=True)",
    ]
    done = manage("shell", "--command", "; ".join(code), BURGERZAKEN_DATABASE=str(tmp_path / "burgerzaken.sqlite"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 that say nothing, 0 problems" in done.stdout
