"""The rounds of one database: ``python -m bench.django.insert_worker <database as JSON>``.

For each line on its standard input, which says how many transactions, it runs that many of each kind and prints as JSON what one of
each kind took: seconds of processor, those of PostgreSQL's process that works for it included, and seconds by the clock. It stops at
the end of that input, so it never outlives who started it.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

from django.db import connection, transaction
from django.utils import timezone

from bench.django.project import configure
from bench.django.variants import Project
from bench.harness.full_record import make_recorder
from bench.harness.work import NotDoneError
from bench.outbox.records import Maker
from verwerkingenlogging import Verwerkingsactie
from verwerkingenlogging.model import wire_form

__all__ = ["CHANGE", "LOGGED", "RECORDED", "ROW", "main"]

CHANGE = "a change"
ROW = "and a row by Model.objects.create"
LOGGED = "and a record by DjangoLog, made before"
RECORDED = "and a record by DjangoLog, made and logged"

Kinds = dict[str, Callable[[], object]]


def main(database: str) -> None:
    """Measure until standard input ends. Raises NotDoneError when rows are missing."""
    configure(Project(apps=("verwerkingenlogging_django",)), {**json.loads(database), "CONN_MAX_AGE": None}, view="ophalen")
    from bench.django.models import Persoon  # noqa: PLC0415  # models can be imported now

    persoon = Persoon.objects.create(bsn="999999990", naam="Jansen")
    kinds = _kinds()
    backend = _backend()
    _round(kinds, persoon.pk, 30, backend)
    gc.collect()
    gc.freeze()
    print(json.dumps(None), flush=True)
    for number, line in enumerate(sys.stdin):
        shift = number % len(kinds)
        names = [*kinds][shift:] + [*kinds][:shift]
        print(json.dumps(_round({name: kinds[name] for name in names}, persoon.pk, int(line), backend)), flush=True)


def _kinds() -> Kinds:
    """What a transaction does beside its change."""
    from bench.django.models import Regel  # noqa: PLC0415
    from verwerkingenlogging_django import DjangoLog  # noqa: PLC0415

    log = DjangoLog()
    recorder = make_recorder(log)
    make = Maker(recorder)
    acties: tuple[Verwerkingsactie] = (make(),)
    body = wire_form(acties[0])
    return {
        CHANGE: lambda: None,
        ROW: lambda: Regel.objects.create(moment=timezone.now(), body=body),
        LOGGED: lambda: log.log(acties),
        RECORDED: lambda: recorder.record((make(),)),
    }


def _round(kinds: Kinds, person: int, transactions: int, backend: Path | None) -> dict[str, tuple[float, float]]:
    """What a transaction of each kind took. No garbage collection falls into it."""
    taken: dict[str, tuple[float, float]] = {}
    for name, kind in kinds.items():
        gc.collect()
        gc.disable()
        started, busy = perf_counter(), process_time() + _seconds(backend)
        for number in range(transactions):
            _transaction(kind, person, number)
        busy = process_time() + _seconds(backend) - busy
        taken[name] = busy / transactions, (perf_counter() - started) / transactions
        gc.enable()
        _empty(name, transactions)
    return taken


def _transaction(kind: Callable[[], object], person: int, number: int) -> None:
    from bench.django.models import Persoon  # noqa: PLC0415

    with transaction.atomic():
        Persoon.objects.filter(pk=person).update(naam=f"Jansen-{number}")
        kind()


def _empty(name: str, transactions: int) -> None:
    """Raises NotDoneError unless there is a row or a record of each transaction; then removes them, so that the tables stay small."""
    from bench.django.models import Regel  # noqa: PLC0415
    from verwerkingenlogging_django.models import Record  # noqa: PLC0415

    expected = {CHANGE: (0, 0), ROW: (transactions, 0), LOGGED: (0, transactions), RECORDED: (0, transactions)}[name]
    found = Regel.objects.count(), Record.objects.count()
    if found != expected:
        raise NotDoneError(f"{name}: {found[0]} rows and {found[1]} records of {transactions} transactions")
    Regel.objects.all().delete()
    Record.objects.all().delete()


def _backend() -> Path | None:
    """Where Linux says what PostgreSQL's process for this connection has used; nowhere for SQLite."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    path = Path(f"/proc/{pid}/schedstat")
    return path if path.exists() else None


def _seconds(backend: Path | None) -> float:
    """Exact while it waits for us; on another system than Linux left out."""
    return int(backend.read_text(encoding="ascii").split()[0]) / 1e9 if backend is not None else 0


if __name__ == "__main__":
    main(sys.argv[1])
