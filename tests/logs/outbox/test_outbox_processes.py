"""Every way in which Python is served: what was answered is in the register or in the outbox, and the next process delivers it.

Each model is loaded, told to stop in the middle of that (SIGTERM), and compared with what the register has in the end.
"""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from crash.receivers import SECRET, Sink
from tests.outbox import BSN, delivered, wait_until
from tests.servers import BIN, free_port, serving

from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging.logs.outbox import OutboxLog

ROOT = Path(__file__).parents[3]
_LOADED = 40

SERVERS = {
    "uvicorn": "uvicorn tests.outbox_app:app --port {port}",
    "uvicorn without lifespan": "uvicorn tests.outbox_app:app --port {port} --lifespan off",
    "uvicorn with workers": "uvicorn tests.outbox_app:app --port {port} --workers 2",
    "gunicorn": "gunicorn tests.outbox_app:wsgi --bind 127.0.0.1:{port} --workers 2",
    "gunicorn, preloaded, with threads": "gunicorn tests.outbox_app:wsgi --bind 127.0.0.1:{port} --workers 2 --threads 4 --preload",
    "gunicorn, preloaded, with gevent": "gunicorn tests.outbox_app:wsgi --bind 127.0.0.1:{port} --workers 2 --worker-class gevent --preload",
    "uWSGI": "uwsgi --http 127.0.0.1:{port} --module tests.outbox_app:wsgi --processes 2 --threads 2 --master --die-on-term -L",
    "granian": "granian tests.outbox_app:app --interface asgi --port {port} --workers 2 --workers-kill-timeout 20",
}


@pytest.fixture
def environ(tmp_path: Path, sink: Sink) -> Mapping[str, str]:
    return {
        "VERWERKINGENLOGGING_OUTBOX": str(tmp_path / "outbox"),
        "VERWERKINGENLOGGING_REGISTER": sink.address,
        "VERWERKINGENLOGGING_CLIENT_ID": "lading",
        "VERWERKINGENLOGGING_CLIENT_SECRET": SECRET,
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "default",
    }


@contextmanager
def loading(port: int) -> Iterator[set[str]]:
    """Ask all the time on a few connections; gives the verwerkingen that were answered."""
    answered: set[str] = set()
    stopped = threading.Event()

    def ask() -> None:
        while not stopped.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                while not stopped.is_set():
                    verwerking = str(uuid4())
                    connection.request("GET", f"/{BSN}/{verwerking}")
                    response = connection.getresponse()
                    if response.read().decode() == verwerking and response.status == 200:
                        answered.add(verwerking)
            except (OSError, http.client.HTTPException):
                stopped.wait(0.01)
            finally:
                connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield answered
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


def delivered_by_the_next(folder: Path, sink: Sink) -> None:
    with OutboxLog(folder / "outbox", ApiLog(sink.address, token=sink.token, timeout=60)) as outbox:
        outbox.start()
        delivered(outbox)


@pytest.mark.parametrize("server", SERVERS)
def test_what_a_server_answered_is_recorded_once_though_it_is_stopped_meanwhile(
    server: str, tmp_path: Path, sink: Sink, environ: Mapping[str, str]
) -> None:
    for name in ("gevent", "pyuwsgi"):
        if name.removeprefix("py") in server.lower():
            pytest.importorskip(name, reason=f"PyPI: {name}")
    port = free_port()
    program, *rest = SERVERS[server].format(port=port).split()
    with serving([str(BIN / program), *rest], port, folder=tmp_path, environ=environ) as process:
        with loading(port) as answered:
            wait_until(lambda: len(answered) > _LOADED)
            delivering = answered.copy()
            wait_until(lambda: delivering <= {verwerking for verwerking, _ in sink.recorded()})  # by itself, while it runs
            os.kill(process.pid, signal.SIGTERM)
            # Some servers go on answering for as long as they are asked on a connection that they have.
            wait_until(lambda: process.poll() is not None or len(answered) > len(delivering) + _LOADED)
        process.wait(timeout=60)
    delivered_by_the_next(tmp_path, sink)
    recorded = Counter(verwerking for verwerking, _ in sink.recorded())
    assert answered <= recorded.keys()
    assert set(recorded.values()) == {1}
    assert not list((tmp_path / "outbox").glob("*.log"))


def test_what_a_celery_task_did_is_recorded_once(tmp_path: Path, sink: Sink, environ: Mapping[str, str]) -> None:
    for name in ("queue", "control", "results"):
        (tmp_path / name).mkdir()
    environ = {**environ, "CELERY_FOLDER": str(tmp_path)}
    ask = """
        import os, uuid
        from celery import Celery
        folder = os.environ["CELERY_FOLDER"]
        queue = Celery(broker="filesystem://", backend=f"file://{folder}/results")
        queue.conf.broker_transport_options = {
            "data_folder_in": f"{folder}/queue", "data_folder_out": f"{folder}/queue", "control_folder": f"{folder}/control", "polling_interval": 0.05
        }
        for one in [queue.send_task("tests.outbox_app.task", ["230857266", str(uuid.uuid4())]) for _ in range(20)]:
            print(one.get(timeout=60))
        """
    command = [
        str(BIN / "celery"),
        "-A",
        "tests.outbox_app:queue",
        "worker",
        "--pool",
        "prefork",
        "--concurrency",
        "2",
        "--loglevel",
        "error",
    ]
    with serving(command, folder=tmp_path, environ=environ) as process:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(ask)],
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=90,
            check=True,
        )
        os.kill(process.pid, signal.SIGTERM)
        process.wait(timeout=60)
    asked = done.stdout.split()
    assert len(asked) == 20
    delivered_by_the_next(tmp_path, sink)
    recorded = Counter(verwerking for verwerking, _ in sink.recorded())
    assert [recorded[verwerking] for verwerking in asked] == [1] * 20


SCRIPTS = {
    "plain": """
        with outbox:
            log(5)
        """,
    "that does not close": """
        log(5)
        """,
    "that is killed": """
        log(5)
        os.kill(os.getpid(), signal.SIGKILL)
        """,
    "with threads": """
        threads = [threading.Thread(target=log, args=(5,)) for _ in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """,
    "with an event loop": """
        async def main():
            async def one(): await outbox.alog([actie()])
            await asyncio.gather(*(one() for _ in range(20)))
        asyncio.run(main())
        """,
    "with processes that it forked": """
        log(1)
        context = multiprocessing.get_context("fork")
        processes = [context.Process(target=log, args=(5,)) for _ in range(3)]
        for process in processes: process.start()
        for process in processes: process.join()
        log(1)
        """,
}
_PREAMBLE = """
import asyncio, multiprocessing, os, signal, threading
from uuid import UUID
from verwerkingenlogging import Verwerkingsactie
from verwerkingenlogging.logs.outbox import OutboxLog
outbox = OutboxLog.from_env()
def actie():
    return Verwerkingsactie(tijdstip="2024-04-05T14:35:42+01:00", actie_naam=NAAM, verwerking_id=UUID(NAAM))
def log(count):
    for _ in range(count):
        outbox.log([actie()])
"""


@pytest.mark.parametrize(("script", "count"), list(zip(SCRIPTS, (5, 5, 5, 40, 20, 17), strict=True)))
def test_what_a_script_logged_is_recorded_once(script: str, count: int, tmp_path: Path, sink: Sink, environ: Mapping[str, str]) -> None:
    naam = str(uuid4())
    code = f"NAAM = {naam!r}\n{_PREAMBLE}\n{textwrap.dedent(SCRIPTS[script])}"
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **environ}, timeout=60, check=False, cwd=ROOT)
    assert done.returncode in (0, -signal.SIGKILL)
    if script == "plain":
        wait_until(lambda: sum(one == naam for _, one in sink.recorded()) == count)  # by itself
    delivered_by_the_next(tmp_path, sink)
    assert sum(one == naam for _, one in sink.recorded()) == count
