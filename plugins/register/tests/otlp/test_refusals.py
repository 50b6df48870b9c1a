"""What ``POST /v1/traces`` refuses: with which status, and that nothing is stored then and no number of a person comes back."""

from __future__ import annotations

import dataclasses
import gzip
import json
import logging
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import json_format  # type: ignore[import-untyped]  # it has no types of its own
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from plugins.register.tests.otlp_requests import (
    JSON,
    PROTOBUF,
    Receiver,
    an_actie,
    fields_of,
    in_json,
    logregels,
    outcome,
    receiving,
    request_of,
    status_of,
)

from verwerkingenlogging import ConfigurationError, Vertrouwelijkheid
from verwerkingenlogging.ldv import attributes as names
from verwerkingenlogging.ldv.subjects import EncryptedSubjects, PseudonymousSubjects
from verwerkingenlogging_register import Settings, create_app
from verwerkingenlogging_register._acties.repository import prepare_to_serve
from verwerkingenlogging_register._errors import Problem
from verwerkingenlogging_register._otlp import encodings
from verwerkingenlogging_register._otlp.binary import span_groups
from verwerkingenlogging_register._otlp.encodings import Encoding, decoded
from verwerkingenlogging_register._otlp.spans import Judge, Refusal
from verwerkingenlogging_register._rules.acceptance import rules_of

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api, Place

CANARY = "999990019"
OIN = "00000001821002193000"
SECRET = "sleutel-van-ten-minste-32-bytes-voor-spans"
UNREADABLE = "De inhoud is geen ExportTraceServiceRequest in de codering die Content-Type noemt."
REQUEST = request_of(*logregels(an_actie(CANARY)))
BINARY = REQUEST.SerializeToString()
TEXT = in_json(REQUEST)


def changed(**attributes: Any) -> dict[str, Any]:
    """A span of ours about the canary with other attributes: ``gemma_objecttype`` is ``dpl.gemma.objecttype``."""
    span = fields_of(logregels(an_actie(CANARY))[0])
    named = {f"dpl.{name.replace('_', '.', 1)}": value for name, value in attributes.items()}
    return {**span, "attributes": {**span["attributes"], **named}}


def with_fields(**fields: Any) -> dict[str, Any]:
    return {**fields_of(logregels(an_actie(CANARY))[0]), **fields}


def of_json(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The request in JSON, with a change to its span."""
    document = json.loads(TEXT)
    change(document["resourceSpans"][0]["scopeSpans"][0]["spans"][0])
    return json.dumps(document).encode()


# What is refused never comes near the database: one kind of it will do.
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("headers", "content", "status", "code", "message"),
    [
        ({"Content-Type": PROTOBUF}, b"\xff\xff\xff" + CANARY.encode(), 400, 3, UNREADABLE),
        ({"Content-Type": PROTOBUF}, BINARY[:-3], 400, 3, UNREADABLE),
        ({"Content-Type": PROTOBUF}, TEXT, 400, 3, UNREADABLE),
        ({"Content-Type": PROTOBUF}, BINARY.replace(CANARY.encode(), b"\xff" * 9), 400, 3, UNREADABLE),
        ({"Content-Type": JSON}, BINARY, 400, 3, UNREADABLE),
        ({"Content-Type": JSON}, b"", 400, 3, UNREADABLE),
        ({"Content-Type": JSON}, TEXT[:-3], 400, 3, UNREADABLE),
        ({"Content-Type": JSON}, b'"' + CANARY.encode() + b'"', 400, 3, UNREADABLE),
        ({"Content-Type": JSON}, b"[]", 400, 3, UNREADABLE),
        ({"Content-Type": JSON}, b"null", 400, 3, UNREADABLE),
        ({"Content-Type": JSON}, b'{"resourceSpans": {"a": 1}}', 400, 3, UNREADABLE),
        ({"Content-Type": JSON}, b'{"resourceSpans": [[]]}', 400, 3, UNREADABLE),
        ({"Content-Type": JSON}, b'{"resourceSpans": [{"scopeSpans": [{"spans": ["999990019"]}]}]}', 400, 3, UNREADABLE),
        ({"Content-Type": JSON}, of_json(lambda span: span.update(name={"999990019": 1})), 400, 3, UNREADABLE),
        ({"Content-Type": JSON}, of_json(lambda span: span.update(name="\ud800")), 400, 3, UNREADABLE),
        ({"Content-Type": JSON}, of_json(lambda span: span.update(startTimeUnixNano="999990019x")), 400, 3, UNREADABLE),
        ({"Content-Type": JSON}, of_json(lambda span: span.update(links=999990019)), 400, 3, UNREADABLE),
        ({"Content-Type": JSON}, TEXT.replace(CANARY.encode(), b"\xff"), 400, 3, UNREADABLE),
        ({"Content-Type": JSON}, b'{"x": ' + b"[" * 40 + b"]" * 40 + b"}", 400, 3, UNREADABLE),
        ({"Content-Type": JSON}, b"[" * 100_000, 400, 3, UNREADABLE),
        ({"Content-Type": PROTOBUF, "Content-Encoding": "gzip"}, BINARY, 400, 3, "De inhoud is geen gzip."),
        ({"Content-Type": PROTOBUF, "Content-Encoding": "gzip"}, gzip.compress(BINARY)[:-9], 400, 3, "De inhoud is geen gzip, of breekt af."),
        ({"Content-Type": JSON, "Content-Encoding": "gzip"}, gzip.compress(TEXT) + b"999990019", 400, 3, "De inhoud is geen gzip."),
        ({"Content-Type": PROTOBUF, "Content-Encoding": "br"}, BINARY, 415, 3, "De inhoud mag alleen met gzip zijn gecomprimeerd."),
        ({"Content-Type": "text/plain"}, BINARY, 415, 3, "De inhoud moet application/x-protobuf of application/json zijn."),
        ({"Content-Type": "application/json; charset=latin-1"}, TEXT, 415, 3, "De inhoud moet application/x-protobuf of application/json zijn."),
        ({}, BINARY, 415, 3, "De inhoud moet application/x-protobuf of application/json zijn."),
        ({"Content-Type": PROTOBUF, "Authorization": "Bearer x"}, BINARY, 401, 16, "Geef een geldig bearer-token van een geregistreerde client."),
        ({"Content-Type": JSON, "Authorization": ""}, TEXT, 401, 16, "Geef een geldig bearer-token van een geregistreerde client."),
    ],
)  # fmt: skip
async def test_a_request_that_cannot_be_taken_is_refused_whole(
    receiver: Receiver, stored: Callable[[], int], caplog: pytest.LogCaptureFixture,
    headers: dict[str, str], content: bytes, status: int, code: int, message: str,
) -> None:  # fmt: skip
    with caplog.at_level(logging.DEBUG):
        response = await receiver.post(content=content, headers=headers)
    assert response.status_code == status
    assert response.headers["Content-Type"] == (
        PROTOBUF if headers.get("Content-Type") == PROTOBUF and "br" not in headers.values() else JSON
    )
    assert response.headers["API-Version"] == "1.0.0"
    assert status_of(response) == (code, message)
    assert stored() == 0
    assert CANARY not in caplog.text


async def test_a_stranger_hears_how_to_make_itself_known(receiver: Receiver) -> None:
    response = await receiver.post(content=b"", headers={"Content-Type": PROTOBUF, "Authorization": ""})
    assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_an_oin_of_another_client_is_403(api: Api, receiver: Receiver, token: Callable[..., str], stored: Callable[[], int]) -> None:
    headers = {"Content-Type": PROTOBUF, "OIN": OIN, "Authorization": f"Bearer {token('gemeente')}"}
    response = await receiver.post(content=BINARY, headers=headers)
    assert (response.status_code, status_of(response)) == (403, (7, "De OIN in de header is niet van deze client."))
    assert stored() == 0


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("span", "reason"),
    [
        (with_fields(trace_id=b""), "trace_id (invalid)"),
        (with_fields(trace_id=bytes(16)), "trace_id (invalid)"),
        (with_fields(trace_id=b"x" * 17), "trace_id (invalid)"),
        (with_fields(span_id=b""), "span_id (invalid)"),
        (with_fields(span_id=bytes(8)), "span_id (invalid)"),
        (with_fields(span_id=b"999990019"), "span_id (invalid)"),
        (with_fields(parent_span_id=b"x"), "parent_span_id (invalid)"),
        (with_fields(name="x" * 243), "actie_naam (max-length)"),
        (with_fields(name=f"regel\n{CANARY}"), "actie_naam (invalid)"),
        (with_fields(attributes={"dpl.core.data_subject_id": CANARY}, start_time_unix_nano=0), "tijdstip (required)"),
        (changed(gemma_tijdstip=CANARY), "tijdstip (invalid)"),
        (changed(gemma_tijdstip=999990019), "dpl.gemma.tijdstip (invalid)"),
        (changed(gemma_vertrouwelijkheid=CANARY), "dpl.gemma.vertrouwelijkheid (invalid-choice)"),
        (changed(gemma_vertrouwelijkheid="opgeheven"), "Een nieuwe verwerkingsactie kan niet 'opgeheven' zijn."),
        (changed(gemma_bewaartermijn="10"), "bewaartermijn (invalid)"),
        (changed(gemma_uitvoerder=CANARY), "uitvoerder (invalid)"),
        (changed(gemma_gebruiker="9" * 41), "gebruiker (max-length)"),
        (changed(gemma_verwerking_id=CANARY), "dpl.gemma.verwerking_id (invalid)"),
        (changed(core_processing_activity_id=f"geen uri {CANARY}"), "verwerkingsactiviteit_url (invalid)"),
        (changed(core_processing_activity_id=f"urn:uuid:{CANARY}"), "dpl.core.processing_activity_id (invalid)"),
        (changed(core_data_subject_id="9" * 41), "object_id (max-length)"),
        (changed(core_data_subject_id=["999990019"]), "dpl.core.data_subject_id (invalid)"),
        (changed(core_data_subject_id=f"e.0a1b.{CANARY}"), None),
        (changed(gemma_objecttype="pand"), "objecttype (invalid-choice)"),
        (changed(gemma_soorten_gegevens=CANARY), "dpl.gemma.soorten_gegevens (invalid)"),
        (changed(gemma_verwerkte_objecten=[CANARY]), "dpl.gemma.verwerkte_objecten (invalid)"),
        (changed(gemma_verwerkte_objecten=['{"objectId": "999990019"}']), "dpl.gemma.verwerkte_objecten (invalid)"),
        (changed(gemma_verwerkte_objecten=["[" * 10_000]), "dpl.gemma.verwerkte_objecten (invalid)"),
        (changed(gemma_verwerkte_objecten=['{"objectId": ' + "[" * 100_000]), "dpl.gemma.verwerkte_objecten (invalid)"),
        (changed(gemma_verwerkte_objecten=['{"objectId": "1", "soortObjectId": "' + "9" * 243 + '"}']), "dpl.gemma.verwerkte_objecten (invalid)"),
        (changed(gemma_afnemer_id=CANARY, gemma_soort_afnemer_id="OIN"), "afnemer_id (invalid)"),
    ],
)  # fmt: skip
async def test_a_span_that_never_can_be_stored_is_named_by_its_fault_and_stops_no_other(
    receiver: Receiver, stored: Callable[[], int], caplog: pytest.LogCaptureFixture, span: dict[str, Any], reason: str | None
) -> None:
    good = logregels(an_actie("333"), 2)
    with caplog.at_level(logging.DEBUG):
        response = await receiver.send(*good, span)
    if reason is None:
        assert response.status_code == 503
    else:
        assert outcome(response) == (1, f"1 spans geweigerd: 1 keer {reason}")
    assert stored() == 1
    assert CANARY not in caplog.text
    assert CANARY.encode() not in response.content


async def test_ids_in_json_that_are_no_ids_are_a_fault_of_their_span_only(receiver: Receiver, stored: Callable[[], int]) -> None:
    for change in ({"traceId": "zz"}, {"traceId": 5}, {"traceId": None}, {"spanId": "AAAAAAAAAAE="}):
        response = await receiver.post(content=of_json(partial(dict.update, **change)), headers={"Content-Type": JSON})
        assert outcome(response)[0] == 1
    assert stored() == 0


async def test_json_may_say_more_than_is_known(receiver: Receiver, stored: Callable[[], int]) -> None:
    content = of_json(lambda span: span.update(later={"x": [1]}, kind=3, links=[{"traceId": "00" * 16, "spanId": "01" * 8}], events=[]))
    assert outcome(await receiver.post(content=content, headers={"Content-Type": f"{JSON}; charset=UTF-8"})) == (0, "")
    assert stored() == 1


async def test_many_reasons_give_a_modest_answer(receiver: Receiver, stored: Callable[[], int]) -> None:
    spans = [with_fields(trace_id=b""), with_fields(span_id=b""), with_fields(trace_id=b"")]
    assert await receiver.export(*spans) == (3, "3 spans geweigerd: 2 keer trace_id (invalid); 1 keer span_id (invalid)")


async def test_what_is_confidential_needs_its_scope_and_stops_no_other(receiver: Receiver, stored: Callable[[], int]) -> None:
    confidential = logregels(an_actie(CANARY, vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK), 2)
    spans = [*logregels(an_actie(CANARY)), *confidential]
    message = "1 spans geweigerd: 1 keer Hiervoor is de scope create:confidential nodig."
    assert await receiver.export(*spans, scope="create:normal") == (1, message)
    assert stored() == 1
    assert await receiver.export(*spans) == (0, "")
    assert stored() == 2


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
class TestLimits:
    async def test_a_bomb_is_413_and_unpacked_no_further_than_the_limit(self, receiver: Receiver, stored: Callable[[], int]) -> None:
        bomb = gzip.compress(b"\0" * 64 * 1024 * 1024)
        assert len(bomb) < 100_000
        for content in (bomb, gzip.compress(b"\0" * 9 * 1024 * 1024) * 2):
            response = await receiver.post(content=content, headers={"Content-Type": PROTOBUF, "Content-Encoding": "gzip"})
            assert (response.status_code, status_of(response)[0]) == (413, 8)
        assert stored() == 0

    async def test_more_spans_than_a_body_has_logregels_are_413(
        self, receiver: Receiver, stored: Callable[[], int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(encodings, "SPANS_MAX", 3)
        one = json.loads(TEXT)["resourceSpans"]
        spans = one[0]["scopeSpans"][0]["spans"]
        numbers: list[dict[str, Any]] = [
            {"resourceSpans": [{"scopeSpans": [{"spans": [{}] * 2}, {"spans": [{}] * 2}]}]},
            {"resourceSpans": [{"scopeSpans": [{}] * 4}]},
            {"resourceSpans": [{}] * 4},
        ]
        binary = [json_format.ParseDict(each, ExportTraceServiceRequest()).SerializeToString() for each in numbers]
        too_many = [json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans * 4}]}]}).encode(), *binary]
        for content in too_many:
            kind = JSON if content.startswith(b"{") else PROTOBUF
            response = await receiver.post(content=content, headers={"Content-Type": kind})
            message = "De aanvraag heeft meer spans dan het register in één keer aanneemt."
            assert (response.status_code, status_of(response)) == (413, (8, message))
        assert stored() == 0
        assert (await receiver.post(content=TEXT, headers={"Content-Type": JSON})).status_code == 200

    async def test_more_members_than_anybody_writes_are_refused(self, receiver: Receiver, stored: Callable[[], int]) -> None:
        headers = {"Content-Type": PROTOBUF, "Content-Encoding": "gzip"}
        response = await receiver.post(content=gzip.compress(b"") * 100 + gzip.compress(BINARY), headers=headers)
        assert (response.status_code, status_of(response)) == (400, (3, "De inhoud is gzip in te veel delen."))
        assert stored() == 0
        response = await receiver.post(content=gzip.compress(b"") * 99 + gzip.compress(BINARY), headers=headers)
        assert (response.status_code, stored()) == (200, 1)

    def test_and_costs_no_more_memory_than_that(self, settings: Settings) -> None:
        bomb = gzip.compress(b"\0" * 64 * 1024 * 1024)
        tracemalloc.start()
        with pytest.raises(Problem):
            list(decoded(bomb, Encoding.PROTOBUF, gzip=True, limit=1024 * 1024, depth_limit=32))
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
        tracemalloc.stop()

    async def test_a_body_beyond_the_limit_is_413_announced_or_not(self, settings: Settings, place: Place) -> None:
        async def unannounced() -> Any:
            yield BINARY

        async with receiving(dataclasses.replace(settings, batch_body_limit=len(BINARY) - 1), place) as receiver:
            for content in (BINARY, unannounced()):
                response = await receiver.post(content=content, headers={"Content-Type": PROTOBUF})
                assert response.status_code == 413
        async with receiving(dataclasses.replace(settings, batch_body_limit=len(BINARY)), place) as receiver:
            assert outcome(await receiver.post(content=BINARY, headers={"Content-Type": PROTOBUF})) == (0, "")

    async def test_what_was_compressed_in_pieces_is_read_whole(self, receiver: Receiver, stored: Callable[[], int]) -> None:
        content = gzip.compress(BINARY[:100]) + gzip.compress(BINARY[100:])
        assert outcome(await receiver.post(content=content, headers={"Content-Type": PROTOBUF, "Content-Encoding": "gzip"})) == (0, "")
        assert stored() == 1

    async def test_who_asks_too_much_hears_when_to_come_back(self, settings: Settings, place: Place) -> None:
        async with receiving(dataclasses.replace(settings, rate_limit=0.01, rate_burst=1), place) as receiver:
            assert await receiver.export(*logregels(an_actie(CANARY))) == (0, "")
            response = await receiver.send(*logregels(an_actie(CANARY)))
            assert (response.status_code, status_of(response)[0]) == (429, 8)
            assert 1 <= int(response.headers["Retry-After"]) <= 100


class TestATemporaryFault:
    async def test_of_the_database_is_503_so_that_a_collector_keeps_the_spans(
        self, receiver: Receiver, place: Place, stored: Callable[[], int], caplog: pytest.LogCaptureFixture
    ) -> None:
        place.execute("ALTER TABLE verwerkt_object RENAME TO elders")
        response = await receiver.send(*logregels(an_actie(CANARY)))
        assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
        assert status_of(response) == (14, "Het register kon dit nu niet vastleggen. Probeer het later opnieuw.")
        assert CANARY not in caplog.text
        place.execute("ALTER TABLE elders RENAME TO verwerkt_object")
        assert stored() == 0
        assert await receiver.export(*logregels(an_actie(CANARY))) == (0, "")
        assert stored() == 1

    async def test_of_a_register_that_stops_is_503(self, api: Api, receiver: Receiver) -> None:
        api.register.repository.close()
        response = await receiver.send(*logregels(an_actie(CANARY)))
        assert (response.status_code, response.headers["Retry-After"]) == (503, "5")

    async def test_of_ours_is_503_and_logged_by_its_place(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def broken(*_: object) -> None:
            raise KeyError(CANARY)

        monkeypatch.setattr("verwerkingenlogging_register._otlp.traces.identified", broken)
        response = await receiver.send(*logregels(an_actie(CANARY)))
        assert response.status_code == 503
        (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
        assert line.startswith("503 POST /v1/traces urn:uuid:")
        assert "KeyError at " in line
        assert CANARY not in caplog.text


class TestEncryptedSubjects:
    @pytest.fixture
    def keys(self, tmp_path: Path) -> Path:
        path = tmp_path / "subject.secrets"
        path.touch(mode=0o600)
        path.write_text(f"{SECRET}\n\n")
        return path

    @pytest.fixture
    def settings(self, settings: Settings, keys: Path) -> Settings:
        return dataclasses.replace(settings, subject_secrets=keys)

    async def test_are_turned_back_and_found_by_their_number(self, receiver: Receiver) -> None:
        subjects = EncryptedSubjects(SECRET)
        spans = [*logregels(an_actie(CANARY), subjects=subjects), *logregels(an_actie("111", CANARY), 2, subjects=subjects)]
        assert CANARY.encode() not in request_of(*spans).SerializeToString()
        assert await receiver.export(*spans) == (0, "")
        found = (await receiver.api.search(objectId=CANARY)).json()
        assert [objekt["objectId"] for actie in found["results"] for objekt in actie["verwerkteObjecten"]] == [CANARY, CANARY]
        assert await receiver.export(*spans) == (0, "")

    async def test_may_be_encrypted_with_a_new_key_as_soon_as_it_is_in_the_file(
        self, receiver: Receiver, keys: Path, stored: Callable[[], int], caplog: pytest.LogCaptureFixture
    ) -> None:
        new = "nieuwe-sleutel-van-ten-minste-32-bytes-ook-voor-spans"
        spans = logregels(an_actie(CANARY), subjects=EncryptedSubjects(new))
        response = await receiver.send(*spans, *logregels(an_actie("333"), 2))
        assert (response.status_code, response.headers["Retry-After"]) == (503, "30")
        detail = "Spans zijn versleuteld met een sleutel die het register niet heeft. Zij worden opgeslagen zodra die er is."
        assert status_of(response) == (14, detail)
        assert "secrets that are not in the file of subject_secrets; add those with id: " in caplog.text
        assert stored() == 1
        keys.write_text("te kort")  # noqa: ASYNC240  # a few bytes
        assert (await receiver.send(*spans)).status_code == 503
        assert "the secrets of spans could not be read again: setting subject_secrets: " in caplog.text
        keys.write_text(f"{SECRET}\n{new}\n")  # noqa: ASYNC240  # a few bytes
        assert await receiver.export(*spans) == (0, "")
        assert await receiver.export(*logregels(an_actie("333"), 3, subjects=EncryptedSubjects(SECRET))) == (0, "")
        assert stored() == 3

    async def test_that_were_changed_on_their_way_are_refused(self, receiver: Receiver, stored: Callable[[], int]) -> None:
        span = fields_of(logregels(an_actie(CANARY), subjects=EncryptedSubjects(SECRET))[0])
        number = span["attributes"]["dpl.core.data_subject_id"]
        for wrong in (number[:-4], number[:-2] + ("AA" if number[-2:] != "AA" else "BB")):
            assert (await receiver.export({**span, "attributes": {**span["attributes"], "dpl.core.data_subject_id": wrong}}))[0] == 1
        assert stored() == 0

    async def test_a_pseudonym_stays_one(self, receiver: Receiver) -> None:
        subjects = PseudonymousSubjects("geheim-van-de-toepassing-van-32-bytes")
        assert await receiver.export(*logregels(an_actie(CANARY), subjects=subjects)) == (0, "")
        (actie,) = await receiver.acties()
        (objekt,) = actie["verwerkteObjecten"]
        assert (objekt["soortObjectId"], objekt["objectId"]) == ("BSN", subjects.encode("BSN", CANARY))
        assert (await receiver.api.search(objectId=CANARY)).json()["count"] == 0
        assert (await receiver.api.search(objectId=objekt["objectId"])).json()["count"] == 1


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
class TestTheFileOfSecrets:
    def refusal(self, settings: Settings, path: Path) -> str:
        with pytest.raises(ConfigurationError) as caught:
            prepare_to_serve(dataclasses.replace(settings, subject_secrets=path))
        return str(caught.value)

    def test_must_be_for_its_owner_only(self, settings: Settings, tmp_path: Path) -> None:
        path = tmp_path / "subject.secrets"
        path.write_text(SECRET)
        path.chmod(0o640)
        assert (
            self.refusal(settings, path) == f"setting subject_secrets: {path} has mode 0640, so others can read it; run: chmod 600 {path}"
        )

    def test_must_be_there(self, settings: Settings, tmp_path: Path) -> None:
        path = tmp_path / "subject.secrets"
        remedy = f"make it with: (umask 077; openssl rand -base64 32 > {path}), and give its secret to the applications"
        assert self.refusal(settings, path) == f"setting subject_secrets: {path} does not exist; {remedy}"

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ("\n \n", "is empty; make it with: "),
            ("te kort", "fewer than 32 bytes"),
            (f"{SECRET}\n{SECRET}", "two secrets have the same id"),
        ],
    )
    def test_must_hold_secrets(self, settings: Settings, tmp_path: Path, content: str, reason: str) -> None:
        path = tmp_path / "subject.secrets"
        path.touch(mode=0o600)
        path.write_text(content)
        message = self.refusal(settings, path)
        assert message.startswith(f"setting subject_secrets: {path}")
        assert reason in message
        assert SECRET not in message

    def test_and_nothing_new_can_be_opgeheven(self, settings: Settings) -> None:
        with pytest.raises(ConfigurationError, match=r"^setting otlp_vertrouwelijkheid: must be normaal or vertrouwelijk"):
            dataclasses.replace(settings, otlp_vertrouwelijkheid=Vertrouwelijkheid.OPGEHEVEN)


_KEYS = sorted({value for name, value in vars(names).items() if isinstance(value, str) and value.startswith("dpl.")})
_VALUES = st.recursive(
    st.text(max_size=50) | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.booleans() | st.binary(max_size=8)
    | st.sampled_from(["e.0a1b.AA", "p.0a1b.AA", "c.1", "urn:uuid:x", CANARY, '{"objectId": "1", "soortObjectId": "BSN"}', "2024-04-05T14:35:42Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(
    attributes=st.dictionaries(
        st.sampled_from([*_KEYS, *(f"dpl.gemma.{name}" for name in names.TEXTS + names.UUIDS)]), _VALUES, max_size=6
    ),
    name=_TEXT,
    start=st.integers(0, 2**64 - 1),
    resource=st.dictionaries(st.sampled_from(["service.name", "service.version"]), _VALUES, max_size=2),
)
def test_whatever_a_span_says_there_is_a_verdict(attributes: Any, name: str, start: int, resource: Any) -> None:
    """An error of ours would keep a Collector sending for ever."""
    judge = Judge(
        client="x",
        scopes=frozenset(),
        objecttypen=frozenset({"persoon"}),
        vertrouwelijkheid=Vertrouwelijkheid.NORMAAL,
        decode=EncryptedSubjects(SECRET).decode,
        rules=rules_of(Settings()),
    )
    span = with_fields(
        attributes=without_surrogates(attributes), name=name, start_time_unix_nano=start, resource=without_surrogates(resource)
    )
    (verdict,) = judge.verdicts(span_groups(request_of(span).SerializeToString(), lambda _: None))
    if isinstance(verdict, Refusal):
        assert CANARY not in str(verdict.refused)


def without_surrogates(value: Any) -> Any:
    """What UTF-8, and so protobuf, can hold."""
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(each) for key, each in value.items()}
    if isinstance(value, list):
        return [without_surrogates(each) for each in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_nothing_here_is_in_the_published_description(settings: Settings) -> None:
    assert all(not path.startswith("/v1") for path in create_app(settings).openapi()["paths"])
