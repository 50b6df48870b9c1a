"""Months that the purge has emptied: their partitions are dropped, and no other (PostgreSQL)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from plugins.register.tests.clusters import OWNER, Cluster
from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError

from verwerkingenlogging.model import Verwerkingsactie, VerwerktObject
from verwerkingenlogging_register import Settings
from verwerkingenlogging_register._acties.lookup import actie_by_id
from verwerkingenlogging_register._acties.repository import Repository
from verwerkingenlogging_register._database.empty_partitions import Dropped, drop_emptied
from verwerkingenlogging_register._database.engines import open_reader, open_writer
from verwerkingenlogging_register._keys.key_file import KeySource
from verwerkingenlogging_register._keys.protection import Keys
from verwerkingenlogging_register._model.versions import ActieVersie
from verwerkingenlogging_register._retention.purge import Purged, purge
from verwerkingenlogging_register._rules.terms import Terms

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Place

NOW = datetime(2024, 5, 31, 23, 59, 50, tzinfo=UTC)
"""To the purge. The partitions go on until some months after the real one, whose day so changes nothing."""


def an_actie(tijdstip: str, bewaartermijn: str = "P1Y") -> ActieVersie:
    actie = Verwerkingsactie(tijdstip=tijdstip, bewaartermijn=bewaartermijn, verwerkte_objecten=(VerwerktObject(object_id="1"),))
    return ActieVersie.first(actie)


@pytest.fixture(params=["postgresql_18", "postgresql_15"])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    found: Cluster = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def place(cluster: Cluster, tmp_path: Path, key_template: Path) -> Place:
    """A database of its own, with a partition for each month from January 2020."""
    from plugins.register.tests.conftest import Place, migrated

    name = migrated(cluster, since=datetime(2020, 1, 1, tzinfo=UTC))
    return Place(cluster.url(name), cluster.url(name, OWNER), key_template)


@pytest.fixture
def repository(place: Place) -> Iterator[Repository]:
    with closing(Repository(Settings(database=place.location, keys=place.keys, log_inzage=False))) as opened:
        yield opened


@pytest.fixture
def engines(place: Place) -> Iterator[tuple[Engine, Engine]]:
    keys = Keys(KeySource(file=place.keys))
    opened = open_reader(place.owner, keys), open_writer(place.owner, keys)
    yield opened
    for engine in opened:
        engine.dispose()


async def purged(engines: tuple[Engine, Engine], now: datetime) -> Purged:
    return await asyncio.to_thread(purge, *engines, Terms(), now)


def months(place: Place, table: str = "verwerkingsactie") -> set[str]:
    rows = place.query(f"SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = '{table}'::regclass")
    return {row[0].removeprefix(f"{table}_") for row in rows}


async def test_only_a_month_that_was_emptied_and_is_over_is_dropped(
    place: Place, repository: Repository, engines: tuple[Engine, Engine]
) -> None:
    before = months(place)
    this_month = f"{NOW:%Y_%m}"
    await repository.append(an_actie("2020-02-29T12:00:00Z"))
    await repository.append(an_actie("2020-03-01T00:00:00Z"))
    kept = await repository.append(an_actie("2020-03-31T23:59:59Z", "P50Y"))
    await repository.append(an_actie("2020-05-01T00:00:00Z"))
    await repository.append(an_actie((NOW - timedelta(seconds=10)).isoformat(), "PT1S"))
    first = await purged(engines, datetime(2021, 4, 1, tzinfo=UTC))
    # January was empty all along, and out of May nothing is gone yet: acties of before may still be on their way.
    assert (first.acties, first.months, before - months(place)) == (2, 1, {"2020_02"})
    second = await purged(engines, NOW)
    assert (second.acties, second.months, second.months_in_use) == (2, second.months, 0)
    gone = before - months(place)
    assert gone == before - months(place, "verwerkt_object")
    assert {"2020_02", "2020_05"} <= gone
    assert {"2020_01", "2020_03", this_month, "default"}.isdisjoint(gone)
    assert max(gone) < this_month
    assert {row.actie_id for row in place.query("SELECT actie_id::text AS actie_id FROM verwerkingsactie")} == {kept.actie["actie_id"]}


@pytest.mark.parametrize("cluster", ["postgresql_18"], indirect=True)
async def test_two_purges_that_drop_the_same_months_do_not_disturb_each_other(
    place: Place, repository: Repository, engines: tuple[Engine, Engine]
) -> None:
    for month in range(1, 9):
        await repository.append(an_actie(f"2020-{month:02}-01T00:00:00Z"))
    before = months(place)
    others = open_reader(place.owner), open_writer(place.owner)
    try:
        results = await asyncio.gather(*[purged(pair, datetime(2021, 12, 1, tzinfo=UTC)) for pair in (engines, others)])
    finally:
        for engine in others:
            engine.dispose()
    assert sum(result.acties for result in results) == 8
    assert len(before - months(place)) == sum(result.months for result in results)
    # What one of them found in use, by the other, a third takes.
    assert (await purged(engines, datetime(2021, 12, 1, tzinfo=UTC))).acties == 0
    assert before - months(place) == {f"2020_{month:02}" for month in range(1, 9)}


@pytest.mark.parametrize("cluster", ["postgresql_18"], indirect=True)
async def test_the_lines_of_all_purges_are_read_for_empty_months_only(
    place: Place, repository: Repository, engines: tuple[Engine, Engine]
) -> None:
    for month in range(1, 13):
        await repository.append(an_actie(f"2020-{month:02}-01T00:00:00Z", "P90Y"))
    asked: list[str] = []
    event.listen(engines[0], "before_cursor_execute", lambda *call: asked.append(call[2]))
    drop_emptied(*engines, datetime(2021, 1, 1, tzinfo=UTC))
    assert [text for text in asked if "FROM purge" in text] == []


async def test_what_belongs_to_a_dropped_month_is_kept_and_found(
    place: Place, repository: Repository, engines: tuple[Engine, Engine]
) -> None:
    await repository.append(an_actie("2020-02-01T00:00:00Z"))
    assert (await purged(engines, datetime(2021, 4, 1, tzinfo=UTC))).months == 1
    late = an_actie("2020-02-02T00:00:00Z")
    await repository.append(late)
    found = await repository.read(lambda connection: actie_by_id(connection, late.actie_id))
    assert found is not None
    assert len(found.objecten) == 1
    assert place.query("SELECT tableoid::regclass::text FROM verwerkingsactie")[0][0] == "verwerkingsactie_default"
    assert (await purged(engines, datetime(2021, 4, 1, tzinfo=UTC))).acties == 1


@pytest.mark.parametrize("cluster", ["postgresql_18"], indirect=True)
async def test_a_reader_is_never_in_the_way_for_long(
    cluster: Cluster, place: Place, repository: Repository, engines: tuple[Engine, Engine]
) -> None:
    await repository.append(an_actie("2020-02-01T00:00:00Z"))
    with closing(psycopg.connect(cluster.dsn(engines[0].url.database or ""))) as reading:
        reading.execute("SELECT count(*) FROM verwerkt_object")  # and keeps its transaction open
        result = await purged(engines, datetime(2021, 4, 1, tzinfo=UTC))
        assert (result.acties, result.months, result.months_in_use) == (1, 0, 1)
        await repository.append(an_actie("2020-03-01T00:00:00Z"))
    assert "2020_02" in months(place)
    assert (await purged(engines, datetime(2021, 1, 1, tzinfo=UTC))).months == 1
    assert "2020_02" not in months(place)


@pytest.mark.parametrize("cluster", ["postgresql_18"], indirect=True)
async def test_what_comes_in_at_the_last_moment_saves_its_month(
    cluster: Cluster, place: Place, repository: Repository, engines: tuple[Engine, Engine]
) -> None:
    """Somebody who does not take his turn, and whose actie nobody can see yet when the month is found to be empty."""
    await repository.append(an_actie("2020-02-01T00:00:00Z"))
    with closing(psycopg.connect(cluster.dsn(engines[0].url.database or ""))) as stranger:
        row = "SELECT 999, tijdstip_instant, registratie_instant, actie_id, false, false, vertrouwelijkheid, tijdstip FROM verwerkingsactie"
        names = "versie, tijdstip_instant, registratie_instant, actie_id, vervallen, ooit_vertrouwelijk, vertrouwelijkheid, tijdstip"
        stranger.execute(f"INSERT INTO verwerkingsactie ({names}) {row}")
        purging = asyncio.ensure_future(purged(engines, datetime(2021, 4, 1, tzinfo=UTC)))
        await asyncio.to_thread(wait_until_one_waits_for_a_table, cluster, purging.done)
        stranger.commit()
        result = await purging
    # Locked in time, or given up on a machine that is too busy for that.
    assert (result.acties, result.months) == (1, 0)
    assert drop_emptied(*engines, datetime(2021, 4, 1, tzinfo=UTC)) == Dropped()
    assert len(place.ids()) == 1


def wait_until_one_waits_for_a_table(cluster: Cluster, given_up: Callable[[], bool]) -> None:
    """It waits for half a second only, which on a busy machine may be over before we look."""
    deadline = time.monotonic() + 60
    with closing(psycopg.connect(cluster.dsn(), autocommit=True)) as connection:
        while not connection.execute("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event = 'relation'").fetchall():
            if given_up():
                return
            assert time.monotonic() < deadline
            time.sleep(0.005)


@pytest.mark.parametrize("cluster", ["postgresql_18"], indirect=True)
async def test_the_role_of_the_server_drops_nothing(place: Place, repository: Repository) -> None:
    await repository.append(an_actie("2020-02-01T00:00:00Z"))
    with pytest.raises(DBAPIError, match="must be owner"):
        place.execute("DROP TABLE verwerkingsactie_2020_02", server=True)
