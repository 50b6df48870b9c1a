"""PUT and DELETE of one verwerkingsactie (gemma.md 4.5 and 4.6)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from verwerkingenlogging_register import Settings

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api

# Decided in Python: one kind of database is enough.
SQLITE = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

UNKNOWN = "00000000-0000-4000-8000-000000000000"
SETTABLE = [
    "actieNaam", "handelingNaam", "verwerkingNaam", "verwerkingId", "verwerkingsactiviteitId", "verwerkingsactiviteitUrl",
    "vertrouwelijkheid", "bewaartermijn", "uitvoerder", "systeem", "gebruiker", "gegevensbron", "soortAfnemerId", "afnemerId",
    "verwerkingsactiviteitIdAfnemer", "verwerkingsactiviteitUrlAfnemer", "verwerkingIdAfnemer", "tijdstip", "verwerkteObjecten",
]  # fmt: skip


def person(number: str, **more: Any) -> dict[str, Any]:
    return {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": number, **more}


def faults(response: httpx2.Response) -> list[tuple[str, str]]:
    assert response.status_code == 400, response.text
    return [(fault["name"], fault["code"]) for fault in response.json()["invalidParams"]]


async def test_what_a_get_gives_can_be_edited_and_put_back(api: Api, full: dict[str, Any], stored: Callable[[], int]) -> None:
    posted = await api.posted(**full)
    response = await api.put(posted, actieNaam="Gecorrigeerd", bewaartermijn="")
    answer = response.json()
    assert (response.status_code, answer["actieNaam"], answer["bewaartermijn"]) == (200, "Gecorrigeerd", "")
    changed = {"actieNaam", "bewaartermijn", "tijdstipRegistratie"}
    assert {name: value for name, value in answer.items() if name not in changed} == {
        name: value for name, value in posted.items() if name not in changed
    }
    assert answer["tijdstipRegistratie"] > posted["tijdstipRegistratie"]
    assert (await api.actie(posted["actieId"])).json() == answer
    assert stored() == 2


async def test_the_id_and_the_address_stay_however_often_it_is_corrected(api: Api) -> None:
    posted = await api.posted()
    for name in ("een", "twee", "drie"):
        answer = (await api.put(posted, actieNaam=name)).json()
        assert (answer["actieId"], answer["url"], answer["actieNaam"]) == (posted["actieId"], posted["url"], name)


async def test_persons_can_be_added_removed_and_corrected(api: Api) -> None:
    posted = await api.posted(verwerkteObjecten=[person("1", betrokkenheid="Getuige"), person("2")])
    first, second = posted["verwerkteObjecten"]
    answer = (await api.put(posted, verwerkteObjecten=[person("3"), {**first, "betrokkenheid": "Partner"}])).json()
    added, kept = answer["verwerkteObjecten"]
    assert (kept["verwerktObjectId"], kept["betrokkenheid"], kept["url"]) == (first["verwerktObjectId"], "Partner", first["url"])
    assert added["verwerktObjectId"] not in {first["verwerktObjectId"], second["verwerktObjectId"]}
    assert [(await api.search(objectId=number)).json()["count"] for number in "123"] == [1, 0, 1]
    back = (await api.put(answer, verwerkteObjecten=[second])).json()
    assert back["verwerkteObjecten"] == [second]


async def test_an_object_that_never_was_in_it_or_is_named_twice_is_refused(api: Api, stored: Callable[[], int]) -> None:
    other = (await api.posted())["verwerkteObjecten"][0]
    posted = await api.posted()
    own = posted["verwerkteObjecten"][0]
    response = await api.put(posted, verwerkteObjecten=[own, person("1"), other, own, {**person("1"), "verwerktObjectId": UNKNOWN}])
    assert faults(response) == [(f"verwerkteObjecten.{place}.verwerktObjectId", code) for place, code in ((2, "unknown"), (3, "invalid"), (4, "unknown"))]  # fmt: skip
    assert stored() == 2


async def test_every_settable_attribute_must_be_there_and_all_that_miss_are_named(api: Api, stored: Callable[[], int]) -> None:
    posted = await api.posted()
    response = await api.http.put(f"/verwerkingsacties/{posted['actieId']}", json={}, headers=api.auth())
    assert faults(response) == [(name, "required") for name in SETTABLE]
    for name in SETTABLE:
        left: dict[str, Any] = {name: ...}
        assert faults(await api.put(posted, **left)) == [(name, "required")]
    assert stored() == 1


@pytest.mark.parametrize("empty", ["", None])
async def test_an_attribute_may_be_empty_but_for_three(api: Api, full: dict[str, Any], empty: str | None) -> None:
    posted = await api.posted(**full)
    may = [name for name in SETTABLE if name not in {"vertrouwelijkheid", "tijdstip", "verwerkteObjecten"}]
    answer = (await api.put(posted, **dict.fromkeys(may, empty))).json()
    assert [answer[name] for name in may] == [""] * len(may)
    assert faults(await api.put(posted, vertrouwelijkheid=empty, tijdstip=empty)) == [("vertrouwelijkheid", "required"), ("tijdstip", "required")]  # fmt: skip


async def test_the_registers_own_attributes_are_not_needed_and_never_taken(api: Api) -> None:
    posted = await api.posted()
    for url, registered in ((..., ...), ("https://elders", "1999-01-01T00:00:00Z"), (5, [1])):
        response = await api.put(posted, url=url, tijdstipRegistratie=registered)
        answer = response.json()
        assert (response.status_code, answer["url"]) == (200, posted["url"])
        assert answer["tijdstipRegistratie"] > posted["tijdstipRegistratie"]


@SQLITE
@pytest.mark.parametrize("actie_id", [UNKNOWN, "999990019", 5])
async def test_another_actie_id_in_the_body_is_refused(api: Api, actie_id: Any) -> None:
    posted = await api.posted()
    body = {**posted, "actieId": actie_id}
    response = await api.http.put(f"/verwerkingsacties/{posted['actieId']}", json=body, headers=api.auth())
    assert faults(response) == [("actieId", "invalid")]
    assert "999990019" not in response.text


@SQLITE
@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"vervallen": "Ja"}, "vervallen"),
        ({"bewaartermin": "P1Y"}, "bewaartermin"),
        ({"999990019": 1}, "body"),
        ({"verwerkteObjecten": [person("1", x=1)]}, "verwerkteObjecten.0.x"),
        ({"verwerkteObjecten": [person("1", verwerkteSoortenGegevens=[{"soortGegeven": "a", "Jan Jansen": 1}])]}, "verwerkteObjecten.0.verwerkteSoortenGegevens.0"),
    ],
)  # fmt: skip
async def test_an_unknown_property_is_refused_and_named_only_when_it_is_a_name(api: Api, change: dict[str, Any], name: str) -> None:
    posted = await api.posted()
    response = await api.put(posted, **change)
    assert faults(response) == [(name, "unknown")]
    assert "999990019" not in response.text
    assert "Jansen" not in response.text


@SQLITE
async def test_faults_are_named_at_once_as_with_a_post(api: Api) -> None:
    posted = await api.posted()
    response = await api.put(posted, tijdstip="gisteren", uitvoerder="1", verwerkteObjecten=[{}], actieNaam=..., x=1)
    assert {name for name, _ in faults(response)} == {
        *("tijdstip", "uitvoerder", "actieNaam", "x"),
        *(f"verwerkteObjecten.0.{name}" for name in ("objecttype", "soortObjectId", "objectId")),
    }


async def test_what_is_unknown_or_vervallen_cannot_be_corrected_or_deleted_again(api: Api, stored: Callable[[], int]) -> None:
    posted = await api.posted()
    assert (await api.delete(posted["actieId"])).status_code == 204
    for code, actie_id in (("vervallen", posted["actieId"]), ("unknown", UNKNOWN)):
        assert faults(await api.put({**posted, "actieId": actie_id})) == [("actieId", code)]
        assert faults(await api.delete(actie_id)) == [("actieId", code)]
    assert stored() == 2


async def test_a_delete_answers_with_nothing_and_takes_the_actie_out_of_sight(api: Api, stored: Callable[[], int]) -> None:
    posted = await api.posted()
    response = await api.delete(posted["actieId"])
    assert (response.status_code, response.content, response.headers["API-Version"]) == (204, b"", "1.0.0")
    assert stored() == 2
    assert (await api.search()).json()["count"] == (await api.inzage()).json()["count"] == 0
    assert (await api.actie(posted["actieId"])).status_code == 404


class TestWhereUnknownIs404:
    """The setting for clients that expect what the official description lists (X02)."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return dataclasses.replace(settings, onbekend_als_404=True)

    async def test_put_patch_and_delete_say_404(self, api: Api) -> None:
        posted = await api.posted()
        await api.delete(posted["actieId"])
        responses = [
            *[await api.delete(actie_id) for actie_id in (posted["actieId"], UNKNOWN)],
            *[await api.put({**posted, "actieId": actie_id}) for actie_id in (posted["actieId"], UNKNOWN)],
            await api.patch({"verwerkingId": UNKNOWN}, {"bewaartermijn": "P1Y"}),
        ]
        assert {(response.status_code, response.json()["code"]) for response in responses} == {(404, "not-found")}


async def test_an_opgeheven_record_stays_so_and_none_becomes_so(api: Api) -> None:
    lifted = await api.posted(vertrouwelijkheid="vertrouwelijk", verwerkingId=UNKNOWN)
    await api.patch({"verwerkingId": UNKNOWN}, {"vertrouwelijkheid": "opgeheven"})
    assert (await api.put(lifted, vertrouwelijkheid="opgeheven", actieNaam="nu")).status_code == 200
    assert (await api.put(lifted, vertrouwelijkheid="vertrouwelijk")).status_code == 200
    for posted in (lifted, await api.posted()):
        assert (await api.put(posted, vertrouwelijkheid="opgeheven")).status_code == 403


async def test_a_client_with_an_oin_corrects_under_no_other(api: Api, token: Callable[..., str]) -> None:
    posted = await api.posted()
    headers = {"Authorization": f"Bearer {token('gemeente')}", "OIN": "00000001821002193000"}
    path = f"/verwerkingsacties/{posted['actieId']}"
    assert (await api.http.put(path, json=posted, headers=headers)).status_code == 403
    assert (await api.http.delete(path, headers=headers)).status_code == 403
