"""The information model: its limits, its JSON, and what it does not give away."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verwerkingenlogging import InvalidValue, Vertrouwelijkheid, Verwerkingsactie, VerwerktObject, VerwerktSoortGegeven
from verwerkingenlogging.model import RegisteredVerwerkingsactie, RegisteredVerwerktObject, filled, read_registered, wire_form
from verwerkingenlogging.model.limits import bewaartermijn_end, check_bewaartermijn, check_oin, check_tijdstip, check_uri, tijdstip_of
from verwerkingenlogging.model.trace import Span

TIJDSTIP = "2024-04-05T14:35:42+01:00"
ID = UUID("89aa7a9a-1f79-44de-b32e-8e38e07138f3")

# The full record of the standard's quick start, in the words of the wire.
FULL_JSON = {
    "tijdstip": TIJDSTIP,
    "actieNaam": "Ophalen persoonsgegevens",
    "handelingNaam": "Registratie getuigen",
    "verwerkingNaam": "Huwelijk",
    "verwerkingId": "89aa7a9a-1f79-44de-b32e-8e38e07138f3",
    "verwerkingsactiviteitId": "5f0bef4c-f66f-4311-84a5-19e8bf359eaf",
    "verwerkingsactiviteitUrl": "https://var.example/5f0bef4c",
    "vertrouwelijkheid": "normaal",
    "bewaartermijn": "P150Y",
    "uitvoerder": "00000099123456780000",
    "systeem": "FooBarApp v2.1",
    "gebruiker": "2ecf8e86-1a18-46ba-aa13-992c1dc231a5",
    "gegevensbron": "FooBar Database Publiekszaken",
    "soortAfnemerId": "OIN",
    "afnemerId": "00000099123456780000",
    "verwerkingsactiviteitIdAfnemer": "5f0bef4c-f66f-4311-84a5-19e8bf359eaf",
    "verwerkingsactiviteitUrlAfnemer": "https://var.afnemer.example/5f0bef4c",
    "verwerkingIdAfnemer": "89aa7a9a-1f79-44de-b32e-8e38e07138f3",
    "verwerkteObjecten": [
        {
            "objecttype": "persoon",
            "soortObjectId": "BSN",
            "objectId": "2308572",
            "betrokkenheid": "Getuige",
            "verwerkteSoortenGegevens": [{"soortGegeven": "Geboortedatum"}],
        }
    ],
}


def test_the_json_form_is_the_standards_own() -> None:
    actie = msgspec.convert(FULL_JSON, Verwerkingsactie)
    assert msgspec.json.decode(msgspec.json.encode(actie)) == FULL_JSON


def test_what_the_register_requires_is_written_even_when_it_is_the_default() -> None:
    actie = Verwerkingsactie(tijdstip=TIJDSTIP, verwerkte_objecten=(VerwerktObject(object_id="0012345"),))
    assert msgspec.json.decode(msgspec.json.encode(actie)) == {
        "tijdstip": TIJDSTIP,
        "vertrouwelijkheid": "normaal",
        "verwerkteObjecten": [{"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "0012345"}],
    }


def test_what_a_register_gives_back_can_be_read() -> None:
    registered = msgspec.convert(
        {
            **FULL_JSON,
            "url": "https://log.example/api/v1/verwerkingsacties/7a22eb38-bca6-463f-9955-54ab040287cb",
            "actieId": "7a22eb38-bca6-463f-9955-54ab040287cb",
            "tijdstipRegistratie": "2024-04-05T14:35:43+01:00",
        },
        RegisteredVerwerkingsactie,
    )
    assert registered.actie_id == UUID("7a22eb38-bca6-463f-9955-54ab040287cb")
    assert registered.vervallen is False
    assert RegisteredVerwerktObject(object_id="1", url="https://log.example/1", verwerkt_object_id=ID).soort_object_id == "BSN"


def test_the_answer_of_a_register_can_be_read_with_its_empty_texts() -> None:
    answered = {
        **dict.fromkeys(("handelingNaam", "verwerkingId", "uitvoerder", "bewaartermijn"), ""),
        "url": "https://log.example/1",
        "actieId": "7a22eb38-bca6-463f-9955-54ab040287cb",
        "tijdstip": TIJDSTIP,
        "tijdstipRegistratie": TIJDSTIP,
        "vertrouwelijkheid": "opgeheven",
        "gebruiker": None,
        "verwerkteObjecten": [{"url": "x", "objectId": "2308572", "soortObjectId": "BSN", "objecttype": "persoon", "betrokkenheid": ""}],
    }
    registered = read_registered(answered)
    assert (registered.handeling_naam, registered.verwerking_id, registered.gebruiker) == (None, None, None)
    assert registered.verwerkte_objecten == (VerwerktObject(object_id="2308572"),)
    with pytest.raises(msgspec.ValidationError):
        read_registered({"actieId": ""})


NAAM = ["", "x" * 243, "line\nbreak", "nul\x00", "c1\x85", "half \ud800", 5]
BAD: dict[str, list[Any]] = {
    "tijdstip": [
        "2024-04-05T14:35:42",
        "2024-04-05",
        "2024-02-30T00:00:00Z",
        "2024-04-05T14:35:42+0100",
        "2024-04-05T24:61:00Z",
        "",
        5,
        "٢024-04-05T14:35:42Z",
    ],
    "actie_naam": NAAM,
    "handeling_naam": NAAM,
    "verwerking_naam": NAAM,
    "systeem": NAAM,
    "gegevensbron": NAAM,
    "soort_afnemer_id": NAAM,
    "verwerking_id": ["89aa7a9a-1f79-44de-b32e-8e38e07138f3", 5],
    "verwerkingsactiviteit_id": ["5f0bef4c"],
    "verwerkingsactiviteit_id_afnemer": ["5f0bef4c"],
    "verwerking_id_afnemer": ["89aa7a9a"],
    "verwerkingsactiviteit_url": [
        "var.example",
        "https://met spatie.example",
        "https://x/" + "y" * 2040,
        "//var.example",
        "",
        "https://é.example",
    ],
    "verwerkingsactiviteit_url_afnemer": ["nonsense"],
    "vertrouwelijkheid": ["normaal", "geheim", None],
    "bewaartermijn": [
        "10",
        "P",
        "PT",
        "-P1Y",
        "P-1Y",
        "P1.5Y",
        "P0D",
        "P0Y0M",
        "P1YT",
        "1 jaar",
        "p1y",
        "P1M1Y",
        "P99999Y",
        "+P1Y",
        "",
        10,
    ],
    "uitvoerder": ["1", "0" * 19, "0" * 21, "0" * 19 + "x", "٠" * 20, 5],
    "gebruiker": ["x" * 41, "", "a\tb"],
    "verwerkte_objecten": [[VerwerktObject(object_id="1")], ("2308572",), None],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in BAD.items() for value in values])
def test_a_value_beyond_its_limit_is_refused_by_name_and_never_repeated(field: str, value: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        Verwerkingsactie(**{"tijdstip": TIJDSTIP, field: value})
    assert caught.value.field == field
    assert caught.value.code in {"required", "invalid", "max-length", "invalid-choice"}
    if isinstance(value, str) and len(value) > 3:
        assert value not in str(caught.value)


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        ({"object_id": ""}, "object_id"),
        ({"object_id": 2308572}, "object_id"),
        ({"object_id": "1" * 41}, "object_id"),
        ({"object_id": "1", "soort_object_id": ""}, "soort_object_id"),
        ({"object_id": "1", "objecttype": "Persoon"}, "objecttype"),
        ({"object_id": "1", "objecttype": "twee woorden"}, "objecttype"),
        ({"object_id": "1", "betrokkenheid": "x" * 243}, "betrokkenheid"),
        ({"object_id": "1", "verwerkte_soorten_gegevens": ("Adres",)}, "verwerkte_soorten_gegevens"),
    ],
)
def test_an_object_beyond_its_limits_is_refused(attributes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        VerwerktObject(**attributes)
    assert caught.value.field == field


def test_a_soort_gegeven_has_a_name() -> None:
    assert VerwerktSoortGegeven(soort_gegeven="Adres").soort_gegeven == "Adres"
    with pytest.raises(InvalidValue):
        VerwerktSoortGegeven(soort_gegeven="")


def test_limits_are_reached_exactly() -> None:
    actie = Verwerkingsactie(tijdstip=TIJDSTIP, actie_naam="x" * 242, gebruiker="y" * 40, verwerkingsactiviteit_url="u:" + "z" * 2040)
    assert len(actie.actie_naam or "") == 242


def test_bidirectional_controls_and_accents_are_data() -> None:
    name = "José \u202egnidnatsrev\u202c \u00a0\u200f"
    assert Verwerkingsactie(tijdstip=TIJDSTIP, actie_naam=name).actie_naam == name


@pytest.mark.parametrize(
    "text", ["2024-04-05T14:35:42+01:00", "2024-04-05T14:35:42Z", "2024-04-05t14:35:42.123456789z", "2024-04-05T14:35:42-00:00"]
)
def test_a_moment_is_kept_as_it_was_written(text: str) -> None:
    assert check_tijdstip("tijdstip", text) == text
    assert tijdstip_of(text).utcoffset() is not None


def test_an_instant_that_no_clock_shows_is_refused() -> None:
    with pytest.raises(InvalidValue):
        check_tijdstip("tijdstip", "0001-01-01T00:00:00+14:00")


@pytest.mark.parametrize("text", ["P10Y", "P150Y", "P3Y6M4DT12H30M5S", "P4W", "PT1S", "P9999Y"])
def test_a_whole_period_is_a_bewaartermijn(text: str) -> None:
    assert check_bewaartermijn("bewaartermijn", text) == text


@pytest.mark.parametrize(
    ("tijdstip", "term", "end"),
    [
        ("2024-02-29T12:00:00+01:00", "P10Y", "2034-02-28T12:00:00+01:00"),
        ("2024-01-31T00:00:00Z", "P1M", "2024-02-29T00:00:00+00:00"),
        ("2024-04-05T14:35:42+01:00", "P2W", "2024-04-19T14:35:42+01:00"),
        ("2024-04-05T23:59:59+02:00", "PT1S", "2024-04-06T00:00:00+02:00"),
    ],
)
def test_a_bewaartermijn_ends_by_the_calendar(tijdstip: str, term: str, end: str) -> None:
    assert bewaartermijn_end(tijdstip, term) == datetime.fromisoformat(end)


def test_a_bewaartermijn_beyond_the_calendar_has_no_end() -> None:
    assert bewaartermijn_end(TIJDSTIP, "P9999Y") is None


@pytest.mark.parametrize(("tijdstip", "term"), [("yesterday", "P1Y"), (TIJDSTIP, "one year")])
def test_the_end_of_a_malformed_bewaartermijn_is_refused(tijdstip: str, term: str) -> None:
    with pytest.raises(InvalidValue):
        bewaartermijn_end(tijdstip, term)


@pytest.mark.parametrize(
    ("soort", "afnemer_id", "valid"),
    [
        ("OIN", "00000001821002193000", True),
        ("OIN", "123", False),
        ("BSN", "2308572", True),
        ("BSN", "1234567890", False),
        ("BSN", "12345678x", False),
        ("Klantnummer", "k-1", True),
        (None, "k-1", True),
        (None, "x" * 41, False),
    ],
)
def test_an_afnemer_fits_its_kind(soort: str | None, afnemer_id: str, valid: bool) -> None:
    if valid:
        assert Verwerkingsactie(tijdstip=TIJDSTIP, soort_afnemer_id=soort, afnemer_id=afnemer_id).afnemer_id == afnemer_id
    else:
        with pytest.raises(InvalidValue, match="afnemer_id"):
            Verwerkingsactie(tijdstip=TIJDSTIP, soort_afnemer_id=soort, afnemer_id=afnemer_id)


def test_an_oin_keeps_its_leading_zeros_and_a_urn_is_a_uri() -> None:
    assert check_oin("oin", "00000099123456780000") == "00000099123456780000"
    assert check_uri("url", f"urn:uuid:{ID}") == f"urn:uuid:{ID}"


def test_a_repr_shows_no_person() -> None:
    actie = Verwerkingsactie(
        tijdstip=TIJDSTIP, soort_afnemer_id="BSN", afnemer_id="8495621", verwerkte_objecten=(VerwerktObject(object_id="2308572"),)
    )
    shown = repr(actie)
    assert "2308572" not in shown
    assert "8495621" not in shown
    assert "tijdstip='2024-04-05T14:35:42+01:00'" in shown
    assert "handeling_naam" not in shown


def test_a_value_cannot_be_changed() -> None:
    actie = Verwerkingsactie(tijdstip=TIJDSTIP)
    with pytest.raises(AttributeError):
        actie.tijdstip = "later"  # type: ignore[misc]  # that it cannot be assigned is the point


def test_filling_a_prototype_leaves_it_alone() -> None:
    prototype = Verwerkingsactie(tijdstip=TIJDSTIP, actie_naam="Ophalen persoonsgegevens")
    actie = filled(prototype, verwerking_id=ID)
    assert (actie.verwerking_id, actie.actie_naam, prototype.verwerking_id) == (ID, "Ophalen persoonsgegevens", None)


@given(st.text(max_size=300))
def test_any_text_is_either_refused_or_kept_to_the_letter(text: str) -> None:
    try:
        actie = Verwerkingsactie(tijdstip=TIJDSTIP, actie_naam=text)
    except InvalidValue:
        return
    assert msgspec.json.decode(msgspec.json.encode(actie), type=Verwerkingsactie).actie_naam == text


def test_there_are_three_degrees_of_confidentiality() -> None:
    assert [str(degree) for degree in Vertrouwelijkheid] == ["normaal", "vertrouwelijk", "opgeheven"]


def test_the_place_in_a_trace_is_no_part_of_the_wire_form() -> None:
    actie = Verwerkingsactie(tijdstip=TIJDSTIP, actie_naam="Ophalen")
    traced = filled(actie, span=Span(trace_id=bytes(16), span_id=bytes(8)))
    assert wire_form(traced) == wire_form(actie)
    assert b"span" not in wire_form(traced)
