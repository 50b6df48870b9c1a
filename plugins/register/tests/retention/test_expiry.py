"""The purge looks at what is past its term, and at nothing else: what it costs grows with what expires (C10)."""

from __future__ import annotations

import random
import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from plugins.register.tests import engines
from plugins.register.tests.clusters import OWNER, SERVER
from plugins.register.tests.retention.test_purge import ACTIVITEIT, purged
from sqlalchemy import Engine, event

from verwerkingenlogging.model import Verwerkingsactie, VerwerktObject
from verwerkingenlogging.model.limits import tijdstip_of
from verwerkingenlogging_register._acties.insertion import insert_versions
from verwerkingenlogging_register._commands.check import check
from verwerkingenlogging_register._database import postgresql
from verwerkingenlogging_register._keys.key_file import KeySource
from verwerkingenlogging_register._keys.protection import Keys
from verwerkingenlogging_register._model.versions import ActieVersie, instant_of
from verwerkingenlogging_register._retention.cutoffs import cutoff, is_over
from verwerkingenlogging_register._retention.expiry import groups
from verwerkingenlogging_register._retention.purge import purge
from verwerkingenlogging_register._rules.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugins.register.tests.clusters import Cluster
    from plugins.register.tests.conftest import Place

    from verwerkingenlogging_register import Settings

NOW = datetime(2025, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
OTHER = UUID("c63bc08f-071d-4dff-aaff-c40525ca4244")


def actie(moment: datetime, term: str | None = None, activiteit: UUID | None = None, **more: Any) -> ActieVersie:
    """One of that moment, about somebody."""
    return ActieVersie.first(
        Verwerkingsactie(
            tijdstip=moment.isoformat(),
            bewaartermijn=term,
            verwerkingsactiviteit_id=activiteit,
            verwerkte_objecten=(VerwerktObject(object_id="1"),),
            **more,
        )
    )


def store(place: Place, *acties: ActieVersie) -> None:
    with engines.writer(place.location, Keys(KeySource(file=place.keys))) as writer, writer.begin() as connection:
        insert_versions(connection, [one.rows() for one in acties])


def later_version(first: ActieVersie, **changes: Any) -> ActieVersie:
    version = actie(tijdstip_of(first.actie.tijdstip), **changes)
    return ActieVersie(
        actie_id=first.actie_id, actie=version.actie, object_ids=first.object_ids, registratie=version.registratie, ooit_vertrouwelijk=False
    )


def test_it_looks_at_as_many_versies_as_it_removes(place: Place) -> None:
    expired = [actie(NOW - DAY * (367 + number), "P1Y") for number in range(20)]
    store(
        place, *expired, *(actie(NOW - DAY * number, "P1Y") for number in range(200)), *(actie(NOW - DAY * 400, "P2Y") for _ in range(200))
    )
    result = purged(place, NOW.isoformat())
    assert (result.acties, result.looked_at) == (20, 20)
    again = purged(place, NOW.isoformat())
    assert (again.acties, again.looked_at) == (0, 0)


def test_it_looks_at_nothing_that_no_term_and_no_maximum_can_end(place: Place) -> None:
    store(place, *(actie(NOW - DAY * 4000) for _ in range(50)), *(actie(NOW - DAY * 4000, activiteit=OTHER) for _ in range(50)))
    result = purged(place, NOW.isoformat(), Terms({str(OTHER): "P50Y"}))
    assert (result.acties, result.looked_at, result.without_term) == (0, 0, 1)
    result = purged(place, NOW.isoformat(), Terms({"register": "P5Y", str(OTHER): "P50Y"}))
    assert (result.acties, result.looked_at, result.without_term) == (50, 50, 0)


def test_each_pair_of_activiteit_and_term_is_found_by_a_look_of_its_own(place: Place) -> None:
    pairs = [(None, None), (None, "P1Y"), (UUID(ACTIVITEIT), None), (UUID(ACTIVITEIT), "P10Y"), (UUID(ACTIVITEIT), "P1Y"), (OTHER, "P1Y")]
    store(place, *(actie(NOW - DAY * number, term, activiteit) for activiteit, term in pairs for number in range(1, 4)))
    with engines.reader(place.location) as reader, reader.begin() as connection:
        found = list(groups(connection))
    oldest = instant_of(NOW - DAY * 3)
    assert {(group.activiteit, group.bewaartermijn) for group in found} == {(str(one) if one else None, term) for one, term in pairs}
    assert {group.oldest for group in found} == {oldest}
    assert len(found) == len(pairs)


def test_many_of_one_tijdstip_are_all_found(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job gives all its acties the moment at which it began: more than are looked at in one question."""
    monkeypatch.setattr("verwerkingenlogging_register._retention.expiry.AT_ONCE", 3)
    held = actie(NOW - DAY * 800, "P1Y")
    store(place, held, later_version(held, term="P9Y"), *(actie(NOW - DAY * 800, "P1Y") for _ in range(8)))
    assert purged(place, NOW.isoformat(), execute=False).acties == 8
    assert purged(place, NOW.isoformat()).acties == 8
    assert len(place.ids()) == 2


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_an_actie_with_more_versions_than_a_statement_can_name_goes_too(place: Place) -> None:
    """SQLite takes 32,766 values, here 1,100: the purge failed for ever, and with it that of all others."""
    first = actie(NOW - DAY * 800, "P1Y")
    store(place, first, *(later_version(first, term="P1Y") for _ in range(2_500)))
    known = Keys(KeySource(file=place.keys))
    with engines.reader(place.owner, known) as reader, engines.writer(place.owner, known) as writer:
        for engine in (reader, writer):
            event.listen(engine, "connect", lambda connection, _: connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 1_100))
        dry, result = purge(reader, None, Terms(), NOW), purge(reader, writer, Terms(), NOW)
    assert dry == result
    assert (result.acties, result.versies, result.objecten, place.ids()) == (1, 2_501, 2_501, [])


def test_a_stored_term_that_is_none_keeps_its_acties_and_no_others(place: Place) -> None:
    """Such as one of before a rule became stricter."""
    store(place, actie(NOW - DAY * 800, "P1Y"))
    row = "SELECT 999, tijdstip_instant, registratie_instant, actie_id, false, false, vertrouwelijkheid, tijdstip, 'AAN' FROM verwerkingsactie"
    names = (
        "versie, tijdstip_instant, registratie_instant, actie_id, vervallen, ooit_vertrouwelijk, vertrouwelijkheid, tijdstip, bewaartermijn"
    )
    place.execute(f"INSERT INTO verwerkingsactie ({names}) {row.replace('actie_id', _literal(place))}", server=True)
    result = purged(place, NOW.isoformat())
    assert (result.acties, result.without_term, len(place.ids())) == (1, 1, 1)


def _literal(place: Place) -> str:
    return f"X'{uuid4().hex}'" if place.location == place.owner else f"'{uuid4()}'::uuid"


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_an_insert_does_not_read_what_every_purge_left(place: Place) -> None:
    """Each purge leaves a line for a thousand acties; the next number of a version was looked for among all of them."""
    with engines.reader(place.location) as reader, reader.begin() as connection:
        plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN SELECT max(last_versie) FROM purge").all()
    assert "purge_last_versie" in plan[0][-1], plan


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_check_of_the_clock_does_not_read_the_log(place: Place, settings: Settings) -> None:
    """The newest registration was looked for among all: on a large log, that took longer than a question may."""
    asked: list[str] = []

    def asking(*call: Any) -> None:
        asked.append(call[2])

    event.listen(Engine, "before_cursor_execute", asking)
    try:
        list(check(settings))
    finally:
        event.remove(Engine, "before_cursor_execute", asking)
    (statement,) = [text for text in asked if "registratie_instant" in text]
    with engines.reader(place.location) as reader, reader.begin() as connection:
        plan = [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]
    assert not [step for step in plan if step.startswith("SCAN verwerkingsactie")], plan


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_months_in_which_nothing_is_due_are_not_opened(place: Place, many_months: str, postgresql_18: Cluster) -> None:
    owner = postgresql_18.url(many_months, OWNER)
    keys = Keys(KeySource(file=place.keys))
    moments = [datetime(2020 + number // 12, number % 12 + 1, 15, tzinfo=UTC) for number in range(48)]
    with engines.writer(owner, keys) as writer, writer.begin() as connection:
        insert_versions(connection, [actie(moment, "P1Y").rows() for moment in moments for _ in range(100)])
    with engines.reader(owner, keys) as reader, engines.writer(owner, keys) as writer:
        asked: list[tuple[str, Any]] = []
        event.listen(reader, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
        result = purge(reader, None, Terms(), moments[2] + timedelta(days=366))
        statement, parameters = next(call for call in asked if "registratie_instant" in call[0])
        with reader.begin() as connection:
            plan = [row[0] for row in connection.exec_driver_sql(f"EXPLAIN (ANALYZE, COSTS OFF) {statement}", parameters)]
    assert (result.acties, result.looked_at) == (300, 300)
    opened = {
        month
        for moment in moments
        if (month := f"{moment:verwerkingsactie_%Y_%m}_") and any(month in step and "never" not in step for step in plan)
    }
    assert opened == {f"verwerkingsactie_2020_{month:02}_" for month in (1, 2, 3)}, plan
    assert not [step for step in plan if "Seq Scan on verwerkingsactie_2" in step], plan


@pytest.fixture
def many_months(postgresql_18: Cluster) -> Iterator[str]:
    name = postgresql_18.make_database()
    postgresql.update(postgresql_18.url(name, OWNER), server_role=SERVER, since=datetime(2020, 1, 1, tzinfo=UTC))
    yield name
    postgresql_18.execute(f"DROP DATABASE {name} WITH (FORCE)")


TERMS = ("P1M", "P1Y", "P4Y", "P13M", "P30D", "P1M1D", "P5W", "PT36H", "P1MT12H", "P11M30D", "PT1S", "P10Y")


def test_no_cutoff_leaves_out_what_is_over() -> None:
    """Whatever the day, the term and the offset; and it is hardly ever too wide."""
    drawn = random.Random(20261130)
    astray = 0
    for number in range(400):
        term = TERMS[number % len(TERMS)]
        # Around the days that not every month has, or any other.
        now = datetime(2023 + number % 2, 12, 25, tzinfo=UTC) + timedelta(seconds=drawn.randrange(90 * 86400))
        until = cutoff(term, now)
        assert until is not None
        for _ in range(20):
            instant = until + drawn.choice([drawn.randrange(-2, 2), drawn.randrange(-4 * 86_400, 5 * 86_400) * 1_000_000])
            zone = timezone(timedelta(minutes=drawn.choice([0, 60, 120, -1439, 1439, drawn.randrange(-1439, 1440)])))
            tijdstip = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)).astimezone(zone).isoformat()
            assert not is_over(tijdstip, term, now) or instant < until, (term, now, tijdstip)
            astray += instant < until and not is_over(tijdstip, term, now)
    assert astray < 200


@pytest.mark.parametrize("term", TERMS)
def test_on_an_ordinary_day_the_cutoff_is_exact(term: str) -> None:
    now = datetime(2026, 6, 15, 12, 34, 56, tzinfo=UTC)
    until = cutoff(term, now)
    assert until is not None
    for instant, over in ((until - 1, True), (until, False)):
        assert is_over((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)).isoformat(), term, now) is over


def test_a_term_beyond_the_calendar_is_never_over() -> None:
    assert cutoff("P9999Y", NOW) is None
    assert cutoff("P2023Y", NOW) == instant_of(datetime(2, 1, 1, tzinfo=UTC))
