"""Committed is logged, and logged is committed: whatever blocks, savepoints, exceptions and rollbacks a program is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plugins.django.tests.conftest import Asking, Project
from plugins.django.tests.databases import Make, change, changes, records
from tests.conformance import actie

from verwerkingenlogging import NotRecorded, log_actie, persoon, verwerkingsactie
from verwerkingenlogging_django import DjangoLog
from verwerkingenlogging_django.transactions import changing, reading

DATABASES = ("eigen", "archief")


@dataclass(frozen=True)
class Change:
    """A change in one of the databases, with its record before or after it, and something for when it is committed."""

    database: str
    first: bool


@dataclass(frozen=True)
class Read:
    """Something is read."""


@dataclass(frozen=True)
class Block:
    """A transaction, or what is one inside another; whoever is around it goes on when it fails."""

    database: str
    steps: tuple[Step, ...]
    ends: str
    savepoint: bool
    durable: bool


Step = Change | Read | Block


class Undo(Exception):
    """The application's own."""


databases = st.sampled_from(DATABASES)
simple = st.builds(Change, databases, st.booleans()) | st.just(Read())
steps = st.recursive(
    simple,
    lambda inner: st.builds(
        Block,
        databases,
        st.lists(inner, max_size=4).map(tuple),
        st.sampled_from(["well", "well", "raise", "set_rollback"]),
        st.booleans(),
        st.sampled_from([False, False, False, True]),
    ),
    max_leaves=12,
)


class Program:
    """Runs steps, and remembers what was recorded of reading, and what was told of commits."""

    def __init__(self) -> None:
        self.log = DjangoLog(database=DATABASES[0], databases=DATABASES)
        self.numbers = count(1)
        self.read: list[int] = []
        self.told: dict[str, list[int]] = {database: [] for database in DATABASES}

    def run(self, steps: Sequence[Step]) -> None:
        for step in steps:
            match step:
                case Change():
                    self.change(step)
                case Read():
                    self.reads()
                case Block():
                    # A durable block inside another is a RuntimeError of Django's; a broken transaction one of its own.
                    with suppress(Undo, NotRecorded, RuntimeError, transaction.TransactionManagementError):
                        self.block(step)

    def change(self, step: Change) -> None:
        number = next(self.numbers)
        changed: list[Callable[[], None]] = [lambda: self.log.log([actie(number)]), lambda: change(step.database, number)]
        transaction.on_commit(lambda: self.told[step.database].append(number), using=step.database)
        with changing(using=step.database):
            for do in changed if step.first else reversed(changed):
                do()

    def reads(self) -> None:
        number = next(self.numbers)
        with reading():
            self.log.log([actie(number)])
        self.read.append(number)

    def block(self, step: Block) -> None:
        with transaction.atomic(using=step.database, savepoint=step.savepoint, durable=step.durable):
            self.run(step.steps)
            if step.ends == "raise":
                raise Undo
            if step.ends == "set_rollback":
                transaction.set_rollback(True, using=step.database)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(steps, min_size=1, max_size=5))
def check(program: list[Step]) -> None:
    for database in DATABASES:
        with connections[database].cursor() as cursor:
            cursor.execute("DELETE FROM regel")
            cursor.execute("DELETE FROM verwerkingenlogging_record")
    running = Program()
    with suppress(NotRecorded):  # on SQLite, of reading where nothing is around that goes on
        running.run(program)
    logged = {database: [int((one.actie_naam or "").split()[1]) for one in records(database)] for database in DATABASES}
    for database in DATABASES:
        read = running.read if database == DATABASES[0] else []
        assert sorted(logged[database]) == sorted([*changes(database), *read])
        committed = set(changes(database))
        assert committed <= set(running.told[database])  # in autocommit Django tells at once
    assert set(running.read) <= set(logged[DATABASES[0]])


def test_committed_is_logged_and_what_was_read_stays(make: Make, kind: str) -> None:
    for alias in DATABASES:
        make(alias, **({"OPTIONS": {"timeout": 0.0}} if kind == "sqlite" else {}))  # who waits there waits for itself
    check()


@verwerkingsactie("Vastleggen", activiteit="brp", objecten=persoon("bsn"))
def keep(request: HttpRequest, bsn: str) -> HttpResponse:
    change("eigen", int(bsn))
    if "raise" in request.GET:
        raise Undo
    if "refuse" in request.GET:
        raise NotRecorded("a later step")
    return HttpResponse()


@verwerkingsactie("Ophalen", activiteit="brp", objecten=persoon("bsn"))
def look(request: HttpRequest, bsn: str) -> HttpResponse:
    log_actie("Nakijken", objecten=bsn)
    raise Undo


def test_atomic_requests_undoes_a_change_with_its_record_and_keeps_what_was_read(make: Make, project: Project) -> None:
    alias = make(ATOMIC_REQUESTS=True)
    project(path("keep/<bsn>", keep), path("look/<bsn>", look), log=DjangoLog(database=alias))
    ask = Asking("wsgi")
    for number, query, status in ((1, "", 200), (2, "?raise=1", 500), (3, "?refuse=1", 503)):
        assert _status(ask, f"/keep/{number}{query}", "POST") == status
    assert _status(ask, "/look/4", "GET") == 500
    assert changes(alias) == [1]
    assert [(one.actie_naam, one.verwerkte_objecten[0].object_id) for one in records(alias)] == [
        ("Vastleggen", "1"),
        ("Ophalen", "4"),
        ("Nakijken", "4"),
    ]


def _status(ask: Asking, path: str, method: str) -> int:
    return ask(path, method).status_code


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_costs_one_query_more(make: Make, project: Project, method: str) -> None:
    alias = make()

    def plain(request: HttpRequest, bsn: str) -> HttpResponse:
        change(alias, 1)
        return HttpResponse()

    annotated = verwerkingsactie("Ophalen", activiteit="brp", objecten=persoon("bsn"))(plain)
    project(path("plain/<bsn>", plain), path("logged/<bsn>", annotated), log=DjangoLog(database=alias))
    from django.test.utils import CaptureQueriesContext

    ask = Asking("wsgi")
    counted: list[int] = []
    noted = []

    def count(execute: Any, *args: Any) -> Any:
        counted[-1] += 1
        return execute(*args)

    for where in ("plain", "logged", "logged"):
        counted.append(0)
        with connections[alias].execute_wrapper(count), CaptureQueriesContext(connections[alias]) as queries:
            assert ask(f"/{where}/1", method).status_code == 200
        noted.append(len(queries))
    assert counted == [1, 2, 2]
    assert noted == [1, 1, 1]  # a test of the application that counts its queries goes on as before
