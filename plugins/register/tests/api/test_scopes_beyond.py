"""The scope table where the standard has none: headers of inspections, confirmations, spans, and the commands that change rights.

Written from docs/reference/deviations.md, as test_scopes.py is from the standard; it shares nothing with the code.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from plugins.register.tests.api.test_scopes import (
    BODY,
    NEVER_CONFIDENTIAL,
    PERIOD,
    PERSON,
    QUESTION,
    READING,
    SCOPES,
    STATES,
    WRITES,
    Caller,
    expected_by_id,
    expected_history,
    expected_names,
    expected_occurrence,
    expected_write,
    perform,
    stored_in,
)
from plugins.register.tests.commands.test_administration import at
from plugins.register.tests.conftest import make_token
from plugins.register.tests.otlp_requests import Receiver, an_actie, fields_of, logregels
from typer.testing import Result

from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging_register import Settings

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api, Place

pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

INSPECT = "inspect:confidential"
PLAIN: list[bytes | None] = [None, b"", b"Normaal"]
HIDING = [b"Vertrouwelijk", b"opgeheven", b"VERTROUWELIJK "]
UNREADABLE = [b"geheim", b"normaal, vertrouwelijk", b"\xff"]
READERS = [
    frozenset(chosen) | rest
    for size in range(4)
    for chosen in itertools.combinations((*sorted(READING), INSPECT), size)
    for rest in (frozenset(), frozenset(SCOPES) - READING)
]
"""Every set of the scopes that reading looks at, with all or none of the others."""
FEW = [frozenset(chosen) for size in (0, 1, len(SCOPES)) for chosen in itertools.combinations(SCOPES, size)]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return dataclasses.replace(settings, log_inzage=True)


@pytest.fixture
def call(api: Api) -> Caller:
    return Caller(api, make_token)


def expected(value: bytes | None, scopes: frozenset[str], otherwise: int) -> int:
    """What a read answers with that header: hiding, and what cannot be read, needs the right; and then the latter is a fault."""
    if not scopes or (value not in PLAIN and INSPECT not in scopes):
        return 403
    return 400 if value in UNREADABLE else otherwise


@pytest.mark.parametrize("state", ["normal", "normal again", "confidential", "deleted"])
async def test_each_header_of_an_inspection_with_each_set_of_scopes(api: Api, call: Caller, stored: Callable[[], int], state: str) -> None:
    ((_, actie_id, object_id, _),) = await stored_in(api, [state])
    before, shown, hidden = stored(), 0, 0
    deviations = []
    for scopes, value in itertools.product(READERS, [*PLAIN, *HIDING, *UNREADABLE]):
        headers = [] if value is None else [(b"vertrouwelijkheid", value)]
        for path, otherwise in (
            (f"/verwerkingsacties/{actie_id}", expected_by_id(state, scopes)),
            (f"/verwerkingsacties/{actie_id}/historie", expected_history(state, scopes)),
            (f"/verwerkte-objecten/{object_id}", expected_occurrence(state, scopes)),
        ):
            found, answer = await call("GET", path, scopes, headers=headers)
            if found != expected(value, scopes, otherwise) or (found != 200 and PERSON in str(answer)):
                deviations.append((sorted(scopes), value, path, expected(value, scopes, otherwise), found))
            shown += found == 200
            hidden += found == 200 and value in HIDING
    assert deviations == []
    assert stored() - before == shown
    rows = api.register.repository.read
    assert await rows(_hidden) == hidden + STATES[state].count("vertrouwelijk")


def _hidden(connection: Any) -> int:
    found: int = connection.exec_driver_sql("SELECT count(*) FROM verwerkingsactie WHERE vertrouwelijkheid = 'vertrouwelijk'").scalar_one()
    return found


async def test_each_header_of_a_search_with_each_set_of_scopes(api: Api, call: Caller) -> None:
    await stored_in(api, ["normal", "confidential"])
    deviations = []
    for scopes, value in itertools.product(READERS, [None, b"Normaal", b"vertrouwelijk", b"geheim"]):
        headers = [] if value is None else [(b"vertrouwelijkheid", value)]
        both = {**QUESTION, "vertrouwelijkheid": "normaal"}
        bewerking = expected_names((NEVER_CONFIDENTIAL, NEVER_CONFIDENTIAL), scopes)
        inzage = expected_names((NEVER_CONFIDENTIAL, NEVER_CONFIDENTIAL), scopes)
        for method, path, query, body, names in (
            ("GET", "/verwerkingsacties", both, None, bewerking),
            ("POST", "/verwerkingsacties/_zoek", {}, both, bewerking),
            ("GET", "/verwerkte-objecten", {**QUESTION, **PERIOD}, None, inzage),
            ("POST", "/verwerkte-objecten/_zoek", {}, {**QUESTION, **PERIOD}, inzage),
        ):
            found, _ = await call(method, path, scopes, query, body, headers)
            status = expected(value, scopes, 200 if isinstance(names, set) else 403)
            if found != status:
                deviations.append((sorted(scopes), value, path, status, found))
    assert deviations == []


async def test_the_right_to_hide_an_inspection_is_no_other_right(api: Api, call: Caller) -> None:
    deviations = []
    sets = [frozenset(chosen) for size in range(2) for chosen in itertools.combinations(SCOPES, size)]
    for operation, scopes in itertools.product(WRITES, sets):
        made = await stored_in(api, STATES)
        for state, actie_id, _, verwerking in made:
            found = await perform(call, operation, scopes | {INSPECT}, actie_id, verwerking)
            if found != expected_write(operation, state, scopes):
                deviations.append((operation, sorted(scopes), state, found))
    for value, status in (("normaal", 201), ("vertrouwelijk", 403), ("opgeheven", 403)):
        found, _ = await call("POST", "/verwerkingsacties", frozenset({INSPECT}), body={**BODY, "vertrouwelijkheid": value})
        if found != status:
            deviations.append(("POST", [INSPECT], value, found))
    assert deviations == []


async def test_the_headers_of_a_write_need_no_right_and_say_nothing(call: Caller) -> None:
    for value in (*HIDING, *UNREADABLE):
        headers = [(b"vertrouwelijkheid", value), (b"bewaartermijn", b"PT1S")]
        found, answer = await call(
            "POST", "/verwerkingsacties", frozenset({"create:normal"}), body={**BODY, "vertrouwelijkheid": "normaal"}, headers=headers
        )
        assert (found, answer["vertrouwelijkheid"], answer["bewaartermijn"]) == (201, "normaal", "")


async def test_each_set_of_scopes_may_ask_what_is_stored_of_its_own_client_and_of_no_other(call: Caller) -> None:
    deviations = []
    for scopes in FEW:
        for client, otherwise in ((None, 200), ("alles", 200), ("gemeente", 403), ("onbekend", 403)):
            question = {"idempotencyKeys": ["een"]} | ({} if client is None else {"client": client})
            found, answer = await call("POST", "/verwerkingsacties/_bevestig", scopes, body=question)
            if found != (otherwise if scopes else 403) or (found != 200 and "missing" in answer):
                deviations.append((sorted(scopes), client, found))
    assert deviations == []


async def test_each_set_of_scopes_with_each_kind_of_span(receiver: Receiver, stored: Callable[[], int]) -> None:
    """A span that does not say its vertrouwelijkheid is vertrouwelijk; opgeheven is nothing new."""
    made, number, deviations = 0, 0, []
    create = frozenset({"create:normal", "create:confidential"})
    for scopes in [*FEW, create, frozenset(SCOPES) - create, frozenset(SCOPES) - {"create:confidential"}]:
        spans = []
        for value in Vertrouwelijkheid:
            number += 1
            spans.append(logregels(an_actie("1", vertrouwelijkheid=value), number)[0])
        number += 1
        silent = fields_of(logregels(an_actie("1"), number)[0])
        del silent["attributes"]["dpl.gemma.vertrouwelijkheid"]
        response = await receiver.send(*spans, silent, scope=" ".join(sorted(scopes)))
        if not scopes:
            assert response.status_code == 403
            continue
        accepted = 3 if "create:confidential" in scopes else 1
        made += accepted
        if stored() != made:
            deviations.append((sorted(scopes), accepted))
            made = stored()
    assert deviations == []


Run = Callable[..., Result]
PROBES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "create:normal": ("POST", "/verwerkingsacties", {**BODY, "vertrouwelijkheid": "normaal"}),
    "create:confidential": ("POST", "/verwerkingsacties", {**BODY, "vertrouwelijkheid": "vertrouwelijk"}),
    "read:normal": ("POST", "/verwerkingsacties/_zoek", {**QUESTION, "vertrouwelijkheid": "normaal"}),
    "read:confidential": ("POST", "/verwerkingsacties/_zoek", QUESTION),
    "update:normal": ("PATCH", f"/verwerkingsacties?verwerkingId={UUID(int=1)}", {"bewaartermijn": "P9Y"}),
    "update:confidential": ("PATCH", f"/verwerkingsacties?verwerkingId={UUID(int=1)}", {"vertrouwelijkheid": "normaal"}),
    "delete:normal": ("DELETE", f"/verwerkingsacties/{uuid4()}", {}),
    "delete:confidential": ("DELETE", f"/verwerkingsacties/{uuid4()}", {}),
}
"""An operation that only those with that scope, or with all of the ``confidential`` ones, may do: else it is 403."""


async def rights(api: Api, token: str) -> set[str] | int:
    """The probes that a token passes; 401 when it lets nobody in."""
    passed = set()
    headers = {"Authorization": f"Bearer {token}"}
    for scope, (method, path, body) in PROBES.items():
        response = await api.http.request(method, path, json=body or None, headers=headers)
        if response.status_code == 401:
            return 401
        if response.status_code != 403:
            passed.add(scope)
    hiding = await api.http.post("/verwerkingsacties/_zoek", json=QUESTION, headers={**headers, "Vertrouwelijkheid": "vertrouwelijk"})
    if "inspect" not in str(hiding.json().get("detail")):
        passed.add(INSPECT)
    return passed


def granted(scopes: set[str]) -> set[str]:
    """The probes that those scopes pass: what is normaal needs none to be created; ``confidential`` has what ``normal`` has."""
    passed = scopes | {"create:normal"}
    for verb in ("read", "update"):
        if f"{verb}:confidential" in scopes:
            passed |= {f"{verb}:normal"}
    if any(scope.startswith("delete") for scope in scopes):
        passed |= {"delete:normal", "delete:confidential"}  # what there is not, both are told
    return passed


async def test_each_command_that_changes_rights_gives_just_those_and_takes_them_all(api: Api, place: Place, verwerkingenlog: Run) -> None:
    environment = at(place, owner=True)

    def run(*arguments: str) -> str:
        done = verwerkingenlog(*arguments, **environment)
        assert done.exit_code == 0, done.output
        return done.stdout.strip()

    for number, scopes in enumerate([set(), {"read:normal", "update:confidential"}, {INSPECT}, {*SCOPES, INSPECT}]):
        name, options = f"client-{number}", [option for scope in sorted(scopes) for option in ("--scope", scope)]
        secret = run("client", "add", name, *options)
        assert await rights(api, make_token(name, secret=secret)) == granted(scopes), scopes
        other = run("client", "rotate", name)
        assert await rights(api, make_token(name, secret=secret)) == 401
        assert await rights(api, make_token(name, secret=other)) == granted(scopes), scopes
        everything = make_token(name, secret=other, scope=" ".join([*SCOPES, INSPECT]))
        assert await rights(api, everything) == granted(scopes)  # a token widens nothing
        assert await rights(api, run("token", name)) == granted(scopes)
        run("client", "change", name, "--scope", "delete:normal", "--scope", "read:confidential")
        assert await rights(api, everything) == granted({"delete:normal", "read:confidential"})
        run("client", "change", name, "--no-scope")
        assert await rights(api, make_token(name, secret=other)) == granted(set())
        run("client", "revoke", name)
        assert await rights(api, everything) == 401
        again = run("client", "add", name)
        assert await rights(api, make_token(name, secret=again)) == granted(set())
