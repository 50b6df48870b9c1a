"""POST /verwerkingsacties: what is taken, and what comes back (gemma.md 4.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api

# Decided in Python: one kind of database is enough.
SQLITE = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

BASE = "https://log.example.nl/api/v1"


async def test_every_attribute_comes_back_as_given(api: Api, full: dict[str, Any]) -> None:
    response = await api.post(full)
    answer = response.json()
    assert response.status_code == 201
    assert {name: answer[name] for name in full if name != "verwerkteObjecten"} == {
        name: value for name, value in full.items() if name != "verwerkteObjecten"
    }
    (verwerkt,) = answer["verwerkteObjecten"]
    assert {name: verwerkt[name] for name in full["verwerkteObjecten"][0]} == full["verwerkteObjecten"][0]


async def test_the_answer_says_where_it_lives_and_a_get_gives_the_same(api: Api, full: dict[str, Any]) -> None:
    response = await api.post(full)
    answer = response.json()
    assert answer["url"] == response.headers["Location"] == f"{BASE}/verwerkingsacties/{answer['actieId']}"
    (verwerkt,) = answer["verwerkteObjecten"]
    assert verwerkt["url"] == f"{BASE}/verwerkte-objecten/{verwerkt['verwerktObjectId']}"
    assert (await api.actie(answer["actieId"])).json() == answer


async def test_what_was_not_given_comes_back_empty(api: Api) -> None:
    answer = await api.posted()
    empty = {name for name, value in answer.items() if value == ""}
    assert len(empty) == 16
    assert answer["verwerkteObjecten"][0]["betrokkenheid"] == ""
    assert answer["verwerkteObjecten"][0]["verwerkteSoortenGegevens"] == []
    assert None not in answer.values()


@pytest.mark.parametrize("absent", ["", None])
async def test_empty_and_null_count_as_absent(api: Api, absent: str | None) -> None:
    optional = ("actieNaam", "verwerkingId", "bewaartermijn", "uitvoerder", "verwerkingsactiviteitUrl", "afnemerId")
    answer = await api.posted(**dict.fromkeys(optional, absent))
    assert [answer[name] for name in optional] == [""] * len(optional)


async def test_an_actie_without_objecten_is_taken(api: Api) -> None:
    assert (await api.posted(verwerkteObjecten=[]))["verwerkteObjecten"] == []


async def test_ids_and_moment_of_registration_are_the_registers_own(api: Api) -> None:
    forged = {"actieId": "00000000-0000-4000-8000-000000000000", "url": "https://elders", "tijdstipRegistratie": "1999-01-01T00:00:00Z"}
    answer = await api.posted(**forged)
    assert UUID(answer["actieId"]).version == 4
    assert all(answer[name] != value for name, value in forged.items())


async def test_an_unknown_property_and_vervallen_are_ignored(api: Api) -> None:
    answer = await api.posted(vervallen="Ja", nieuw={"x": [1]})
    assert "vervallen" not in answer
    assert "nieuw" not in answer
    assert (await api.actie(answer["actieId"])).status_code == 200


async def test_enumerations_are_taken_in_any_letter_case_and_given_in_lower(api: Api) -> None:
    answer = await api.posted(
        vertrouwelijkheid="Vertrouwelijk", verwerkteObjecten=[{"objecttype": "PERSOON", "soortObjectId": "BSN", "objectId": "1"}]
    )
    assert answer["vertrouwelijkheid"] == "vertrouwelijk"
    assert answer["verwerkteObjecten"][0]["objecttype"] == "persoon"


@pytest.mark.parametrize("tijdstip", ["2024-04-05T14:35:42+01:00", "2024-04-05T14:35:42.1234567-09:30", "2024-04-05t14:35:42z"])
async def test_the_text_of_tijdstip_is_kept(api: Api, tijdstip: str) -> None:
    assert (await api.posted(tijdstip=tijdstip))["tijdstip"] == tijdstip


async def test_leading_zeros_are_kept(api: Api) -> None:
    answer = await api.posted(verwerkteObjecten=[{"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "000000012"}])
    assert answer["verwerkteObjecten"][0]["objectId"] == "000000012"


async def test_a_uuid_is_given_back_in_lower_case(api: Api) -> None:
    answer = await api.posted(verwerkingId="89AA7A9A-1F79-44DE-B32E-8E38E07138F3")
    assert answer["verwerkingId"] == "89aa7a9a-1f79-44de-b32e-8e38e07138f3"


async def test_the_register_invents_no_verwerking(api: Api) -> None:
    assert (await api.posted())["verwerkingId"] == ""


async def test_bidirectional_text_is_data(api: Api) -> None:
    assert (await api.posted(actieNaam="abc\u202edef"))["actieNaam"] == "abc\u202edef"


@SQLITE
@pytest.mark.parametrize(
    ("soort", "afnemer"),
    [("OIN", "00000099123456780000"), ("BSN", "2308572"), ("Personeelsnummer", "x" * 40), (None, "00000099123456780000"), (None, "12")],
)
async def test_an_afnemer_fits_its_kind(api: Api, soort: str | None, afnemer: str) -> None:
    assert (await api.posted(soortAfnemerId=soort, afnemerId=afnemer))["afnemerId"] == afnemer


async def test_the_longest_values_are_taken(api: Api) -> None:
    answer = await api.posted(actieNaam="é" * 242, gebruiker="g" * 40, verwerkingsactiviteitUrl="https://a.nl/" + "a" * 2029)
    assert len(answer["verwerkingsactiviteitUrl"]) == 2042


async def test_two_equal_posts_are_two_acties(api: Api, stored: Callable[[], int]) -> None:
    assert (await api.posted())["actieId"] != (await api.posted())["actieId"]
    assert stored() == 2


async def test_each_occurrence_has_an_id_of_its_own(api: Api) -> None:
    person = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "1"}
    answer = await api.posted(verwerkteObjecten=[{**person, "betrokkenheid": "Aanvrager"}, {**person, "betrokkenheid": "Partner"}])
    first, second = answer["verwerkteObjecten"]
    assert first["verwerktObjectId"] != second["verwerktObjectId"]


@SQLITE
@pytest.mark.parametrize(
    ("scope", "vertrouwelijkheid", "status"),
    [
        ("", "normaal", 403),  # a token that names none lets nothing
        ("create:normal", "normaal", 201),
        ("read:normal", "normaal", 201),
        ("create:confidential", "normaal", 201),
        ("", "vertrouwelijk", 403),
        ("create:normal", "vertrouwelijk", 403),
        ("read:confidential update:confidential delete:confidential", "vertrouwelijk", 403),
        ("create:confidential", "vertrouwelijk", 201),
        ("create:normal create:confidential", "opgeheven", 403),
    ],
)
async def test_scope_decides_what_may_be_created(
    api: Api, stored: Callable[[], int], scope: str, vertrouwelijkheid: str, status: int
) -> None:
    response = await api.post(scope=scope, vertrouwelijkheid=vertrouwelijkheid)
    assert response.status_code == status
    assert stored() == (status == 201)
