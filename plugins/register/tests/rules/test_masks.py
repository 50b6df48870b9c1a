"""An answer about one person shows no number of another, wherever an actie holds one (C3677, AVG art. 15 lid 4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from plugins.register.tests.conftest import DOELBINDING, OIN
from plugins.register.tests.otlp_requests import Receiver, an_actie, logregels

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api

pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

OWN, OTHER, THIRD = "999990019", "999993653", "999994463"
VERWERKING = "89aa7a9a-1f79-44de-b32e-8e38e07138f3"
PERSON = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": OWN}
PERIOD = {"beginDatum": "2000-01-01", "eindDatum": "2100-01-01"}
WAYS = ["search", "search by body", "search of a verwerking", "inzage", "inzage by body", "occurrence"]


def about(*numbers: str, **more: Any) -> list[dict[str, Any]]:
    return [{**PERSON, "objectId": number, **more} for number in numbers]


async def read(api: Api, way: str, posted: dict[str, Any], number: str = OWN) -> tuple[dict[str, Any], str]:
    """What an answer about that person says of the actie, and the whole answer as text."""
    acties, objecten, person = "/verwerkingsacties", "/verwerkte-objecten", {**PERSON, "objectId": number}
    occurrences = {verwerkt["objectId"]: verwerkt["verwerktObjectId"] for verwerkt in posted["verwerkteObjecten"]}
    requests: dict[str, tuple[str, str, dict[str, Any]]] = {
        "search": ("GET", acties, {"params": person}),
        "search by body": ("POST", f"{acties}/_zoek", {"json": person}),
        "search of a verwerking": ("GET", acties, {"params": {**person, "verwerkingId": VERWERKING}}),
        "inzage": ("GET", objecten, {"params": {**person, **PERIOD}}),
        "inzage by body": ("POST", f"{objecten}/_zoek", {"json": {**person, **PERIOD}}),
        "occurrence": ("GET", f"{objecten}/{occurrences[number]}", {}),
    }
    method, path, more = requests[way]
    response = await api.http.request(method, path, headers={**api.auth(), **DOELBINDING}, **more)
    assert response.status_code == 200, response.text
    content = response.json()
    (result,) = content.get("results", [content])
    return result.get("verwerkingsactie", result), response.text


@pytest.mark.parametrize("way", WAYS)
async def test_who_is_served_is_shown_to_himself_and_to_nobody_else(api: Api, way: str) -> None:
    posted = await api.posted(
        verwerkteObjecten=about(OWN, OTHER), soortAfnemerId="BSN", afnemerId=OTHER, gegevensbron="Basisregistratie", verwerkingId=VERWERKING
    )
    actie, text = await read(api, way, posted)
    assert (actie["soortAfnemerId"], actie["afnemerId"]) == ("BSN", "")
    assert OTHER not in text
    actie, text = await read(api, way, posted, OTHER)
    assert actie["afnemerId"] == OTHER
    assert OWN not in text


HIDING: dict[str, tuple[str, str]] = {
    "actieNaam": (f"Bellen met {OTHER}", "Bellen met ***"),
    "handelingNaam": (f"Handeling voor {OWN} en {OTHER}", f"Handeling voor {OWN} en ***"),
    "verwerkingNaam": (f"{OTHER}, {THIRD}", "***, ***"),
    "verwerkingsactiviteitUrl": (f"https://var.example.nl/personen/{OTHER}?x=1", "https://var.example.nl/personen/***?x=1"),
    "verwerkingsactiviteitUrlAfnemer": (f"https://x/%3999993653/{OWN}", f"https://x/***/{OWN}"),
    "systeem": (f"Systeem {OTHER}", "Systeem ***"),
    "gebruiker": (OTHER, "***"),
    "gegevensbron": (f"Kast {OTHER}", "Kast ***"),
    "soortAfnemerId": (f"BSN {OTHER}", "BSN ***"),
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_number_of_another_is_taken_out_of_every_text(api: Api, way: str) -> None:
    given = {name: value for name, (value, _) in HIDING.items()}
    objecten = about(
        OWN, betrokkenheid=f"Partner van {OTHER}", verwerkteSoortenGegevens=[{"soortGegeven": "Naam"}, {"soortGegeven": THIRD}]
    )
    posted = await api.posted(verwerkteObjecten=objecten, verwerkingId=VERWERKING, **given)
    actie, text = await read(api, way, posted)
    assert {name: actie[name] for name in HIDING if name in actie} == {name: shown for name, (_, shown) in HIDING.items() if name in actie}
    (verwerkt,) = actie["verwerkteObjecten"]
    assert (verwerkt["objectId"], verwerkt["betrokkenheid"]) == (OWN, "Partner van ***")
    assert verwerkt["verwerkteSoortenGegevens"] == [{"soortGegeven": "Naam"}, {"soortGegeven": "***"}]
    assert OTHER not in text
    assert THIRD not in text


@pytest.mark.parametrize(
    ("gebruiker", "shown"),
    [
        (OTHER, "***"), ("12345678", "***"), ("123456789", "***"), (OWN, OWN), ("u123456", "u123456"), ("1234567", "1234567"),
        ("2ecf8e86-1a18-46ba-aa13-992c1dc231a5", "2ecf8e86-1a18-46ba-aa13-992c1dc231a5"),
        ("99999001-9999-4999-8999-999990019000", "99999001-9999-4999-8999-999990019000"), (f"j.{OTHER}@x", "j.***@x"),
    ],
)  # fmt: skip
async def test_a_gebruiker_that_is_a_number_of_a_person_is_hidden_and_a_key_without_meaning_is_not(
    api: Api, gebruiker: str, shown: str
) -> None:
    posted = await api.posted(verwerkteObjecten=about(OWN), gebruiker=gebruiker)
    actie, _ = await read(api, "search", posted)
    assert actie["gebruiker"] == shown


@pytest.mark.parametrize(
    ("soort", "afnemer", "shown"),
    [
        ("OIN", OIN, OIN), ("", OIN, OIN), ("", OWN, OWN), ("", OTHER, ""), ("BSN", OWN, OWN), ("BSN", "2308573", ""),
        ("A-nummer", "1234567890", ""), ("A-nummer", OWN, ""), ("Vestiging", OIN, ""),
    ],
)  # fmt: skip
async def test_an_afnemer_is_shown_when_it_is_an_organisation_or_the_one_that_is_asked_about(
    api: Api, soort: str, afnemer: str, shown: str
) -> None:
    posted = await api.posted(verwerkteObjecten=about(OWN), soortAfnemerId=soort, afnemerId=afnemer)
    for way in ("search", "inzage", "occurrence"):
        actie, _ = await read(api, way, posted)
        assert (actie["afnemerId"], actie["soortAfnemerId"]) == (shown, soort)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zaak 999.993.653", "Zaak ***"), ("999 993 653, 999.990.019", "***, 999.990.019"), ("9999.93.653!", "***!"),
        ("\uff19\uff19\uff19\uff19\uff19\uff13\uff16\uff15\uff13", "***"), ("Zoë 999993653", "Zoë ***"), ("Zoë 2024", "Zoë 2024"),
        ("1.000.000.000", "1.000.000.000"), ("2024 04 05", "2024 04 05"),
    ],
)  # fmt: skip
async def test_a_number_of_another_is_hidden_however_it_is_spelled(api: Api, text: str, shown: str) -> None:
    posted = await api.posted(verwerkteObjecten=about(OWN), actieNaam=text)
    for way in ("search", "inzage"):
        assert (await read(api, way, posted))[0]["actieNaam"] == shown


async def test_own_number_with_or_without_its_leading_zero_is_no_other(api: Api) -> None:
    """012345672 passes the 11-test."""
    posted = await api.posted(verwerkteObjecten=about("12345672"), actieNaam="Bezoek van 012345672 en 12345672", gebruiker="x")
    assert (await read(api, "inzage", posted, "12345672"))[0]["actieNaam"] == "Bezoek van 012345672 en 12345672"


async def test_an_actie_that_is_read_as_a_whole_is_shown_as_it_is(api: Api) -> None:
    """Else a correction, which takes all of it, would take the mask for what was said."""
    given = {name: value for name, (value, _) in HIDING.items()} | {"soortAfnemerId": "BSN", "afnemerId": OTHER}
    posted = await api.posted(verwerkteObjecten=about(OWN, THIRD), verwerkingId=VERWERKING, **given)
    whole = (await api.actie(posted["actieId"])).json()
    assert {name: whole[name] for name in given} == given
    assert (await api.put(whole)).status_code == 200
    (version, first) = (await api.history(posted["actieId"])).json()["results"]
    of_verwerking = await api.search(verwerkingId=VERWERKING, objecttype=None, soortObjectId=None, objectId=None)
    for answer in (version, first, *of_verwerking.json()["results"]):
        assert {name: answer[name] for name in given} == given
        assert [verwerkt["objectId"] for verwerkt in answer["verwerkteObjecten"]] == [OWN, THIRD]


async def test_what_a_batch_and_spans_brought_is_hidden_alike_and_their_answers_hold_no_number(
    api: Api, receiver: Receiver, stored: Callable[[], int]
) -> None:
    actie = {"vertrouwelijkheid": "normaal", "tijdstip": "2024-04-05T14:35:42Z", "soortAfnemerId": "BSN", "afnemerId": OTHER}
    answer = await api.batch(
        [{**actie, "verwerkteObjecten": about(OWN)}, {**actie, "afnemerId": OTHER * 9, "verwerkteObjecten": about(OWN)}]
    )
    assert [result["status"] for result in answer.json()["results"]] == [201, 400]
    response = await receiver.export(*logregels(an_actie(OWN, soort_afnemer_id="BSN", afnemer_id=OTHER, gebruiker=OTHER)))
    assert stored() == 2
    found = (await api.search(objectId=OWN)).text
    assert found.count('"afnemerId":""') == 2
    for text in (answer.text, str(response), found):
        assert OTHER not in text
    assert (await api.search(objectId=OWN)).json()["count"] == 2
