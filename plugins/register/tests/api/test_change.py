"""PATCH of a whole verwerking, and finding a verwerking again (gemma.md 4.3, X28, X29, X44-X47, D4, D9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx2
import pytest

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api

# Decided in Python: one kind of database is enough.
SQLITE = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

UNKNOWN = "00000000-0000-4000-8000-000000000000"
TERM = {"bewaartermijn": "P5Y"}


def faults(response: httpx2.Response) -> list[tuple[str, str]]:
    assert response.status_code == 400, response.text
    return [(fault["name"], fault["code"]) for fault in response.json()["invalidParams"]]


def by(name: str, value: str) -> dict[str, Any]:
    return {name: value}


@pytest.fixture
def verwerking() -> str:
    return str(uuid4())


@pytest.mark.parametrize("name", ["verwerkingId", "verwerkingIdAfnemer"])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (TERM, ("P5Y", "normaal")),
        ({"vertrouwelijkheid": "Vertrouwelijk"}, ("P1Y", "vertrouwelijk")),
        ({"bewaartermijn": "P5Y", "vertrouwelijkheid": "opgeheven"}, ("P5Y", "opgeheven")),
        ({"bewaartermijn": "", "vertrouwelijkheid": "vertrouwelijk"}, ("P1Y", "vertrouwelijk")),
        ({"bewaartermijn": "P5Y", "vertrouwelijkheid": None}, ("P5Y", "normaal")),
    ],
)
async def test_every_actie_of_the_verwerking_gets_what_is_given_and_keeps_the_rest(
    api: Api, stored: Callable[[], int], full: dict[str, Any], verwerking: str, name: str, body: dict[str, Any], expected: tuple[str, str]
) -> None:
    mine = [await api.posted(**{**full, name: verwerking, "bewaartermijn": "P1Y"}) for _ in range(3)]
    await api.posted(**{**full, name: UNKNOWN, "bewaartermijn": "P1Y"})
    response = await api.patch({name: verwerking.upper()}, body)
    assert (response.status_code, response.content, stored()) == (204, b"", 7)
    for before in mine:
        after = (await api.actie(before["actieId"])).json()
        assert (after["bewaartermijn"], after["vertrouwelijkheid"]) == expected
        changed = {"bewaartermijn", "vertrouwelijkheid", "tijdstipRegistratie"}
        assert {**after, **dict.fromkeys(changed)} == {**before, **dict.fromkeys(changed)}
    other = (await api.search(**by(name, UNKNOWN))).json()["results"]
    assert [(actie["bewaartermijn"], actie["vertrouwelijkheid"]) for actie in other] == [("P1Y", "normaal")]


async def test_the_two_parameters_are_never_mixed_up(api: Api, stored: Callable[[], int], verwerking: str) -> None:
    await api.posted(verwerkingIdAfnemer=verwerking)
    assert faults(await api.patch({"verwerkingId": verwerking}, TERM)) == [("verwerkingId", "unknown")]
    await api.posted(verwerkingId=UNKNOWN)
    assert faults(await api.patch({"verwerkingIdAfnemer": UNKNOWN}, TERM)) == [("verwerkingIdAfnemer", "unknown")]
    assert stored() == 2


@SQLITE
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [("verwerkingId", "required")]),
        ({"verwerkingId": ""}, [("verwerkingId", "required")]),
        ({"verwerkingId": UNKNOWN, "verwerkingIdAfnemer": UNKNOWN}, [("verwerkingIdAfnemer", "invalid")]),
        ({"verwerkingId": "999990019"}, [("verwerkingId", "invalid")]),
        ({"verwerkingId": [UNKNOWN, UNKNOWN]}, [("verwerkingId", "invalid")]),
    ],
)
async def test_exactly_one_verwerking_must_be_named(api: Api, query: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert faults(await api.patch(query, TERM)) == expected


@SQLITE
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("body", "required")]),
        ({"bewaartermijn": "", "vertrouwelijkheid": None}, [("body", "required")]),
        ({"bewaartermijn": "5 jaar"}, [("bewaartermijn", "invalid")]),
        ({"bewaartermijn": "-P1Y", "vertrouwelijkheid": "geheim"}, [("bewaartermijn", "invalid"), ("vertrouwelijkheid", "invalid-choice")]),
        ({"bewaartermijn": "P1Y", "vervallen": "Ja"}, [("vervallen", "unknown")]),
        ({"bewaartermijn": "P1Y", "actieNaam": "x"}, [("actieNaam", "unknown")]),
        ([], [("body", "invalid")]),
    ],
)
async def test_what_is_wrong_with_the_body_is_named(
    api: Api, stored: Callable[[], int], verwerking: str, body: Any, expected: list[tuple[str, str]]
) -> None:
    await api.posted(verwerkingId=verwerking)
    assert faults(await api.patch({"verwerkingId": verwerking}, body)) == expected
    assert faults(await api.patch({}, body)) == [("verwerkingId", "required"), *expected]
    assert stored() == 1


async def test_what_is_vervallen_stays_so_and_is_no_reason_to_refuse_the_rest(api: Api, stored: Callable[[], int], verwerking: str) -> None:
    gone, left = [await api.posted(verwerkingId=verwerking) for _ in range(2)]
    await api.delete(gone["actieId"])
    assert (await api.patch({"verwerkingId": verwerking}, TERM)).status_code == 204
    assert stored() == 4
    assert (await api.actie(gone["actieId"])).status_code == 404
    await api.delete(left["actieId"])
    assert faults(await api.patch({"verwerkingId": verwerking}, TERM)) == [("verwerkingId", "vervallen")]


async def test_the_newest_version_says_which_verwerking_an_actie_belongs_to(api: Api, verwerking: str) -> None:
    posted = await api.posted(verwerkingId=verwerking)
    await api.put(posted, verwerkingId=UNKNOWN)
    assert faults(await api.patch({"verwerkingId": verwerking}, TERM)) == [("verwerkingId", "unknown")]
    assert (await api.patch({"verwerkingId": UNKNOWN}, TERM)).status_code == 204


async def test_under_update_normal_it_is_all_or_nothing(api: Api, stored: Callable[[], int], verwerking: str) -> None:
    await api.posted(verwerkingId=verwerking)
    hidden = await api.posted(verwerkingId=verwerking, vertrouwelijkheid="vertrouwelijk")
    assert (await api.patch({"verwerkingId": verwerking}, TERM, scope="update:normal")).status_code == 403
    assert stored() == 2
    await api.put(hidden, vertrouwelijkheid="normaal")
    assert (await api.patch({"verwerkingId": verwerking}, TERM, scope="update:normal")).status_code == 403  # D1: it once was
    await api.delete(hidden["actieId"])
    assert (await api.patch({"verwerkingId": verwerking}, TERM, scope="update:normal")).status_code == 204


async def test_a_large_verwerking_is_changed_as_one(api: Api, stored: Callable[[], int], verwerking: str) -> None:
    actie = {
        "vertrouwelijkheid": "normaal", "tijdstip": "2024-04-05T14:35:42Z", "verwerkingId": verwerking,
        "verwerkteObjecten": [{"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "2308572"}],
    }  # fmt: skip
    for _ in range(3):
        await api.batch([actie] * 500)
    assert (await api.patch({"verwerkingId": verwerking}, TERM)).status_code == 204
    assert stored() == 3000
    found = (await api.search(pageSize=500)).json()
    assert found["count"] == 1500
    assert {(actie["bewaartermijn"], len(actie["verwerkteObjecten"])) for actie in found["results"]} == {("P5Y", 1)}


@pytest.mark.parametrize("name", ["verwerkingId", "verwerkingIdAfnemer"])
async def test_a_verwerking_can_be_found_again_with_or_without_a_persoon(api: Api, verwerking: str, name: str) -> None:
    objecten = [{"objecttype": "persoon", "soortObjectId": "BSN", "objectId": number} for number in ("1", "2308572")]
    await api.posted(**{name: verwerking}, actieNaam="beide", verwerkteObjecten=objecten)
    await api.posted(**{name: verwerking}, actieNaam="een", verwerkteObjecten=objecten[:1])
    await api.posted(actieNaam="ander")
    nobody: dict[str, Any] = {"objecttype": None, "soortObjectId": None, "objectId": None}
    alone = (await api.search(**by(name, verwerking), **nobody)).json()
    assert (alone["count"], [actie["actieNaam"] for actie in alone["results"]]) == (2, ["een", "beide"])
    assert [len(actie["verwerkteObjecten"]) for actie in alone["results"]] == [1, 2]
    both = (await api.search(**by(name, verwerking))).json()
    assert [(actie["actieNaam"], len(actie["verwerkteObjecten"])) for actie in both["results"]] == [("beide", 1)]
    assert (await api.search(**by(name, UNKNOWN), **nobody)).json()["count"] == 0
    assert (await api.search(**by(name, verwerking), **nobody, eindDatum="2000-01-01")).json()["count"] == 0


async def test_half_a_persoon_and_two_verwerkingen_are_refused(api: Api, verwerking: str) -> None:
    assert faults(await api.search(verwerkingId=verwerking, soortObjectId=None, objecttype="")) == [("objecttype", "required"), ("soortObjectId", "required")]  # fmt: skip
    assert faults(await api.search(verwerkingId=verwerking, verwerkingIdAfnemer=verwerking)) == [("verwerkingIdAfnemer", "invalid")]
    assert faults(await api.search(verwerkingId="x", objectId=None)) == [("objectId", "required"), ("verwerkingId", "invalid")]


async def test_the_verwerking_filter_needs_read_confidential(api: Api, verwerking: str) -> None:
    response = await api.search(verwerkingId=verwerking, vertrouwelijkheid="normaal", scope="read:normal")
    assert response.status_code == 403
