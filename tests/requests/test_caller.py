"""Who calls: what is believed of its headers, whatever the framework; and how it is refused."""

from __future__ import annotations

import json
import logging
from uuid import UUID

import pytest

from verwerkingenlogging import Activiteit, Activiteiten, HeaderProfile, MemoryLog, Recorder, Settings
from verwerkingenlogging.errors import ForeignOin
from verwerkingenlogging.requests.caller import Callers, trust
from verwerkingenlogging.requests.refusal import NOT_RECORDED, OIN_MISMATCH, PROBLEM_JSON, Refusal

GEMEENTE, DERDE = "00000001821002193000", "00000001804770694000"
OIN = (b"oin", DERDE.encode())
PEER, STRANGER = "10.1.2.3", "192.0.2.1"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = (b"traceparent", f"00-{TRACE_ID}-00f067aa0ba902b7-01".encode())


class SpanMemory(MemoryLog):
    wants_spans = True


@pytest.fixture
def recorder() -> Recorder:
    activiteiten = Activiteiten(
        {GEMEENTE: [Activiteit(naam="brp", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"))]}, source="activiteiten.toml"
    )
    return Recorder(SpanMemory(), Settings(oin=GEMEENTE, activiteiten=activiteiten))


def callers(recorder: Recorder, *, verified: dict[str, str] | None = None, profile: HeaderProfile | None = None) -> Callers[str]:
    """Callers whose requests are texts: the proof of an OIN is looked up by that text."""
    return Callers(
        recorder,
        trusts=trust(["10.1.0.0/16"], where="peers"),
        verified_oin=verified.get if verified is not None else None,
        profile=profile or HeaderProfile(),
    )


def test_a_trusted_caller_is_believed_and_a_stranger_is_counted(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    assert callers(recorder).context("request", [OIN], PEER).caller.oin == DERDE
    assert recorder.faults == {}
    assert callers(recorder).context("request", [OIN], STRANGER).caller.oin is None
    assert recorder.faults == {"header doelbinding: untrusted peer": 1}
    assert [(record.name, record.levelno) for record in caplog.records] == [("verwerkingenlogging.caller", logging.WARNING)]
    assert DERDE not in caplog.text


@pytest.mark.parametrize(
    ("verified", "headers", "address", "doubt"),
    [
        (None, [], STRANGER, "untrusted peer"),
        (None, [(b"X-Forwarded-For", b"10.1.2.3")], "127.0.0.1", "untrusted proxy on this machine"),
        ({}, [], PEER, "no verified OIN"),
    ],
)
def test_who_is_not_believed_hides_nothing_and_that_it_asked_is_an_error(
    recorder: Recorder,
    caplog: pytest.LogCaptureFixture,
    verified: dict[str, str] | None,
    headers: list[tuple[bytes, bytes]],
    address: str,
    doubt: str,
) -> None:
    made = Callers[str](
        recorder,
        trusts=trust(["10.1.0.0/16", "127.0.0.1"], where="peers"),
        verified_oin=verified.get if verified is not None else None,
    )
    context = made.context("request", [OIN, (b"Vertrouwelijkheid", b'"vertrouwelijk"'), *headers], address)
    assert context.caller.vertrouwelijkheid is None
    assert recorder.faults == {f"header Vertrouwelijkheid: {doubt}": 1, f"header doelbinding: {doubt}": 1}
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]
    assert "trusted_proxies" in caplog.text


def test_a_proxy_on_this_machine_is_no_peer_for_a_trace_either(recorder: Recorder) -> None:
    made = Callers[str](recorder, trusts=trust(["127.0.0.1"], where="peers"))
    context = made.context("request", [TRACEPARENT, (b"via", b"1.1 proxy")], "127.0.0.1")
    assert context.trace is not None
    assert context.trace.trace_id.hex() != TRACE_ID
    assert recorder.faults == {"header trace: untrusted proxy on this machine": 1}


def test_a_fault_in_a_trusted_header_is_counted_without_its_value(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    assert callers(recorder).context("request", [(b"OIN", b"secret")], PEER).caller.oin is None
    assert recorder.faults == {"header OIN: invalid": 1}
    assert "secret" not in caplog.text


def test_names_of_headers_come_from_the_profile(recorder: Recorder) -> None:
    context = callers(recorder, profile=HeaderProfile(oin="x-origin-oin")).context("request", [(b"X-Origin-OIN", DERDE.encode())], PEER)
    assert context.caller.oin == DERDE


def test_who_proves_its_oin_is_believed_from_anywhere(recorder: Recorder) -> None:
    proven = callers(recorder, verified={"request": DERDE})
    assert proven.context("request", [OIN], STRANGER).caller.oin == DERDE
    assert proven.context("request", [], STRANGER).caller.oin == DERDE
    assert recorder.faults == {}


def test_another_oin_than_the_proven_one_is_refused(recorder: Recorder) -> None:
    with pytest.raises(ForeignOin) as caught:
        callers(recorder, verified={"request": GEMEENTE}).context("request", [OIN], PEER)
    assert DERDE not in str(caught.value)


def test_without_proof_no_header_counts(recorder: Recorder) -> None:
    unproven = callers(recorder, verified={})
    assert unproven.context("request", [OIN], PEER).caller.oin is None
    assert recorder.faults == {"header doelbinding: no verified OIN": 1}
    assert unproven.context("request", [], PEER).caller.faults == ()


@pytest.mark.parametrize(
    ("verified", "headers", "address", "taken", "faults"),
    [
        (None, [TRACEPARENT], PEER, True, {}),
        (None, [(b"TraceParent", TRACEPARENT[1])], PEER, True, {}),
        (None, [TRACEPARENT], STRANGER, False, {"header trace: untrusted peer": 1}),
        (None, [(b"traceparent", b"00-secret")], PEER, False, {"header traceparent: invalid": 1}),
        ({"request": DERDE}, [TRACEPARENT], STRANGER, True, {}),
        ({}, [TRACEPARENT], PEER, False, {"header trace: untrusted peer": 1}),
    ],
)
def test_a_trace_is_taken_over_from_who_is_believed(
    recorder: Recorder,
    verified: dict[str, str] | None,
    headers: list[tuple[bytes, bytes]],
    address: str,
    taken: bool,
    faults: dict[str, int],
) -> None:
    trace = callers(recorder, verified=verified).context("request", headers, address).trace
    assert (trace is not None and trace.trace_id.hex() == TRACE_ID) is taken
    assert recorder.faults == faults


def test_a_stranger_without_trace_starts_none(recorder: Recorder) -> None:
    assert callers(recorder).context("request", [OIN], STRANGER).trace is None


def test_a_log_without_spans_looks_at_no_trace(recorder: Recorder) -> None:
    recorder.wants_spans = False
    assert callers(recorder).context("request", [TRACEPARENT], PEER).trace is None


def test_organisation_and_user_come_from_the_request(recorder: Recorder) -> None:
    asked: list[str] = []

    def gebruiker(request: str) -> str:
        asked.append(request)
        return f"user of {request}"

    context = Callers[str](
        recorder, trusts=trust([], where="peers"), organisatie=lambda request: f"oin of {request}", gebruiker=gebruiker
    ).context("request", [], PEER)
    assert context.oin == "oin of request"
    assert asked == []  # the user may not be known yet
    assert context.gebruiker is not None
    assert context.gebruiker() == "user of request"


@pytest.mark.parametrize(
    ("refusal", "status", "code"), [(NOT_RECORDED, 503, "niet-vastgelegd"), (OIN_MISMATCH, 403, "oin-komt-niet-overeen")]
)
def test_a_refusal_says_what_its_status_says(refusal: Refusal, status: int, code: str) -> None:
    problem = json.loads(refusal.body)
    assert (problem.pop("status"), problem.pop("code")) == (status, code)
    assert problem == {"title": refusal.title, "detail": refusal.detail}
    assert PROBLEM_JSON == "application/problem+json"
