"""The wire of Logboek Dataverwerkingen: an actie becomes spans and comes back the same, whatever happens to the spans on the way."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from verwerkingenlogging import Vertrouwelijkheid, Verwerkingsactie, VerwerktObject, VerwerktSoortGegeven
from verwerkingenlogging.ldv import LdvSpan, actie_of, is_ldv, is_part, key_of, spans_of
from verwerkingenlogging.model import filled
from verwerkingenlogging.subjects import EncryptedSubjects, PseudonymousSubjects, SubjectsInClear, is_pseudonym
from verwerkingenlogging.trace import Span

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
    st.sampled_from(["", ".1", ".123456789", ".000", ".12345678901234"]),
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
