"""Changing what a register holds of a verwerking: the request as the standard says, every answer, and a real register."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from crash.receivers import Sink, register
from tests.http_server import Server, answer, http_server
from tests.outbox import answers, wait_until

from verwerkingenlogging import InvalidValue, LogRefused, LogUnavailable, NotRecorded, Vertrouwelijkheid, Verwerkingsactie, VerwerktObject
from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging_register._model.scopes import Scope

VERWERKING = UUID("89aa7a9a-1f79-44de-b32e-8e38e07138f3")
OPGEHEVEN = Vertrouwelijkheid.OPGEHEVEN
PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "change-it-later.md").read_text(encoding="utf-8")
BOTH = pytest.mark.parametrize("how", ["change", "achange"])


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server() as running:
        running.answer = answer(204)
        yield running


async def change(log: ApiLog, verwerking_id: UUID = VERWERKING, *, how: str, **wanted: Any) -> None:
    try:
        if how == "change":
            await asyncio.to_thread(log.change, verwerking_id, **wanted)
        else:
            await log.achange(verwerking_id, **wanted)
    finally:
        log.close()
        await log.aclose()


# What is asked, and the query and the body that the standard has for it (gemma.md 4.3, X28).
REQUESTS: list[tuple[dict[str, Any], str, dict[str, str]]] = [
    ({"vertrouwelijkheid": OPGEHEVEN}, "verwerkingId", {"vertrouwelijkheid": "opgeheven"}),
    ({"bewaartermijn": "P150Y"}, "verwerkingId", {"bewaartermijn": "P150Y"}),
    (
        {"bewaartermijn": "P5Y", "vertrouwelijkheid": "vertrouwelijk", "of_afnemer": True},
        "verwerkingIdAfnemer",
        {"bewaartermijn": "P5Y", "vertrouwelijkheid": "vertrouwelijk"},
    ),
]


@BOTH
@pytest.mark.parametrize(("wanted", "name", "body"), REQUESTS)
async def test_a_change_is_asked_for_as_the_standard_says(
    server: Server, how: str, wanted: dict[str, Any], name: str, body: dict[str, str]
) -> None:
    await change(ApiLog(server.url + "/api/v1/", token="abc", timeout=60), how=how, **wanted)
    ((line, headers, sent),) = server.requests
    assert line == f"PATCH /api/v1/verwerkingsacties?{name}={VERWERKING} HTTP/1.1"
    assert (headers["authorization"], headers["content-type"]) == ("Bearer abc", "application/json")
    assert "oin" not in headers
    assert json.loads(sent) == body


ANSWERS: list[tuple[bytes, type[NotRecorded], str]] = [
    (
        answer(400, {"invalidParams": [{"name": "verwerkingId", "code": "unknown", "reason": "…"}]}),
        LogRefused,
        r"\(verwerkingId: unknown\)$",
    ),
    (answer(401), LogRefused, "answered 401; see to the client's id and secret$"),
    (answer(403), LogRefused, "answered 403; see to what the client may do$"),
    (answer(404, b"<html>2308572</html>"), LogRefused, "answered 404; see to the address of the register$"),
    (answer(200, {}), LogUnavailable, "answered 200$"),
    (answer(302), LogUnavailable, "answered 302$"),
    (answer(429), LogUnavailable, "answered 429$"),
    (answer(503), LogUnavailable, "answered 503$"),
    (b"", LogUnavailable, r"\(RemoteProtocolError\)"),
]


@BOTH
@pytest.mark.parametrize(("given", "error", "message"), ANSWERS)
async def test_only_a_204_is_a_change(server: Server, how: str, given: bytes, error: type[NotRecorded], message: str) -> None:
    server.answer = given
    with pytest.raises(NotRecorded, match=message) as caught:
        await change(ApiLog(server.url, token="abc", timeout=60), how=how, bewaartermijn="P5Y")
    assert type(caught.value) is error
    assert str(VERWERKING) not in str(caught.value)


@BOTH
@pytest.mark.parametrize(
    ("wanted", "field", "code"),
    [
        ({}, "vertrouwelijkheid", "required"),
        ({"bewaartermijn": "150"}, "bewaartermijn", "invalid"),
        ({"vertrouwelijkheid": "geheim"}, "vertrouwelijkheid", "invalid-choice"),
    ],
)
async def test_what_is_no_change_is_refused_before_anything_is_sent(
    server: Server, how: str, wanted: dict[str, Any], field: str, code: str
) -> None:
    with pytest.raises(InvalidValue) as caught:
        await change(ApiLog(server.url, token="abc", timeout=60), how=how, **wanted)
    assert (caught.value.field, caught.value.code) == (field, code)
    assert "geheim" not in str(caught.value)
    assert server.requests == []


SCOPES = (Scope.CREATE_CONFIDENTIAL, Scope.UPDATE_CONFIDENTIAL, Scope.READ_CONFIDENTIAL)


@pytest.fixture(scope="module")
def changeable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sink]:
    """A real register, where the client may change and read what is confidential."""
    with register(tmp_path_factory.mktemp("changeable"), SCOPES) as running:
        wait_until(lambda: answers(running))
        yield running


def confidential(**attributes: Any) -> Verwerkingsactie:
    return Verwerkingsactie(
        tijdstip=datetime.now(UTC).isoformat(),
        actie_naam="Zoeken persoon",
        vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK,
        verwerkte_objecten=(VerwerktObject(object_id="2308572"),),
        **attributes,
    )


def states(sink: Sink, **verwerking: str) -> list[tuple[str, str]]:
    """Confidentiality and term of what the register has of a verwerking."""
    answered = httpx2.get(
        f"{sink.address}/verwerkingsacties", params=verwerking, headers={"Authorization": f"Bearer {sink.token}"}, trust_env=False
    )
    return [(actie["vertrouwelijkheid"], actie.get("bewaartermijn", "")) for actie in answered.json()["results"]]


@BOTH
async def test_a_register_changes_all_acties_of_the_verwerking_and_those_of_whom_it_asked(changeable: Sink, how: str) -> None:
    ours, other = uuid4(), uuid4()
    log = ApiLog(changeable.address, token=changeable.token, timeout=60)
    await asyncio.to_thread(log.log, [confidential(verwerking_id=ours)] * 2 + [confidential(verwerking_id=other)])
    await asyncio.to_thread(log.log, [confidential(verwerking_id=uuid4(), verwerking_id_afnemer=ours)])

    await change(log, ours, how=how, vertrouwelijkheid=OPGEHEVEN)
    assert states(changeable, verwerkingId=str(ours)) == [("opgeheven", "")] * 2
    assert states(changeable, verwerkingIdAfnemer=str(ours)) == [("vertrouwelijk", "")]
    await change(log, ours, how=how, vertrouwelijkheid=OPGEHEVEN, bewaartermijn="P5Y", of_afnemer=True)
    assert states(changeable, verwerkingIdAfnemer=str(ours)) == [("opgeheven", "P5Y")]
    assert states(changeable, verwerkingId=str(other)) == [("vertrouwelijk", "")]


@BOTH
async def test_a_verwerking_of_which_nothing_is_logged_yet_is_refused_by_name(changeable: Sink, how: str) -> None:
    with pytest.raises(LogRefused, match=r"answered 400 \(verwerkingId: unknown\)$"):
        await change(ApiLog(changeable.address, token=changeable.token, timeout=60), uuid4(), how=how, bewaartermijn="P5Y")


def test_the_page_writes_a_change_down_until_it_is_made(changeable: Sink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (code,) = re.findall(r"<!-- file: changes.py -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {"__name__": "changes"}
    exec(code, found)
    connection, verwerking = found["connect"](), uuid4()
    log = ApiLog(changeable.address, token=changeable.token, timeout=60)
    found["close_case"](connection, verwerking)
    found["make_changes"](connection, log)  # nothing is logged yet: it stays
    assert connection.execute("SELECT count(*) FROM changes").fetchone() == (1,)
    log.log([confidential(verwerking_id=verwerking)])
    found["make_changes"](connection, log)
    log.close()
    assert connection.execute("SELECT count(*) FROM changes").fetchone() == (0,)
    connection.close()
    assert states(changeable, verwerkingId=str(verwerking)) == [("opgeheven", "P10Y")]
