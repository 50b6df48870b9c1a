"""Under real servers: a record reaches a real register, nothing is lost at the end, and no thread is added to anybody's stack."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from crash.receivers import Sink, register
from tests.servers import BIN, free_port, serving

OIN = "00000001821002193000"
PROJECT = """
import os, threading
from pathlib import Path
from django.conf import settings

FOLDER = Path(__file__).parent

def make_log():
    from verwerkingenlogging.logs.api import ApiLog
    from verwerkingenlogging.logs.outbox import OutboxLog
    api = ApiLog(os.environ["ADDRESS"], token=os.environ["TOKEN"], allow_http=True)
    return OutboxLog(FOLDER / "outbox", deliver_to=api) if os.environ["LOG"] == "outbox" else api

OURS = ["verwerkingenlogging_django.middleware.VerwerkingenloggingMiddleware"]
settings.configure(
    SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, DATABASES={},
    INSTALLED_APPS=["verwerkingenlogging_django"],
    MIDDLEWARE=[] if os.environ["LOG"] == "bare" else OURS,
    VERWERKINGENLOGGING={
        "OIN": "OIN_HERE", "ACTIVITEITEN": FOLDER / "activiteiten.toml", "LOG": make_log,
    },
)

from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse, StreamingHttpResponse
from django.urls import path
from verwerkingenlogging import alog_actie, log_actie, persoon, verwerkingsactie

def here():
    return {"main": threading.current_thread() is threading.main_thread(), "threads": sorted(t.name for t in threading.enumerate())}

annotate = (lambda view: view) if os.environ["LOG"] == "bare" else verwerkingsactie(
    "Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))

@annotate
def read(request, bsn):
    return JsonResponse(here())

@annotate
async def aread(request, bsn):
    return JsonResponse(here())

@annotate
def stream(request, bsn):
    def rows():
        yield "first;"
        log_actie("Ophalen details", objecten=bsn)
        yield "second;"
        log_actie("Afbreken", objecten=5)
        yield "third;"
    return StreamingHttpResponse(rows())

@annotate
async def astream(request, bsn):
    async def rows():
        yield "first;"
        await alog_actie("Ophalen details", objecten=bsn)
        yield "second;"
        await alog_actie("Afbreken", objecten=5)
        yield "third;"
    return StreamingHttpResponse(rows())

def alive(request):
    return JsonResponse({})

urlpatterns = [path("alive", alive), path("read/<bsn>", read), path("aread/<bsn>", aread), path("stream/<bsn>", stream), path("astream/<bsn>", astream)]
wsgi = get_wsgi_application() if os.environ["PROTOCOL"] == "wsgi" else None
asgi = get_asgi_application() if os.environ["PROTOCOL"] == "asgi" else None
""".replace("OIN_HERE", OIN)

GUNICORN = ["gunicorn", "project:wsgi", "--workers", "1", "--log-level", "warning", "--bind"]
SERVERS: dict[str, Callable[[int], list[str]]] = {
    "gunicorn sync": lambda port: [*GUNICORN, f"127.0.0.1:{port}"],
    "gunicorn gthread": lambda port: [*GUNICORN, f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "4"],
    "gunicorn gevent": lambda port: [*GUNICORN, f"127.0.0.1:{port}", "--worker-class", "gevent", "--preload"],
    "uvicorn": lambda port: ["uvicorn", "project:asgi", "--lifespan", "off", "--log-level", "warning", "--port", str(port)],
}


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sink]:
    with register(tmp_path_factory.mktemp("register")) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "project.py").write_text(PROJECT)
    (tmp_path / "activiteiten.toml").write_text(f'["{OIN}"]\nbrp = {{ id = "5f0bef4c-f66f-4311-84a5-19e8bf359eaf" }}\n')
    return tmp_path


def served(server: str, sink: Sink, folder: Path, log: str) -> Any:
    """The server, and its address."""
    port = free_port()
    command = SERVERS[server](port)
    protocol = "asgi" if server == "uvicorn" else "wsgi"
    environ = {"ADDRESS": sink.address, "TOKEN": sink.token, "LOG": log, "PROTOCOL": protocol}
    return serving([str(BIN / command[0]), *command[1:]], port, folder=folder, environ=environ), f"http://127.0.0.1:{port}"


def cut(address: str) -> str:
    """What comes of a stream before its server cuts the connection."""
    with httpx2.stream("GET", address, timeout=30) as stream:
        texts = stream.iter_text()
        got = next(texts)
        try:
            for text in texts:
                got += text
        except httpx2.RemoteProtocolError:
            return got
    pytest.fail("the stream came to an end")


def wait_for(sink: Sink, number: int) -> list[str]:
    """The names of the acties in the register, once there are so many."""
    deadline = time.monotonic() + 60
    while len(found := sink.recorded()) < number:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return [naam for _, naam in found]


@pytest.mark.parametrize(
    ("server", "log"),
    [("gunicorn sync", "api"), ("gunicorn gthread", "outbox"), ("gunicorn gevent", "outbox"), ("uvicorn", "api"), ("uvicorn", "outbox")],
)
def test_a_request_is_in_the_register(server: str, log: str, sink: Sink, folder: Path) -> None:
    before = len(wait_for(sink, 0))
    running, address = served(server, sink, folder, log)
    with running:
        for view in ("read", "aread"):
            answer = httpx2.get(f"{address}/{view}/2308572", timeout=30)
            assert answer.status_code == 200
            if log == "api":
                assert len(sink.recorded()) == before + (1 if view == "read" else 2)  # before it answered
        view = "astream" if server == "uvicorn" else "stream"
        assert cut(f"{address}/{view}/2308572") == "first;second;"
        assert wait_for(sink, before + 4)[before:] == [
            "Ophalen persoonsgegevens",
            "Ophalen persoonsgegevens",
            "Ophalen persoonsgegevens",
            "Ophalen details",
        ]


@pytest.mark.parametrize("server", ["gunicorn sync", "uvicorn"])
def test_what_waits_when_a_server_is_stopped_goes_on_with_the_next(server: str, sink: Sink, folder: Path) -> None:
    before = len(sink.recorded())
    sink.stop()
    running, address = served(server, sink, folder, "outbox")
    with running as process:
        for _ in range(3):
            assert httpx2.get(f"{address}/read/2308572", timeout=30).status_code == 200
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)
    sink.start()
    running, address = served(server, sink, folder, "outbox")
    with running:
        assert httpx2.get(f"{address}/alive", timeout=30).status_code == 200  # a probe will do: nothing is recorded
        assert len(wait_for(sink, before + 3)) == before + 3


@pytest.mark.parametrize(("server", "view"), [("gunicorn sync", "read"), ("uvicorn", "aread")])
def test_no_thread_is_added(server: str, view: str, sink: Sink, folder: Path) -> None:
    """What runs in one thread still does, and what runs on the event loop still does. See too
    ``test_the_middleware_stays_on_the_event_loop``."""
    seen: dict[str, Any] = {}
    for log in ("bare", "api"):
        running, address = served(server, sink, folder, log)
        with running, httpx2.Client(timeout=30) as client:
            answers = [client.get(f"{address}/{view}/2308572").json() for _ in range(5)]
        seen[log] = [(answer["main"], [name.rstrip("0123456789") for name in answer["threads"]]) for answer in answers]
    assert [main for main, _ in seen["api"]] == [main for main, _ in seen["bare"]] == [True] * 5
    if server == "gunicorn sync":  # with uvicorn Django itself starts and ends threads
        assert all(threads == ["MainThread"] for _, threads in seen["api"])
