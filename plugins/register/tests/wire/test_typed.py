"""By default the answers and the questions are those that a client written from the official descriptions gives and takes (C9)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from openapi_schema_validator import OAS30Validator, oas30_format_checker

from verwerkingenlogging_register import Settings
from verwerkingenlogging_register.settings import LegeVelden

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api, Place

pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

OFFICIAL = Path(__file__).parents[5] / "shared" / "standard" / "oas"
OWN = {"url", "actieId", "tijdstipRegistratie"}
GIVEN = {"vertrouwelijkheid", "tijdstip", "verwerkteObjecten"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Those of who sets nothing."""
    return Settings(database=settings.database, keys=settings.keys, base_url=settings.base_url, log_inzage=False)


def no_empty_text(answer: Any) -> bool:
    if isinstance(answer, dict):
        return all(map(no_empty_text, answer.values()))
    return all(map(no_empty_text, answer)) if isinstance(answer, list) else answer != ""


async def answers_of(api: Api, **given: Any) -> tuple[list[Any], list[Any]]:
    """Each kind of answer that shows an actie, after a POST of ``given``: of the Bewerking API, and of the Inzage API."""
    posted = await api.posted(**given)
    read, history = await api.actie(posted["actieId"]), await api.history(posted["actieId"])
    assert posted == read.json()
    one = await api.verwerkt_object(posted["verwerkteObjecten"][0]["verwerktObjectId"])
    found, inzage = (await api.search()).json()["results"], (await api.inzage()).json()["results"]
    return [posted, *found, *history.json()["results"]], [one.json(), *inzage]


async def test_what_was_not_given_is_in_no_answer(api: Api) -> None:
    bewerking, inzage = await answers_of(api)
    assert (len(bewerking), len(inzage)) == (3, 2)
    assert all(map(no_empty_text, [*bewerking, *inzage]))
    assert set(bewerking[0]) == OWN | GIVEN


async def test_an_answer_follows_the_official_description_to_the_letter(api: Api, full: dict[str, Any]) -> None:
    if not OFFICIAL.exists():
        pytest.skip("the official descriptions are not beside this repository (../shared/standard/oas)")
    schemas = {
        name: yaml.safe_load((OFFICIAL / f"{name}-api.yaml").read_text(encoding="utf-8"))["components"] for name in ("bewerking", "inzage")
    }
    for given in ({}, {**full, "verwerkteObjecten": full["verwerkteObjecten"][:1]}):
        bewerking, inzage = await answers_of(api, **given)
        for name, model, answers in (
            ("bewerking", "VerwerkingsactieUitgebreid", bewerking),
            ("inzage", "VerwerktObjectUitgebreid", inzage),
        ):
            description = {"$ref": f"#/components/schemas/{model}", "components": schemas[name]}
            for answer in answers:
                OAS30Validator(description, format_checker=oas30_format_checker).validate(answer)


async def test_what_was_read_can_be_changed_and_put_back(api: Api) -> None:
    posted = await api.posted(actieNaam="Ophalen", systeem="FooBarApp v2.1")
    response = await api.put(posted, actieNaam="Zoeken personen")
    assert response.status_code == 200, response.text
    assert response.json() == {**posted, "actieNaam": "Zoeken personen", "tijdstipRegistratie": response.json()["tijdstipRegistratie"]}
    without = await api.put(response.json(), systeem=...)
    assert set(without.json()) == {*OWN, *GIVEN, "actieNaam"}


@pytest.mark.parametrize("name", ["vertrouwelijkheid", "tijdstip", "verwerkteObjecten"])
async def test_what_the_official_description_requires_must_be_in_a_put(api: Api, name: str) -> None:
    posted = await api.posted()
    response = await api.http.put(
        f"/verwerkingsacties/{posted['actieId']}", json={key: value for key, value in posted.items() if key != name}, headers=api.auth()
    )
    assert [(fault["name"], fault["code"]) for fault in response.json()["invalidParams"]] == [(name, "required")]


async def test_our_own_description_says_which_of_it_applies(api: Api) -> None:
    schemas = (await api.http.get("/openapi.json")).json()["components"]["schemas"]
    assert set(schemas["VerwerkingsactieVervanging"]["required"]) == GIVEN
    assert set(schemas["VerwerkingsactieAnswer"]["required"]) == OWN | GIVEN


class TestByTheLetter:
    """With the switches."""

    @pytest.fixture
    def settings(self, place: Place) -> Settings:
        return Settings(database=place.location, keys=place.keys, log_inzage=False, lege_velden=LegeVelden.LEEG, put_volledig=True)

    async def test_what_was_not_given_is_empty_and_a_put_names_all(self, api: Api) -> None:
        posted = await api.posted()
        assert {name for name, value in posted.items() if value == ""} == {
            *("actieNaam", "handelingNaam", "verwerkingNaam", "verwerkingId", "verwerkingsactiviteitId", "verwerkingsactiviteitUrl", "bewaartermijn"),
            *("uitvoerder", "systeem", "gebruiker", "gegevensbron", "soortAfnemerId", "afnemerId", "verwerkingsactiviteitIdAfnemer"),
            *("verwerkingsactiviteitUrlAfnemer", "verwerkingIdAfnemer"),
        }  # fmt: skip
        response = await api.put(posted, systeem=...)
        assert [(fault["name"], fault["code"]) for fault in response.json()["invalidParams"]] == [("systeem", "required")]
        schemas = (await api.http.get("/openapi.json")).json()["components"]["schemas"]
        assert len(schemas["VerwerkingsactieVervanging"]["required"]) == 19
