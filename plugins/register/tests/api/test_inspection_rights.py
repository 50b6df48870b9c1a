"""Who is logged decides neither whether the citizen sees it nor how long it is kept (threat 3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from plugins.register.tests.conftest import BSN, DOELBINDING

from verwerkingenlogging import ConfigurationError
from verwerkingenlogging_register import Settings, create_app

if TYPE_CHECKING:
    import httpx2
    from plugins.register.tests.conftest import Api

pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

PERSON = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": BSN}
PERIOD = {"beginDatum": "2000-01-01", "eindDatum": "2100-01-01"}
READS = ["search", "search by body", "read", "history", "inzage", "inzage by body", "occurrence"]
READING = "read:normal read:confidential"
HIDING = f"{READING} inspect:confidential"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return dataclasses.replace(settings, log_inzage=True)


@pytest.fixture
async def read(api: Api) -> Callable[..., Awaitable[httpx2.Response]]:
    """Does one of READS with these headers and scopes, of an actie that is there."""
    posted = await api.posted(actieNaam="Een actie")
    acties, objecten = "/verwerkingsacties", "/verwerkte-objecten"

    async def one(name: str, scope: str, headers: dict[str, str] | list[tuple[str, str]]) -> httpx2.Response:
        given = [*DOELBINDING.items(), *api.auth(scope).items(), *(headers.items() if isinstance(headers, dict) else headers)]
        requests: dict[str, tuple[str, str, dict[str, Any]]] = {
            "search": ("GET", acties, {"params": PERSON}),
            "search by body": ("POST", f"{acties}/_zoek", {"json": PERSON}),
            "read": ("GET", f"{acties}/{posted['actieId']}", {}),
            "history": ("GET", f"{acties}/{posted['actieId']}/historie", {}),
            "inzage": ("GET", objecten, {"params": {**PERSON, **PERIOD}}),
            "inzage by body": ("POST", f"{objecten}/_zoek", {"json": {**PERSON, **PERIOD}}),
            "occurrence": ("GET", f"{objecten}/{posted['verwerkteObjecten'][0]['verwerktObjectId']}", {}),
        }
        method, path, more = requests[name]
        return await api.http.request(method, path, headers=given, **more)

    return one


async def inspections(api: Api) -> list[dict[str, Any]]:
    """As they are stored, newest first; asking makes another."""
    results = (await api.search()).json()["results"]
    return [actie for actie in results if actie["actieNaam"] == "Inzien verwerkingenlog"]


HIDDEN = [
    {"Vertrouwelijkheid": "vertrouwelijk"},
    {"Vertrouwelijkheid": "Opgeheven"},
    {"Vertrouwelijkheid": '"vertrouwelijk"'},
    {"Vertrouwelijkheid": "vertrouwelijk;q=1"},
    {"Vertrouwelijkheid": "%76ertrouwelijk"},
    {"Vertrouwelijkheid": "normaal, vertrouwelijk"},
    {"vertrouwelijkheid": "geen idee"},
    [("Vertrouwelijkheid", "normaal"), ("vertrouwelijkheid", "vertrouwelijk")],
]


@pytest.mark.parametrize("operation", READS)
async def test_an_inspection_is_hidden_only_for_who_may_hide_it(
    api: Api, read: Callable[..., Awaitable[httpx2.Response]], stored: Callable[[], int], operation: str
) -> None:
    before = stored()
    for headers in HIDDEN:
        response = await read(operation, READING, headers)
        assert (response.status_code, response.headers["content-type"]) == (403, "application/problem+json"), headers
        assert "Een actie" not in response.text
        assert BSN not in response.text
        assert "inspect:confidential" in response.json()["detail"]
    assert stored() == before
    assert (await read(operation, HIDING, {"Vertrouwelijkheid": "vertrouwelijk"})).status_code == 200
    assert [actie["vertrouwelijkheid"] for actie in await inspections(api)] == ["vertrouwelijk"]
    assert (await api.inzage(scope="read:normal")).json()["count"] == 2  # the actie, and the one that looked just now


@pytest.mark.parametrize(
    "headers", [{}, {"Vertrouwelijkheid": "Normaal"}, {"Vertrouwelijkheid": ""}, {"Vertrouwelijkheid": " normaal, normaal"}]
)
async def test_who_reads_plainly_needs_no_such_right(
    api: Api, read: Callable[..., Awaitable[httpx2.Response]], headers: dict[str, str]
) -> None:
    for operation in READS:
        assert (await read(operation, READING, headers)).status_code == 200
    assert {actie["vertrouwelijkheid"] for actie in await inspections(api)} == {"normaal"}


async def test_what_cannot_be_read_is_refused_also_to_who_may_hide(api: Api, read: Callable[..., Awaitable[httpx2.Response]]) -> None:
    response = await read("read", HIDING, {"Vertrouwelijkheid": "geen idee"})
    assert response.status_code == 400
    assert [fault["name"] for fault in response.json()["invalidParams"]] == ["Vertrouwelijkheid"]


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("PT1S", "P5Y"), ("P1D", "P5Y"), ("P59M", "P5Y"), ("P5Y", "P5Y"), ("1", "P5Y"), ("P5Y1D", "P5Y1D"), ("P61M", "P61M"),
        ("150", "P150Y"), ("PT1S, P10Y", None), ("nooit", None), ("", "P5Y"), (None, "P5Y"),
    ],
)  # fmt: skip
async def test_a_reader_may_lengthen_the_term_of_his_inspection_and_never_shorten_it(
    api: Api, read: Callable[..., Awaitable[httpx2.Response]], asked: str | None, kept: str | None
) -> None:
    response = await read("inzage", HIDING, {} if asked is None else {"Bewaartermijn": asked})
    assert response.status_code == (400 if kept is None else 200)
    assert [actie["bewaartermijn"] for actie in await inspections(api)] == ([] if kept is None else [kept])


async def test_months_and_days_of_a_term_are_compared_from_the_inspection_itself(
    api: Api, read: Callable[..., Awaitable[httpx2.Response]]
) -> None:
    """Five years are 1,826 or 1,827 days, as they hold one leap day or two."""
    await read("inzage", HIDING, {"Bewaartermijn": "P1825D"})
    await read("inzage", HIDING, {"Bewaartermijn": "P1828D"})
    assert [actie["bewaartermijn"] for actie in await inspections(api)] == ["P1828D", "P5Y"]


@pytest.mark.parametrize("term", ["P1Y2W?", "5", "", "P0D", "-P1Y"])
def test_a_term_that_is_none_fails_at_the_start_by_its_name(settings: Settings, term: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^setting inzage_bewaartermijn: must "):
        dataclasses.replace(settings, inzage_bewaartermijn=term)


async def test_the_term_and_the_activiteit_of_inspections_are_settings(settings: Settings, api: Api) -> None:
    activiteit = UUID("4f6db294-830d-4d14-b9bd-3c6d17c40d65")
    register = dataclasses.replace(
        api.register, settings=dataclasses.replace(settings, inzage_bewaartermijn="P2Y", inzage_activiteit=activiteit)
    )
    api.app.state.register = register
    await api.search()
    (actie,) = await inspections(api)
    assert (actie["bewaartermijn"], actie["verwerkingsactiviteitId"]) == ("P2Y", str(activiteit))


async def test_inspections_without_an_activiteit_are_warned_about_when_the_register_starts(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async def start(settings: Settings) -> list[str]:
        caplog.clear()
        app = create_app(settings)
        async with app.router.lifespan_context(app):
            return [record.getMessage().partition(";")[0] for record in caplog.records]

    assert await start(settings) == ["setting inzage_activiteit: is not given, so that records of inspections say no purpose"]
    assert await start(dataclasses.replace(settings, inzage_activiteit=UUID("4f6db294-830d-4d14-b9bd-3c6d17c40d65"))) == []
    assert await start(dataclasses.replace(settings, log_inzage=False)) == []
