"""The store: append-only, one commit for many, and all or nothing (B3891, P2, P5)."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import threading
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import pytest
from plugins.register.tests import engines
from sqlalchemy import URL, Connection, Engine, event, func, insert, select
from sqlalchemy.exc import IntegrityError

from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging.model import Vertrouwelijkheid, Verwerkingsactie, VerwerktObject
from verwerkingenlogging_register import Settings
from verwerkingenlogging_register._acties import insertion
from verwerkingenlogging_register._acties.append import Append, Key
from verwerkingenlogging_register._acties.group_commit import Writer
from verwerkingenlogging_register._acties.insertion import insert_versions
from verwerkingenlogging_register._acties.lookup import versions_by_number
from verwerkingenlogging_register._acties.repository import Repository
from verwerkingenlogging_register._acties.search_pages import statement_now, statement_then
from verwerkingenlogging_register._acties.search_statements import Search, statement_of_acties, statement_of_few, statement_of_occurrences
from verwerkingenlogging_register._database.engines import open_writer
from verwerkingenlogging_register._errors import KeyUsed
from verwerkingenlogging_register._keys.key_file import KeySource
from verwerkingenlogging_register._keys.protection import Keys
from verwerkingenlogging_register._model import positions
from verwerkingenlogging_register._model.scopes import Visibility
from verwerkingenlogging_register._model.subjects import Persoon, Verwerking
from verwerkingenlogging_register._model.tables import ATTRIBUTES, verwerkingsactie
from verwerkingenlogging_register._model.versions import ActieVersie, VersionRows

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from plugins.register.tests.conftest import Api, Place


VERWERKING = "89aa7a9a-1f79-44de-b32e-8e38e07138f3"
COUNT = select(func.count()).select_from(verwerkingsactie)


def an_actie() -> ActieVersie:
    return ActieVersie.first(Verwerkingsactie(tijdstip="2024-04-05T14:35:42+01:00", verwerkte_objecten=(VerwerktObject(object_id="1"),)))


@pytest.fixture
def repository(settings: Settings) -> Iterator[Repository]:
    with closing(Repository(settings)) as opened:
        yield opened


@pytest.mark.parametrize("persons", [[1], [1, 1, 1], [0, 3, 0], [7, 1, 1, 7], [2, 2, 2, 2, 2]])
async def test_what_is_inserted_in_slices_is_all_there_in_its_order(
    repository: Repository, persons: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insertion, "_ROWS_AT_ONCE", 3)
    versions = [
        ActieVersie.first(
            Verwerkingsactie(
                tijdstip="2024-04-05T14:35:42+01:00",
                actie_naam=str(place),
                verwerkte_objecten=tuple(VerwerktObject(object_id=str(number)) for number in range(count)),
            )
        ).rows()
        for place, count in enumerate(persons)
    ]
    numbers = await repository.write(lambda connection: insert_versions(connection, versions))
    found = await repository.read(lambda connection: versions_by_number(connection, numbers))
    assert [found[number].actie["actie_naam"] for number in numbers] == [str(place) for place in range(len(persons))]
    assert [[row["object_id"] for row in found[number].objecten] for number in numbers] == [
        [str(number) for number in range(count)] for count in persons
    ]


def test_the_table_has_every_attribute_of_the_model() -> None:
    assert set(ATTRIBUTES) == {field.name for field in msgspec.structs.fields(Verwerkingsactie)} - {"verwerkte_objecten", "span"}


async def test_what_waits_together_shares_commits(place: Place, stored: Callable[[], int]) -> None:
    engine = open_writer(place.location, Keys(KeySource(file=place.keys)))
    commits = []
    event.listen(engine, "commit", lambda connection: commits.append(1))
    with closing(Writer(engine, limit=1000)) as writer:
        await asyncio.gather(*[writer.append(Append(an_actie().rows())) for _ in range(1000)])
    assert stored() == 1000
    assert len(commits) <= 10


async def test_a_full_queue_refuses_at_once_and_keeps_what_it_took(settings: Settings, stored: Callable[[], int]) -> None:
    with closing(Repository(dataclasses.replace(settings, queue_limit=5))) as repository:
        results = await asyncio.gather(*[repository.append(an_actie()) for _ in range(300)], return_exceptions=True)
    refused = [result for result in results if isinstance(result, LogUnavailable)]
    assert len(refused) == 295  # asked for in one turn, so before any could be written
    assert stored() == 5


async def test_a_failed_commit_refuses_all_that_wait_and_the_next_succeeds(
    repository: Repository, place: Place, stored: Callable[[], int], caplog: pytest.LogCaptureFixture
) -> None:
    place.execute(*BROKEN[isinstance(place.owner, Path)])
    results = await asyncio.gather(*[repository.append(an_actie()) for _ in range(20)], return_exceptions=True)
    assert {type(result) for result in results} == {LogUnavailable}
    assert stored() == 0
    place.execute("DROP TRIGGER broken" if isinstance(place.owner, Path) else "DROP FUNCTION broken CASCADE")
    await repository.append(an_actie())
    assert stored() == 1
    assert ("disk I/O error" if isinstance(place.owner, Path) else "RaiseException (P0001)") in caplog.text


# On SQLite and not.
BROKEN = {
    True: ["CREATE TRIGGER broken BEFORE INSERT ON verwerkt_object BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END"],
    False: [
        "CREATE FUNCTION broken() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN RAISE 'disk I/O error'; END $$",
        "CREATE TRIGGER broken BEFORE INSERT ON verwerkt_object FOR EACH ROW EXECUTE FUNCTION broken()",
    ],
}


async def test_a_fault_in_one_batch_does_not_end_the_writer(
    repository: Repository, stored: Callable[[], int], caplog: pytest.LogCaptureFixture
) -> None:
    impossible = ActieVersie.first(Verwerkingsactie(tijdstip="2024-04-05T14:35:42+01:00")).rows()
    impossible.actie["actie_id"] = "999990019"
    with pytest.raises(LogUnavailable):
        await repository._writer.append(Append(impossible))
    await repository.append(an_actie())
    assert stored() == 1
    assert "1 writes refused: " in caplog.text
    assert "999990019" not in caplog.text


async def test_what_was_asked_for_in_the_turn_in_which_it_closes_is_stored(settings: Settings, stored: Callable[[], int]) -> None:
    repository = Repository(settings)
    asked = [asyncio.ensure_future(repository.append(an_actie())) for _ in range(3)]
    await asyncio.sleep(0)
    repository.close()
    await asyncio.wait_for(asyncio.gather(*asked), 30)
    assert stored() == 3


class Refused(Exception):
    """What a decision says no with."""


async def test_a_job_sees_what_was_written_before_it_and_its_refusal_undoes_only_itself(
    repository: Repository, stored: Callable[[], int]
) -> None:
    seen: list[int] = []

    def accepted(connection: Connection) -> int:
        seen.append(connection.execute(COUNT).scalar_one())
        insert_versions(connection, [an_actie().rows()])
        return len(seen)

    def refused(connection: Connection) -> None:
        insert_versions(connection, [an_actie().rows()])
        raise Refused

    work = [
        repository.append(an_actie()),
        repository.write(accepted),
        repository.write(refused),
        repository.append(an_actie()),
        repository.write(accepted),
    ]
    results = await asyncio.gather(*work, return_exceptions=True)
    assert [type(result) for result in results] == [VersionRows, int, Refused, VersionRows, int]
    assert (results[1], results[4], seen) == (1, 2, [1, 3])
    assert stored() == 4


async def test_jobs_and_versions_share_commits(place: Place, stored: Callable[[], int]) -> None:
    engine = open_writer(place.owner, Keys(KeySource(file=place.keys)))
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


async def test_what_a_job_writes_wrongly_refuses_that_job_only(repository: Repository, stored: Callable[[], int]) -> None:
    def doubled(connection: Connection) -> None:
        rows = an_actie().rows()
        connection.execute(insert(verwerkingsactie), [{"versie": 1, **rows.actie}, {"versie": 1, **rows.actie}])

    results = await asyncio.gather(
        repository.append(an_actie()), repository.write(doubled), repository.append(an_actie()), return_exceptions=True
    )
    assert [type(result) for result in results] == [VersionRows, IntegrityError, VersionRows]
    assert stored() == 2


async def test_a_key_is_stored_with_its_version_or_not_at_all(repository: Repository, stored: Callable[[], int]) -> None:
    versie = an_actie()
    impossible = Append(ActieVersie.first(Verwerkingsactie(tijdstip="2024-04-05T14:35:42+01:00")).rows(), Key("een", "sleutel"))
    impossible.version.actie["actie_id"] = "x"
    with pytest.raises(LogUnavailable):
        await repository._writer.append(impossible)
    first = await repository.append(versie, key=Key("een", "sleutel"))
    assert (await repository.append(versie, key=Key("een", "sleutel"))).actie["actie_id"] == first.actie["actie_id"]
    assert stored() == 1


async def test_a_key_that_occurs_twice_in_one_commit_makes_one_version(repository: Repository, stored: Callable[[], int]) -> None:
    """As when a client gave up waiting and asked again, before its first request was stored."""
    all_wait = threading.Event()
    held = asyncio.ensure_future(repository.write(lambda connection: all_wait.wait(30)))  # what comes meanwhile shares a commit
    one, other = an_actie(), ActieVersie.first(Verwerkingsactie(tijdstip="2024-04-05T14:35:43+01:00"))
    asked = [(one, "sleutel"), (one, "sleutel"), (other, "sleutel"), (one, "sleutel"), (one, "een andere"), (one, None)]
    work = [asyncio.ensure_future(repository.append(versie, key=Key("een", key) if key else None)) for versie, key in asked]
    for _ in range(3):  # until all of them stand in the queue
        await asyncio.sleep(0)
    all_wait.set()
    results = await asyncio.gather(*work, return_exceptions=True)
    assert await held
    ids = [result.actie["actie_id"] if isinstance(result, VersionRows) else type(result) for result in results]
    assert ids[2] is KeyUsed
    assert ids[0] == ids[1] == ids[3] == ids[4] == ids[5] == str(one.actie_id)
    assert stored() == 3


async def test_a_request_that_is_cancelled_leaves_the_others_alone(repository: Repository, stored: Callable[[], int]) -> None:
    waiting = [asyncio.ensure_future(repository.append(an_actie())) for _ in range(50)]
    await asyncio.sleep(0)
    waiting[10].cancel()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert sum(isinstance(result, asyncio.CancelledError) for result in results) == 1
    await repository.append(an_actie())
    assert stored() == 51


async def test_closing_stores_what_waits_and_then_refuses(repository: Repository, stored: Callable[[], int]) -> None:
    waiting = [asyncio.ensure_future(repository.append(an_actie())) for _ in range(50)]
    await asyncio.sleep(0)
    await asyncio.to_thread(repository.close)
    await asyncio.gather(*waiting)
    assert stored() == 50
    with pytest.raises(LogUnavailable, match="stopping"):
        await repository.append(an_actie())
    repository.close()


async def test_versions_rise_in_the_order_of_storing_also_after_a_restart(settings: Settings, place: Place) -> None:
    made = []
    for _ in range(2):
        with closing(Repository(settings)) as repository:
            made += [(await repository.append(an_actie())).actie["actie_id"] for _ in range(3)]
    assert place.ids() == made


async def test_no_read_scans_a_table(api: Api, place: Place) -> None:
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
    assert len(reads) > 12
    with engines.reader(place.location, Keys(KeySource(file=place.keys))) as reader, reader.connect() as connection:
        # A search of a persoon goes past SQLAlchemy.
        persoon = Persoon("persoon", "BSN", "1")
        verwerking = Verwerking(UUID(VERWERKING), of_afnemer=False)
        visibility = Visibility(frozenset(Vertrouwelijkheid), former=True)
        for search in (
            Search(persoon=persoon, visibility=visibility, offset=0, limit=100),
            Search(persoon=persoon, visibility=visibility, begin=0, end=1, verwerkingsactiviteit_id=UUID(VERWERKING), offset=0, limit=1),
            Search(persoon=persoon, verwerking=verwerking, visibility=visibility, offset=0, limit=100),
        ):
            found = [
                statement_of(connection, search, persoon)
                for statement_of in (
                    *(statement_of_few, statement_of_acties, statement_of_occurrences),
                    partial(statement_then, position=positions.Position(horizon=9, count=1, place=positions.Place(1, 1, VERWERKING))),
                    partial(statement_now, versies=[1, 2]),
                )
            ]
            reads += [(statement.text, statement.parameters) for statement in found]
        if isinstance(place.location, URL):
            # With so few rows a scan is the cheaper way; what counts is that there is another one.
            connection.exec_driver_sql("SET enable_seqscan = off")
        for statement, parameters in reads:
            explain = "EXPLAIN" if isinstance(place.location, URL) else "EXPLAIN QUERY PLAN"
            plan = [str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters)]
            assert not [step for step in plan if re.search(r"SCAN (verwerk|successor)|Seq Scan on", step)], plan
