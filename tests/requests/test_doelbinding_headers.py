"""The six headers, in and out: what is believed, what is left empty, and what is said of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verwerkingenlogging import VNG, Doelbinding, HeaderProfile, Vertrouwelijkheid
from verwerkingenlogging.model.doelbinding import NO_DOELBINDING

HEADERS = {
    "OIN": "00000099123456780000",
    "VerwerkingsactiviteitId": "5f0bef4c-f66f-4311-84a5-19e8bf359eaf",
    "VerwerkingsactiviteitUrl": "https://var.example/5f0bef4c",
    "VerwerkingId": "89aa7a9a-1f79-44de-b32e-8e38e07138f3",
    "Vertrouwelijkheid": "normaal",
    "Bewaartermijn": "P150Y",
}
DOELBINDING = Doelbinding(
    oin="00000099123456780000",
    verwerkingsactiviteit_id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"),
    verwerkingsactiviteit_url="https://var.example/5f0bef4c",
    verwerking_id=UUID("89aa7a9a-1f79-44de-b32e-8e38e07138f3"),
    vertrouwelijkheid=Vertrouwelijkheid.NORMAAL,
    bewaartermijn="P150Y",
)


def read(headers: dict[str, str] | list[tuple[str, str]]) -> Doelbinding:
    pairs = headers.items() if isinstance(headers, dict) else headers
    return VNG.read([(name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in pairs])


@pytest.mark.parametrize("spelled", [str, str.lower, str.upper, lambda name: name[0].lower() + name[1:]])
def test_the_six_headers_are_read_in_any_letter_case(spelled: Any) -> None:
    assert read({spelled(name): value for name, value in HEADERS.items()}) == DOELBINDING


def test_the_six_headers_are_written_as_the_standard_spells_them() -> None:
    assert VNG.write(DOELBINDING) == HEADERS


def test_what_is_written_is_what_is_read() -> None:
    assert read(VNG.write(DOELBINDING)) == DOELBINDING


def test_empty_attributes_are_not_written() -> None:
    assert VNG.write(Doelbinding(oin="00000099123456780000")) == {"OIN": "00000099123456780000"}
    assert VNG.write(NO_DOELBINDING) == {}


def test_other_headers_are_not_looked_at() -> None:
    assert read({"Accept": "*/*", "X-OIN": "1"}) is NO_DOELBINDING


# Each header malformed in at least five ways: the attribute stays empty, and the fault is named without its value.
MALFORMED = [
    *[("OIN", value, "invalid") for value in ("1", "0" * 21, "0" * 19 + "x", "00000099 123456780000", "٠" * 20, "'; drop table--")],
    *[
        ("VerwerkingsactiviteitId", value, "invalid")
        for value in (
            "5f0bef4c",
            "x" * 36,
            "{" + "0" * 34 + "}",
            "0" * 32,
            "null",
            "5f0bef4c-f66f-4311-84a5-19e8bf359eaf,5f0bef4c-f66f-4311-84a5-19e8bf359eaf",
        )
    ],
    *[
        ("VerwerkingsactiviteitUrl", value, "invalid")
        for value in ("var.example", "https://a b", "https://x/" + "y" * 2040, "javascript alert", "https://é.example", "//x")
    ],
    *[
        ("VerwerkingId", value, "invalid")
        for value in ("89aa7a9a", "urn:uuid:89aa7a9a-1f79-44de-b32e-8e38e07138f3", "0", "g" * 36, "89aa7a9a1f7944deb32e8e38e07138f3")
    ],
    *[
        ("Vertrouwelijkheid", value, "invalid")
        for value in ("openbaar", "1", "normaal;q=1", "normaalx", "<script>", "geheugen", "abnormaal", "x" * 4000)
    ],
    *[
        ("Bewaartermijn", value, "invalid")
        for value in ("-P1Y", "P0D", "P1.5Y", "P", "0", "00", "forever", "99999", "P1Y P2Y", "٣", "P1Y" * 40)
    ],
]


@pytest.mark.parametrize(("name", "value", "fault"), MALFORMED)
def test_a_malformed_header_leaves_its_attribute_empty_and_the_others_alone(name: str, value: str, fault: str) -> None:
    doelbinding = read({**HEADERS, name: value})
    field = {"OIN": "oin", "VerwerkingsactiviteitId": "verwerkingsactiviteit_id", "VerwerkingsactiviteitUrl": "verwerkingsactiviteit_url"}
    attribute = field.get(name) or {"VerwerkingId": "verwerking_id"}.get(name) or name.lower()
    assert getattr(doelbinding, attribute) is None
    assert doelbinding.faults == (f"{name}: {fault}",)
    others = [other for other in ("oin", "verwerking_id", "bewaartermijn", "verwerkingsactiviteit_url") if other != attribute]
    assert all(getattr(doelbinding, other) == getattr(DOELBINDING, other) for other in others)


@pytest.mark.parametrize("name", [name for name in HEADERS if name not in {"Vertrouwelijkheid", "Bewaartermijn"}])
def test_a_header_that_occurs_twice_says_nothing(name: str) -> None:
    doelbinding = read([*HEADERS.items(), (name.lower(), HEADERS[name])])
    assert doelbinding.faults == (f"{name}: duplicate",)
    assert len(VNG.write(doelbinding)) == 5


@pytest.mark.parametrize(
    ("values", "expected", "faults"),
    [
        (["Vertrouwelijk"], Vertrouwelijkheid.VERTROUWELIJK, ()),
        (["NORMAAL"], Vertrouwelijkheid.NORMAAL, ()),
        (["opgeheven"], Vertrouwelijkheid.VERTROUWELIJK, ("Vertrouwelijkheid: opgeheven",)),  # X35
        (["normaal", "vertrouwelijk"], Vertrouwelijkheid.VERTROUWELIJK, ("Vertrouwelijkheid: duplicate",)),
        (["normaal, vertrouwelijk"], Vertrouwelijkheid.VERTROUWELIJK, ("Vertrouwelijkheid: duplicate",)),
        (["normaal", "normaal"], None, ("Vertrouwelijkheid: duplicate",)),
        (["geheim, vertrouwelijk"], Vertrouwelijkheid.VERTROUWELIJK, ("Vertrouwelijkheid: invalid",)),
        ([""], None, ()),
    ],
)
def test_whatever_mentions_confidentiality_is_confidential(
    values: list[str], expected: Vertrouwelijkheid | None, faults: tuple[str, ...]
) -> None:
    doelbinding = read([("Vertrouwelijkheid", value) for value in values])
    assert (doelbinding.vertrouwelijkheid, doelbinding.faults) == (expected, faults)


@pytest.mark.parametrize(
    "value",
    [
        '"vertrouwelijk"',
        "'Vertrouwelijk'",
        "vertrouwelijk;q=1",
        "VERTROUWELIJK ; q=0.5",
        "normaal;q=0.1, vertrouwelijk;q=0.9",
        "waarde=vertrouwelijk",
        '{"vertrouwelijkheid": "vertrouwelijk"}',
        "vertrouwelijk.",
        "niet-vertrouwelijk",
        "vertrouwelijk%20",
        "%22vertrouwelijk%22",
        "vertrouw%65lijk",
        "vertrouw%2565lijk",
        "%76%65%72%74%72%6F%75%77%65%6C%69%6A%6B",
        "UTF-8''vertrouwelijk",
        "=?utf-8?q?vertrouwelijk?=",
        "v e r t r o u w e l i j k",
        "vertr\tou\\welijk",
        "vertrou\u200bwelijk",
        "vertr\x00ouwelijk",
        "vertrouwel\u0133k",
        "\uff56\uff45rtrouwelijk",
        "vértrouwelijk",
        "vertrouwelіjk",
        "vertrouwel%D1%96jk",
        "vertrouwlijk",
        "vertrouweli",
        '"opgeheven"',
        "opgehéven",
        "confidentieel",
        "Confidential",
        "geheim",
        "normaal, 'vertrouwelijk'",
    ],
)
def test_whatever_stands_around_the_word_or_is_wrong_with_it_is_confidential(value: str) -> None:
    doelbinding = read({"Vertrouwelijkheid": value})
    assert (doelbinding.vertrouwelijkheid, doelbinding.faults) == (Vertrouwelijkheid.VERTROUWELIJK, ("Vertrouwelijkheid: invalid",))


@pytest.mark.parametrize("value", ["normaal".encode("utf-16-le"), b"\xff\xfevertrouwelijk", "vertrouwelijk".encode("utf-16")])
def test_another_encoding_hides_no_word(value: bytes) -> None:
    expected = None if value[0] == ord("n") else Vertrouwelijkheid.VERTROUWELIJK
    assert VNG.read([(b"Vertrouwelijkheid", value)]).vertrouwelijkheid is expected


@given(st.sampled_from(["vertrouwelijk", "opgeheven"]), st.binary(max_size=20), st.binary(max_size=20), st.booleans())
def test_nothing_before_or_behind_the_word_makes_it_less(word: str, before: bytes, behind: bytes, upper: bool) -> None:
    value = before + b" " + (word.upper() if upper else word).encode() + b" " + behind
    assert VNG.read([(b"Vertrouwelijkheid", value)]).vertrouwelijkheid is Vertrouwelijkheid.VERTROUWELIJK


@pytest.mark.parametrize(
    ("values", "expected", "fault"),
    [
        (["P1Y", "P10Y"], "P10Y", "duplicate"),
        (["P10Y", "P1Y"], "P10Y", "duplicate"),
        (["P1Y", "P1Y"], "P1Y", "duplicate"),
        (["P1Y", ""], "P1Y", "duplicate"),
        (["P1Y, P10Y"], "P10Y", "duplicate"),
        (["forever", "P10Y"], "P10Y", "invalid"),
        (["-P1Y, P10Y"], "P10Y", "invalid"),
        (["P1Y, 10"], "P10Y", "duplicate"),
        (['"P10Y"'], "P10Y", "invalid"),
        (["'10'"], "P10Y", "invalid"),
        (["P10Y;q=1"], "P10Y", "invalid"),
        (["p10y"], "P10Y", "invalid"),
        (["%5010Y"], "P10Y", "invalid"),
        (["\uff3010Y"], "P10Y", "invalid"),
        (["forever", "-P1Y"], None, "invalid"),
    ],
)
def test_of_a_malformed_term_the_longest_counts_that_can_be_read(values: list[str], expected: str | None, fault: str) -> None:
    """What is kept too short is gone; what a caller can lengthen has a maximum."""
    doelbinding = read([("Bewaartermijn", value) for value in values])
    assert (doelbinding.bewaartermijn, doelbinding.faults) == (expected, (f"Bewaartermijn: {fault}",))


def test_a_bare_number_is_a_number_of_years_and_is_reported() -> None:
    doelbinding = read({"Bewaartermijn": "150"})
    assert (doelbinding.bewaartermijn, doelbinding.faults) == ("P150Y", ("Bewaartermijn: bare-number",))  # X32


@pytest.mark.parametrize("name", HEADERS)
def test_an_empty_header_counts_as_absent(name: str) -> None:
    assert read({name: "  "}).faults == ()


def test_a_profile_renames_headers_and_switches_them_off() -> None:
    profile = HeaderProfile(oin="x-origin-oin", vertrouwelijkheid=None)
    assert profile.read([(b"X-Origin-OIN", b"00000099123456780000"), (b"vertrouwelijkheid", b"vertrouwelijk")]) == Doelbinding(
        oin="00000099123456780000"
    )
    assert "Vertrouwelijkheid" not in profile.write(DOELBINDING)
    assert profile.write(DOELBINDING)["x-origin-oin"] == "00000099123456780000"


def test_no_fault_repeats_a_value() -> None:
    faults = " ".join(" ".join(read({name: value}).faults) for name, value, _ in MALFORMED)
    assert not any(value in faults for _, value, _ in MALFORMED if len(value) > 3)


@given(st.lists(st.tuples(st.sampled_from([name.lower().encode() for name in HEADERS]), st.binary(max_size=60)), max_size=8))
def test_no_header_whatever_it_holds_raises(headers: list[tuple[bytes, bytes]]) -> None:
    assert isinstance(VNG.read(headers), Doelbinding)
