"""GET /verwerkingsacties/{actieId}/historie: what an actie said, and from when (B3891). An extension."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api

VERWERKING = "89aa7a9a-1f79-44de-b32e-8e38e07138f3"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def test_the_history_of_the_standards_own_example_is_told_newest_first(api: Api, stored: Callable[[], int]) -> None:
    posted = await api.posted(actieNaam="BRP Registratie", vertrouwelijkheid="vertrouwelijk", verwerkingId=VERWERKING)
    await api.put(posted, actieNaam="Uitvoering Foobar")
    for body in ({"vertrouwelijkheid": "opgeheven"}, {"bewaartermijn": "P4Y"}, {"vertrouwelijkheid": "vertrouwelijk"}):
        assert (await api.patch({"verwerkingId": VERWERKING}, body)).status_code == 204
    await api.delete(posted["actieId"])
    found = (await api.history(posted["actieId"])).json()
    versies = [(v["actieNaam"], v["bewaartermijn"], v["vertrouwelijkheid"], v["vervallen"]) for v in found["results"]]
    assert versies == [
        ("Uitvoering Foobar", "P4Y", "vertrouwelijk", "Ja"),
        ("Uitvoering Foobar", "P4Y", "vertrouwelijk", "Nee"),
        ("Uitvoering Foobar", "P4Y", "opgeheven", "Nee"),
        ("Uitvoering Foobar", "", "opgeheven", "Nee"),
        ("Uitvoering Foobar", "", "vertrouwelijk", "Nee"),
        ("BRP Registratie", "", "vertrouwelijk", "Nee"),
    ]
    assert (found["count"], stored()) == (6, 6)
    moments = [versie["tijdstipRegistratie"] for versie in found["results"]]
    assert moments == sorted(set(moments), reverse=True)
    assert {versie["actieId"] for versie in found["results"]} == {posted["actieId"]}
    assert {versie["verwerkteObjecten"][0]["verwerktObjectId"] for versie in found["results"]} == {
        posted["verwerkteObjecten"][0]["verwerktObjectId"]
    }


async def test_a_long_history_comes_in_pages(api: Api) -> None:
    posted = await api.posted(actieNaam="0")
    for number in range(1, 5):
        await api.put(posted, actieNaam=str(number))
    response = await api.history(posted["actieId"], pageSize=2)
    seen = []
    while True:
        seen += [versie["actieNaam"] for versie in response.json()["results"]]
        if not (address := response.json()["next"]):
            break
        assert address.startswith(f"{posted['url']}/historie?")
        response = await api.http.get(address, headers=api.auth())
    assert seen == ["4", "3", "2", "1", "0"]
    assert (await api.history(posted["actieId"], page=2)).status_code == 404
    assert (await api.history(posted["actieId"], page=0)).status_code == 400


async def test_what_does_not_exist_has_no_history(api: Api) -> None:
    assert (await api.history(UNKNOWN)).status_code == 404
    assert (await api.history("999990019")).status_code == 400


@pytest.mark.parametrize("scope", ["", "read:normal", "update:confidential delete:confidential create:confidential"])
async def test_only_read_confidential_sees_it(api: Api, scope: str) -> None:
    posted = await api.posted()
    assert (await api.history(posted["actieId"], scope=scope)).status_code == 403
