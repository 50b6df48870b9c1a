"""``python -m crash [register] [application] [django] [uwsgi]``: the long run; results are in ``bench/results``.

``KILLS`` is how many of each, ``STARTS`` how many of uWSGI; ``CRASH_FLAGS`` and ``CRASH_LOGS`` name some of its kinds, split by commas,
and ``CRASH_UWSGI_PROGRAM`` is another build of it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from plugins.register.tests.clusters import OWNER, SERVER, Cluster, binaries

from crash import django_loop, outbox_loop, uwsgi
from crash.databases import place
from crash.receivers import register
from crash.register_loop import Result, crash
from verwerkingenlogging_register import Settings
from verwerkingenlogging_register._database import postgresql
from verwerkingenlogging_register._database.engines import prepare
from verwerkingenlogging_register._keys.key_file import init_keys

RESULTS = Path("bench") / "results"
# OpenTelemetry sends every five seconds. Its processes live longer than that, or it would lose all that it is given.
_LONG_LIVES = (1.0, 12.0)
_LONG_LIVED = 50


def main(parts: Sequence[str]) -> int:
    """Run ``parts``, or all; the exit status is 1 when anything of ours was lost or doubled."""
    kills = int(os.environ.get("KILLS", "1000"))
    known = {"application": _application, "django": _django, "register": _register, "uwsgi": _uwsgi}
    return max([known[part](kills) for part in parts or known])


def _register(kills: int) -> int:
    results: dict[str, Result] = {}
    for name in ("sqlite", *binaries()):
        with tempfile.TemporaryDirectory() as folder:
            results[name] = _on_sqlite(Path(folder), kills) if name == "sqlite" else _on_postgresql(Path(folder), binaries()[name], kills)
        print(f"{name}: {results[name]}", flush=True)
    _keep("crash-register", results)
    return int(any(result.lost or result.doubled for result in results.values()))


def _application(kills: int) -> int:
    results: dict[str, outbox_loop.Result] = {}
    few = max(4, kills // _LONG_LIVED)
    for name, kind, number, lives in (
        ("outbox, power-safe", "power", kills, None),
        ("outbox, process-safe", "process", kills, None),
        ("outbox, power-safe, long lives", "power", few, _LONG_LIVES),
        ("OpenTelemetry's batch processor, long lives", outbox_loop.OTEL, few, _LONG_LIVES),
    ):
        with tempfile.TemporaryDirectory() as folder:
            results[name] = outbox_loop.crash(kind, Path(folder), kills=number, **({"lives": lives} if lives else {}))
        print(f"{name}: {results[name]}", flush=True)
    _keep("crash-outbox", results)
    return int(any(result.lost or result.doubled for name, result in results.items() if name.startswith("outbox")))


def _django(kills: int) -> int:
    results: dict[str, django_loop.Result] = {}
    for kind in ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory() as folder, place(kind, Path(folder)) as (database, rows):
            results[kind] = django_loop.crash(Path(folder), kills=kills, database=database, rows=rows)
        print(f"DjangoLog on {kind}: {results[kind]}", flush=True)
    _keep("crash-django", results)
    return int(any(result.lost or result.unfounded or result.doubled for result in results.values()))


def _uwsgi(_: int) -> int:
    results: dict[str, uwsgi.Result] = {}
    number = int(os.environ.get("STARTS", "20"))
    for log in _some("CRASH_LOGS", uwsgi.LOGS):
        for flags in _some("CRASH_FLAGS", list(uwsgi.FLAGS)):
            with (
                tempfile.TemporaryDirectory() as folder,
                register(Path(folder)) as sink,
                place("postgresql", Path(folder)) as (database, _rows),
            ):
                result = uwsgi.starts(log, uwsgi.FLAGS[flags], Path(folder), sink, number=number, database=database)
            results[f"{log}, {flags}"] = result
            print(f"uWSGI, {log}, {flags}: {result}", flush=True)
            _keep("uwsgi", results)
    return int(not all(result.faultless for result in results.values()))


def _some(variable: str, known: Sequence[str]) -> Sequence[str]:
    named = os.environ.get(variable)
    return [name.strip() for name in named.split(",")] if named else known


def _keep(name: str, results: Mapping[str, Result | outbox_loop.Result | django_loop.Result | uwsgi.Result]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    report = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.platform(),
            "processors": os.cpu_count(),
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
        },
        "results": {name: dataclasses.asdict(result) for name, result in results.items()},
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _on_sqlite(folder: Path, kills: int) -> Result:
    settings = Settings(database=folder / "log.sqlite", keys=folder / "keys", log_inzage=False)
    init_keys(folder / "keys")
    prepare(settings.database)
    return crash(settings, settings.database, kills=kills, log=folder / "log")


def _on_postgresql(folder: Path, programs: Path, kills: int) -> Result:
    init_keys(folder / "keys")
    with closing(Cluster(programs)) as cluster:
        cluster.start()
        cluster.make_roles()
        name = cluster.make_database()
        postgresql.update(cluster.url(name, OWNER), server_role=SERVER, since=None)
        settings = Settings(database=cluster.url(name), keys=folder / "keys", log_inzage=False)
        return crash(settings, cluster.url(name, OWNER), kills=kills, log=folder / "log", cluster=cluster)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
