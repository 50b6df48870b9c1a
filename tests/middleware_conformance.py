"""What every middleware must do, asked over HTTP of a small application. A new one is tested by subclassing this and giving ``make``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import httpx2
import pytest

from tests.swallowing import EATEN
from verwerkingenlogging import (
    Activiteit,
    Activiteiten,
    HeaderProfile,
    LogUnavailable,
    MemoryLog,
    NotRecorded,
    OutsideContext,
    Recorder,
    Vertrouwelijkheid,
)
from verwerkingenlogging.context import current

GEMEENTE, BUURGEMEENTE, DERDE = "00000001821002193000", "00000099000000001000", "00000001804770694000"
OURS, THEIRS = UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"), UUID("4f6db294-830d-4d14-b9bd-3c6d17c40d65")
BSN = "2308572"
PEER, STRANGER = "10.1.2.3", "192.0.2.1"
HEADERS = {
    "OIN": DERDE,
    "VerwerkingsactiviteitId": "40fc7068-050d-45cc-8f60-770cd6d9de64",
    "VerwerkingsactiviteitUrl": "https://var.derde.example/40fc7068?a,b",
    "VerwerkingId": "16a69cb6-41b0-4ea0-8c80-7a735e3609e0",
    "Vertrouwelijkheid": "Vertrouwelijk",
    "Bewaartermijn": "P150Y",
}

NEVER_SHOWS = "returns-at-last"
"""The way that never answers with what was read."""

Header = Callable[[str], str | None]
"""Gives a header of a request by its name."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """An application: what it answers, and the recorder of its middleware.

    ``ask(path, method, client=…, headers=…, json=…)`` gives the answer, or raises what makes a server cut the connection.
    """

    ask: Callable[..., httpx2.Response]
    recorder: Recorder


class Make(Protocol):
    """Makes the application in the middleware. What is given of a request is a function of its headers.

    - ``GET /personen/<bsn>`` records ``Ophalen persoonsgegevens`` before it runs. It takes no other method.
    - ``GET /zoek`` records ``Zoeken personen`` with what it found, ``[BSN]``.
    - ``POST /verhuizingen`` takes ``{"bsn": …, "postcode": …}``, and records ``Opslaan verhuizing`` when both are there.
    - ``GET /export/<bsn>`` records ``Exporteren persoonsgegevens`` and streams; ``Ophalen details`` between its two parts, each of
      them the number of acties at that moment with a semicolon. With ``?fail`` it breaks the log after the first.
    - ``GET /stil`` records nothing.
    - ``GET /slikt/<way>/<bsn>`` calls a function that records ``Ophalen persoonsgegevens`` of that person in each of ``ways``, those of
      ``tests.swallowing``; with ``?found`` one that finds that person. It answers what the way gives.

    Each function adds its path without the argument, and how many acties there are, to ``ran``.
    """

    def __call__(
        self,
        *,
        log: MemoryLog | None = None,
        debug: bool = False,
        verified_oin: Callable[[Header], str | None] | None = None,
        organisatie: Callable[[Header], str] | None = None,
        gebruiker: Callable[[Header], str | None] | None = None,
        profile: HeaderProfile | None = None,
    ) -> Asked:
        """The application; peers in 10.1.0.0/16 and 127.0.0.1 are trusted, and the proxies 10.9.0.1 and 127.0.0.9."""
        ...


def functions(given: dict[str, Any], header: Callable[[Any], Header]) -> dict[str, Any]:
    """The arguments that were given, as a middleware takes them: functions of its kind of request."""
    named = {name: value for name, value in given.items() if value is not None and name != "profile"}
    made = {name: (lambda request, value=value: value(header(request))) for name, value in named.items()}
    return made if given.get("profile") is None else {**made, "profile": given["profile"]}


class SpanMemory(MemoryLog):
    wants_spans = True


class MiddlewareConformance:
    """The promises of a middleware. Subclasses give ``make``, which uses ``log``, ``ran`` and ``activiteiten``, and ``ways``."""

    ways: Mapping[str, Callable[..., Any]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "way" in metafunc.fixturenames:
            metafunc.parametrize("way", self.ways)

    @pytest.fixture
    def make(self) -> Make:
        """Makes the application."""
        raise NotImplementedError

    @pytest.fixture
    def log(self) -> MemoryLog:
        return MemoryLog()

    @pytest.fixture
    def ran(self) -> list[tuple[str, int]]:
        return []

    @pytest.fixture
    def activiteiten(self) -> Activiteiten:
        return Activiteiten(
            {GEMEENTE: [Activiteit(naam="brp", id=OURS)], BUURGEMEENTE: [Activiteit(naam="brp", id=THEIRS)]}, source="activiteiten.toml"
        )

    def test_a_callers_doelbinding_reaches_the_record_and_none_of_it_becomes_ours(self, make: Make, log: MemoryLog) -> None:
        """P4, and B9177."""
        assert make().ask(f"/personen/{BSN}", headers=HEADERS).status_code == 200
        (actie,) = log.acties
        assert (actie.soort_afnemer_id, actie.afnemer_id) == ("OIN", DERDE)
        assert actie.verwerkingsactiviteit_id_afnemer == UUID(HEADERS["VerwerkingsactiviteitId"])
        assert actie.verwerkingsactiviteit_url_afnemer == HEADERS["VerwerkingsactiviteitUrl"]
        assert actie.verwerking_id_afnemer == UUID(HEADERS["VerwerkingId"])
        assert (actie.vertrouwelijkheid, actie.bewaartermijn) == (Vertrouwelijkheid.VERTROUWELIJK, "P150Y")
        assert (actie.verwerkingsactiviteit_id, actie.verwerkingsactiviteit_url) == (OURS, None)
        assert actie.verwerking_id not in {None, UUID(HEADERS["VerwerkingId"])}

    def test_a_request_without_headers_has_no_afnemer_and_no_user(self, make: Make, log: MemoryLog) -> None:
        app = make()
        for _ in range(2):
            app.ask(f"/personen/{BSN}")
        first, second = log.acties
        assert (first.afnemer_id, first.verwerking_id_afnemer, first.bewaartermijn, first.gebruiker) == (None, None, None, None)
        assert first.vertrouwelijkheid is Vertrouwelijkheid.NORMAAL
        assert first.verwerking_id != second.verwerking_id
        assert app.recorder.faults == {}

    def test_a_malformed_header_never_switches_logging_off(self, make: Make, log: MemoryLog, caplog: pytest.LogCaptureFixture) -> None:
        app = make()
        wrong = {**HEADERS, "OIN": "0000-secret", "Bewaartermijn": "-P1Y", "VerwerkingId": "secret"}
        assert app.ask(f"/personen/{BSN}", headers=wrong).status_code == 200
        (actie,) = log.acties
        assert (actie.afnemer_id, actie.bewaartermijn, actie.verwerking_id_afnemer) == (None, None, None)
        assert actie.verwerkingsactiviteit_id_afnemer is not None
        assert dict(app.recorder.faults) == {
            "header OIN: invalid": 1,
            "header Bewaartermijn: invalid": 1,
            "header VerwerkingId: invalid": 1,
            "confidentiality asked for by a caller": 1,
        }
        assert "OIN: invalid" in caplog.text
        assert "secret" not in caplog.text

    @pytest.mark.parametrize(("client", "trusted"), [(PEER, True), (f"::ffff:{PEER}", True), (STRANGER, False), ("", False)])
    def test_only_trusted_peers_are_believed(self, make: Make, log: MemoryLog, client: str, trusted: bool) -> None:
        app = make()
        assert app.ask(f"/personen/{BSN}", headers={"OIN": DERDE}, client=client).status_code == 200
        assert log.acties[0].afnemer_id == (DERDE if trusted else None)
        assert app.recorder.faults["header doelbinding: untrusted peer"] == (0 if trusted else 1)

    @pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
    @pytest.mark.parametrize(
        ("client", "believed"), [("127.0.0.1", False), (PEER, True), ("127.0.0.9", True), ("10.9.0.1", True), ("127.0.0.2", False)]
    )
    def test_a_proxy_on_this_machine_is_believed_only_when_that_is_said(
        self, make: Make, log: MemoryLog, client: str, believed: bool, name: str
    ) -> None:
        app = make()
        assert app.ask(f"/personen/{BSN}", headers={"OIN": DERDE, name: "192.0.2.1"}, client=client).status_code == 200
        assert app.ask(f"/personen/{BSN}", headers={"OIN": DERDE}, client=client).status_code == 200
        assert [actie.afnemer_id for actie in log.acties] == [
            DERDE if believed else None,
            None if client == "127.0.0.2" else DERDE,
        ]

    def test_a_stranger_who_asks_for_confidentiality_hides_nothing_and_that_is_an_error(
        self, make: Make, log: MemoryLog, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = make()
        assert app.ask(f"/personen/{BSN}", headers={"Vertrouwelijkheid": "vertrouwelijk"}, client=STRANGER).status_code == 200
        assert log.acties[0].vertrouwelijkheid is Vertrouwelijkheid.NORMAAL
        assert app.recorder.faults["header Vertrouwelijkheid: untrusted peer"] == 1
        assert [record.name for record in caplog.records if record.levelno == logging.ERROR] == ["verwerkingenlogging.caller"]

    @pytest.mark.parametrize("client", [PEER, STRANGER])
    def test_a_trusted_callers_trace_is_taken_over(self, make: Make, client: str) -> None:
        log = SpanMemory()
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        make(log=log).ask(f"/personen/{BSN}", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}, client=client)
        span = log.acties[0].span
        assert span is not None
        assert (span.trace_id.hex() == trace) is (client == PEER)

    def test_a_header_is_held_against_what_the_caller_proves(self, make: Make, log: MemoryLog, ran: list[Any]) -> None:
        app = make(verified_oin=lambda header: header("X-Proven"))
        for proven in ({"X-Proven": DERDE}, {}):
            assert app.ask(f"/personen/{BSN}", headers={"OIN": DERDE, **proven}, client=STRANGER).status_code == 200
        assert [actie.afnemer_id for actie in log.acties] == [DERDE, None]
        assert dict(app.recorder.faults) == {"header doelbinding: no verified OIN": 1}
        refused = app.ask(f"/personen/{BSN}", headers={"OIN": DERDE, "X-Proven": GEMEENTE})
        assert (refused.status_code, refused.headers["content-type"]) == (403, "application/problem+json")
        assert refused.json()["code"] == "oin-komt-niet-overeen"
        assert (len(log.acties), len(ran)) == (2, 2)

    def test_one_installation_serves_several_organisations(self, make: Make, log: MemoryLog, ran: list[Any]) -> None:
        """Threat 18: the tenant comes from what is verified, and does not linger; an unknown one processes nothing."""
        app = make(organisatie=lambda header: header("X-Tenant") or "0" * 20)
        for tenant in (BUURGEMEENTE, GEMEENTE, BUURGEMEENTE):
            assert app.ask(f"/personen/{BSN}", headers={"X-Tenant": tenant}).status_code == 200
        assert app.ask(f"/personen/{BSN}").status_code == 503
        assert [actie.verwerkingsactiviteit_id for actie in log.acties] == [THEIRS, OURS, THEIRS]
        assert len(ran) == 3

    def test_the_user_is_known_by_a_key_when_that_is_asked_for(self, make: Make, log: MemoryLog) -> None:
        app = make(gebruiker=lambda header: header("X-User"))
        for user in ({"X-User": "2ecf8e86-1a18-46ba-aa13-992c1dc231a5"}, {}):
            assert app.ask(f"/personen/{BSN}", headers=user).status_code == 200
        assert [actie.gebruiker for actie in log.acties] == ["2ecf8e86-1a18-46ba-aa13-992c1dc231a5", None]

    def test_headers_may_have_other_names(self, make: Make, log: MemoryLog) -> None:
        make(profile=HeaderProfile(oin="x-origin-oin")).ask(f"/personen/{BSN}", headers={"X-Origin-OIN": DERDE, "OIN": GEMEENTE})
        assert log.acties[0].afnemer_id == DERDE

    def test_a_person_who_is_known_is_recorded_before_the_code_runs(self, make: Make, log: MemoryLog, ran: list[Any]) -> None:
        app = make()
        assert BSN in app.ask(f"/personen/{BSN}").text
        assert app.ask("/verhuizingen", "POST", json={"bsn": BSN, "postcode": "1234AB"}).status_code == 200
        assert ran == [("/personen", 1), ("/verhuizingen", 2)]
        assert [objekt.object_id for actie in log.acties for objekt in actie.verwerkte_objecten] == [BSN, BSN]

    def test_whoever_was_found_is_recorded_before_the_answer_leaves(self, make: Make, log: MemoryLog, ran: list[Any]) -> None:
        assert BSN in make().ask("/zoek").text
        (actie,) = log.acties
        assert ([objekt.object_id for objekt in actie.verwerkte_objecten], ran) == ([BSN], [("/zoek", 0)])

    @pytest.mark.parametrize("path", [f"/personen/{BSN}", "/zoek", f"/export/{BSN}"])
    @pytest.mark.parametrize("debug", [False, True])
    def test_a_log_that_is_down_becomes_503_without_personal_data(
        self, make: Make, log: MemoryLog, ran: list[Any], path: str, debug: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        """B7952: it is not processed, or not shown."""
        log.failure = LogUnavailable("the register answered 500")
        refused = make(debug=debug).ask(path)
        assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
        assert refused.headers["cache-control"] == "no-store"
        assert refused.json() == {
            "title": "Verwerking niet vastgelegd",
            "status": 503,
            "detail": "Deze verwerking van persoonsgegevens kon niet worden vastgelegd en is daarom niet uitgevoerd. Probeer het later opnieuw.",
            "code": "niet-vastgelegd",
        }
        assert ran == ([("/zoek", 0)] if path == "/zoek" else [])
        assert BSN not in refused.text + caplog.text
        loud = [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]
        assert loud == ["not recorded, so not processed: the register answered 500"]

    @pytest.mark.parametrize("number", ["9" * 41, "9999%0A90019", "99999%0990019"])
    def test_an_id_that_no_record_can_hold_is_the_clients_to_mend(
        self, make: Make, log: MemoryLog, ran: list[Any], number: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A21: any scanner could set off the alarm otherwise. What is wrong is named, and its value is not."""
        app = make()
        for log.failure in (None, LogUnavailable("down")):
            refused = app.ask(f"/personen/{number}")
            assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")
            assert refused.json()["code"] == "gegeven-ongeldig"
            (wrong,) = refused.json()["invalidParams"]
            assert wrong == {"name": "bsn", "code": "max-length" if len(number) > 40 and number.isdigit() else "invalid"}
            assert number not in refused.text
        assert (log.acties, ran) == ([], [])
        told = [one for one in caplog.records if one.getMessage().startswith("not recorded")]
        assert [one.levelno for one in told] == [logging.WARNING, logging.WARNING]
        assert "999" not in "".join(one.getMessage() for one in told)
        assert app.recorder.failures == {"InvalidInRequest": 2}

    @pytest.mark.parametrize("found", ["", "?found=1"])
    def test_whatever_the_application_makes_of_the_error_it_is_503(
        self, make: Make, log: MemoryLog, way: str, found: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A1: the request remembers that something could not be recorded. It is told and counted once."""
        app = make()
        address = f"/slikt/{way}/{BSN}{found}"
        assert BSN in app.ask(address).text or way == NEVER_SHOWS
        assert log.acties != []
        log.failure = LogUnavailable("the register answered 500")
        refused = app.ask(address)
        assert (refused.status_code, refused.json()["code"]) == (503, "niet-vastgelegd")
        assert EATEN not in refused.text
        loud = [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR and one.name.startswith("verwerkingenlogging")]
        assert loud == ["not recorded, so not processed: the register answered 500"]
        assert app.recorder.failures == {"LogUnavailable": 1}
        log.failure = None
        assert app.ask(address).status_code == 200

    @pytest.mark.parametrize(
        ("path", "method", "status"),
        [("/nothing", "GET", {404}), (f"/personen/{BSN}", "POST", {405}), ("/verhuizingen", "POST", {400, 422})],
    )
    def test_what_does_not_run_is_not_recorded(
        self, make: Make, log: MemoryLog, ran: list[Any], path: str, method: str, status: set[int]
    ) -> None:
        assert make().ask(path, method, json={"bsn": BSN}).status_code in status
        assert (log.acties, ran) == ([], [])

    def test_what_says_nothing_is_not_recorded_and_does_not_need_the_log(self, make: Make, log: MemoryLog, ran: list[Any]) -> None:
        log.failure = LogUnavailable("down")
        assert make().ask("/stil").status_code == 200
        assert (log.acties, ran) == ([], [("/stil", 0)])

    def test_a_stream_is_recorded_before_its_first_byte_and_belongs_to_the_request(self, make: Make, log: MemoryLog) -> None:
        assert make().ask(f"/export/{BSN}", headers={"OIN": DERDE}).text == "1;2;"
        assert [actie.actie_naam for actie in log.acties] == ["Exporteren persoonsgegevens", "Ophalen details"]
        assert {actie.afnemer_id for actie in log.acties} == {DERDE}
        assert len({actie.verwerking_id for actie in log.acties}) == 1

    def test_a_stream_whose_next_step_cannot_be_recorded_is_cut(self, make: Make, log: MemoryLog) -> None:
        with pytest.raises(NotRecorded):
            make().ask(f"/export/{BSN}?fail=1")
        assert len(log.acties) == 1

    def test_the_context_ends_with_the_request(self, make: Make, log: MemoryLog) -> None:
        app = make()
        app.ask(f"/personen/{BSN}")
        log.failure = LogUnavailable("down")
        app.ask(f"/personen/{BSN}")
        with pytest.raises(OutsideContext):
            current()
