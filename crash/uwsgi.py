"""Starts uWSGI with a Django project many times, asks it, stops it, and compares what was answered with what the register has.

uWSGI loads the application in one process and forks in C, of which Python hears nothing: ids, locks, connections and threads of the
process that loaded would be shared by all workers.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers import BIN, free_port

from crash.receivers import Sink
from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging.logs.outbox import OutboxLog

__all__ = ["FLAGS", "LOGS", "Result", "starts"]

LOGS = ("outbox", "django", "api")
_MODULE = "crash.uwsgi_project"
_LIKE_OPEN_FORMS = (
    "--strict --http-keepalive --manage-script-name --mount /={module}:application --enable-threads --single-interpreter "
    "--die-on-term --need-app --processes 4 --buffer-size=65535 "
)
FLAGS: Mapping[str, str] = {
    "its defaults": "--module {module} --processes 4",
    "--master": "--module {module} --processes 4 --master",
    "--enable-threads": "--module {module} --processes 4 --master --enable-threads",
    "--threads 4": "--module {module} --processes 4 --master --threads 4",
    "--lazy-apps": "--module {module} --processes 4 --master --lazy-apps",
    "--py-call-osafterfork": "--module {module} --processes 4 --master --enable-threads --py-call-osafterfork",
    "as Open Zaak": _LIKE_OPEN_FORMS + "--threads 4 --max-requests 1000",
    "as Open Forms": _LIKE_OPEN_FORMS + "--threads 1 --master --post-buffering=8192",
    "as Open Inwoner": "--strict --module {module} --http-keepalive --lazy-apps --master --processes 4 --threads 8 --die-on-term "
    "--single-interpreter --enable-threads --harakiri 125 --max-requests 100 --post-buffering=8192 --buffer-size=65535",
}
"""What uWSGI is started with. The last three are what the start scripts of those applications give, in November 2026."""
_WORKERS = 4
_CONNECTIONS = 12
_REQUESTS = 80
_LOADING_SECONDS = 120.0
_PATIENCE_SECONDS = 60.0
"""For all that is asked, and for the server to stop. It is a machine's, not the server's: nothing hangs on how long it takes."""
_DELIVERY_SECONDS = 60.0
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of it.

    Attributes:
        starts: how often the server was started.
        answered: requests that were answered as they should.
        unanswered: requests that got no answer, or another.
        idle: workers, over all starts, that never answered anything.
        shared: answers whose id another answer had too.
        lost: ids that were answered and are not in the register.
        doubled: ids that are there more than once.
        undelivered: starts after which something still waited, or was refused.
        unstopped: starts of which the server had to be killed.
    """

    starts: int
    answered: int
    unanswered: int
    idle: int
    shared: int
    lost: int
    doubled: int
    undelivered: int
    unstopped: int
    seconds: float

    @property
    def faultless(self) -> bool:
        """Whether nothing went wrong."""
        return not any((self.unanswered, self.idle, self.shared, self.lost, self.doubled, self.undelivered, self.unstopped))


def starts(log: str, flags: str, folder: Path, sink: Sink, *, number: int, database: Mapping[str, Any] | None = None) -> Result:
    """Start uWSGI that often with those ``flags``, such as one of ``FLAGS``, and that ``log``, one of ``LOGS``.

    ``database`` is Django's, which the log ``django`` needs.
    """
    begun = time.monotonic()
    sums: Counter[str] = Counter()
    ids: Counter[str] = Counter()
    given = {"log": log, "address": sink.address, "token": sink.token, "database": database if log == "django" else None}
    if log == "django":
        _manage(given, folder, "migrate")
    for _ in range(number):
        answers: list[tuple[int, str]] = []
        with _served(flags, {**given, "folder": str(folder)}, folder) as server:
            unanswered = _ask(server, answers)
            if unanswered:
                print((folder / "uwsgi").read_text(errors="replace")[-4000:], file=sys.stderr, flush=True)
            sums["unanswered"] += unanswered
        ids.update(verwerking for _, verwerking in answers)
        sums["answered"] += len(answers)
        sums["idle"] += _WORKERS - len({pid for pid, _ in answers})
        sums["unstopped"] += server.unstopped
        sums["undelivered"] += not _deliver(given, folder)
    recorded = Counter(verwerking for verwerking, _ in sink.recorded())
    return Result(
        starts=number,
        answered=sums["answered"],
        unanswered=sums["unanswered"],
        idle=sums["idle"],
        shared=sum(count for count in ids.values() if count > 1),
        lost=len(ids.keys() - recorded.keys()),
        doubled=sum(count > 1 for count in recorded.values()),
        undelivered=sums["undelivered"],
        unstopped=sums["unstopped"],
        seconds=time.monotonic() - begun,
    )


@dataclass(slots=True)
class _Server:
    """A uWSGI that runs, and whether it had to be killed in the end."""

    process: subprocess.Popen[bytes]
    port: int
    unstopped: bool = False


@contextmanager
def _served(flags: str, given: Mapping[str, Any], folder: Path) -> Iterator[_Server]:
    port = free_port()
    command = [
        os.environ.get("CRASH_UWSGI_PROGRAM", str(BIN / "uwsgi")),
        "--http",
        f"127.0.0.1:{port}",
        *flags.format(module=_MODULE).split(),
    ]
    with (folder / "uwsgi").open("ab") as output:
        process = subprocess.Popen(  # noqa: S603  # our own command
            command, cwd=Path(__file__).parents[1], env=_environ(given), stdout=output, stderr=output, start_new_session=True
        )
        server = _Server(process, port)
        try:
            yield server
            os.kill(process.pid, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE_SECONDS)
        finally:
            if process.poll() is None:
                server.unstopped = True
            with contextlib.suppress(ProcessLookupError):  # whoever is left of it, too
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _ask(server: _Server, answers: list[tuple[int, str]]) -> int:
    """Ask until every worker has answered and there are so many answers; gives how many requests had none."""
    if not _first_answer(server, answers, time.monotonic() + _LOADING_SECONDS):
        return 1
    deadline = time.monotonic() + _PATIENCE_SECONDS
    failures: list[Exception] = []

    def ask() -> None:
        while not failures and time.monotonic() < deadline and (len(answers) < _REQUESTS or len({pid for pid, _ in answers}) < _WORKERS):
            try:
                _get(server.port, answers, deadline - time.monotonic())
            except (OSError, http.client.HTTPException, ValueError) as error:
                failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(_CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(failures)


def _first_answer(server: _Server, answers: list[tuple[int, str]], deadline: float) -> bool:
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            _get(server.port, answers, deadline - time.monotonic())
        except ConnectionRefusedError:
            time.sleep(0.02)
        except (OSError, http.client.HTTPException, ValueError):
            return False
        else:
            return True
    return False


def _get(port: int, answers: list[tuple[int, str]], timeout: float) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=max(timeout, 0.1))
    with contextlib.closing(connection):
        connection.request("GET", "/002308572")
        response = connection.getresponse()
        body = json.loads(response.read())
        if response.status != _OK:
            raise ValueError(response.status)
        answers.append((body["pid"], body["verwerking"]))


def _deliver(given: Mapping[str, Any], folder: Path) -> bool:
    """Deliver what the server left, as its next start would; gives whether nothing waits and nothing was refused."""
    if given["log"] == "django":
        return _manage(given, folder, "verwerkingen_flush", "verwerkingen_status")
    if given["log"] == "api":
        return True
    with OutboxLog(folder / "outbox", ApiLog(given["address"], token=given["token"], timeout=60)) as outbox:
        delivered = outbox.flush(_DELIVERY_SECONDS)
        return delivered and not outbox.status().refused


def _manage(given: Mapping[str, Any], folder: Path, *commands: str) -> bool:
    """Run commands of Django in a process of the project; gives whether all succeeded."""
    code = f"import crash.uwsgi_project, django.core.management as m; [m.call_command(name) for name in {commands!r}]"
    environ = _environ({**given, "folder": str(folder), "command": True})
    with (folder / "manage").open("ab") as output:
        done = subprocess.run(  # noqa: S603  # our own command
            [sys.executable, "-c", code], cwd=Path(__file__).parents[1], env=environ, stdout=output, stderr=output, check=False, timeout=120
        )
    return done.returncode == 0


def _environ(given: Mapping[str, Any]) -> Mapping[str, str]:
    theirs = {name: value for name, value in os.environ.items() if not name.startswith("UWSGI_")}  # which are options of its own
    return {**theirs, "CRASH_UWSGI": json.dumps(given)}
