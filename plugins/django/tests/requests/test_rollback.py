"""What could not be recorded is not committed, also where the application catches the error and goes on."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connections, transaction
from django.db.transaction import TransactionManagementError
from django.http import HttpRequest, HttpResponse
from django.test import TestCase
from django.urls import path
from plugins.django.tests.conftest import Asking, Project
from plugins.django.tests.databases import Make, change, changes, records

from verwerkingenlogging import LogUnavailable, MemoryLog, NotRecorded, gevonden, persoon, recording, verwerkingsactie
from verwerkingenlogging_django import DjangoLog
from verwerkingenlogging_django.settings import recorder

BSN = "2308572"


@verwerkingsactie("Zoeken personen", activiteit="brp", objecten=gevonden(lambda found: found))
def search() -> list[str]:
    return [BSN]


@verwerkingsactie("Zoeken personen", activiteit="brp", objecten=gevonden(lambda found: found))
async def asearch() -> list[str]:
    return [BSN]


def searched() -> object:
    with suppress(Exception):
        return search()
    return "eaten"


def nested(alias: str) -> None:
    with transaction.atomic(using=alias):
        change(alias, 2)
        with transaction.atomic(using=alias):
            searched()


def without_savepoint(alias: str) -> None:
    with transaction.atomic(using=alias, savepoint=False):
        searched()


def in_a_thread(alias: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(contextvars.copy_context().run, searched).result()


def in_a_thread_under_a_savepoint(alias: str) -> None:
    with transaction.atomic(using=alias):
        change(alias, 2)
        in_a_thread(alias)


def in_asynchronous_code(alias: str) -> None:
    with suppress(NotRecorded):
        async_to_sync(asearch)()


def goes_on(alias: str) -> None:
    searched()
    with suppress(TransactionManagementError):
        change(alias, 3)


WAYS: list[Callable[[str], Any]] = [
    lambda alias: searched(),
    nested,
    without_savepoint,
    in_a_thread,
    in_a_thread_under_a_savepoint,
    in_asynchronous_code,
    goes_on,
]


@pytest.mark.parametrize("way", WAYS)
def test_a_row_is_not_committed_when_its_record_fails_and_the_error_is_eaten(
    project: Project, ask: Asking, log: MemoryLog, make: Make, way: Callable[[str], Any]
) -> None:
    """A1: ATOMIC_REQUESTS, a POST, whoever was found."""
    alias = make(ATOMIC_REQUESTS=True)

    def view(request: HttpRequest) -> HttpResponse:
        change(alias, 1)
        way(alias)
        return HttpResponse("saved")

    project(path("", view), log=log)
    log.failure = LogUnavailable("down")
    assert ask("/", "POST").status_code == 503
    assert changes(alias) == []
    log.failure = None
    assert (ask("/", "POST").text, changes(alias)[0]) == ("saved", 1)


def test_a_block_of_its_own_is_rolled_back_on_every_database(project: Project, ask: Asking, log: MemoryLog, make: Make) -> None:
    one, two = make("eigen"), make("ander")

    def view(request: HttpRequest) -> HttpResponse:
        with transaction.atomic(using=one), transaction.atomic(using=two):
            change(one, 1)
            change(two, 1)
            searched()
        with transaction.atomic(using=one):
            change(one, 2)  # begun after it, and no part of it
        return HttpResponse("saved")

    project(path("", view), log=log)
    log.failure = LogUnavailable("down")
    assert ask("/", "POST").status_code == 503
    assert (changes(one), changes(two)) == ([2], [])


def test_so_is_what_is_not_committed_by_django_itself(project: Project, log: MemoryLog, database: str) -> None:
    project(log=log)
    connection = connections[database]
    with recording(recorder()):
        for failure in (LogUnavailable("down"), None):
            log.failure = failure
            connection.set_autocommit(False)
            change(database, 1)
            searched()
            connection.commit()
            connection.set_autocommit(True)
    assert changes(database) == [1]


def test_a_connection_that_cannot_roll_back_is_closed(project: Project, log: MemoryLog, kind: str, database: str) -> None:
    if kind != "postgresql":
        pytest.skip("SQLite has no connection to lose")
    project(log=log)
    log.failure = LogUnavailable("down")
    connection = connections[database]
    with recording(recorder()):
        connection.set_autocommit(False)
        change(database, 1)
        connection.connection.close()
        searched()
    assert connection.connection is None


def test_a_job_is_rolled_back_as_a_request_is(project: Project, log: MemoryLog, database: str) -> None:
    project(log=log)
    log.failure = LogUnavailable("down")
    with recording(recorder()), transaction.atomic(using=database):
        change(database, 1)
        searched()
    assert changes(database) == []


def test_somebody_elses_transaction_is_committed(project: Project, log: MemoryLog, database: str) -> None:
    """Another thread asks before it commits, and its own request did not fail."""
    project(log=log)

    def other() -> None:
        with recording(recorder()), suppress(NotRecorded):
            search()

    log.failure = LogUnavailable("down")
    with recording(recorder()), transaction.atomic(using=database), transaction.atomic(using=database), ThreadPoolExecutor(1) as pool:
        change(database, 1)
        for _ in range(2):
            pool.submit(other).result()
    with transaction.atomic(using=database), ThreadPoolExecutor(1) as pool:
        change(database, 2)
        pool.submit(other).result()
    assert changes(database) == [1, 2]
    assert "commit" not in vars(connections[database])


@pytest.mark.parametrize("way", [*WAYS[:2], *WAYS[3:]])
def test_a_test_case_of_the_users_goes_on(project: Project, log: MemoryLog, database: str, way: Callable[[str], Any]) -> None:
    """What stood in the test's own transaction before the request stays, and can be asked."""

    class Case(TestCase):
        databases = {database}  # noqa: RUF012  # Django's own way

        def test(self) -> None:
            change(database, 7)
            with recording(recorder()):
                searched()
                with transaction.atomic(using=database):
                    change(database, 1)
                    way(database)
            assert changes(database) == [7]

    project(log=log)
    log.failure = LogUnavailable("down")
    result = Case("test").run()
    assert result is not None
    assert (result.failures, result.errors) == ([], [])


def test_what_the_client_left_out_commits_nothing_either(project: Project, ask: Asking, log: MemoryLog, make: Make) -> None:
    alias = make(ATOMIC_REQUESTS=True)

    @verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("request.POST.bsn"))
    def read(request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.POST["bsn"])

    def view(request: HttpRequest) -> HttpResponse:
        change(alias, 1)
        with suppress(NotRecorded):
            read(request)
        return HttpResponse("saved")

    project(path("", view), log=log)
    assert (ask("/", "POST").status_code, changes(alias)) == (400, [])


def test_with_a_log_in_the_same_database_neither_is_there(project: Project, ask: Asking, make: Make) -> None:
    alias = make(ATOMIC_REQUESTS=True)

    @verwerkingsactie("Zoeken personen", activiteit="brp", objecten=gevonden(lambda found: [object()]))
    def wrong() -> list[str]:
        return [BSN]

    def view(request: HttpRequest) -> HttpResponse:
        change(alias, 1)
        search()
        with suppress(NotRecorded):
            wrong()
        return HttpResponse("saved")

    project(path("", view), log=DjangoLog(database=alias))
    assert (ask("/", "POST").status_code, changes(alias), records(alias)) == (503, [], [])
