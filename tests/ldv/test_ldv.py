"""The wire of Logboek Dataverwerkingen: an actie becomes spans and comes back the same, whatever happens to the spans on the way."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verwerkingenlogging import InvalidValue, Vertrouwelijkheid, Verwerkingsactie, VerwerktObject, VerwerktSoortGegeven
from verwerkingenlogging.ldv import LdvSpan, Status, actie_of, is_ldv, is_part, key_of, spans_of
from verwerkingenlogging.ldv.subjects import EncryptedSubjects, PseudonymousSubjects, SubjectsInClear, is_pseudonym
from verwerkingenlogging.model import filled
from verwerkingenlogging.model.trace import Span

BSN = "999990019"
SECRET = "s" * 32
PLACE = Span(trace_id=bytes(range(16)), span_id=bytes(range(8)), parent_span_id=b"\xff" * 8)
ENCRYPTED = EncryptedSubjects(SECRET)

texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40)
ids = texts | st.from_regex(r"[pec]\.[0-9a-f]{4}\.[A-Za-z0-9_-]{2}", fullmatch=True) | st.just(BSN)
urls = st.sampled_from(["https://var.example/1", "urn:uuid:5f0bef4c-f66f-4311-84a5-19e8bf359eaf", "urn:uuid:none"])
moments = st.builds(
    lambda moment, fraction, offset: moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0") + fraction + offset,
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),
    st.sampled_from(["", ".1", ".123456789", ".000", ".123456789012"]),
    st.sampled_from(["Z", "z", "+00:00", "-00:00", "+01:00", "-05:30"]),
)
objecten = st.builds(
    VerwerktObject,
    object_id=ids,
    soort_object_id=st.just("BSN") | texts,
    objecttype=st.sampled_from(["persoon", "pand"]),
    betrokkenheid=st.none() | texts,
    verwerkte_soorten_gegevens=st.lists(st.builds(lambda text: VerwerktSoortGegeven(soort_gegeven=text), texts), max_size=2).map(tuple),
)
afnemers = st.sampled_from(
    [
        (None, None),
        (None, BSN),
        ("BSN", BSN),
        ("OIN", "00000001821002193000"),
        (None, "00000001821002193000"),
        ("Klant", "c.1"),
        ("Klant", None),
    ]
)


@st.composite
def acties(draw: st.DrawFn) -> Verwerkingsactie:
    soort, afnemer = draw(afnemers)
    names = ("actie_naam", "handeling_naam", "verwerking_naam", "systeem", "gebruiker", "gegevensbron")
    uuids = ("verwerking_id", "verwerkingsactiviteit_id", "verwerkingsactiviteit_id_afnemer", "verwerking_id_afnemer")
    values: dict[str, Any] = {name: draw(st.none() | texts) for name in names} | {name: draw(st.none() | st.uuids()) for name in uuids}
    return Verwerkingsactie(
        tijdstip=draw(moments),
        verwerkingsactiviteit_url=draw(st.none() | urls),
        verwerkingsactiviteit_url_afnemer=draw(st.none() | urls),
        vertrouwelijkheid=draw(st.sampled_from(list(Vertrouwelijkheid))),
        bewaartermijn=draw(st.none() | st.just("P10Y")),
        uitvoerder=draw(st.none() | st.just("00000001821002193000")),
        soort_afnemer_id=soort,
        afnemer_id=afnemer,
        verwerkte_objecten=draw(st.lists(objecten, max_size=3).map(tuple)),
        **values,
    )


def back(spans: list[LdvSpan], **options: object) -> Verwerkingsactie:
    """What a receiver makes of them, in whatever order and however often they come."""
    shuffled = random.Random(0).sample(spans + spans, 2 * len(spans))
    kept = {key_of(span): span for span in shuffled if is_ldv(span) and not is_part(span)}
    (one,) = kept.values()
    return actie_of(one, **options)  # type: ignore[arg-type]


@given(acties())
def test_an_actie_comes_back_to_the_letter_in_clear_and_encrypted(actie: Verwerkingsactie) -> None:
    expected = filled(actie, span=PLACE)
    assert back(spans_of(actie, PLACE, SubjectsInClear())) == expected
    assert back(spans_of(actie, PLACE, ENCRYPTED), decode=ENCRYPTED.decode) == expected


@given(acties())
def test_strict_mode_takes_away_what_ldv_forbids_and_nothing_else(actie: Verwerkingsactie) -> None:
    expected = filled(actie, span=PLACE, gebruiker=None, bewaartermijn=None, vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK)
    spans = spans_of(actie, PLACE, SubjectsInClear(), strict=True)
    assert back(spans, vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK) == expected
    assert not {key for span in spans for key in span.attributes} & {
        "dpl.gemma.gebruiker",
        "dpl.gemma.vertrouwelijkheid",
        "dpl.gemma.bewaartermijn",
    }


@given(acties())
def test_a_pseudonym_takes_away_the_number_and_nothing_else(actie: Verwerkingsactie) -> None:
    found = back(spans_of(actie, PLACE, PseudonymousSubjects(SECRET)))
    assert all(is_pseudonym(objekt.object_id) for objekt in found.verwerkte_objecten)
    restored = tuple(
        filled(mine, object_id=theirs.object_id) for mine, theirs in zip(found.verwerkte_objecten, actie.verwerkte_objecten, strict=True)
    )
    assert filled(found, verwerkte_objecten=restored, afnemer_id=actie.afnemer_id, soort_afnemer_id=actie.soort_afnemer_id) == filled(
        actie, span=PLACE
    )


ACTIE = Verwerkingsactie(
    tijdstip="2024-04-05T14:35:42.123456789+02:00",
    actie_naam="Zoeken personen",
    verwerkingsactiviteit_id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"),
    verwerkingsactiviteit_url="https://var.example/5f0bef4c",
    verwerking_id=UUID("48086bf2-11b7-4603-9526-67d7c3bb6587"),
    systeem="FooBarApp v2.1",
    uitvoerder="00000001821002193000",
    soort_afnemer_id="OIN",
    afnemer_id="00000001804770694000",
    verwerkte_objecten=(
        VerwerktObject(object_id="1", betrokkenheid="Getuige", verwerkte_soorten_gegevens=(VerwerktSoortGegeven(soort_gegeven="Adres"),)),
        VerwerktObject(object_id="0363", soort_object_id="BAG", objecttype="pand"),
    ),
)
CALLERS = {"00000001804770694000": "https://app.derde.example"}


def test_the_spans_to_the_letter() -> None:
    whole, person, thing = spans_of(ACTIE, PLACE, SubjectsInClear(), processors=CALLERS)
    common = {
        "dpl.core.processing_activity_id": "https://var.example/5f0bef4c",
        "dpl.core.foreign_operation.processor": "https://app.derde.example",
        "dpl.gemma.tijdstip": "2024-04-05T14:35:42.123456789+02:00",
        "dpl.gemma.verwerkingsactiviteit_id": "5f0bef4c-f66f-4311-84a5-19e8bf359eaf",
        "dpl.gemma.verwerking_id": "48086bf2-11b7-4603-9526-67d7c3bb6587",
        "dpl.gemma.vertrouwelijkheid": "normaal",
        "dpl.gemma.uitvoerder": "00000001821002193000",
        "dpl.gemma.systeem": "FooBarApp v2.1",
        "dpl.gemma.soort_afnemer_id": "OIN",
        "dpl.gemma.afnemer_id": "00000001804770694000",
    }
    assert whole.attributes == common | {
        "dpl.gemma.verwerkte_objecten": (
            '{"objectId":"1","soortObjectId":"BSN","objecttype":"persoon","betrokkenheid":"Getuige",'
            '"verwerkteSoortenGegevens":[{"soortGegeven":"Adres"}]}',
            '{"objectId":"0363","soortObjectId":"BAG","objecttype":"pand"}',
        )
    }
    assert person.attributes == common | {
        "dpl.core.data_subject_id": "1",
        "dpl.core.data_subject_id_type": "BSN",
        "dpl.gemma.betrokkenheid": "Getuige",
        "dpl.gemma.soorten_gegevens": ("Adres",),
        "dpl.gemma.object_index": 0,
    }
    assert thing.attributes == common | {
        "dpl.gemma.object_id": "0363",
        "dpl.gemma.soort_object_id": "BAG",
        "dpl.gemma.objecttype": "pand",
        "dpl.gemma.object_index": 1,
    }
    for span in (whole, person, thing):
        assert (span.name, span.start, span.end, span.status) == ("Zoeken personen", 1712320542123456789, 1712320542123456789, Status.UNSET)
        assert span.resource == {"service.name": "FooBarApp v2.1"}
        assert span.trace_id == PLACE.trace_id
    assert (whole.span_id, whole.parent_span_id) == (PLACE.span_id, PLACE.parent_span_id)
    assert person.parent_span_id == thing.parent_span_id == PLACE.span_id
    assert len({whole.span_id, person.span_id, thing.span_id}) == 3
    assert len(person.span_id) == 8
    assert spans_of(ACTIE, PLACE, SubjectsInClear(), processors=CALLERS) == [whole, person, thing]  # the same ids at every attempt
    assert "0363" not in repr(thing)


def test_an_activiteit_without_an_address_is_named_by_a_urn() -> None:
    actie = filled(ACTIE, verwerkingsactiviteit_url=None, verwerkte_objecten=ACTIE.verwerkte_objecten[:1])
    (span,) = spans_of(actie, PLACE, SubjectsInClear())
    assert span.attributes["dpl.core.processing_activity_id"] == "urn:uuid:5f0bef4c-f66f-4311-84a5-19e8bf359eaf"
    assert "dpl.gemma.verwerkingsactiviteit_id" not in span.attributes
    assert span.attributes["dpl.core.data_subject_id"] == "1"


@pytest.mark.parametrize(
    ("tijdstip", "nanoseconds"),
    [
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T23:59:59Z", 0),
        ("9999-12-31T00:00:00Z", 2**63 - 1),
        ("2000-01-01t00:00:00.5z", 946684800500000000),
    ],
)
def test_a_moment_that_a_span_cannot_say_is_said_as_nearly_as_it_can(tijdstip: str, nanoseconds: int) -> None:
    (span,) = spans_of(Verwerkingsactie(tijdstip=tijdstip), PLACE, SubjectsInClear())
    assert span.start == nanoseconds
    assert actie_of(span).tijdstip == tijdstip


FOREIGN = LdvSpan(
    name="Raadplegen",
    trace_id=PLACE.trace_id,
    span_id=PLACE.span_id,
    start=1712320542123456789,
    end=1712320542223456789,
    status=Status.ERROR,
    attributes={
        "dpl.core.processing_activity_id": "https://var.example/1",
        "dpl.core.data_subject_id": "ab12",
        "dpl.core.data_subject_id_type": "personeelsnummer",
        "http.route": "/x",
    },
    resource={"service.name": "Anders", "service.version": "3"},
)


def changed(**attributes: Any) -> LdvSpan:
    return msgspec.structs.replace(
        FOREIGN, attributes={**FOREIGN.attributes, **{name.replace("__", "."): value for name, value in attributes.items()}}
    )


def test_a_logregel_of_another_application_is_an_actie_too() -> None:
    assert (is_ldv(FOREIGN), is_part(FOREIGN)) == (True, False)
    assert actie_of(FOREIGN, vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK) == Verwerkingsactie(
        tijdstip="2024-04-05T12:35:42.123456789Z",
        actie_naam="Raadplegen",
        verwerkingsactiviteit_url="https://var.example/1",
        vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK,
        systeem="Anders 3",
        verwerkte_objecten=(VerwerktObject(object_id="ab12", soort_object_id="personeelsnummer"),),
        span=Span(trace_id=PLACE.trace_id, span_id=PLACE.span_id),
    )
    bare = msgspec.structs.replace(FOREIGN, name="", start=1712320542000000000, attributes={"dpl.core.data_subject_id": BSN}, resource={})
    assert actie_of(bare) == Verwerkingsactie(
        tijdstip="2024-04-05T12:35:42Z",
        verwerkte_objecten=(VerwerktObject(object_id=BSN),),
        span=Span(trace_id=PLACE.trace_id, span_id=PLACE.span_id),
    )
    assert not is_ldv(msgspec.structs.replace(FOREIGN, attributes={"http.route": "/x"}))
    assert key_of(FOREIGN) == "000102030405060708090a0b0c0d0e0f-0001020304050607"


@pytest.mark.parametrize(
    ("span", "field"),
    [
        (msgspec.structs.replace(FOREIGN, start=0), "tijdstip"),
        (msgspec.structs.replace(FOREIGN, name="n" * 243), "actie_naam"),
        (changed(dpl__core__processing_activity_id="no address"), "verwerkingsactiviteit_url"),
        (changed(dpl__core__processing_activity_id="urn:uuid:none"), "dpl.core.processing_activity_id"),
        (changed(dpl__core__data_subject_id="9" * 41), "object_id"),
        (changed(dpl__core__data_subject_id=999990019), "dpl.core.data_subject_id"),
        (changed(dpl__core__data_subject_id="e.0000.AAAA"), "object_id"),
        (changed(dpl__gemma__verwerking_id="999990019"), "dpl.gemma.verwerking_id"),
        (changed(dpl__gemma__vertrouwelijkheid="geheim"), "dpl.gemma.vertrouwelijkheid"),
        (changed(dpl__gemma__soorten_gegevens="Adres"), "dpl.gemma.soorten_gegevens"),
        (changed(dpl__gemma__soorten_gegevens=[1]), "dpl.gemma.soorten_gegevens"),
        (changed(dpl__gemma__verwerkte_objecten=7), "dpl.gemma.verwerkte_objecten"),
        (changed(dpl__gemma__verwerkte_objecten=["{"]), "dpl.gemma.verwerkte_objecten"),
        (changed(dpl__gemma__verwerkte_objecten=['{"objectId":"999990019"}']), "dpl.gemma.verwerkte_objecten"),
        (changed(dpl__gemma__verwerkte_objecten=['{"objectId":"","soortObjectId":"BSN"}']), "dpl.gemma.verwerkte_objecten"),
        (changed(dpl__gemma__verwerkte_objecten=['{"objectId":"e.0000.AAAA","soortObjectId":"BSN"}']), "object_id"),
        (changed(dpl__gemma__afnemer_id="x", dpl__gemma__soort_afnemer_id="OIN"), "afnemer_id"),
    ],
)
def test_what_is_no_such_value_is_refused_by_name_without_it(span: LdvSpan, field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        actie_of(span)
    assert caught.value.field == field
    assert "999990019" not in str(caught.value)


def test_a_pseudonym_of_an_afnemer_is_no_longer_a_bsn() -> None:
    actie = Verwerkingsactie(tijdstip="2024-04-05T14:35:42Z", soort_afnemer_id="BSN", afnemer_id=BSN)
    (span,) = spans_of(actie, PLACE, PseudonymousSubjects(SECRET))
    found = actie_of(span)
    assert found.soort_afnemer_id == "BSN-pseudoniem"
    assert found.afnemer_id == PseudonymousSubjects(SECRET).encode("BSN", BSN)
