"""In which transaction a record is written, and what is said when that cannot be."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from asgiref.sync import sync_to_async
from django.core.signals import request_finished
from django.db import connections, transaction
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from plugins.django.tests.databases import Make, change, changes, names
from plugins.django.tests.log.test_log_conformance import refuse_records
from tests.conformance import actie

from verwerkingenlogging import ConfigurationError, LogRefused, LogUnavailable, MemoryLog, NotRecorded, Verwerkingsactie, VerwerktObject
from verwerkingenlogging.logs.outbox.encryption import add_key
from verwerkingenlogging.model import filled
from verwerkingenlogging.model.limits import RECORD_MAX
from verwerkingenlogging.model.trace import Span
from verwerkingenlogging_django import DjangoLog
from verwerkingenlogging_django._log import second_connection
from verwerkingenlogging_django.models import Lease, Record
from verwerkingenlogging_django.transactions import changing, reading

BSN = "2308572"


class Undo(Exception):
    """Ends a block, and undoes it."""


def test_a_change_and_its_record_are_committed_together_or_not_at_all(database: str) -> None:
    log = DjangoLog(database=database)
    for number, undone in ((1, False), (2, True)):
        with suppress(Undo), transaction.atomic(using=database):
            log.log([actie(number)])
            change(database, number)
            if undone:
                raise Undo
    assert (changes(database), names(database)) == ([1], ["Ophalen 1"])


def test_a_savepoint_takes_the_record_of_its_change_along(database: str) -> None:
    log = DjangoLog(database=database)
    with transaction.atomic(using=database):
        log.log([actie(1)])
        with suppress(Undo), transaction.atomic(using=database):
            log.log([actie(2)])
            raise Undo
    assert names(database) == ["Ophalen 1"]


def test_without_a_transaction_it_is_committed_at_once(database: str) -> None:
    DjangoLog(database=database).log([actie(1)])
    seen: list[str | None] = []
    thread = threading.Thread(target=lambda: seen.extend(names(database)))
    thread.start()
    thread.join()
    assert seen == ["Ophalen 1"]


def test_so_are_many_all_or_none(database: str) -> None:
    log = DjangoLog(database=database)
    log.log([actie(number) for number in range(250)])
    assert len(names(database)) == 250
    assert connections[database].get_autocommit()
    too_long = Verwerkingsactie(tijdstip="2024-04-05T14:35:42+01:00", verwerkte_objecten=(VerwerktObject(object_id=BSN),))
    with connections[database].cursor() as cursor:  # the last of them fails
        cursor.execute("CREATE UNIQUE INDEX een ON verwerkingenlogging_record (body)")
    with pytest.raises(LogUnavailable):
        log.log([*(actie(number) for number in range(1000, 1249)), too_long, too_long])
    assert len(names(database)) == 250
    assert connections[database].get_autocommit()


def test_a_record_of_reading_stays_when_the_transaction_is_undone(database: str) -> None:
    log = DjangoLog(database=database)
    with suppress(Undo), transaction.atomic(using=database), reading():
        log.log([actie(1)])
        with transaction.atomic(using=database), changing():
            log.log([actie(2)])
            change(database, 2)
        raise Undo
    assert (changes(database), names(database)) == ([], ["Ophalen 1"])


def test_it_is_committed_before_what_is_read(database: str) -> None:
    seen: list[str | None] = []
    with transaction.atomic(using=database), reading():
        DjangoLog(database=database).log([actie(1)])
        thread = threading.Thread(target=lambda: seen.extend(names(database)))
        thread.start()
        thread.join()
    assert seen == ["Ophalen 1"]


def test_reading_asks_for_no_second_connection_where_no_transaction_is_open(database: str) -> None:
    with reading():
        DjangoLog(database=database).log([actie(1)])
    assert not second_connection._local.connections
    assert names(database) == ["Ophalen 1"]


def test_where_the_application_commits_by_itself_reading_does_not_wait_for_that(make: Make) -> None:
    alias = make(AUTOCOMMIT=True)
    connections[alias].close()
    connections[alias].settings_dict["AUTOCOMMIT"] = False
    log = DjangoLog(database=alias)
    with reading():
        log.log([actie(1)])
    log.log([actie(2)])
    transaction.rollback(using=alias)
    connections[alias].set_autocommit(True)
    assert names(alias) == ["Ophalen 1"]


def test_a_transaction_that_will_be_undone_takes_no_record(database: str) -> None:
    log = DjangoLog(database=database)
    with transaction.atomic(using=database):
        with suppress(Undo), transaction.atomic(using=database, savepoint=False):
            raise Undo
        with pytest.raises(NotRecorded, match="will be rolled back"):
            log.log([actie(1)])
        with reading():
            log.log([actie(2)])
    assert names(database) == ["Ophalen 2"]


def test_what_could_not_be_recorded_cannot_be_committed(database: str) -> None:
    log = DjangoLog(database=database)
    refuse_records(database)
    with transaction.atomic(using=database):
        change(database, 1)
        with pytest.raises(NotRecorded) as caught:
            log.log([actie(1)])
        with pytest.raises(transaction.TransactionManagementError) as further:
            change(database, 2)
    assert further.value.__cause__ is caught.value
    assert BSN not in str(caught.value)
    assert caught.value.__suppress_context__
    assert changes(database) == []


def test_nor_what_something_else_kept_from_being_recorded(database: str) -> None:
    def refuse(*_: Any) -> None:
        raise Undo

    with transaction.atomic(using=database):
        change(database, 1)
        with connections[database].execute_wrapper(refuse), pytest.raises(Undo):
            DjangoLog(database=database).log([actie(1)])
    assert changes(database) == []


def test_an_error_that_is_not_the_databases_passes_unchanged(database: str) -> None:
    def refuse(*_: Any) -> None:
        raise Undo

    log = DjangoLog(database=database)
    with transaction.atomic(using=database), reading():
        with second_connection.second_connection_to(database).execute_wrapper(refuse), pytest.raises(Undo):
            log.log([actie(1)])
        log.log([actie(2)])
    assert names(database) == ["Ophalen 2"]


def test_on_commit_of_the_application_works_as_ever(database: str) -> None:
    log = DjangoLog(database=database)
    called: list[int] = []
    with transaction.atomic(using=database):
        transaction.on_commit(lambda: called.append(1), using=database)
        with reading():
            log.log([actie(1)])
        log.log([actie(2)])
        assert called == []
    assert called == [1]
    with suppress(Undo), transaction.atomic(using=database, durable=True):
        transaction.on_commit(lambda: called.append(2), using=database)
        log.log([actie(number) for number in range(150)])
        raise Undo
    assert called == [1]


def test_a_missing_table_names_the_remedy(database: str) -> None:
    with connections[database].cursor() as cursor:
        cursor.execute("DROP TABLE verwerkingenlogging_record")
    log = DjangoLog(database=database)
    for told in (changing(), reading()):
        with told, transaction.atomic(using=database), pytest.raises(LogUnavailable, match=r"manage\.py migrate --database=eigen"):
            log.log([actie(1)])


async def test_on_an_event_loop_the_synchronous_way_is_refused_by_name(database: str) -> None:
    with pytest.raises(NotRecorded, match="alog_actie"):
        DjangoLog(database=database).log([actie(1)])


async def test_asynchronous_code_records_in_the_transaction_that_it_opened(database: str) -> None:
    log = DjangoLog(database=database)

    @sync_to_async(thread_sensitive=True)
    def begin() -> transaction.Atomic:
        block = transaction.atomic(using=database)
        block.__enter__()
        return block

    block = await begin()
    with reading():
        await log.alog([actie(2)])
    await log.alog([actie(1)])
    await sync_to_async(block.__exit__)(Undo, Undo(), None)
    assert await asyncio.to_thread(names, database) == ["Ophalen 2"]


def test_an_actie_too_long_to_keep_is_refused(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("verwerkingenlogging_django._log.rows", "verwerkingenlogging.logs.parts"):
        monkeypatch.setattr(f"{module}.RECORD_MAX", 100)
    with pytest.raises(LogRefused) as caught:
        DjangoLog(database=database).log([actie(1)])
    assert caught.value.status == 413


def test_an_actie_about_more_persons_than_one_record_holds_goes_in_parts(database: str) -> None:
    large = filled(actie(1), verwerkte_objecten=tuple(VerwerktObject(object_id=f"{number:09}") for number in range(25_000)))
    DjangoLog(database=database).log([large])
    bodies = [bytes(body) for body in Record.objects.using(database).order_by("id").values_list("body", flat=True)]
    found = [msgspec.json.decode(body, type=Verwerkingsactie) for body in bodies]
    assert len(found) > 1
    assert all(len(body) <= RECORD_MAX for body in bodies)
    assert [objekt for one in found for objekt in one.verwerkte_objecten] == list(large.verwerkte_objecten)
    assert {one.verwerking_id for one in found} == {large.verwerking_id}


def test_records_are_known_by_nothing_personal(database: str) -> None:
    DjangoLog(database=database).log([actie(1)])
    record = Record.objects.using(database).get()
    assert BSN not in str(record) + repr(record)
    assert str(record) == str(record.key)
    assert str(Lease(name="machine:1")) == "machine:1"


def test_where_queries_are_noted_a_record_is_neither_counted_nor_shown(database: str) -> None:
    log = DjangoLog(database=database)
    with CaptureQueriesContext(connections[database]) as queries:
        log.log([actie(1), actie(2)])
        with transaction.atomic(using=database):
            log.log([actie(3)])
    assert [query["sql"] for query in queries] == ["BEGIN", "COMMIT"]  # of the block itself


class TestSeveralDatabases:
    @pytest.fixture
    def both(self, make: Make) -> tuple[str, str]:
        return make("eigen"), make("archief")

    def test_a_record_goes_where_the_transaction_is_open(self, both: tuple[str, str]) -> None:
        own, archive = both
        log = DjangoLog(database=own, databases=[archive])
        with suppress(Undo), transaction.atomic(using=archive):
            log.log([actie(1)])
            raise Undo
        with transaction.atomic(using=archive):
            log.log([actie(2)])
        with transaction.atomic(using=own):
            log.log([actie(3)])
        log.log([actie(4)])
        assert (names(own), names(archive)) == (["Ophalen 3", "Ophalen 4"], ["Ophalen 2"])

    def test_with_two_open_it_must_be_said(self, both: tuple[str, str]) -> None:
        own, archive = both
        log = DjangoLog(database=own, databases=[archive])
        with transaction.atomic(using=own), transaction.atomic(using=archive):
            with pytest.raises(NotRecorded, match=r"open on eigen and archief.*changing"):
                log.log([actie(1)])
            with reading():
                log.log([actie(4)])
            with changing(using=archive):
                log.log([actie(2)])
            with changing(using=own):
                log.log([actie(3)])
            transaction.set_rollback(True, using=own)
        assert (names(own), names(archive)) == (["Ophalen 4"], ["Ophalen 2"])

    def test_only_those_that_it_was_given(self, both: tuple[str, str]) -> None:
        log = DjangoLog(database=both[0])
        with changing(using="archief"), pytest.raises(NotRecorded, match="add it to databases"):
            log.log([actie(1)])

    def test_what_waits_in_each_is_delivered(self, both: tuple[str, str]) -> None:
        memory = MemoryLog()
        log = DjangoLog(memory, database=both[0], databases=[both[1]])
        log.log([actie(1)])
        with changing(using="archief"):
            log.log([actie(2)])
        assert log.flush(30)
        assert sorted(one.actie_naam or "" for one in memory.acties) == ["Ophalen 1", "Ophalen 2"]
        assert [one.waiting for one in log.status()] == [0, 0]


class TestTheSecondConnection:
    def test_is_closed_as_conn_max_age_says(self, make: Make) -> None:
        for alias, age, stays in ((make("kort", CONN_MAX_AGE=0), 0, False), (make("lang", CONN_MAX_AGE=None), None, True)):
            with transaction.atomic(using=alias), reading():
                DjangoLog(database=alias).log([actie(1)])
            connection = second_connection.second_connection_to(alias)
            assert connection.connection is not None
            request_finished.send(sender=type(self))
            assert (connection.connection is not None) is stays, age

    def test_is_one_for_each_thread_and_goes_with_it(self, database: str) -> None:
        log = DjangoLog(database=database)
        seen: list[object] = []

        def read() -> None:
            for number in (1, 2):
                with transaction.atomic(using=database), reading():
                    log.log([actie(number)])
                seen.append(second_connection.second_connection_to(database))
            second_connection.close_second_connections()
            connections[database].close()

        for _ in range(2):
            thread = threading.Thread(target=read)
            thread.start()
            thread.join()
        assert seen[0] is seen[1]
        assert seen[2] is seen[3] is not seen[0]
        assert not second_connection._local.connections

    def test_is_made_anew_after_it_failed(self, database: str) -> None:
        log = DjangoLog(database=database)
        with transaction.atomic(using=database), reading():
            log.log([actie(1)])
            second_connection.second_connection_to(database).connection.close()
            with pytest.raises(LogUnavailable):
                log.log([actie(2)])
            log.log([actie(3)])
        assert names(database) == ["Ophalen 1", "Ophalen 3"]

    def test_is_not_taken_over_by_a_child_of_which_nobody_told_python(self, database: str) -> None:
        """As if this were the child: each thread finds that out for itself, for each has its own connections."""
        log = DjangoLog(database=database)
        with transaction.atomic(using=database), reading():
            log.log([actie(1)])
            inherited = second_connection.second_connection_to(database)
            forgetting: list[Callable[[], object]] = [
                lambda: log.log([actie(2)]),
                second_connection.close_second_connections,
                second_connection._close_old,
            ]
            for forget in forgetting:
                second_connection._local.pid = 0
                forget()
                assert inherited.connection is not None  # it is the parent's
                assert second_connection.second_connection_to(database) is not inherited
        inherited.close()
        assert names(database) == ["Ophalen 1", "Ophalen 2"]

    def test_what_is_recorded_while_uwsgi_loads_leaves_no_connection_open(self, database: str, uwsgi: ModuleType) -> None:
        log = DjangoLog(database=database)
        for connection in connections.all(initialized_only=True):
            connection.close()
        with reading():
            log.log([actie(1)])
        assert connections[database].connection is None
        with transaction.atomic(using=database), reading():
            log.log([actie(2)])
            assert not second_connection._local.connections
            assert connections[database].connection is not None  # it is the application's, which is at work on it
        assert names(database) == ["Ophalen 1", "Ophalen 2"]

    def test_is_not_taken_over_by_a_forked_child(self, database: str) -> None:
        log = DjangoLog(database=database)
        with transaction.atomic(using=database), reading():
            log.log([actie(1)])
        for connection in connections.all(initialized_only=True):
            connection.close()
        mine = second_connection.second_connection_to(database)
        child = os.fork()
        if child == 0:
            try:
                with transaction.atomic(using=database), reading():
                    log.log([actie(2)])
                os._exit(int(second_connection.second_connection_to(database) is mine))
            except BaseException:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        with transaction.atomic(using=database), reading():
            log.log([actie(3)])
        assert names(database) == ["Ophalen 1", "Ophalen 2", "Ophalen 3"]


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
class TestSqlite:
    @pytest.mark.parametrize("mode", ["IMMEDIATE", "exclusive"])
    def test_a_transaction_that_locks_is_refused_at_once(self, make: Make, mode: str) -> None:
        alias = make(OPTIONS={"transaction_mode": mode, "timeout": 3600})
        log = DjangoLog(database=alias)
        with transaction.atomic(using=alias), reading(), pytest.raises(NotRecorded, match=f"{mode.upper()}.*non_atomic_requests"):
            log.log([actie(1)])
        with reading():
            log.log([actie(2)])
        assert names(alias) == ["Ophalen 2"]

    def test_one_that_has_written_is_waited_for_no_longer_than_the_timeout(self, make: Make) -> None:
        alias = make(OPTIONS={"timeout": 0.1})
        with transaction.atomic(using=alias), reading():
            change(alias, 1)
            with pytest.raises(NotRecorded, match=r"holds its lock.*transactions\.changing"):
                DjangoLog(database=alias).log([actie(1)])
        assert changes(alias) == [1]  # the transaction itself did nothing wrong


@contextmanager
def a_test_case(alias: str) -> Iterator[None]:
    """Inside a test of Django's own TestCase, on that database."""
    case: Any = type("Case", (TestCase,), {"databases": {alias}})
    atomics = case._enter_atomics()
    try:
        yield
    finally:
        case._rollback_atomics(atomics)


def test_in_a_test_case_nothing_is_left_behind(database: str) -> None:
    log = DjangoLog(database=database)
    with a_test_case(database):
        with reading():
            log.log([actie(1)])
        log.log([actie(2)])
        assert names(database) == ["Ophalen 1", "Ophalen 2"]
    assert names(database) == []


@pytest.mark.django_db
def test_nor_in_memory_where_a_second_connection_would_see_another_database() -> None:
    with reading():
        DjangoLog().log([actie(1)])
    assert names("default") == ["Ophalen 1"]


@pytest.mark.django_db(transaction=True)
def test_in_memory_a_transaction_of_the_application_itself_is_no_reason_to_look_elsewhere() -> None:
    with transaction.atomic(), reading():
        DjangoLog().log([actie(1)])
    assert names("default") == ["Ophalen 1"]


class TestSealed:
    def test_records_are_not_readable_in_the_database(self, database: str, tmp_path: Path) -> None:
        add_key(tmp_path / "keys")
        memory = MemoryLog()
        log = DjangoLog(memory, database=database, keys=tmp_path / "keys")
        log.log([actie(1)])
        record = Record.objects.using(database).get()
        assert record.sealed
        assert b"2308572" not in bytes(record.body)
        assert log.flush(30)
        assert memory.acties == [actie(1)]

    def test_one_that_was_moved_is_kept_apart(self, database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        add_key(tmp_path / "keys")
        memory = MemoryLog()
        log = DjangoLog(memory, database=database, keys=tmp_path / "keys")
        log.log([actie(1)])
        log.log([actie(2)])
        first, second = Record.objects.using(database).order_by("id")
        Record.objects.using(database).filter(id=second.id).update(body=first.body)
        assert log.flush(30)
        assert memory.acties == [actie(1)]
        assert "seal is broken" in Record.objects.using(database).get().reason
        assert "seal is broken" in caplog.text

    def test_without_the_key_nothing_is_delivered_and_nothing_lost(
        self, database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        add_key(tmp_path / "keys")
        DjangoLog(database=database, keys=tmp_path / "keys").log([actie(1)])
        assert not DjangoLog(MemoryLog(), database=database).flush(0)
        assert "give the key file" in caplog.text
        assert Record.objects.using(database).filter(refused__isnull=True).count() == 1


class WithSpans(MemoryLog):
    wants_spans = True


def test_the_place_in_a_trace_is_kept_for_a_log_that_wants_it(database: str) -> None:
    memory = WithSpans()
    log = DjangoLog(lambda: memory, database=database)
    assert log.wants_spans
    assert not DjangoLog(database=database).wants_spans
    for span in (Span(trace_id=b"t" * 16, span_id=b"s" * 8, parent_span_id=b"p" * 8), Span(trace_id=b"t" * 16, span_id=b"s" * 8)):
        log.log([Verwerkingsactie(tijdstip="2024-04-05T14:35:42+01:00", span=span)])
        assert log.flush(30)
        assert memory.acties.pop().span == span


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"database": "elders"}, "'elders' is not in settings.DATABASES"),
        ({"batch": 0}, "must be more than 0"),
        ({"lease": float("nan")}, "must be more than 0"),
        ({"keys": "/nergens"}, "cannot be read"),
        ({"deliver_to": object()}, "deliver_to is a object; give a Verwerkingenlog, or a function that gives one"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        DjangoLog(**settings)


@pytest.mark.parametrize(
    ("deliver_to", "message"),
    [
        (dict, "deliver_to gives a dict, which is no Verwerkingenlog"),
        (lambda: MemoryLog, "deliver_to gives a type, which is no Verwerkingenlog"),
        (lambda: os.environ["NO_SUCH"], "KeyError was raised when deliver_to was made: 'NO_SUCH'"),
    ],
)
def test_what_cannot_be_delivered_to_is_said_when_the_application_starts(deliver_to: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        _ = DjangoLog(deliver_to).wants_spans  # as the recorder asks


def test_without_a_log_behind_it_nothing_can_be_delivered() -> None:
    with pytest.raises(ConfigurationError, match="deliver_to"):
        DjangoLog().flush()
