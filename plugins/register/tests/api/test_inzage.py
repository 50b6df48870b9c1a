"""The Inzage API: what a betrokkene sees, and never sees (gemma.md 5)."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from verwerkingenlogging.model import Verwerkingsactie
from verwerkingenlogging_register import Settings, create_app
from verwerkingenlogging_register._model.versions import ActieVersie, VersionRows
from verwerkingenlogging_register._wire.answers import Answers
from verwerkingenlogging_register._wire.bodies import VerwerkingsactieIn

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api

HIDDEN = {"systeem", "gebruiker", "gegevensbron"}


def person(number: str, **more: Any) -> dict[str, Any]:
    return {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": number, **more}


async def test_a_betrokkene_sees_the_actie_without_system_user_source_and_others(api: Api, full: dict[str, Any]) -> None:
    objecten = [person("7654321"), *full["verwerkteObjecten"], person("9358297")]
    posted = await api.posted(**{**full, "verwerkteObjecten": objecten})
    response = await api.inzage()
    (occurrence,) = response.json()["results"]
    own = posted["verwerkteObjecten"][1]
    actie = occurrence.pop("verwerkingsactie")
    assert occurrence == own
    assert actie == {**{name: value for name, value in posted.items() if name not in HIDDEN}, "verwerkteObjecten": [own]}
    for secret in ("7654321", "9358297", full["systeem"], full["gebruiker"], full["gegevensbron"]):
        assert secret not in response.text
    one = await api.verwerkt_object(own["verwerktObjectId"])
    assert one.json() == response.json()["results"][0]


async def test_each_occurrence_of_a_person_is_a_result_of_its_own(api: Api) -> None:
    await api.posted(verwerkteObjecten=[person("2308572", betrokkenheid="Aanvrager"), person("2308572", betrokkenheid="Partner")])
    results = (await api.inzage()).json()["results"]
    assert [result["betrokkenheid"] for result in results] == ["Aanvrager", "Partner"]
    assert [len(result["verwerkingsactie"]["verwerkteObjecten"]) for result in results] == [1, 1]


async def test_the_period_is_mandatory(api: Api) -> None:
    response = await api.inzage(beginDatum=None, eindDatum="")
    assert [fault["name"] for fault in response.json()["invalidParams"]] == ["beginDatum", "eindDatum"]


async def test_period_activiteit_and_pages_work_as_in_the_bewerking_api(api: Api) -> None:
    activiteit = str(uuid4())
    for day in (1, 2, 3):
        await api.posted(tijdstip=f"2024-04-0{day}T12:00:00+02:00", verwerkingsactiviteitId=activiteit)
    response = await api.inzage(beginDatum="2024-04-01", eindDatum="2024-04-03", verwerkingsactiviteitId=activiteit, pageSize=1)
    assert response.json()["count"] == 2
    assert response.json()["next"].startswith("https://log.example.nl/api/v1/verwerkte-objecten?")
    assert (await api.inzage(verwerkingsactiviteitId=str(uuid4()))).json()["count"] == 0
    assert (await api.inzage(page=4)).status_code == 404


async def test_a_vertrouwelijkheid_parameter_has_no_meaning(api: Api) -> None:
    await api.posted(vertrouwelijkheid="vertrouwelijk")
    assert (await api.inzage(vertrouwelijkheid="vertrouwelijk")).json()["count"] == 0


async def test_the_headers_are_mandatory(api: Api) -> None:
    answer = await api.posted()
    expected = [(name, "required") for name in ("OIN", "VerwerkingsactiviteitId", "VerwerkingsactiviteitUrl")]
    for response in (
        await api.inzage(headers={}),
        await api.verwerkt_object(answer["verwerkteObjecten"][0]["verwerktObjectId"], headers={}),
    ):
        assert response.status_code == 400
        assert [(fault["name"], fault["code"]) for fault in response.json()["invalidParams"]] == expected


class TestWithoutMandatoryHeaders:
    """The setting for clients that know the official description only (X16)."""

    @pytest.fixture
    async def http(self, settings: Settings, token: Any) -> AsyncIterator[httpx2.AsyncClient]:
        app = create_app(dataclasses.replace(settings, require_inzage_headers=False))
        headers = {"Authorization": f"Bearer {token()}"}
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://x/api/v1", headers=headers) as http,
        ):
            yield http

    async def test_an_absent_header_is_no_fault_and_a_malformed_one_still_is(self, http: httpx2.AsyncClient) -> None:
        query = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "1", "beginDatum": "2024-01-01", "eindDatum": "2024-01-01"}
        assert (await http.get("/verwerkte-objecten", params=query)).status_code == 200
        assert (await http.get("/verwerkte-objecten", params=query, headers={"OIN": "1"})).status_code == 400


numbers = st.text("0123456789", min_size=1, max_size=9)


@given(st.lists(numbers, min_size=1, max_size=6), st.data())
@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_answer_to_one_person_holds_no_number_of_another(persons: list[str], data: st.DataObject) -> None:
    body = {
        "vertrouwelijkheid": "normaal",
        "tijdstip": "2024-04-05T14:35:42Z",
        "systeem": "S",
        "verwerkteObjecten": [person(f"#{number}#") for number in persons],
    }
    rows = ActieVersie.first(model_of(body)).rows()
    own = data.draw(st.sampled_from(range(len(persons))))
    answers = Answers("https://log.example.nl")
    answer = answers.inzage_answer(VersionRows(rows.actie, [rows.objecten[own]]))
    shown = bytes(answers.response(answer).body).decode()
    assert {number for number in persons if f"#{number}#" in shown} == {persons[own]}
    assert not HIDDEN & set(answer["verwerkingsactie"])


def model_of(body: dict[str, Any]) -> Verwerkingsactie:
    return VerwerkingsactieIn.model_validate(body, context={"objecttypen": {"persoon"}}).to_model()
