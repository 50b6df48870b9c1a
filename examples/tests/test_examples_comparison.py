"""The comparison of the demo: it says exactly what is missing, too many or different."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from demo.case import BURGER, MEDEBEWONERS, PROVIDER_ID, ZAAK
from demo.cases import CASES
from demo.comparison import citizen_differences, differences
from verwerkingenlogging import Verwerkingsactie, VerwerktObject
from verwerkingenlogging.model import RegisteredVerwerkingsactie

BEGAN = datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=UTC)
ENDED = BEGAN + timedelta(seconds=1)
C3472 = next(case for case in CASES if case.code == "C3472")
# Each attribute with a value that no case prescribes.
OTHER_VALUES: dict[str, Any] = {
    "actie_naam": "Bekijken persoonsgegevens",
    "handeling_naam": "Intake",
    "verwerking_naam": None,
    "verwerking_id": uuid4(),
    "verwerkingsactiviteit_id": uuid4(),
    "verwerkingsactiviteit_url": "https://var.example.nl/1",
    "bewaartermijn": "P10Y",
    "uitvoerder": "00000099123456780000",
    "systeem": "FooBarApp v2.2",
    "gebruiker": None,
    "gegevensbron": "FooBar Gegevensmagazijn",
    "soort_afnemer_id": "OIN",
    "afnemer_id": "00000099123456780000",
    "verwerkingsactiviteit_id_afnemer": uuid4(),
    "verwerkingsactiviteit_url_afnemer": "https://var.example.nl/1",
    "verwerking_id_afnemer": ZAAK,
    "verwerkte_objecten": (VerwerktObject(object_id=BURGER),),
}


def registered(actie: Verwerkingsactie, **changes: Any) -> RegisteredVerwerkingsactie:
    moment = BEGAN.isoformat(timespec="milliseconds")
    given = {name: getattr(actie, name) for name in actie.__struct_fields__} | {"tijdstip": moment, "tijdstip_registratie": moment}
    if actie.verwerking_id == PROVIDER_ID:
        given["verwerking_id"] = uuid4()
    return RegisteredVerwerkingsactie(
        **given | {"tijdstip_registratie": ENDED.isoformat()} | changes, url="https://log.example.nl", actie_id=uuid4()
    )


def compared(logged: list[RegisteredVerwerkingsactie]) -> list[str]:
    return differences(C3472.acties, logged, began=BEGAN, ended=ENDED)


def test_a_log_as_prescribed_has_no_differences() -> None:
    assert compared([registered(actie) for actie in C3472.acties]) == []


def test_every_attribute_but_tijdstip_and_vertrouwelijkheid_is_tried_here() -> None:
    assert OTHER_VALUES.keys() | {"tijdstip", "vertrouwelijkheid", "span"} == {
        field.name for field in msgspec.structs.fields(Verwerkingsactie)
    }


@pytest.mark.parametrize("attribute", OTHER_VALUES)
def test_another_value_is_named_by_actie_and_attribute(attribute: str) -> None:
    first, *others = C3472.acties
    (difference,) = compared([registered(first, **{attribute: OTHER_VALUES[attribute]}), *map(registered, others)])
    standard_name = msgspec.structs.fields(Verwerkingsactie)[Verwerkingsactie.__struct_fields__.index(attribute)].encode_name
    assert difference.startswith(f'actie 1 "Ophalen persoonsgegevens": {standard_name}: prescribed is ')


def test_an_actie_that_is_missing_or_too_many_is_named() -> None:
    logged = [registered(actie) for actie in C3472.acties]
    assert compared(logged[:3]) == ['actie 4 "Opslaan gegevens": is not in the log']
    extra = registered(C3472.acties[0])
    assert compared([*logged, extra]) == ['actie 5 "Ophalen persoonsgegevens": is in the log, but not prescribed']


def test_the_provider_needs_an_id_of_its_own_for_each_request() -> None:
    consumer, provider, *others = C3472.acties
    same = uuid4()
    logged = [
        registered(consumer),
        registered(provider, verwerking_id=same),
        registered(others[0]),
        registered(others[1], verwerking_id=same),
    ]
    assert compared(logged) == ["verwerkingId: the provider gave the same id to different requests"]
    borrowed = [registered(consumer), registered(provider, verwerking_id=ZAAK), *map(registered, others)]
    assert compared(borrowed) == [f'actie 2 "Ophalen gegevens": verwerkingId: prescribed is an id of its own, logged is {ZAAK}']


@pytest.mark.parametrize("tijdstip", [BEGAN - timedelta(milliseconds=1), ENDED + timedelta(milliseconds=1)])
def test_a_moment_outside_the_requests_is_named(tijdstip: datetime) -> None:
    first, *others = C3472.acties
    logged = [registered(first, tijdstip=tijdstip.isoformat(), tijdstip_registratie="2027-01-01T00:00:00Z"), *map(registered, others)]
    assert compared(logged) == ['actie 1 "Ophalen persoonsgegevens": tijdstip: does not lie within the time of the requests']


def occurrence(actie_id: UUID, bsn: str = BURGER, **more: str) -> dict[str, Any]:
    actie = {"actieId": str(actie_id), "actieNaam": "Ophalen persoonsgegevens", "verwerkteObjecten": [{"objectId": bsn}], **more}
    return {"objectId": bsn, "betrokkenheid": "Aanvrager", "verwerkingsactie": actie}


def test_what_a_citizen_may_not_see_is_named() -> None:
    actie = registered(C3472.acties[0])

    def seen(*these: dict[str, Any]) -> list[str]:
        return citizen_differences(these, bsn=BURGER, about=[actie], inzien="Inzien verwerkingenlog")

    assert seen(occurrence(actie.actie_id)) == []
    assert seen(occurrence(actie.actie_id, gebruiker="x", systeem="y")) == ["shows systeem", "shows gebruiker"]
    assert seen(occurrence(actie.actie_id, MEDEBEWONERS[0])) == ["shows another person"]
    assert seen() == ["shows 0 acties, of which 0 of the 1 prescribed"]
    assert seen(occurrence(actie.actie_id), occurrence(uuid4())) == ["shows 2 acties, of which 1 of the 1 prescribed"]
