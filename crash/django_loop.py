"""The loop for DjangoLog: a gunicorn whose views write a row and its record in one transaction, and a relay; both are killed.

At the end the rows of the application are laid beside what the register has of them: each row one record, each record one row.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2

from crash.outbox_loop import Loop, kill_group
from crash.receivers import processes, register
from crash.request_outcomes import changes, undone

__all__ = ["Result", "crash"]

_BSN = "002308572"
_WORKERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of it.

    Attributes:
        kills: how often the application's process group was killed.
        courier_kills: how often a courier was.
        acknowledged: requests that were answered.
        rows: changes that are in the application's database.
        lost: of those, how many have no record in the register; of what was read and answered, the same; and answered changes
            that are not there.
        unfounded: records of changes that are not there.
        doubled: requests with more than one record.
    """

    kills: int
    courier_kills: int
    acknowledged: int
    rows: int
    lost: int
    unfounded: int
    doubled: int
    slowest_recovery: float
    seconds: float


def crash(
    folder: Path,
    *,
    kills: int,
    database: Mapping[str, Any],
    rows: Callable[[], Sequence[str]],
    lives: tuple[float, float] = (0.1, 0.5),
) -> Result:
    """Kill a Django application on that database that often, each after a random time between ``lives``, in seconds, under load.

    ``rows`` gives the ids that are in its table afterwards.
    """
    with register(folder) as sink:
        given = json.dumps({"database": dict(database), "address": sink.address, "token": sink.token})
        output = folder / "output"
        if _run(_prepare, given, output):
            raise AssertionError(output.read_text())
        loop = _Loop(given, output, lives)
        started = time.monotonic()
        with _Couriers(given, output) as couriers:
            asyncio.run(loop.run(kills))
        if _run(_flush, given, output):
            raise AssertionError(output.read_text()[-4000:])
        recorded = Counter(UUID(verwerking) for verwerking, _ in sink.recorded())
        base = loop.compare(Counter(), kills, time.monotonic() - started)
        return _compared({UUID(one) for one in loop.acknowledged}, {UUID(row) for row in rows()}, recorded, base, couriers.kills)


def _compared(answered: set[UUID], rows: set[UUID], recorded: Counter[UUID], base: Any, courier_kills: int) -> Result:
    missing = {one for one in answered if changes(one) and not undone(one)} - rows
    unread = {one for one in answered if not changes(one)} - recorded.keys()
    return Result(
        kills=base.kills,
        courier_kills=courier_kills,
        acknowledged=len(answered),
        rows=len(rows),
        lost=len(rows - recorded.keys()) + len(missing) + len(unread),
        unfounded=len({one for one in recorded if changes(one)} - rows),
        doubled=sum(count > 1 for count in recorded.values()),
        slowest_recovery=base.slowest_recovery,
        seconds=base.seconds,
    )


class _Loop(Loop):
    def __init__(self, given: str, output: Path, lives: tuple[float, float]) -> None:
        super().__init__(output, lives)
        self._given = given
        self._output_path = output

    def start(self, listening: socket.socket) -> multiprocessing.process.BaseProcess:
        process = processes.Process(target=_serve, args=(self._given, self._output_path, listening))
        process.start()
        return process

    async def ask(self, http: httpx2.AsyncClient, verwerking: str) -> httpx2.Response:
        return await http.request("POST" if changes(UUID(verwerking)) else "GET", f"/{_BSN}/{verwerking}")


class _Couriers:
    """Two of them, one of which is killed now and then."""

    def __init__(self, given: str, output: Path) -> None:
        self._given = given
        self._output = output
        self._stopping = threading.Event()
        self._running: list[multiprocessing.process.BaseProcess] = []
        self._thread = threading.Thread(target=self._run)
        self.kills = 0

    def __enter__(self) -> _Couriers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        for process in self._running:
            kill_group(process)

    def _run(self) -> None:
        while not self._stopping.is_set():
            while len(self._running) < 2:  # noqa: PLR2004  # two of them
                process = processes.Process(target=_deliver, args=(self._given, self._output))
                process.start()
                self._running.append(process)
            self._stopping.wait(random.uniform(0.5, 2.0))  # noqa: S311  # no secret
            kill_group(self._running.pop(random.randrange(2)))  # noqa: S311  # no secret
            self.kills += 1


def _run(target: Callable[[str, Path], None], given: str, output: Path) -> int:
    process = processes.Process(target=target, args=(given, output))
    process.start()
    process.join()
    return int(process.exitcode or 0)


def _begin(given: str, output: Path) -> None:
    """Make this process one of the Django project."""
    os.setpgid(0, 0)
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.environ |= {"CRASH_DJANGO": given, "DJANGO_SETTINGS_MODULE": "crash.django_settings"}
    import django  # noqa: PLC0415  # it may be another project's in the process that this module is imported in

    django.setup()


def _prepare(given: str, output: Path) -> None:
    _begin(given, output)
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE regel (verwerking char(36))")


def _deliver(given: str, output: Path) -> None:
    _begin(given, output)
    from django.core.management import call_command  # noqa: PLC0415

    call_command("verwerkingen_deliver")


def _flush(given: str, output: Path) -> None:
    _begin(given, output)
    from django.core.management import call_command  # noqa: PLC0415

    call_command("verwerkingen_flush", timeout=120.0)


def _serve(given: str, output: Path, listening: socket.socket) -> None:
    _begin(given, output)
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415
    from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # noqa: PLC0415  # it has no types

    descriptor = listening.detach()

    class Application(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
        def load_config(self) -> None:
            for name, value in {
                "bind": f"fd://{descriptor}",
                "workers": _WORKERS,
                "loglevel": "warning",
                "control_socket_disable": True,
            }.items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)

        def load(self) -> Any:
            return get_wsgi_application()

    Application().run()
