"""What waits in the database reaches the register: once, in order, whoever delivers, and whatever happens to whom."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import pytest
from crash.databases import place
from crash.receivers import Sink, register
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import CommandError, call_command
from django.core.signals import request_started
from django.db import Error as DatabaseError
from django.db import connections, transaction
from django.test.client import ClientHandler
from django.test.utils import override_settings
from plugins.django.tests.databases import Make, records
from tests.conformance import actie
from tests.proxy import proxying

from verwerkingenlogging import Activiteiten, ConfigurationError, LogRefused, LogUnavailable, MemoryLog, Vertrouwelijkheid, Verwerkingsactie
from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging.logs.protocol import Entry
from verwerkingenlogging.support import process
from verwerkingenlogging_django import DjangoLog
from verwerkingenlogging_django._log.lease import DeliveryLease
from verwerkingenlogging_django.models import Lease, Record

LONG = 60.0


class Register(MemoryLog):
    """A log that takes entries by their keys, and notes each batch. What is in ``refuses`` it will never have."""

    def __init__(self, *refuses: str) -> None:
        super().__init__()
        self.refuses = set(refuses)
        self.batches: list[list[str]] = []
        self.keys: list[str] = []
        self.before: Callable[[], None] = lambda: None

    def deliver(self, entries: Sequence[Entry]) -> Sequence[LogRefused | None]:
        self.before()
        if self.failure is not None:
            raise self.failure
        names = [entry.actie.actie_naam or "" for entry in entries]
        self.batches.append([name for name in names if name not in self.refuses])
        self.keys += [entry.key for entry in entries]
        return [LogRefused("the register answered 400 (tijdstip: invalid)", status=400) if name in self.refuses else None for name in names]

    @property
    def names(self) -> list[str]:
        return [name for batch in self.batches for name in batch]


def make_log(alias: str, to: Any, **settings: Any) -> DjangoLog:
    return DjangoLog(to, database=alias, **{"lease": 1.0, "poll": 0.01, **settings})


@contextmanager
def delivering(log: DjangoLog) -> Iterator[Any]:
    """A relay at work in a thread."""
    relay = log.relay()
    thread = threading.Thread(target=relay.run)
    thread.start()
    try:
        yield relay
    finally:
        relay.stopping.set()
        thread.join()


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class TestOrder:
    def test_is_that_of_writing_and_delivered_is_deleted(self, database: str) -> None:
        register = Register()
        log = make_log(database, register, batch=2)
        log.log([actie(1), actie(2)])
        log.log([actie(3)])
        assert log.flush(LONG)
        assert register.batches == [["Ophalen 1", "Ophalen 2"], ["Ophalen 3"]]
        assert records(database) == []
        assert len(set(register.keys)) == 3

    @pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
    def test_what_was_committed_before_another_was_written_goes_first(self, database: str) -> None:
        """Also when transactions commit in another order than they began. Nothing waits for one that is still open."""
        register = Register()
        log = make_log(database, register, batch=1)
        written, commit = threading.Event(), threading.Event()

        def slow() -> None:
            with transaction.atomic(using=database):
                log.log([actie(1)])
                written.set()
                commit.wait(LONG)
            connections[database].close()

        thread = threading.Thread(target=slow)
        thread.start()
        assert written.wait(LONG)
        log.log([actie(2)])
        log.log([actie(3)])
        assert log.flush(LONG)
        assert register.names == ["Ophalen 2", "Ophalen 3"]
        commit.set()
        thread.join()
        log.log([actie(4)])
        assert log.flush(LONG)
        assert register.names == ["Ophalen 2", "Ophalen 3", "Ophalen 1", "Ophalen 4"]

    def test_a_batch_has_no_more_bytes_than_proxies_let_through(self, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("verwerkingenlogging_django._log.delivery._BATCH_BYTES", 500)
        register = Register()
        log = make_log(database, register)
        log.log([actie(number) for number in range(5)])
        assert log.flush(LONG)
        assert [len(batch) for batch in register.batches] == [1, 1, 1, 1, 1]


class TestRefusals:
    def test_block_nothing_and_stay_with_their_reason(self, database: str, caplog: pytest.LogCaptureFixture) -> None:
        register = Register("Ophalen 2")
        log = make_log(database, register)
        log.log([actie(1), actie(2), actie(3)])
        assert log.flush(LONG)
        assert register.names == ["Ophalen 1", "Ophalen 3"]
        (record,) = Record.objects.using(database).all()
        assert (record.status, record.reason) == (400, "the register answered 400 (tijdstip: invalid)")
        assert record.refused is not None
        assert "verwerkingen_retry" in caplog.text
        assert "2308572" not in caplog.text
        (status,) = log.status()
        assert (status.waiting, status.refused, status.alarms) == (0, 1, ("1 records were refused",))

    def test_are_delivered_under_the_same_key_when_put_back(self, database: str) -> None:
        register = Register("Ophalen 1")
        log = make_log(database, register)
        log.log([actie(1)])
        assert log.flush(LONG)
        register.refuses.clear()
        assert log.retry() == 1
        assert log.flush(LONG)
        assert register.names == ["Ophalen 1"]
        assert len(set(register.keys)) == 1
        assert records(database) == []

    def test_a_reason_of_any_length_is_kept(self, database: str) -> None:
        class Long(Register):
            def deliver(self, entries: Sequence[Entry]) -> Sequence[LogRefused | None]:
                return [LogRefused("x" * 5000, status=400) for _ in entries]

        log = make_log(database, Long())
        log.log([actie(1)])
        assert log.flush(LONG)
        assert len(Record.objects.using(database).get().reason) == 1000


class TestFailures:
    def test_nothing_is_lost_while_the_register_is_away(self, database: str, caplog: pytest.LogCaptureFixture) -> None:
        register = Register()
        register.failure = LogUnavailable("the register answered 503")
        log = make_log(database, register)
        log.log([actie(1)])
        assert not log.flush(0.2)
        assert "nothing is delivered from database 'eigen': the register answered 503" in caplog.text
        with delivering(log):
            register.failure = None
            wait_until(lambda: register.names == ["Ophalen 1"])
        assert records(database) == []

    def test_it_says_so_when_it_goes_on(self, database: str, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO")
        register = Register()
        register.failure = LogUnavailable("the register answered 503")
        log = make_log(database, register)
        log.log([actie(1)])
        relay = log.relay()
        relay.turn()
        register.failure = None
        assert relay.flush(LONG)
        assert "delivering again from database 'eigen'" in caplog.text

    def test_what_does_not_answer_for_each_is_believed_in_nothing(self, database: str) -> None:
        class Forgetful(Register):
            def deliver(self, entries: Sequence[Entry]) -> Sequence[LogRefused | None]:
                return []

        log = make_log(database, Forgetful())
        log.log([actie(1)])
        assert not log.flush(0)
        assert len(records(database)) == 1

    def test_what_is_not_taken_beside_what_is_waits_alone(self, database: str, caplog: pytest.LogCaptureFixture) -> None:
        class Partly(Register):
            def deliver(self, entries: Sequence[Entry]) -> Sequence[LogRefused | LogUnavailable | None]:  # type: ignore[override]
                return [LogUnavailable("not now") if entry.actie.actie_naam == "Ophalen 2" else None for entry in entries]

        log = make_log(database, Partly())
        log.log([actie(1), actie(2), actie(3)])
        log.relay().turn()
        assert len(records(database)) == 1
        assert log.status()[0].refused == 0
        assert "nothing is delivered from database 'eigen': not now" in caplog.text

    def test_what_was_taken_is_not_delivered_again_when_the_database_failed_in_between(self, database: str) -> None:
        """A log that knows no keys would have it twice."""
        memory = MemoryLog()
        log = make_log(database, memory)
        log.log([actie(1)])
        relay = log.relay()

        def refuse(execute: Any, sql: str, *rest: Any) -> Any:
            if sql.startswith("DELETE"):
                raise DatabaseError("2308572")
            return execute(sql, *rest)

        with connections[database].execute_wrapper(refuse):
            relay.turn()
        assert [len(memory.acties), len(records(database))] == [1, 1]
        assert relay.flush(LONG)
        assert [len(memory.acties), len(records(database))] == [1, 0]

    def test_one_database_that_fails_holds_up_no_other(self, make: Make, caplog: pytest.LogCaptureFixture) -> None:
        own, archive = make("eigen"), make("archief")
        register = Register()
        log = make_log(own, register, databases=[archive])
        with transaction.atomic(using=archive):
            log.log([actie(1)])
        with connections[own].cursor() as cursor:
            cursor.execute("DROP TABLE verwerkingenlogging_record")
        assert not log.flush(0.2)
        assert register.names == ["Ophalen 1"]
        assert "nothing is delivered from database 'eigen': " in caplog.text
        assert "; run: manage.py migrate --database=eigen; tried again" in caplog.text

    def test_a_lease_that_cannot_be_given_back_runs_out_by_itself(self, database: str, caplog: pytest.LogCaptureFixture) -> None:
        log = make_log(database, Register())
        with connections[database].cursor() as cursor:
            cursor.execute("DROP TABLE verwerkingenlogging_lease")
        assert log.flush(0) is True  # nothing waits
        assert "was not given back" in caplog.text


class TestLease:
    def test_a_child_has_not_what_its_parent_has(self, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
        holding = DeliveryLease(database, LONG)
        assert holding.acquire()
        monkeypatch.setattr(holding, "_pid", 0)  # as if this were the child
        assert not holding.acquire()

    def test_one_has_it_and_the_next_when_it_was_given_back(self, database: str) -> None:
        first, second = DeliveryLease(database, LONG), DeliveryLease(database, LONG)
        assert [first.acquire(), second.acquire(), first.acquire()] == [True, False, True]
        first.release()
        assert [second.acquire(), first.acquire()] == [True, False]

    def test_or_when_it_ran_out(self, database: str) -> None:
        first, second = DeliveryLease(database, 0.2), DeliveryLease(database, LONG)
        assert first.acquire()
        wait_until(second.acquire)
        assert not first.acquire()

    def test_who_has_it_renews_it(self, database: str) -> None:
        first = DeliveryLease(database, 0.5)
        assert first.acquire()
        until = Lease.objects.using(database).get().until
        wait_until(lambda: first.acquire() and Lease.objects.using(database).get().until > until)

    def test_of_two_that_come_first_one_gets_it(self, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
        first, second = DeliveryLease(database, LONG), DeliveryLease(database, LONG)
        written = second._written

        def raced() -> bool:
            monkeypatch.setattr(second, "_written", written)
            assert first.acquire()
            return False

        monkeypatch.setattr(second, "_written", raced)
        assert not second.acquire()

    def test_two_relays_deliver_each_record_once(self, database: str) -> None:
        register = Register()
        log = make_log(database, register, batch=3, lease=LONG)  # which nobody outsleeps: see DeliveryLease of who does
        with delivering(log), delivering(log):
            for number in range(30):
                log.log([actie(number)])
            wait_until(lambda: not records(database))
        assert Counter(register.keys).most_common(1)[0][1] == 1
        assert register.names == [f"Ophalen {number}" for number in range(30)]

    def test_one_that_stops_finishes_its_batch(self, database: str) -> None:
        register = Register()
        log = make_log(database, register, batch=1)
        with delivering(log) as relay:
            register.before = relay.stopping.set
            log.log([actie(1), actie(2)])  # after that, or the relay may have delivered before it is told to stop
            wait_until(lambda: bool(register.names))
        assert [len(register.names), len(records(database))] == [1, 1]
        assert Lease.objects.using(database).get().name.endswith(f":{os.getpid()}")
        assert log.status()[0].relay is None

    def test_many_databases_have_their_turn(self, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("verwerkingenlogging_django._log.relay._BATCHES", 2)
        register = Register()
        log = make_log(database, register, batch=1)
        log.log([actie(number) for number in range(3)])
        assert log.relay().turn() == 0
        assert len(register.names) == 2


class TestRegister:
    """Over HTTP, to a real one."""

    @pytest.fixture
    def sink(self, tmp_path: Path) -> Iterator[Sink]:
        with register(tmp_path) as running:
            yield running

    @pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
    def test_a_connection_cut_before_the_answer_doubles_nothing(self, database: str, sink: Sink) -> None:
        ids = [uuid4() for _ in range(5)]
        with proxying(sink.address) as proxy:
            log = make_log(database, ApiLog(proxy.address, token=sink.token))
            log.log([_of(one) for one in ids])
            left = [3]

            def cuts(_: str) -> bool:
                left[0] -= 1
                return left[0] >= 0

            proxy.cuts = cuts
            assert log.flush(60)
            assert len(proxy.requests) == 5  # three that were cut, then one to see whether it is the record, then the rest
            log.close()
        assert sorted(verwerking for verwerking, _ in sink.recorded()) == sorted(map(str, ids))

    @pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
    def test_what_it_refuses_stays_and_the_rest_goes_on_after_an_outage(self, database: str, sink: Sink) -> None:
        log = make_log(database, ApiLog(sink.address, token=sink.token))
        sink.stop()
        ids = [uuid4() for _ in range(3)]
        log.log([_of(one, confidential=one is ids[1]) for one in ids])  # which its scope does not permit
        assert not log.flush(0)
        sink.start()
        assert log.flush(60)
        log.close()
        assert [verwerking for verwerking, _ in sink.recorded()] == [str(ids[0]), str(ids[2])]
        assert [record.status for record in Record.objects.using(database).all()] == [403]


def _of(verwerking: UUID, *, confidential: bool = False) -> Verwerkingsactie:
    vertrouwelijkheid = Vertrouwelijkheid.VERTROUWELIJK if confidential else Vertrouwelijkheid.NORMAAL
    return Verwerkingsactie(
        tijdstip="2024-04-05T14:35:42+01:00",
        verwerking_id=verwerking,
        vertrouwelijkheid=vertrouwelijkheid,
        verwerkte_objecten=actie(1).verwerkte_objecten,
    )


@contextmanager
def project(log: object, activiteiten: Activiteiten) -> Iterator[None]:
    with override_settings(VERWERKINGENLOGGING={"OIN": "00000001821002193000", "ACTIVITEITEN": activiteiten, "LOG": log}):
        yield


class TestCommands:
    def test_say_what_waits_and_bring_it_on(self, database: str, activiteiten: Activiteiten, capsys: pytest.CaptureFixture[str]) -> None:
        register = Register("Ophalen 2")
        log = make_log(database, register, max_age=900)
        with project(log, activiteiten):
            call_command("verwerkingen_status")
            assert "waiting   0 records\nrefused   0 records\nrelay     none\n" in capsys.readouterr().out
            log.log([actie(1), actie(2)])
            Record.objects.using(database).filter(id=Record.objects.using(database).earliest("id").id).update(moment="2020-01-01T00:00Z")
            with pytest.raises(SystemExit):
                call_command("verwerkingen_status")
            assert "longer than max_age" in capsys.readouterr().out
            call_command("verwerkingen_flush")
            with pytest.raises(SystemExit):
                call_command("verwerkingen_status", json=True)
            (status,) = json.loads(capsys.readouterr().out)
            assert (status["database"], status["waiting"], status["refused"]) == (database, 0, 1)
            assert status["alarms"] == ["1 records were refused"]
            register.refuses.clear()
            call_command("verwerkingen_retry")
            assert "1 records are put back" in capsys.readouterr().out
            register.failure = LogUnavailable("away")
            with pytest.raises(CommandError, match="1 records wait"):
                call_command("verwerkingen_flush", timeout=0.1)

    def test_name_what_is_wrong_with_the_settings(self, database: str, activiteiten: Activiteiten) -> None:
        with project(MemoryLog(), activiteiten), pytest.raises(CommandError, match=r'"LOG"\] gives a MemoryLog'):
            call_command("verwerkingen_status")
        with project(None, activiteiten), pytest.raises(CommandError, match="LOG"):
            call_command("verwerkingen_status")
        for command in ("verwerkingen_flush", "verwerkingen_deliver"):
            with project(DjangoLog(database=database), activiteiten), pytest.raises(CommandError, match="deliver_to"):
                call_command(command)

    def test_say_what_to_do_where_the_tables_are_missing(self, database: str, activiteiten: Activiteiten) -> None:
        with connections[database].cursor() as cursor:
            cursor.execute("DROP TABLE verwerkingenlogging_record")
        with project(DjangoLog(MemoryLog(), database=database), activiteiten):
            for command in ("verwerkingen_status", "verwerkingen_retry", "verwerkingen_flush"):
                with pytest.raises(CommandError, match=r"Error: .*verwerkingenlogging_record.* run: manage\.py migrate"):
                    call_command(command, **({"timeout": 0.1} if command == "verwerkingen_flush" else {}))


class TestDeliverCommand:
    """In processes of their own, over a real register."""

    @pytest.mark.timeout(400)  # on a busy machine each start takes long
    @pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
    def test_the_next_takes_over_from_one_that_was_killed_and_sigterm_ends_it(self, tmp_path: Path, kind: str) -> None:
        with place(kind, tmp_path) as (database, _), register(tmp_path) as sink:
            environ = {
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "crash.django_settings",
                "CRASH_DJANGO": json.dumps({"database": database, "address": sink.address, "token": sink.token}),
            }

            def command(*arguments: str) -> subprocess.Popen[bytes]:
                return subprocess.Popen([sys.executable, "-m", "django", *arguments], env=environ, stdout=subprocess.PIPE)

            assert b"verwerkingenlogging.0001_records... OK" in _output(command("migrate"))
            first = command("verwerkingen_deliver")
            assert first.stdout is not None
            assert first.stdout.readline() == b"delivering from default, until SIGTERM or Ctrl-C\n"
            wait_until(lambda: f":{first.pid}\n".encode() in _output(command("verwerkingen_status")))
            second = command("verwerkingen_deliver")
            first.kill()
            first.wait()
            wait_until(lambda: f":{second.pid}\n".encode() in _output(command("verwerkingen_status")))
            second.send_signal(signal.SIGTERM)
            assert second.wait(LONG) == 0
            assert b"relay     none" in _output(command("verwerkingen_status"))
            for process in (first, second):
                _output(process)


def _output(process: subprocess.Popen[bytes]) -> bytes:
    return process.communicate(timeout=LONG)[0]


class TestWorker:
    """A thread of the application, from the first request that a server hands to the process."""

    @pytest.fixture
    def log(self, database: str) -> Iterator[DjangoLog]:
        log = make_log(database, Register(), worker=True)
        yield log
        log.close(LONG)

    def test_begins_with_a_request_of_a_server_and_only_once(self, log: DjangoLog, database: str) -> None:
        log.log([actie(1)])
        request_started.send(sender=WSGIHandler)
        assert not _workers()  # it was not told to
        log.start()
        assert not _workers()  # a server may fork yet
        request_started.send(sender=ClientHandler)
        assert not _workers()  # no server
        for _ in range(2):
            request_started.send(sender=WSGIHandler)
        assert len(_workers()) == 1
        log.start()
        request_started.send(sender=WSGIHandler)
        assert len(_workers()) == 1  # it runs already
        wait_until(lambda: not records(database))
        log.close(LONG)
        assert not _workers()
        request_started.send(sender=WSGIHandler)
        assert not _workers()

    def test_begins_anew_in_a_child(self, log: DjangoLog, database: str) -> None:
        log.start()
        request_started.send(sender=WSGIHandler)
        assert len(_workers()) == 1
        log.close(LONG)  # and with it its connection: Django's is not to be carried over a fork
        log.start()
        for connection in connections.all(initialized_only=True):
            connection.close()
        child = os.fork()
        if child == 0:
            try:
                request_started.send(sender=WSGIHandler)
                begun = len(_workers())
                log.close(LONG)
                os._exit(0 if begun == 1 else 1)
            except BaseException:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        assert not _workers()

    def test_begins_anew_in_a_child_of_which_nobody_told_python(self, log: DjangoLog, monkeypatch: pytest.MonkeyPatch) -> None:
        """As if this were the child. Its parent's thread is not there, though it looks as if it ran."""
        log.start()
        request_started.send(sender=WSGIHandler)
        (thread,) = _workers()
        running = log._worker._running if log._worker is not None else None
        assert running is not None
        running[0].stopping.set()
        thread.join(LONG)
        monkeypatch.setattr(process, "known", 0)
        process.check()
        request_started.send(sender=WSGIHandler)
        assert len(_workers()) == 1

    def test_begins_nowhere_where_no_thread_goes_on_by_itself(
        self, log: DjangoLog, uwsgi: ModuleType, caplog: pytest.LogCaptureFixture
    ) -> None:
        vars(uwsgi).update(has_threads=0, worker_id=lambda: 1)
        log.start()
        for _ in range(2):
            request_started.send(sender=WSGIHandler)
        assert not _workers()
        (message,) = [record.message for record in caplog.records]
        assert re.search(r"nothing is delivered by this process: uWSGI .*--enable-threads, or run: manage.py verwerkingen_deliver", message)

    def test_must_know_whereto(self, database: str) -> None:
        with pytest.raises(ConfigurationError, match="worker=True delivers, so deliver_to must be given"):
            DjangoLog(database=database, worker=True)

    def test_without_one_there_is_nothing_to_begin(self, database: str) -> None:
        log = make_log(database, Register())
        log.start()
        request_started.send(sender=WSGIHandler)
        assert not _workers()
        log.close(LONG)


def _workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "verwerkingenlogging-django"]
