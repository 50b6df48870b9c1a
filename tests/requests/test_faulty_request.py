"""Whose fault it is: what a client sent in the place of an id is its own to mend; what was found is the application's."""

from __future__ import annotations

import logging
import pickle
from types import SimpleNamespace
from typing import Any

import pytest

from verwerkingenlogging import (
    ConfigurationError,
    LogUnavailable,
    MemoryLog,
    NotRecorded,
    Recorder,
    gevonden,
    persoon,
    recording,
    verwerkingsactie,
)
from verwerkingenlogging.calls.arguments import Value
from verwerkingenlogging.calls.objecten import Objecten
from verwerkingenlogging.errors import FaultyRequest, InvalidInRequest, NotInRequest
from verwerkingenlogging.requests.refusal import INVALID_IN_REQUEST, NOT_IN_REQUEST, refusal_of

BSN = "999990019"
LONG = "9" * 41


def run(recorder: Recorder, objecten: Objecten, argument: Any) -> Any:
    @verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp-registratie", objecten=objecten)
    def body(body: Any, request: Any = None) -> Any:
        return body

    with recording(recorder):
        return body(argument, argument)


@pytest.mark.parametrize(
    ("value", "argument", "names", "code"),
    [
        ("body", LONG, ("body",), "max-length"),
        ("body", "", ("body",), "required"),
        ("body", "99999\n0019", ("body",), "invalid"),
        ("body", "\ud800", ("body",), "invalid"),
        ("body", [BSN, LONG], ("body",), "max-length"),
        ("body.bsn", {"bsn": LONG}, ("body.bsn",), "max-length"),
        ("body.bsn", {"bsn": 999990019}, ("body.bsn",), "invalid"),
        ("body.bsn", {"bsn": [BSN, {"bsn": BSN}]}, ("body.bsn",), "invalid"),
        ("body.bsn", SimpleNamespace(bsn=LONG), ("body.bsn",), "max-length"),
        ("request.data.bsn", SimpleNamespace(data={"bsn": 999990019}), ("bsn",), "invalid"),
        ("request.query_params.personen.bsn", SimpleNamespace(query_params={"personen": [{"bsn": LONG}]}), ("personen.bsn",), "max-length"),
        (lambda body: f"{body:041d}", 999990019, ("body",), "max-length"),
        (lambda body, request: body, "", ("body",), "required"),
    ],
)
def test_what_a_client_sent_in_the_place_of_an_id_is_named(
    recorder: Recorder, log: MemoryLog, value: Value, argument: Any, names: tuple[str, ...], code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(InvalidInRequest) as caught:
        run(recorder, persoon(value), argument)
    assert (caught.value.names, caught.value.code) == (names, code)
    assert refusal_of(caught.value).status == 400
    assert refusal_of(caught.value).invalid_params == tuple((name, code) for name in names)
    assert "99999" not in str(caught.value) + caplog.text + refusal_of(caught.value).body.decode()
    assert [one.levelno for one in caplog.records] == [logging.WARNING]
    assert log.acties == []


def test_kinds_of_data_that_a_client_asked_for_are_its_own_too(recorder: Recorder, log: MemoryLog) -> None:
    for objecten in (
        persoon("body.bsn", soorten_gegevens=lambda body: body["velden"]),
        gevonden(lambda found: found["bsn"], soorten_gegevens=lambda body: body["velden"]),
    ):
        with pytest.raises(InvalidInRequest) as caught:
            run(recorder, objecten, {"bsn": BSN, "velden": ["x" * 243]})
        assert (caught.value.names, caught.value.code) == (("body",), "max-length")
    assert log.acties == []


@pytest.mark.parametrize(
    ("value", "argument", "names"),
    [
        ("body.bsn", {}, ("body.bsn",)),
        ("body.bsn", {"naam": "Jansen"}, ("body.bsn",)),
        ("body.persoon.bsn", {"persoon": BSN}, ("body.persoon.bsn",)),
        ("body.persoon.bsn", {"persoon": 5}, ("body.persoon.bsn",)),
        ("body.bsn", [{"bsn": BSN}, {}], ("body.bsn",)),
        ("body.gegevens.bsn", SimpleNamespace(gegevens={}), ("body.gegevens.bsn",)),
        ("request.data.bsn", SimpleNamespace(data={}), ("bsn",)),
    ],
)
def test_a_key_that_a_body_lacks_is_for_the_client(recorder: Recorder, value: str, argument: Any, names: tuple[str, ...]) -> None:
    with pytest.raises(NotInRequest) as caught:
        run(recorder, persoon(value), argument)
    assert (caught.value.names, caught.value.code) == (names, "required")
    assert refusal_of(caught.value).invalid_params == ((names[0], "required"),)


@pytest.mark.parametrize(
    ("objecten", "argument"),
    [
        (gevonden(lambda found: found), LONG),
        (gevonden(lambda found: found), ["", BSN]),
        (gevonden(lambda found: found), 999990019),
        (persoon("body"), 999990019),
        (persoon("body"), [999990019]),
        (persoon("body"), b"999990019"),
        (persoon(lambda body: [int(body)]), "999990019"),
        (persoon("body.bns"), SimpleNamespace(bsn=BSN)),
        (persoon("request.path_params.bns"), SimpleNamespace(path_params={"bsn": BSN})),
        (persoon("request.bns"), {"bsn": BSN}),
    ],
)
def test_what_the_application_found_or_made_is_its_own_mistake(
    recorder: Recorder, objecten: Objecten, argument: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(NotRecorded) as caught:
        run(recorder, objecten, argument)
    assert type(caught.value) is NotRecorded
    assert refusal_of(caught.value).status == 503
    assert [one.levelno for one in caplog.records] == [logging.ERROR]


def test_a_number_is_refused_with_the_remedy_where_the_function_does_not_say_its_type(recorder: Recorder) -> None:
    with pytest.raises(
        NotRecorded, match=r"not int: a number loses its leading zeros \(R5\); give it as text, such as persoon\(lambda bsn:"
    ):
        run(recorder, persoon("body"), 2308572)


def test_an_outage_is_not_hidden_by_what_a_client_has_to_mend(recorder: Recorder, log: MemoryLog) -> None:
    @verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp-registratie", objecten=persoon("bsn"))
    def read(bsn: str) -> None: ...

    with recording(recorder) as context:
        for bsn, log.failure, kind in [
            (LONG, None, InvalidInRequest),
            (BSN, LogUnavailable("down"), LogUnavailable),
            ("", None, LogUnavailable),
        ]:
            with pytest.raises(NotRecorded):
                read(bsn)
            assert type(context.failed) is kind


def test_an_error_of_a_request_keeps_what_it_names() -> None:
    for kind, refusal in ((InvalidInRequest, INVALID_IN_REQUEST), (NotInRequest, NOT_IN_REQUEST)):
        error: FaultyRequest = pickle.loads(pickle.dumps(kind("bsn: is wrong", names=("bsn",), code="invalid")))
        assert (type(error), str(error), error.names, error.code) == (kind, "bsn: is wrong", ("bsn",), "invalid")
        assert b'"invalidParams": [{"name": "bsn", "code": "invalid"}]' in refusal_of(error).body
        assert refusal_of(kind("of something")) is refusal


def test_the_same_path_is_no_configuration_error_of_a_client(recorder: Recorder) -> None:
    """A misspelt attribute is seen at the first request, as before."""
    with pytest.raises(NotRecorded, match=r'the path "body\.bns" leads nowhere in this SimpleNamespace; see to its spelling'):
        run(recorder, persoon("body.bns"), SimpleNamespace(bsn=BSN))
    assert not issubclass(ConfigurationError, FaultyRequest)
