"""What a client left out of its request is told apart from what is wrong in the application."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest

from verwerkingenlogging import MemoryLog, NotRecorded, Recorder, persoon, recording, verwerkingsactie
from verwerkingenlogging.errors import LogUnavailable, NotInRequest
from verwerkingenlogging.requests.refusal import NOT_IN_REQUEST, NOT_RECORDED, refusal_of

BSN = "999990019"


class Lines(io.StringIO):
    """A request that is a stream too, as Django's is."""


def run(recorder: Recorder, value: str, request: Any) -> None:
    @verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp-registratie", objecten=persoon(value))
    def body(request: Any) -> None: ...

    with recording(recorder):
        body(request)


@pytest.mark.parametrize("data", [{}, {"naam": BSN}, [BSN], BSN, {"bsn": {}}.keys()])
def test_a_key_that_was_not_sent_is_named_and_nothing_is_recorded(recorder: Recorder, log: MemoryLog, data: Any) -> None:
    with pytest.raises(NotInRequest, match=r"request\.data\.bsn is not there") as caught:
        run(recorder, "request.data.bsn", SimpleNamespace(data=data))
    assert BSN not in str(caught.value)
    assert log.acties == []


def test_what_was_sent_is_recorded(recorder: Recorder, log: MemoryLog) -> None:
    run(recorder, "request.data.bsn", SimpleNamespace(data={"bsn": BSN}))
    run(recorder, "request.query_params", SimpleNamespace(query_params=[BSN]))
    assert [one.verwerkte_objecten[0].object_id for one in log.acties] == [BSN, BSN]


@pytest.mark.parametrize("request_", [SimpleNamespace(user=SimpleNamespace()), Lines(BSN), Lines()])
@pytest.mark.parametrize("path", ["request.user.bsn", "request.dta.bsn", "request.data.bsn"])
def test_elsewhere_in_the_request_it_is_a_mistake_of_the_application(recorder: Recorder, log: MemoryLog, path: str, request_: Any) -> None:
    with pytest.raises(NotRecorded) as caught:
        run(recorder, path, request_)
    assert type(caught.value) is NotRecorded
    assert log.acties == []


def test_each_has_its_answer() -> None:
    assert refusal_of(NotInRequest("request.data.bsn is not there")) is NOT_IN_REQUEST
    assert refusal_of(LogUnavailable("down")) is NOT_RECORDED
    assert b'"status": 400' in NOT_IN_REQUEST.body
