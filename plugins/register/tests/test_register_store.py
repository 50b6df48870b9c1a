"""The store: append-only, one commit for many, and all or nothing (B3891, P2, P5)."""

from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
import stat
from contextlib import closing
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import Connection, Engine, event, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging.model import Verwerkingsactie, VerwerktObject
from verwerkingenlogging_register import Settings
from verwerkingenlogging_register.appending import Append, Key, insert_versions
from verwerkingenlogging_register.database import open_reader, open_writer
from verwerkingenlogging_register.store import Store
from verwerkingenlogging_register.tables import ATTRIBUTES, verwerkingsactie
from verwerkingenlogging_register.versions import ActieVersie, VersionRows
from verwerkingenlogging_register.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from plugins.register.tests.conftest import Api


VERWERKING = "89aa7a9a-1f79-44de-b32e-8e38e07138f3"
COUNT = select(func.count()).select_from(verwerkingsactie)


def an_actie() -> ActieVersie:
    return ActieVersie.first(Verwerkingsactie(tijdstip="2024-04-05T14:35:42+01:00", verwerkte_objecten=(VerwerktObject(object_id="1"),)))


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with closing(Store(settings)) as opened:
        yield opened


def test_the_table_has_every_attribute_of_the_model() -> None:
    assert set(ATTRIBUTES) == {field.name for field in msgspec.structs.fields(Verwerkingsactie)} - {"verwerkte_objecten"}


@pytest.mark.parametrize("table", ["verwerkingsactie", "verwerkt_object"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET versie = 99",
        "UPDATE {table} SET versie = versie",
        "DELETE FROM {table}",
        "INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
        "INSERT OR IGNORE INTO {table} SELECT * FROM {table}",
    ],
)
async def test_the_database_itself_refuses_to_change_a_row(
    store: Store, database: Path, stored: Callable[[], int], table: str, statement: str
) -> None:
    await store.append(an_actie())
    with closing(sqlite3.connect(database)) as other, pytest.raises(sqlite3.IntegrityError, match=r"append-only \(B3891\)"):
        other.execute(statement.format(table=table))
    assert stored() == 1


async def test_the_database_is_for_its_owner_only(store: Store, database: Path) -> None:
    await store.append(an_actie())
    for path in (database, database.with_name(f"{database.name}-wal")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_commit_reaches_the_disk_before_it_returns(database: Path) -> None:
    engine = open_writer(database)
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
    engine.dispose()


def test_a_reading_connection_cannot_write(database: Path) -> None:
    engine = open_reader(database)
    with engine.connect() as connection, pytest.raises(Exception, match="readonly"):
        connection.execute(text("DELETE FROM client"))
    engine.dispose()


async def test_what_waits_together_shares_commits(database: Path, stored: Callable[[], int]) -> None:
    engine = open_writer(database)
    commits = []
    event.listen(engine, "commit", lambda connection: commits.append(1))
    with closing(Writer(engine, limit=1000)) as writer:
        await asyncio.gather(*[writer.append(Append(an_actie().rows())) for _ in range(1000)])
    assert stored() == 1000
    assert len(commits) <= 10


async def test_a_full_queue_refuses_at_once_and_keeps_what_it_took(settings: Settings, stored: Callable[[], int]) -> None:
    with closing(Store(dataclasses.replace(settings, queue_limit=5))) as store:
        results = await asyncio.gather(*[store.append(an_actie()) for _ in range(300)], return_exceptions=True)
    refused = [result for result in results if isinstance(result, LogUnavailable)]
    assert refused
    assert stored() == 300 - len(refused)


async def test_a_failed_commit_refuses_all_that_wait_and_the_next_succeeds(
    store: Store, database: Path, stored: Callable[[], int], caplog: pytest.LogCaptureFixture
) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("CREATE TRIGGER broken BEFORE INSERT ON verwerkt_object BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END")
        results = await asyncio.gather(*[store.append(an_actie()) for _ in range(20)], return_exceptions=True)
        assert {type(result) for result in results} == {LogUnavailable}
        assert stored() == 0
        other.execute("DROP TRIGGER broken")
    await store.append(an_actie())
    assert stored() == 1
    assert "disk I/O error" in caplog.text


async def test_a_fault_in_one_batch_does_not_end_the_writer(
    store: Store, stored: Callable[[], int], caplog: pytest.LogCaptureFixture
) -> None:
    impossible = ActieVersie.first(Verwerkingsactie(tijdstip="2024-04-05T14:35:42+01:00")).rows()
    impossible.actie["actie_id"] = "999990019"
    with pytest.raises(LogUnavailable):
        await store._writer.append(Append(impossible))
    await store.append(an_actie())
    assert stored() == 1
    assert "StatementError" in caplog.text
    assert "999990019" not in caplog.text


class Refused(Exception):
    """What a decision says no with."""


async def test_a_job_sees_what_was_written_before_it_and_its_refusal_undoes_only_itself(store: Store, stored: Callable[[], int]) -> None:
    seen: list[int] = []

    def accepted(connection: Connection) -> int:
        seen.append(connection.execute(COUNT).scalar_one())
        insert_versions(connection, [an_actie().rows()])
        return len(seen)

    def refused(connection: Connection) -> None:
        insert_versions(connection, [an_actie().rows()])
        raise Refused

    work = [store.append(an_actie()), store.write(accepted), store.write(refused), store.append(an_actie()), store.write(accepted)]
    results = await asyncio.gather(*work, return_exceptions=True)
    assert [type(result) for result in results] == [VersionRows, int, Refused, VersionRows, int]
    assert (results[1], results[4], seen) == (1, 2, [1, 3])
    assert stored() == 4


async def test_jobs_and_versions_share_commits(database: Path, stored: Callable[[], int]) -> None:
    engine = open_writer(database)
    commits = []
    event.listen(engine, "commit", lambda connection: commits.append(1))

    def job(connection: Connection) -> None:
        insert_versions(connection, [an_actie().rows()])

    def refused(connection: Connection) -> None:
        raise Refused

    with closing(Writer(engine, limit=1000)) as writer:
        work: list[Awaitable[Any]] = []
        for _ in range(100):
            work += [writer.write(job), writer.append(Append(an_actie().rows())), writer.write(refused)]
        results = await asyncio.gather(*work, return_exceptions=True)
    assert sum(isinstance(result, Refused) for result in results) == 100
    assert (stored(), len(commits) <= 10) == (200, True)


async def test_what_a_job_writes_wrongly_refuses_that_job_only(store: Store, stored: Callable[[], int]) -> None:
    def doubled(connection: Connection) -> None:
        rows = an_actie().rows()
        connection.execute(insert(verwerkingsactie), [{"versie": 1, **rows.actie}, {"versie": 1, **rows.actie}])

    results = await asyncio.gather(store.append(an_actie()), store.write(doubled), store.append(an_actie()), return_exceptions=True)
    assert [type(result) for result in results] == [VersionRows, IntegrityError, VersionRows]
    assert stored() == 2


async def test_a_key_is_stored_with_its_version_or_not_at_all(store: Store, stored: Callable[[], int]) -> None:
    versie = an_actie()
    impossible = Append(ActieVersie.first(Verwerkingsactie(tijdstip="2024-04-05T14:35:42+01:00")).rows(), Key("een", "sleutel"))
    impossible.version.actie["actie_id"] = "x"
    with pytest.raises(LogUnavailable):
        await store._writer.append(impossible)
    first = await store.append(versie, key=Key("een", "sleutel"))
    assert (await store.append(versie, key=Key("een", "sleutel"))).actie["actie_id"] == first.actie["actie_id"]
    assert stored() == 1


async def test_a_request_that_is_cancelled_leaves_the_others_alone(store: Store, stored: Callable[[], int]) -> None:
    waiting = [asyncio.ensure_future(store.append(an_actie())) for _ in range(50)]
    await asyncio.sleep(0)
    waiting[10].cancel()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert sum(isinstance(result, asyncio.CancelledError) for result in results) == 1
    await store.append(an_actie())
    assert stored() == 51


async def test_closing_stores_what_waits_and_then_refuses(store: Store, stored: Callable[[], int]) -> None:
    waiting = [asyncio.ensure_future(store.append(an_actie())) for _ in range(50)]
    await asyncio.sleep(0)
    await asyncio.to_thread(store.close)
    await asyncio.gather(*waiting)
    assert stored() == 50
    with pytest.raises(LogUnavailable, match="stopping"):
        await store.append(an_actie())
    store.close()


async def test_versions_rise_in_the_order_of_storing_also_after_a_restart(settings: Settings, database: Path) -> None:
    for _ in range(2):
        with closing(Store(settings)) as store:
            for _ in range(3):
                await store.append(an_actie())
    with closing(sqlite3.connect(database)) as other:
        assert [row[0] for row in other.execute("SELECT versie FROM verwerkingsactie ORDER BY registratie_instant")] == [1, 2, 3, 4, 5, 6]


async def test_no_read_scans_a_table(api: Api, database: Path) -> None:
    answer = await api.posted(verwerkingId=VERWERKING, verwerkingIdAfnemer=VERWERKING)
    statements: list[tuple[str, Any]] = []

    @event.listens_for(Engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        statements.append((statement, parameters))

    try:
        for response in (
            await api.search(beginDatum="2024-01-01", verwerkingsactiviteitId="5f0bef4c-f66f-4311-84a5-19e8bf359eaf"),
            await api.search(),
            await api.actie(answer["actieId"]),
            await api.inzage(),
            await api.verwerkt_object(answer["verwerkteObjecten"][0]["verwerktObjectId"]),
            await api.history(answer["actieId"]),
            await api.search(verwerkingId=VERWERKING),
            await api.search(verwerkingId=VERWERKING, objecttype=None, soortObjectId=None, objectId=None),
            await api.search(verwerkingIdAfnemer=VERWERKING, objecttype=None, soortObjectId=None, objectId=None),
        ):
            assert response.status_code == 200
        assert (await api.patch({"verwerkingId": VERWERKING}, {"bewaartermijn": "P1Y"})).status_code == 204
        assert (await api.patch({"verwerkingIdAfnemer": VERWERKING}, {"bewaartermijn": "P1Y"})).status_code == 204
        assert (await api.put(answer)).status_code == 200
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    reads = [(statement, parameters) for statement, parameters in statements if "FROM verwerk" in statement]
    assert len(reads) > 20
    with closing(sqlite3.connect(database)) as other:
        for statement, parameters in reads:
            plan = [row[3] for row in other.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            assert not [step for step in plan if step.startswith("SCAN verwerk")], plan
