"""One person in one spelling: kinds of identifier, numbers, and what is no address or no term at all (C12)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verwerkingenlogging import InvalidValue, Verwerkingsactie, VerwerktObject, persoon
from verwerkingenlogging.ldv import LdvSpan, actie_of
from verwerkingenlogging.ldv import attributes as names
from verwerkingenlogging.model.bsn import Spelling, other_spelling_of_bsn
from verwerkingenlogging.model.limits import bewaartermijn_end, check_bewaartermijn, check_soort_id, check_uri

TIJDSTIP = "2024-04-05T14:35:42+01:00"


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        *((spelled, "BSN") for spelled in ("BSN", "bsn", "Bsn", " BSN", "BSN ", "B.S.N.", "b s n", "ＢＳＮ", "BSN\u00a0", "Burgerservicenummer")),
        *((spelled, "OIN") for spelled in ("OIN", "oin", "O.I.N.", "ＯＩＮ")),
        *((other, other) for other in ("BAG", "Personeelsnummer", "bsn-pseudoniem", "BSNR", "Кадастр", "b" * 242)),
    ],
)  # fmt: skip
def test_a_kind_of_the_standard_has_one_spelling_and_others_stay_as_they_are(given: str, kind: str) -> None:
    assert check_soort_id("soort_object_id", given) == kind
    assert VerwerktObject(object_id="1", soort_object_id=given).soort_object_id == kind
    assert persoon("bsn", soort_object_id=given).soort_object_id == kind
    assert Verwerkingsactie(tijdstip=TIJDSTIP, soort_afnemer_id=given).soort_afnemer_id == kind


@pytest.mark.parametrize("look_alike", ["\u0412SN", "B\u0405N", "BS\u039d", "B\u200bSN", "BS\u0307N", "\u041eIN", "O\u0406N", "\u03b2sn"])
def test_what_only_looks_like_a_kind_of_the_standard_is_refused(look_alike: str) -> None:
    for make in (
        lambda: check_soort_id("soort_object_id", look_alike),
        lambda: VerwerktObject(object_id="1", soort_object_id=look_alike),
        lambda: persoon("bsn", soort_object_id=look_alike),
        lambda: Verwerkingsactie(tijdstip=TIJDSTIP, soort_afnemer_id=look_alike),
    ):
        with pytest.raises(InvalidValue, match="other letters"):
            make()


def test_the_kind_of_an_afnemer_is_read_before_its_number_is_judged() -> None:
    with pytest.raises(InvalidValue, match="afnemer_id"):
        Verwerkingsactie(tijdstip=TIJDSTIP, soort_afnemer_id="oin", afnemer_id="1")
    with pytest.raises(InvalidValue, match="afnemer_id"):
        Verwerkingsactie(tijdstip=TIJDSTIP, soort_afnemer_id="bsn", afnemer_id="999.990.019")


def test_a_span_says_the_kind_in_the_spelling_of_the_standard() -> None:
    attributes = {names.SUBJECT: "999990019", names.SUBJECT_TYPE: "bsn", names.SOORT_AFNEMER_ID: "bsn", names.AFNEMER_ID: "999990032"}
    actie = actie_of(
        LdvSpan(name="x", trace_id=b"1" * 16, span_id=b"1" * 8, parent_span_id=None, start=1, end=2, resource={}, attributes=attributes)
    )
    assert (actie.verwerkte_objecten[0].soort_object_id, actie.soort_afnemer_id) == ("BSN", "BSN")


@pytest.mark.parametrize(
    ("number", "spelling"),
    [
        ("999990019", None),
        ("012345672", None),
        ("1234567", None),
        ("2308572", None),
        ("geen getal", None),
        ("999990019x", None),
        ("99999001", None),
        ("9999900190", None),
        ("-", None),
        ("½", None),
        ("999990019 ", Spelling.SEPARATORS),
        ("999.990.019", Spelling.SEPARATORS),
        ("9999.90.019", Spelling.SEPARATORS),
        ("999-990-019", Spelling.SEPARATORS),
        ("9999\u200b90019", Spelling.SEPARATORS),
        ("９９９９９００１９", Spelling.DIGITS),
        ("٩٩٩٩٩٠٠١٩", Spelling.DIGITS),
        ("९९९ ९९० ०१९", Spelling.DIGITS),
        ("12345672", Spelling.ZEROS),
        ("0999990019", Spelling.ZEROS),
        ("12.34.56.72", Spelling.SEPARATORS),
    ],
)
def test_a_bsn_in_another_spelling_is_known_by_what_differs(number: str, spelling: Spelling | None) -> None:
    assert other_spelling_of_bsn(number) is spelling


@given(st.text(max_size=40))
def test_any_text_can_be_looked_at_for_its_spelling(text: str) -> None:
    assert other_spelling_of_bsn(text) in {None, *Spelling}


@pytest.mark.parametrize(
    "none",
    [
        "http://x/%%%", "http://x/%4", "https://x/%zz", "javascript:alert(1)", "JavaScript:alert(1)", "vbscript:x", "data:text/html,x",
        "file:///etc/passwd", "blob:https://x/1", "http:x", "http://", "https:///pad", "https://gebruiker:geheim@var.example/", "https://x#a#b",
        "https://x/[1]", "https://x:123456/", "urn:",
    ],
)  # fmt: skip
def test_what_leads_nobody_anywhere_is_no_address(none: str) -> None:
    with pytest.raises(InvalidValue, match="absolute URI"):
        check_uri("verwerkingsactiviteit_url", none)


@pytest.mark.parametrize(
    "uri",
    ["https://var.example/5f0bef4c?a=b%20c#d", "http://[::1]:8080/x", "urn:uuid:5f0bef4c-f66f-4311-84a5-19e8bf359eaf", "urn:x", "HTTPS://VAR.EXAMPLE",
     "ldap://x/cn=y", "tag:example,2020:x", "datasets:1", "https://xn--caf-dma.example/", "https://x?y"],
)  # fmt: skip
def test_what_names_something_is_an_address(uri: str) -> None:
    assert check_uri("verwerkingsactiviteit_url", uri) == uri


@pytest.mark.parametrize("mixed", ["P1Y2W", "P2W3D", "P1W1M", "P2WT1H", "P1M1W", "P1Y1W1D"])
def test_weeks_stand_by_themselves_but_what_was_stored_is_still_read(mixed: str) -> None:
    with pytest.raises(InvalidValue, match="ISO 8601"):
        check_bewaartermijn("bewaartermijn", mixed)
    if mixed != "P1W1M":  # that order was never taken
        assert bewaartermijn_end(TIJDSTIP, mixed) is not None


def test_terms_without_mixed_weeks_stay_as_they_were() -> None:
    terms: list[Any] = ["P4W", "P1Y2M3DT4H5M6S", "PT5M", "P10Y", "P1M1D"]
    assert [check_bewaartermijn("bewaartermijn", term) for term in terms] == terms
