"""BSNs that nobody would find, and BSNs where none belongs: what the register says of them, and never the number (C12)."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from plugins.register.tests.otlp_requests import Receiver, an_actie, logregels
from plugins.register.tests.wire.test_bad_input import assert_problem, param
from prometheus_client import generate_latest

from verwerkingenlogging_register import Settings
from verwerkingenlogging_register._metrics import Metrics
from verwerkingenlogging_register._model.subjects import Persoon
from verwerkingenlogging_register._rules.bsn_places import BSN_IN_TEXT, SpellingWatch, has_bsn

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api, Place

pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)  # it never comes near the database, or is stored as all else

BSN = "999990019"
LOOK_ALIKE = "Lijkt op een soort die de standaard kent, zoals BSN, maar heeft andere letters."


def a_persoon(number: str = BSN, soort: str = "BSN", **more: Any) -> dict[str, Any]:
    return {"objecttype": "persoon", "soortObjectId": soort, "objectId": number, **more}


def an_item(**changes: Any) -> dict[str, Any]:
    return {"vertrouwelijkheid": "normaal", "tijdstip": "2024-04-05T14:35:42Z", "verwerkteObjecten": [a_persoon()], **changes}


def counted(api: Api) -> dict[tuple[str, str], float]:
    """What the register counted of other spellings."""
    (family,) = [family for family in api.register.metrics.registry.collect() if family.name == "verwerkingenlog_other_spelling"]
    return {(each.labels["spelling"], each.labels["place"]): each.value for each in family.samples if each.name.endswith("_total")}


@pytest.mark.parametrize("soort", ["bsn", "B.S.N.", "ＢＳＮ", " BSN "])
async def test_a_person_is_found_whatever_the_spelling_of_the_kind(api: Api, soort: str) -> None:
    answer = await api.posted(verwerkteObjecten=[a_persoon(soort=soort)])
    assert answer["verwerkteObjecten"][0]["soortObjectId"] == "BSN"
    for question in ("BSN", "bsn"):
        assert (await api.search(soortObjectId=question, objectId=BSN)).json()["count"] == 1
        assert (await api.inzage(soortObjectId=question, objectId=BSN)).json()["count"] == 1


async def test_a_kind_that_only_looks_like_it_is_refused_wherever_it_is_said(api: Api, stored: Callable[[], int]) -> None:
    soort = "\u0412SN"
    response = await api.post(soortAfnemerId=soort, verwerkteObjecten=[a_persoon(soort=soort)])
    names = ["soortAfnemerId", "verwerkteObjecten.0.soortObjectId"]
    assert_problem(response, 400, "invalid", [param(name, "invalid", LOOK_ALIKE) for name in names])
    assert_problem(await api.search(soortObjectId=soort), 400, "invalid", [param("soortObjectId", "invalid", LOOK_ALIKE)])
    assert (await api.batch([an_item(verwerkteObjecten=[a_persoon(soort=soort)])])).json()["results"][0]["status"] == 400
    assert stored() == 0


async def test_another_spelling_of_a_bsn_is_kept_counted_and_warned_about_without_the_number(
    api: Api, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    spelled = ["999.990.019", "999990019 ", "９９９９９００１９", "12345672"]
    with caplog.at_level(logging.WARNING):
        answer = await api.posted(verwerkteObjecten=[*map(a_persoon, spelled), a_persoon()])
        assert [objekt["objectId"] for objekt in answer["verwerkteObjecten"]] == [*spelled, BSN]
        assert counted(api) == {("separators", "stored"): 2, ("digits", "stored"): 1, ("zeros", "stored"): 1}
        await api.put(answer)
        await api.batch([an_item(verwerkteObjecten=[a_persoon("999 990 019")])])
        assert counted(api)["separators", "stored"] == 5
        await receiver.export(*logregels(an_actie("999.990.019")))
        assert counted(api)["separators", "stored"] == 6
        await api.search(objectId="999.990.019")
        await api.inzage(objectId="999.990.019")
        assert counted(api)["separators", "asked"] == 2
        await api.posted(verwerkteObjecten=[a_persoon("999.990.019", soort="Dossiernummer")])
        assert counted(api)["separators", "stored"] == 6
    said = [record.getMessage() for record in caplog.records if "another spelling" in record.getMessage()]
    assert len(said) == len(set(said)) == 4
    assert all("client alles" in line for line in said)
    for text in (caplog.text, generate_latest(api.register.metrics.registry).decode()):
        assert not [number for number in (*spelled, BSN) if number in text]


def test_each_client_and_spelling_is_warned_about_once_an_hour(caplog: pytest.LogCaptureFixture, place: Place) -> None:
    moments = iter([0.0, 3599.0, 3599.0, 3600.0])
    watch = SpellingWatch(Metrics(), clock=lambda: next(moments))
    for client in ("a", "a", "b", "a"):
        watch.asked(client, Persoon("persoon", "BSN", "1234567 2"))
    assert [record.getMessage().split()[1] for record in caplog.records] == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("Ophalen van 999990019", True), ("https://x/personen/999990019", True), ("https://x/%39%39%39990019", True), ("BSN 9999.90.019!", True),
        ("nr 999 990 019", True), ("９９９９９００１９", True), ("FooBarApp v2.1", False), ("zaak 123456789", False), ("2024-04-05", False),
        ("5f0bef4c-f66f-4311-84a5-999990019eaf", False), ("00000099123456780000", False), ("06-12.34.56.78", False),
    ],
)  # fmt: skip
def test_a_bsn_in_a_text_is_seen(text: str, holds: bool, place: Place) -> None:
    assert has_bsn(text) is holds


TEXTS: list[dict[str, Any]] = [
    *({name: f"x {BSN}"} for name in ("actieNaam", "handelingNaam", "verwerkingNaam", "systeem", "gebruiker", "gegevensbron")),
    {"verwerkingsactiviteitUrl": f"https://var.example/{BSN}"},
    {"verwerkingsactiviteitUrlAfnemer": f"urn:bsn:{BSN}"},
    {"soortAfnemerId": f"x {BSN}"},
]


async def test_a_bsn_in_a_text_is_taken_by_default(api: Api) -> None:
    for text in TEXTS:
        await api.posted(**text)


class TestRefused:
    """With the setting."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return dataclasses.replace(settings, refuse_bsn_in_text=True)

    async def test_a_bsn_in_a_text_is_refused_by_its_place(self, api: Api, stored: Callable[[], int]) -> None:
        for text in TEXTS:
            (name,) = text
            assert_problem(await api.post(**text), 400, "invalid", [param(name, "invalid", BSN_IN_TEXT)])
        soorten = [{"soortGegeven": "Naam"}, {"soortGegeven": BSN}]
        persons = [a_persoon(), a_persoon(soort=f"nr {BSN}", betrokkenheid=f"Partner van {BSN}", verwerkteSoortenGegevens=soorten)]
        response = await api.post(verwerkteObjecten=persons)
        names = ["soortObjectId", "betrokkenheid", "verwerkteSoortenGegevens.1.soortGegeven"]
        assert_problem(response, 400, "invalid", [param(f"verwerkteObjecten.1.{name}", "invalid", BSN_IN_TEXT) for name in names])
        assert BSN not in response.text
        assert stored() == 0

    async def test_so_it_is_in_a_batch_a_put_a_key_and_a_span(self, api: Api, receiver: Receiver, stored: Callable[[], int]) -> None:
        answer = await api.posted()
        response = await api.put(answer, actieNaam=BSN)
        assert_problem(response, 400, "invalid", [param("actieNaam", "invalid", BSN_IN_TEXT)])
        results = (await api.batch([an_item(), an_item(systeem=BSN), an_item(idempotencyKey=f"brp-{BSN}")])).json()["results"]
        assert [result["status"] for result in results] == [201, 400, 400]
        assert [result["problem"]["invalidParams"][0]["name"] for result in results[1:]] == ["systeem", "idempotencyKey"]
        headers = {**api.auth(), "Idempotency-Key": f"brp-{BSN}"}
        response = await api.http.post("/verwerkingsacties", json=an_item(), headers=headers)
        assert_problem(response, 400, "invalid", [param("Idempotency-Key", "invalid", BSN_IN_TEXT)])
        rejected, message = await receiver.export(*logregels(an_actie("2308572", gegevensbron=f"Dossier {BSN}")))
        assert (rejected, message) == (1, "1 spans geweigerd: 1 keer gegevensbron (invalid)")
        assert stored() == 2

    async def test_what_is_no_bsn_is_taken(self, api: Api) -> None:
        await api.posted(gebruiker="123456789", systeem="FooBarApp v2.1", soortAfnemerId="BSN", afnemerId=BSN)
