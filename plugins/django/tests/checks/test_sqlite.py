"""When SQLite is locked for a record of reading, tried with two connections, and what the checks say of it beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import OperationalError, connections, transaction
from plugins.django.tests.conftest import Project
from plugins.django.tests.databases import Make, change, changes, records
from tests.conformance import actie

from verwerkingenlogging import MemoryLog, NotRecorded
from verwerkingenlogging_django import DjangoLog
from verwerkingenlogging_django.checks import TAG
from verwerkingenlogging_django.transactions import changing, reading

BESIDE, WAL = "PRAGMA journal_mode=DELETE", "PRAGMA journal_mode=WAL"
READ, RECORD, WRITE = "read", "record", "write"

pytestmark = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)


def options(journal: str, mode: str | None = None) -> dict[str, Any]:
    return {"init_command": journal, "transaction_mode": mode, "timeout": 0.05}


def run(alias: str, steps: Sequence[str]) -> str | None:
    """A transaction of a view that takes these steps; gives at which it was locked, if at any."""
    step = "commit"
    try:
        with transaction.atomic(using=alias), reading():
            for step in steps:
                if step == READ:
                    changes(alias)
                elif step == WRITE:
                    change(alias, 1)
                else:
                    DjangoLog(database=alias).log([actie(1)])
    except (NotRecorded, OperationalError):
        return step
    return None


@pytest.mark.parametrize(
    ("steps", "with_wal", "without"),
    [
        ([RECORD, READ], None, None),
        ([READ, RECORD], None, RECORD),
        ([READ, RECORD, WRITE], WRITE, RECORD),
        ([WRITE, RECORD], RECORD, RECORD),
        ([RECORD, READ, WRITE], None, None),
    ],
    ids=str,
)
def test_it_is_locked_exactly_when_the_page_says(make: Make, steps: list[str], with_wal: str | None, without: str | None) -> None:
    assert run(make("wal", OPTIONS=options(WAL)), steps) == with_wal
    assert run(make("beside", OPTIONS=options(BESIDE)), steps) == without
    assert run(make("immediate", OPTIONS=options(WAL, "IMMEDIATE")), steps) == RECORD
    assert run(make("exclusive", OPTIONS=options(BESIDE, "EXCLUSIVE")), steps) == RECORD


@pytest.mark.parametrize(("journal", "mode"), [(WAL, None), (BESIDE, None), (WAL, "IMMEDIATE"), (BESIDE, "EXCLUSIVE")])
def test_what_changes_needs_no_second_connection(make: Make, journal: str, mode: str | None) -> None:
    alias = make(OPTIONS=options(journal, mode))
    with transaction.atomic(using=alias), changing():
        changes(alias)
        DjangoLog(database=alias).log([actie(1)])
        change(alias, 1)
    assert (len(records(alias)), changes(alias)) == (1, [1])


def found(*databases: str) -> list[str]:
    messages = [one for one in run_checks(tags=[TAG], databases=databases or None) if one.id in CODES]
    assert all(one.hint and "docs/reference/django.md" in one.hint for one in messages)
    return sorted(str(one.id) for one in messages)  # Django keeps its checks in a set


LOCKING, JOURNAL = CODES = ("verwerkingenlogging.W011", "verwerkingenlogging.W012")


@pytest.mark.parametrize(
    ("journal", "mode", "atomic", "expected"),
    [
        (WAL, None, True, []),
        (WAL, "immediate", True, [LOCKING]),
        (WAL, "DEFERRED", True, []),
        (BESIDE, None, True, [JOURNAL]),
        (BESIDE, "EXCLUSIVE", True, [LOCKING, JOURNAL]),
        (BESIDE, "EXCLUSIVE", False, []),
    ],
)
def test_the_checks_say_so_beforehand(
    make: Make, project: Project, journal: str, mode: str | None, atomic: bool, expected: list[str]
) -> None:
    alias = make(OPTIONS=options(journal, mode), ATOMIC_REQUESTS=atomic)
    project(log=DjangoLog(MemoryLog(), database=alias))
    assert found(alias) == expected


def test_a_database_that_cannot_be_reached_is_left_to_django(make: Make, project: Project, tmp_path: Path) -> None:
    alias = make(OPTIONS=options(BESIDE), ATOMIC_REQUESTS=True)
    project(log=DjangoLog(MemoryLog(), database=alias))
    connections[alias].close()
    connections[alias].settings_dict["NAME"] = str(tmp_path / "no" / "folder")
    assert found(alias) == []


def test_no_database_is_asked_that_is_not_named(make: Make, project: Project) -> None:
    alias = make(OPTIONS=options(BESIDE), ATOMIC_REQUESTS=True)
    project(log=DjangoLog(MemoryLog(), database=alias))
    assert found("default") == []


def test_another_log_or_none_is_no_business_of_theirs(project: Project, kind: str) -> None:
    project()
    assert found("default") == []
    project(oin="x")
    assert found("default") == []
