"""The standard's scope table (gemma.md 4.7), whole: every set of scopes, every state and history, every operation.

The table below is written from the standard and shares nothing with the code.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection

from verwerkingenlogging.model import Vertrouwelijkheid, Verwerkingsactie, VerwerktObject
from verwerkingenlogging_register._acties.insertion import insert_versions
from verwerkingenlogging_register._model.versions import ActieVersie, VersionRows

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api, Place

SCOPES = [f"{verb}:{kind}" for verb in ("create", "read", "update", "delete") for kind in ("normal", "confidential")]
SETS = [frozenset(chosen) for size in range(9) for chosen in itertools.combinations(SCOPES, size)]
READING = frozenset({"read:normal", "read:confidential"})

N, V, O = "normaal", "vertrouwelijk", "opgeheven"  # noqa: E741
GONE = "vervallen"
# What an actie was, version by version. The last word is what it is now.
STATES: dict[str, tuple[str, ...]] = {
    "normal": (N,),
    "corrected": (N, N),
    "confidential": (V,),
    "lifted": (V, O),
    "lifted at once": (N, O),
    "normal again": (V, N),
    "normal after lifting": (V, O, N),
    "deleted": (N, GONE),
    "deleted confidential": (V, GONE),
    "unknown": (),
}
NEVER_CONFIDENTIAL = {"normal", "corrected"}
NORMAL_AGAIN = {"normal again", "normal after lifting"}
PRESENT = {name for name, history in STATES.items() if history and history[-1] != GONE}
NOW = {value: {name for name in PRESENT if STATES[name][-1] == value} for value in (N, V, O)}

# The operation -> what it takes, by scope: "confidential" also has what "normal" has.
# GET by id: 403 for what is not normaal (X63), or once was not (D1); 404 for what is not there (X03).
# PATCH, PUT, DELETE: 400 for what is not there (X02). PUT never makes opgeheven (F3835), but may leave it so (X48).
WRITES: dict[str, dict[str, Any]] = {
    "PATCH term": {"scope": "update", "ok": 204, "normal": NEVER_CONFIDENTIAL, "confidential": PRESENT},
    "PATCH to vertrouwelijk": {"scope": "update", "ok": 204, "normal": None, "confidential": PRESENT},
    "PATCH to opgeheven": {"scope": "update", "ok": 204, "normal": None, "confidential": PRESENT},
    "PUT to normaal": {"scope": "update", "ok": 200, "normal": NEVER_CONFIDENTIAL, "confidential": PRESENT},
    "PUT to vertrouwelijk": {"scope": "update", "ok": 200, "normal": None, "confidential": PRESENT},
    "PUT to opgeheven": {"scope": "update", "ok": 200, "normal": None, "confidential": NOW[O]},
    "DELETE": {"scope": "delete", "ok": 204, "normal": NEVER_CONFIDENTIAL, "confidential": PRESENT},
}
ALL = f"{N},{V},{O}"
# The filter of a search -> whom it shows to read:normal (None: 403) and to read:confidential (X07, X08, D7).
SEARCHES: dict[str | None, tuple[set[str] | None, set[str]]] = {
    None: (None, PRESENT),
    N: (NEVER_CONFIDENTIAL, NEVER_CONFIDENTIAL),
    V: (None, NOW[V]),
    O: (None, NOW[O]),
    f"{N},{O}": (None, NEVER_CONFIDENTIAL | NOW[O]),
    ALL: (None, PRESENT),
}
INZAGE = (NEVER_CONFIDENTIAL, NOW[N] | NOW[O])
PERSON = "2308572"
QUESTION = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": PERSON}
PERIOD = {"beginDatum": "2000-01-01", "eindDatum": "2100-01-01"}
HEADERS = [
    (b"oin", b"00000099123456780000"),
    (b"verwerkingsactiviteitid", b"5f0bef4c-f66f-4311-84a5-19e8bf359eaf"),
    (b"verwerkingsactiviteiturl", b"urn:x"),
]


def expected_write(operation: str, state: str, scopes: frozenset[str]) -> int:
    """What the table says."""
    rule = WRITES[operation]
    normal, confidential = f"{rule['scope']}:normal" in scopes, f"{rule['scope']}:confidential" in scopes
    if not confidential and (not normal or rule["normal"] is None):
        return 403
    if state not in PRESENT:
        return 400
    allowed: set[str] = rule["confidential"] if confidential else rule["normal"]
    return int(rule["ok"]) if state in allowed else 403


def expected_by_id(state: str, scopes: frozenset[str]) -> int:
    if not {"read:normal", "read:confidential"} & scopes:
        return 403
    if state not in PRESENT:
        return 404
    return 200 if "read:confidential" in scopes or state in NEVER_CONFIDENTIAL else 403


def expected_history(state: str, scopes: frozenset[str]) -> int:
    if "read:confidential" not in scopes:
        return 403
    return 200 if STATES[state] else 404


def expected_occurrence(state: str, scopes: frozenset[str]) -> int:
    if not {"read:normal", "read:confidential"} & scopes:
        return 403
    shown = INZAGE[1] if "read:confidential" in scopes else INZAGE[0]
    return 200 if state in shown else 404


def expected_names(rule: tuple[set[str] | None, set[str]], scopes: frozenset[str]) -> set[str] | int:
    if "read:confidential" in scopes:
        return rule[1]
    if "read:normal" not in scopes or rule[0] is None:
        return 403
    return rule[0]


def written(name: str, verwerking: UUID) -> tuple[UUID, UUID, list[VersionRows]]:
    """An actie in the state of that name: its id, that of its one object, and its versions."""
    history = STATES[name]
    actie_id, object_id, versions, ever = uuid4(), uuid4(), [], False
    value = N
    for word in history:
        value = value if word == GONE else word
        ever = ever or value != N
        actie = Verwerkingsactie(
            tijdstip="2024-04-05T14:35:42Z",
            actie_naam=name,
            verwerking_id=verwerking,
            vertrouwelijkheid=Vertrouwelijkheid(value),
            verwerkte_objecten=(VerwerktObject(object_id=PERSON),),
        )
        first = ActieVersie.first(actie)
        versie = ActieVersie(
            actie_id=actie_id,
            actie=actie,
            object_ids=(object_id,),
            registratie=first.registratie,
            vervallen=word == GONE,
            ooit_vertrouwelijk=ever,
        )
        versions.append(versie.rows())
    return actie_id, object_id, versions


class Caller:
    """Calls the application itself: an HTTP client would cost more than what is tested."""

    def __init__(self, api: Api, token: Callable[..., str]) -> None:
        self._app = api.app
        self._token = cache(lambda scopes: f"Bearer {token(scope=' '.join(sorted(scopes)))}".encode())

    async def __call__(
        self,
        method: str,
        path: str,
        scopes: frozenset[str],
        query: dict[str, str] | None = None,
        body: Any = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> Any:
        """The status, and what was answered; ``headers`` stand beside those of a plain inspection."""
        text = "&".join(f"{name}={value}" for name, value in (query or {}).items())
        headers = [*HEADERS, *headers, (b"authorization", self._token(scopes)), (b"content-type", b"application/json")]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http", "headers": headers,
            "path": f"/api/v1{path}", "raw_path": f"/api/v1{path}".encode(), "root_path": "", "query_string": text.encode(),
        }  # fmt: skip
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": json.dumps(body).encode() if body is not None else b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        content = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"], json.loads(content) if content else None


async def together(requests: list[Coroutine[Any, Any, Any]]) -> list[Any]:
    """The answers to ``requests``, of which some are under way at a time."""
    some = asyncio.Semaphore(64)

    async def one(request: Coroutine[Any, Any, Any]) -> Any:
        async with some:
            return await request

    return await asyncio.gather(*[one(request) for request in requests])


@pytest.fixture
def call(api: Api, token: Callable[..., str]) -> Caller:
    return Caller(api, token)


@pytest.fixture
def sets(place: Place) -> list[frozenset[str]]:
    """Every set of scopes; on PostgreSQL those that differ in what may be read, with all or none of the other scopes.

    What a set may see is decided in Python, the same for both; that each database then shows just that is seen with those few.
    """
    return SETS if isinstance(place.location, Path) else [chosen for chosen in SETS if chosen - READING in (set(), set(SCOPES) - READING)]


async def stored_in(api: Api, names: Iterable[str]) -> list[tuple[str, UUID, UUID, UUID]]:
    """An actie in each of these states, each of a verwerking of its own: name, actieId, verwerktObjectId, verwerkingId."""
    made = []
    versions: list[VersionRows] = []
    for name in names:
        verwerking = uuid4()
        actie_id, object_id, rows = written(name, verwerking)
        made.append((name, actie_id, object_id, verwerking))
        versions += rows

    def insert(connection: Connection) -> None:
        insert_versions(connection, versions)

    await api.register.repository.write(insert)
    return made


BODY = {
    **dict.fromkeys(
        [
            "handelingNaam", "verwerkingNaam", "verwerkingsactiviteitId", "verwerkingsactiviteitUrl", "bewaartermijn", "uitvoerder", "systeem",
            "gebruiker", "gegevensbron", "soortAfnemerId", "afnemerId", "verwerkingsactiviteitIdAfnemer", "verwerkingsactiviteitUrlAfnemer",
            "verwerkingIdAfnemer", "verwerkingId", "actieNaam",
        ],
        "",
    ),
    "tijdstip": "2024-04-05T14:35:42Z",
    "verwerkteObjecten": [],
}  # fmt: skip


async def perform(call: Caller, operation: str, scopes: frozenset[str], actie_id: UUID, verwerking: UUID) -> int:
    method, _, value = operation.partition(" ")
    value = value.removeprefix("to ")
    if method == "PATCH":
        body: dict[str, str] = {"bewaartermijn": "P1Y"} if value == "term" else {"vertrouwelijkheid": value}
        status, _ = await call("PATCH", "/verwerkingsacties", scopes, {"verwerkingId": str(verwerking)}, body)
    elif method == "PUT":
        status, _ = await call("PUT", f"/verwerkingsacties/{actie_id}", scopes, body={**BODY, "vertrouwelijkheid": value})
    else:
        status, _ = await call("DELETE", f"/verwerkingsacties/{actie_id}", scopes)
    return int(status)


# Who may change what is decided in Python, the same for both databases; what is found is decided by the database.
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.parametrize("operation", WRITES)
async def test_what_each_set_of_scopes_may_change(api: Api, call: Caller, stored: Callable[[], int], operation: str) -> None:
    cases = list(itertools.product(SETS, STATES))
    made = await stored_in(api, [state for _, state in cases])
    before = stored()
    deviations, changed = [], 0
    answers = await together(
        [
            perform(call, operation, scopes, actie_id, verwerking)
            for (scopes, _), (_, actie_id, _, verwerking) in zip(cases, made, strict=True)
        ]
    )
    for (scopes, state), found in zip(cases, answers, strict=True):
        expected = expected_write(operation, state, scopes)
        changed += expected < 300
        if found != expected:
            deviations.append((sorted(scopes), state, expected, found))
    assert deviations == []
    assert stored() - before == changed
    assert len(cases) == 256 * len(STATES)


async def test_what_each_set_of_scopes_may_read(api: Api, call: Caller, sets: list[frozenset[str]]) -> None:
    made = await stored_in(api, STATES)
    deviations = []
    cases = [
        (scopes, state, path, expected)
        for scopes in sets
        for state, actie_id, object_id, _ in made
        for path, expected in (
            (f"/verwerkingsacties/{actie_id}", expected_by_id(state, scopes)),
            (f"/verwerkingsacties/{actie_id}/historie", expected_history(state, scopes)),
            (f"/verwerkte-objecten/{object_id}", expected_occurrence(state, scopes)),
        )
    ]
    answers = await together([call("GET", path, scopes) for scopes, _, path, _ in cases])
    for (scopes, state, path, expected), (found, _) in zip(cases, answers, strict=True):
        if found != expected:
            deviations.append((sorted(scopes), state, path, expected, found))
    assert deviations == []


async def test_what_each_set_of_scopes_may_find(api: Api, call: Caller, sets: list[frozenset[str]]) -> None:
    await stored_in(api, STATES)
    deviations = []
    for scopes in sets:
        for values, rule in SEARCHES.items():
            more = {"vertrouwelijkheid": values} if values else {}
            for status, answer in (
                await call("GET", "/verwerkingsacties", scopes, {**QUESTION, **more}),
                await call("POST", "/verwerkingsacties/_zoek", scopes, body={**QUESTION, **more}),
            ):
                found = {actie["actieNaam"] for actie in answer["results"]} if status == 200 else status
                if found != expected_names(rule, scopes) or (status == 200 and answer["count"] != len(found)):
                    deviations.append((sorted(scopes), values, expected_names(rule, scopes), found))
        for status, answer in (
            await call("GET", "/verwerkte-objecten", scopes, {**QUESTION, **PERIOD}),
            await call("POST", "/verwerkte-objecten/_zoek", scopes, body={**QUESTION, **PERIOD}),
        ):
            found = {occurrence["verwerkingsactie"]["actieNaam"] for occurrence in answer["results"]} if status == 200 else status
            if found != expected_names(INZAGE, scopes) or (status == 200 and answer["count"] != len(found)):
                deviations.append((sorted(scopes), "inzage", expected_names(INZAGE, scopes), found))
    assert deviations == []


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_what_each_set_of_scopes_may_create(call: Caller, stored: Callable[[], int]) -> None:
    deviations, made = [], 0
    for scopes in SETS:
        for value in (N, V, O):
            expected = 403 if value == O or not scopes or (value == V and "create:confidential" not in scopes) else 201
            made += expected == 201
            found, _ = await call("POST", "/verwerkingsacties", scopes, body={**BODY, "vertrouwelijkheid": value})
            if found != expected:
                deviations.append((sorted(scopes), value, expected, found))
    assert deviations == []
    assert stored() == made
