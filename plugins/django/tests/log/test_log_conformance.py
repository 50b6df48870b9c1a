"""The conformance suite of the core, unchanged, over the log in the database: what is in it, and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connections
from plugins.django.tests.databases import records
from tests.conformance import Stored, VerwerkingenlogConformance

from verwerkingenlogging import MemoryLog, Verwerkingsactie
from verwerkingenlogging_django import DjangoLog

_REFUSE = {
    "sqlite": ["CREATE TRIGGER kapot BEFORE INSERT ON verwerkingenlogging_record BEGIN SELECT RAISE(ABORT, 'kapot'); END"],
    # A database that repeats what it was given, as databases do in their errors.
    "postgresql": [
        "CREATE FUNCTION kapot() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%', encode(NEW.body, 'escape'); END $$",
        "CREATE TRIGGER kapot BEFORE INSERT ON verwerkingenlogging_record FOR EACH ROW EXECUTE FUNCTION kapot()",
    ],
}


def refuse_records(alias: str) -> None:
    """Let the database refuse every further record."""
    with connections[alias].cursor() as cursor:
        for statement in _REFUSE[connections[alias].vendor]:
            cursor.execute(statement)


class TestDjangoLog(VerwerkingenlogConformance):
    @pytest.fixture
    def log(self, database: str) -> DjangoLog:
        return DjangoLog(database=database)

    @pytest.fixture
    def stored(self, database: str) -> Stored:
        return lambda: records(database)

    @pytest.fixture
    def break_it(self, database: str) -> Callable[[], None]:
        return lambda: refuse_records(database)


class TestDjangoLogDelivered(VerwerkingenlogConformance):
    """The same, looked at where it is delivered to."""

    @pytest.fixture
    def memory(self) -> MemoryLog:
        return MemoryLog()

    @pytest.fixture
    def log(self, database: str, memory: MemoryLog) -> DjangoLog:
        return DjangoLog(memory, database=database)

    @pytest.fixture
    def stored(self, log: DjangoLog, memory: MemoryLog) -> Stored:
        def stored() -> list[Verwerkingsactie]:
            assert log.flush(30)
            return memory.acties

        return stored

    @pytest.fixture
    def break_it(self, database: str) -> Callable[[], None]:
        return lambda: refuse_records(database)
