"""How long a record is kept: terms are periods of the calendar, compared from the moment of the actie itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verwerkingenlogging import (
    Activiteit,
    Activiteiten,
    ConfigurationError,
    Doelbinding,
    InvalidValue,
    MemoryLog,
    Recorder,
    Settings,
)
from verwerkingenlogging.model.bewaartermijn import Kept, in_one_order, longest_bewaartermijn, never_shorter
from verwerkingenlogging.model.limits import bewaartermijn_end
from verwerkingenlogging.model.template import Template
from verwerkingenlogging.model.verwerking import Verwerking

OIN = "00000001821002193000"
V = UUID("89aa7a9a-1f79-44de-b32e-8e38e07138f3")
JULY, JANUARY = "2026-07-01T12:00:00+02:00", "2026-01-01T12:00:00+01:00"
OPHALEN = Template(actie_naam="Ophalen persoonsgegevens", activiteit="brp")

Make = Callable[..., Recorder]


@pytest.fixture
def make() -> Make:
    """Makes a recorder of an activiteit and settings with these terms, whose clock the test turns: ``clock[0]``."""

    def made(
        clock: list[str] | None = None, *, term: str | None = None, activiteit_maximum: str | None = None, **settings: str | None
    ) -> Recorder:
        clock = clock or [JULY]
        activiteit = Activiteit(
            naam="brp", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"), bewaartermijn=term, bewaartermijn_maximum=activiteit_maximum
        )
        said = Settings(oin=OIN, activiteiten=Activiteiten({OIN: [activiteit]}), **settings)  # type: ignore[arg-type]  # texts all
        return Recorder(MemoryLog(), said, clock=lambda: datetime.fromisoformat(clock[0]))

    return made


def asked(recorder: Recorder, term: str | None, verwerking: str | None = None) -> str | None:
    """The term of a record whose caller asks for ``term``."""
    return recorder.actie(OPHALEN, Verwerking(id=V, bewaartermijn=verwerking), caller=Doelbinding(bewaartermijn=term)).bewaartermijn


@pytest.mark.parametrize("term", ["PT1S", "P1D", "P4Y", "P59M", "P1825D"])
def test_a_caller_cannot_make_a_record_go_sooner_than_the_floor_where_nothing_else_is_known(make: Make, term: str) -> None:
    assert asked(make(), term) == "P5Y"
    assert asked(make(bewaartermijn_minimum="P10Y"), term) == "P10Y"


@pytest.mark.parametrize(
    ("known", "term", "expected"),
    [
        ({"term": "P1Y"}, "PT1S", "P1Y"),
        ({"term": "P1Y"}, "P2Y", "P2Y"),  # the floor lengthens nothing that is known here
        ({"bewaartermijn": "P1Y"}, "P6M", "P1Y"),
        ({"bewaartermijn": "P1Y"}, None, "P1Y"),
        ({}, None, None),
        ({}, "P7Y", "P7Y"),
        ({"activiteit_maximum": "P1Y"}, "PT1S", "P1Y"),  # what is said of the activiteit goes before what is said of all
        ({"activiteit_maximum": "P1Y"}, "P7Y", "P1Y"),
        ({"term": "P200Y"}, "P300Y", "P200Y"),
    ],
)
def test_a_callers_term_only_lengthens(make: Make, known: dict[str, str], term: str | None, expected: str | None) -> None:
    assert asked(make(**known), term) == expected


@pytest.mark.parametrize("term", ["P9999Y", "P151Y", "P119988M", "P3652424D", "PT87649416H"])
def test_an_absurd_term_is_bounded_where_the_activiteit_has_no_maximum(make: Make, term: str) -> None:
    assert asked(make(), term) == "P150Y"
    assert asked(make(bewaartermijn_maximum="P20Y"), term) == "P20Y"
    assert asked(make(term="P1Y", activiteit_maximum="P2Y"), term) == "P2Y"


@pytest.mark.parametrize(
    ("verwerking", "term", "expected"), [("P7Y", "P6Y", "P7Y"), ("P7Y", "P8Y", "P8Y"), ("P1D", "PT1S", "P1D"), ("P1D", "P2D", "P2D")]
)
def test_what_the_code_says_of_a_verwerking_is_known_here(make: Make, verwerking: str, term: str, expected: str) -> None:
    assert asked(make(), term, verwerking) == expected


def test_terms_are_compared_from_the_moment_of_the_actie_also_when_the_recorder_has_seen_them_before(make: Make) -> None:
    clock = [JULY]
    recorder = make(clock, term="P2M")
    for moment, expected in [(JULY, "P2M"), (JANUARY, "P60D"), (JULY, "P2M"), ("2024-01-01T00:00:00Z", "P2M"), (JANUARY, "P60D")]:
        clock[0] = moment
        assert asked(recorder, "P60D") == expected


def test_our_own_terms_too_are_compared_from_that_moment(make: Make) -> None:
    clock = [JULY]
    recorder = make(clock, term="P2M")
    assert asked(recorder, None, "P60D") == "P2M"
    clock[0] = JANUARY
    assert asked(recorder, None, "P60D") == "P60D"


def test_the_maximum_is_compared_from_that_moment(make: Make) -> None:
    clock = [JULY]
    recorder = make(clock, term="P1D", activiteit_maximum="P60D")
    assert asked(recorder, "P2M") == "P60D"
    clock[0] = JANUARY
    assert asked(recorder, "P2M") == "P2M"


def test_it_is_the_day_where_the_actie_is_that_counts(make: Make) -> None:
    """At the end of January in Amsterdam it is still the 31st in New York: a month later is another day."""
    clock = ["2026-02-01T00:30:00+01:00"]
    recorder = make(clock, term="P1M")
    assert asked(recorder, "P29D") == "P29D"
    clock[0] = datetime.fromisoformat(clock[0]).astimezone(timezone(timedelta(hours=-5))).isoformat()
    assert clock[0].startswith("2026-01-31")
    assert asked(recorder, "P28D") == "P1M"
    assert asked(recorder, "P29D") == "P29D"


PERIODS = st.builds(
    lambda years, months, days, hours: f"P{years}Y{months}M{days}DT{hours + 1}H",
    st.integers(0, 3),
    st.integers(0, 30),
    st.integers(0, 1200),
    st.integers(0, 30),
)
NEAR = st.integers(1, 40).flatmap(
    lambda months: st.tuples(st.just(f"P{months}M"), st.integers(-9, 9).map(lambda d: f"P{months * 30 + d}D"))
)
MOMENTS = st.datetimes(datetime(1999, 12, 1), datetime(2105, 3, 1)).map(lambda moment: moment.replace(tzinfo=UTC).isoformat())


@given(st.one_of(NEAR, st.tuples(PERIODS, PERIODS)), MOMENTS)
def test_the_longest_is_the_one_that_ends_last(terms: tuple[str, str], moment: str) -> None:
    ends = {term: bewaartermijn_end(moment, term) or datetime.max.replace(tzinfo=UTC) for term in terms}
    assert ends[longest_bewaartermijn(moment, *terms)] == max(ends.values())
    kept = Kept(own=(terms[0],), asked=terms[1], minimum="PT1S", maximum="P999Y")
    for _ in range(2):
        assert ends[kept.at(moment) or ""] == max(ends.values())


@given(NEAR, st.lists(MOMENTS, min_size=5, max_size=30))
def test_terms_in_one_order_are_so_on_every_day(terms: tuple[str, str], moments: list[str]) -> None:
    one, other = terms
    if in_one_order(one, other):
        pairs = [(bewaartermijn_end(moment, one), bewaartermijn_end(moment, other)) for moment in moments]
        assert len({longest_bewaartermijn(moment, one, other) for moment in moments}) == 1 or all(a == b for a, b in pairs)


@pytest.mark.parametrize(
    ("terms", "ordered"),
    [
        (("P5Y",), True),
        (("P5Y", "P5Y"), True),
        (("P10Y", "PT1S"), True),
        (("P1Y", "P11M"), True),
        (("P1Y2D", "P11M1D"), True),
        (("P2M", "P60D"), False),
        (("P12M", "P365D"), False),
        (("P1Y", "P360D"), True),
        (("P4W", "P28D"), True),
        (("P1D", "PT24H"), True),
        (("P1M", "P10Y", "P30D"), False),
    ],
)
def test_most_terms_are_in_one_order(terms: tuple[str, ...], ordered: bool) -> None:
    assert in_one_order(*terms) is ordered


def starts() -> Iterator[tuple[int, int]]:
    """The days from a fixed one to the end of each month of the calendar's whole circle, and how long that month is."""
    days = 0
    for month in range(4_800):
        year, of_year = 2000 + month // 12, month % 12 + 1
        following = datetime(year + of_year // 12, of_year % 12 + 1, 1, tzinfo=UTC)
        length = (following - datetime(year, of_year, 1, tzinfo=UTC)).days
        yield days, length
        days += length


@pytest.mark.parametrize("day", [1, 28, 29, 30, 31])
def test_no_number_of_months_is_further_from_the_average_than_the_code_says(day: int) -> None:
    astray = [before + min(day, length) - number * 146_097 / 4_800 for number, (before, length) in enumerate(starts())]
    assert max(astray) - min(astray) < 5


def test_a_recorder_that_compares_once_does_not_compare_again(make: Make) -> None:
    """What is the same on every day is in the prototype: the same object, with nothing filled in."""
    recorder = make(term="P5Y")
    assert [recorder._prototype(OPHALEN, None, Doelbinding(bewaartermijn=term), None, None, None, None)[1] for term in ("P1Y", None)] == [
        None,
        None,
    ]
    assert recorder._prototype(OPHALEN, None, Doelbinding(bewaartermijn="P1825D"), None, None, None, None)[1] is not None


@pytest.mark.parametrize("term", ["a year", "P1.5Y", "-P1Y"])
def test_a_malformed_term_stops_the_record_as_any_malformed_value_does(make: Make, term: str) -> None:
    with pytest.raises(InvalidValue, match="bewaartermijn"):
        asked(make(), term)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bewaartermijn_minimum": "P151Y"}, "setting bewaartermijn_maximum: is shorter than bewaartermijn_minimum; make it as long"),
        ({"bewaartermijn_minimum": "P2M", "bewaartermijn_maximum": "P60D"}, "setting bewaartermijn_maximum: is shorter than"),
        ({"bewaartermijn_minimum": "5 years"}, "setting bewaartermijn_minimum: must be a positive ISO 8601 period"),
        ({"bewaartermijn_maximum": "P0D"}, "setting bewaartermijn_maximum: must be a positive ISO 8601 period"),
        ({"bewaartermijn_maximum": None}, "setting bewaartermijn_maximum: must be a positive ISO 8601 period"),
    ],
)
def test_wrong_limits_stop_the_start(make: Make, settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{message}"):
        make(**settings)


@pytest.mark.parametrize(
    ("term", "other", "longer"), [("P1Y", "P1Y", True), ("P1Y", "P365D", True), ("P1Y", "P366D", False), ("P365D", "P1Y", False)]
)
def test_a_maximum_is_long_enough_on_every_day(term: str, other: str, longer: bool) -> None:
    assert never_shorter(term, other) is longer
