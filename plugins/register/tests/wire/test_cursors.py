"""The addresses of the pages beside a page: of use to nobody but who got them, for the same question, and not for ever (X56, X57)."""

from __future__ import annotations

import base64
import dataclasses
import re
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import msgspec
import pytest
from plugins.register.tests.conftest import BASE_URL, BSN, DOELBINDING, make_token

from verwerkingenlogging_register import Settings, create_app
from verwerkingenlogging_register._keys.key_file import rotate_keys
from verwerkingenlogging_register._wire.cursors import LIFE_SECONDS, Cursors

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api, Place

# Decided in Python: one kind of database is enough.
pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

ACTIVITEIT = "5f0bef4c-f66f-4311-84a5-19e8bf359eaf"
VERWERKING = "89aa7a9a-1f79-44de-b32e-8e38e07138f3"
PERSON = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": BSN}
PERIOD = {"beginDatum": "2024-01-01", "eindDatum": "2025-01-01"}
ACTIES, OBJECTEN = "/verwerkingsacties", "/verwerkte-objecten"
ALL = {**PERSON, **PERIOD, "verwerkingsactiviteitId": ACTIVITEIT}
QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    (ACTIES, PERSON),
    (ACTIES, {**ALL, "vertrouwelijkheid": "normaal,vertrouwelijk", "verwerkingId": VERWERKING}),
    (ACTIES, {"verwerkingIdAfnemer": VERWERKING}),
    (OBJECTEN, {**PERSON, **PERIOD}),
    (OBJECTEN, ALL),
]


async def fill(api: Api) -> None:
    for number in range(5):
        given = {"verwerkingsactiviteitId": ACTIVITEIT, "verwerkingId": VERWERKING, "verwerkingIdAfnemer": VERWERKING}
        await api.posted(actieNaam=str(number), tijdstip=f"2024-04-05T14:35:4{number}Z", **given)


async def ask(
    http: httpx2.AsyncClient,
    address: str,
    query: Mapping[str, Any] | None = None,
    *,
    body: Any = None,
    client: str = "alles",
    scope: str | None = None,
) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {make_token(client, scope=scope)}", **DOELBINDING}
    return await http.request("GET" if body is None else "POST", address, params=query, json=body, headers=headers)


async def next_of(api: Api, address: str, query: Mapping[str, Any], *, body: Any = None, scope: str | None = None) -> str:
    response = await ask(api.http, address, query, body=body, scope=scope)
    assert response.status_code == 200, response.text
    following: str = response.json()["next"]
    assert following.startswith(f"{BASE_URL}/api/v1{address}?cursor=")
    return following


def cursor_in(address: str) -> str:
    (cursor,) = parse_qs(urlsplit(address).query)["cursor"]
    return cursor


def check_refused(response: httpx2.Response, *names: str) -> None:
    assert (response.status_code, response.headers["content-type"]) == (400, "application/problem+json")
    assert [(fault["name"], fault["code"]) for fault in response.json()["invalidParams"]] == [(name, "invalid") for name in names]
    assert BSN not in response.text


@pytest.mark.parametrize(("address", "question"), QUESTIONS)
async def test_the_address_is_all_that_is_needed_and_names_nobody(api: Api, address: str, question: dict[str, Any]) -> None:
    await fill(api)
    whole = (await ask(api.http, address, question)).json()["results"]
    following = await next_of(api, address, {**question, "pageSize": 2})
    sealed = base64.urlsafe_b64decode(cursor_in(following) + "==")
    assert not [number for number in (BSN, VERWERKING, ACTIVITEIT) if number in following or number.encode() in sealed]
    answer = (await ask(api.http, following)).json()
    assert answer["results"] == whole[2:4]
    last = (await ask(api.http, answer["next"])).json()
    assert (last["results"], last["next"], last["count"]) == (whole[4:], None, 5)
    assert (await ask(api.http, last["previous"])).json()["results"] == whole[2:4]


async def test_the_question_may_be_said_again_beside_it_but_no_other(api: Api) -> None:
    await fill(api)
    cursor = cursor_in(await next_of(api, OBJECTEN, {**ALL, "pageSize": 2}))
    for again in ({**ALL, "cursor": cursor}, {**ALL, "cursor": cursor, "pageSize": 2}, {"cursor": cursor, "pageSize": 2}):
        assert [each["verwerkingsactie"]["actieNaam"] for each in (await ask(api.http, OBJECTEN, again)).json()["results"]] == ["2", "1"]
    for other in (
        {"objectId": "1"},
        {"beginDatum": "2024-01-02"},
        {"eindDatum": "2025-01-02"},
        {"verwerkingsactiviteitId": ""},
        {"pageSize": 3},
    ):
        check_refused(await ask(api.http, OBJECTEN, {**ALL, "cursor": cursor, **other}), "cursor")
    check_refused(await ask(api.http, OBJECTEN, {"cursor": cursor, "page": 1}), "page")


async def test_with_a_body_the_question_is_said_again_and_must_be_the_same(api: Api) -> None:
    await fill(api)
    for address, question in (("/verwerkingsacties/_zoek", PERSON), ("/verwerkte-objecten/_zoek", {**PERSON, **PERIOD})):
        following = await next_of(api, address, {"pageSize": 2}, body=question)
        assert (await ask(api.http, following, body=question)).json()["count"] == 5
        check_refused(await ask(api.http, following, body={**question, "objectId": "1"}), "cursor")
        assert (await ask(api.http, following, body={})).status_code == 400


async def test_it_is_of_one_client_one_operation_and_one_view(api: Api) -> None:
    await fill(api)
    normal = {**PERSON, **PERIOD, "vertrouwelijkheid": "normaal", "pageSize": 2}
    of_acties = await next_of(api, ACTIES, {**PERSON, **PERIOD, "pageSize": 2})
    of_objecten = await next_of(api, OBJECTEN, {**PERSON, **PERIOD, "pageSize": 2})
    of_history = f"{ACTIES}/00000000-0000-4000-8000-000000000000/historie"
    check_refused(await ask(api.http, of_acties, client="gemeente"), "cursor")
    check_refused(await ask(api.http, OBJECTEN, {"cursor": cursor_in(of_acties)}), "cursor")
    check_refused(await ask(api.http, of_history, {"cursor": cursor_in(of_acties)}), "cursor")
    check_refused(await ask(api.http, f"{ACTIES}/_zoek", {"cursor": cursor_in(of_acties)}, body={**PERSON, **PERIOD}), "cursor")
    # Another scope sees more or less: to go on where it stopped would show half of something.
    check_refused(await ask(api.http, of_objecten, scope="read:normal"), "cursor")
    assert (await ask(api.http, await next_of(api, OBJECTEN, normal, scope="read:normal"), scope="read:normal")).status_code == 200
    assert (await ask(api.http, await next_of(api, ACTIES, normal, scope="read:normal"), scope="")).status_code == 403
    check_refused(await ask(api.http, of_acties, {"cursor": cursor_in(of_acties), "vertrouwelijkheid": "normaal", **PERSON}), "cursor")


@pytest.mark.parametrize("text", ["x", "AAE", "%3D", "A" * 300, "AAE" + "A" * 200, "A" * 5000, "é", "BSN 2308572"])
async def test_what_is_no_cursor_is_refused(api: Api, text: str) -> None:
    await api.posted()
    for query in ({"cursor": text}, {**PERSON, **PERIOD, "cursor": text}):
        for address in (ACTIES, OBJECTEN):
            response = await ask(api.http, address, query)
            check_refused(response, "cursor")
            assert text not in response.text or len(text) == 1


async def test_each_changed_letter_is_noticed(api: Api) -> None:
    await fill(api)
    cursor = cursor_in(await next_of(api, OBJECTEN, {**PERSON, **PERIOD, "pageSize": 2}))
    opened = []
    for place in range(len(cursor)):
        changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        cursors = Cursors(api.register.repository.keys, "alles", f"{BASE_URL}/api/v1{OBJECTEN}")
        opened.append(cursors.opened(changed))
    assert [each for each in opened[:-1] if each is not None] == []
    check_refused(await ask(api.http, OBJECTEN, {"cursor": cursor[:-1]}), "cursor")
    check_refused(await ask(api.http, OBJECTEN, {"cursor": cursor + "A"}), "cursor")


async def test_it_is_taken_for_a_day_after_the_first_page_and_then_no_longer(api: Api) -> None:
    await fill(api)
    first = await next_of(api, OBJECTEN, {**PERSON, **PERIOD, "pageSize": 1})
    address = f"{BASE_URL}/api/v1{OBJECTEN}"
    cursors = Cursors(api.register.repository.keys, "alles", address)
    cursor = cursors.opened(cursor_in(first))
    assert cursor is not None
    for age, status in ((LIFE_SECONDS - 600, 200), (LIFE_SECONDS, 400)):
        made = int(time.time()) - age
        response = await ask(api.http, cursors.url(msgspec.structs.replace(cursor, made=made)))
        assert response.status_code == status
        if status == 200:  # the day does not begin anew at each page
            following = cursors.opened(cursor_in(response.json()["next"]))
            assert following is not None
            assert following.made == made
        else:
            check_refused(response, "cursor")


def copied(settings: Settings, folder: Path) -> Settings:
    """The same register with a copy of its file, which only one process may serve."""
    copy = folder / "kopie.sqlite"
    with closing(sqlite3.connect(str(settings.database))) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))
    copy.chmod(0o600)
    return dataclasses.replace(settings, database=copy)


async def test_every_worker_takes_it_also_after_a_restart_and_with_a_new_key(
    api: Api, settings: Settings, place: Place, tmp_path: Path
) -> None:
    await fill(api)
    following = await next_of(api, OBJECTEN, {**PERSON, **PERIOD, "pageSize": 2})
    expected = (await ask(api.http, following)).json()["results"]
    rotate_keys(place.keys)
    app = create_app(copied(settings, tmp_path))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=f"{BASE_URL}/api/v1") as http,
    ):
        assert (await ask(http, following)).json()["results"] == expected


async def test_one_of_another_register_is_refused(api: Api, settings: Settings, tmp_path: Path) -> None:
    await fill(api)
    following = await next_of(api, ACTIES, {**PERSON, "pageSize": 2})
    other = create_app(dataclasses.replace(copied(settings, tmp_path), base_url="https://ander.example.nl"))
    async with (
        other.router.lifespan_context(other),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(other), base_url="https://ander.example.nl/api/v1") as http,
    ):
        check_refused(await ask(http, ACTIES, {"cursor": cursor_in(following)}), "cursor")


async def test_all_faults_are_named_at_once(api: Api) -> None:
    response = await ask(api.http, OBJECTEN, {**PERSON, "beginDatum": "x", "eindDatum": "2025-01-01", "cursor": "x", "page": "2"})
    check_refused(response, "beginDatum", "page", "cursor")
    headers = {"Authorization": f"Bearer {make_token()}", **DOELBINDING, "OIN": "1"}
    check_refused(await api.http.get(OBJECTEN, params={"cursor": "x", "pageSize": "0"}, headers=headers), "OIN", "pageSize")


async def test_the_longest_question_still_fits_in_an_address(api: Api, settings: Settings) -> None:
    longest = {"objecttype": "persoon", "soortObjectId": "\N{OLD ITALIC LETTER A}" * 242, "objectId": "\N{OLD ITALIC LETTER A}" * 40}
    await api.posted(verwerkteObjecten=[longest] * 3, verwerkingsactiviteitId=ACTIVITEIT)
    following = await next_of(api, OBJECTEN, {**longest, **PERIOD, "verwerkingsactiviteitId": ACTIVITEIT, "pageSize": 1})
    assert len(cursor_in(following)) < 2048 < settings.header_limit
    assert (await ask(api.http, following)).json()["count"] == 3
    often = {**longest, "vertrouwelijkheid": ",".join(["normaal"] * 400), "pageSize": 1}  # what is said often is said once
    for _ in range(2):
        await api.posted(verwerkteObjecten=[longest])
    assert len(cursor_in(await next_of(api, ACTIES, often))) < 2048


async def test_a_cursor_is_described(api: Api) -> None:
    description = (await api.http.get("/openapi.json")).json()
    for path, method in ((ACTIES, "get"), (OBJECTEN, "get"), (f"{ACTIES}/_zoek", "post"), (f"{OBJECTEN}/_zoek", "post")):
        parameters = {parameter["name"]: parameter for parameter in description["paths"][path][method]["parameters"]}
        assert re.fullmatch(parameters["cursor"]["schema"]["pattern"], "AAE_-9")
        assert not parameters["cursor"]["required"]
