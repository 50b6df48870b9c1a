"""Under a real server: what stops the start, what a client that hangs up costs, and when the first byte leaves."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from tests.servers import free_port

APP = '''
import asyncio, json, os
from pathlib import Path
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from verwerkingenlogging import Recorder, Settings, gevonden, persoon, verwerkingsactie
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware

FOLDER = Path(__file__).parent

class FileLog:
    """Writes each actie to a file; slow, and broken while a file of that name is there."""
    def log(self, acties):
        if (FOLDER / "broken").exists():
            raise OSError("broken")
        with (FOLDER / "log").open("a") as file:
            for actie in acties:
                file.write(actie.actie_naam + " " + ",".join(o.object_id for o in actie.verwerkte_objecten) + "\\n")
    async def alog(self, acties):
        await asyncio.sleep(0.1)
        self.log(acties)

def note(what):
    with (FOLDER / "notes").open("a") as file:
        file.write(what + "\\n")

app = FastAPI()
app.add_middleware(VerwerkingenloggingMiddleware, recorder=Recorder(FileLog(), Settings.from_file(FOLDER / "verwerkingenlogging.toml")))

@app.get("/personen/{bsn}")
@verwerkingsactie("Ophalen persoonsgegevens", activiteit="ACTIVITEIT", objecten=persoon("bsn"))
async def read(bsn: str):
    note("read")
    await asyncio.sleep(0.2)
    return bsn

@app.get("/sync/{bsn}")
@verwerkingsactie("Ophalen persoonsgegevens", activiteit="ACTIVITEIT", objecten=persoon("bsn"))
def read_in_a_thread(bsn: str):
    return bsn

@app.get("/zoek")
@verwerkingsactie("Zoeken personen", activiteit="ACTIVITEIT", objecten=gevonden(lambda found: found))
async def search():
    note("search")
    return ["2308572"]

@app.get("/stroom/{bsn}")
@verwerkingsactie("Exporteren persoonsgegevens", activiteit="ACTIVITEIT", objecten=persoon("bsn"))
async def stream(bsn: str):
    async def rows():
        for _ in range(3):
            yield (FOLDER / "log").read_text()
            await asyncio.sleep(0.05)
    return StreamingResponse(rows())
'''


class Running:
    """A server in a process of its own, and the folder in which it keeps what it did."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.port = port

    def lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []


def start(folder: Path, activiteit: str = "brp", *options: str) -> tuple[subprocess.Popen[str], int]:
    (folder / "served_app.py").write_text(APP.replace("ACTIVITEIT", activiteit))
    (folder / "verwerkingenlogging.toml").write_text('oin = "00000001821002193000"\nactiviteiten = "activiteiten.toml"\n')
    (folder / "activiteiten.toml").write_text('["00000001821002193000"]\nbrp = { id = "5f0bef4c-f66f-4311-84a5-19e8bf359eaf" }\n')
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "served_app:app",
        "--port",
        str(port),
        "--no-access-log",
        "--log-level",
        "warning",
        *options,
    ]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    return process, port


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
        return True
    return False


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for ``condition``, and fail when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("server")
    process, port = start(folder)
    try:
        until(lambda: answers(port) or process.poll() is not None)
        yield Running(folder, port)
    finally:
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert "Traceback" not in output, output


@pytest.fixture
def server(running: Running) -> Running:
    """One server for all; each test begins without a record and with a log that works."""
    for name in ("log", "notes", "broken"):
        (running.folder / name).unlink(missing_ok=True)
    return running


@pytest.mark.parametrize("lifespan", ["auto", "on"])
def test_an_unknown_activiteit_keeps_the_server_from_starting(tmp_path: Path, lifespan: str) -> None:
    process, port = start(tmp_path, "onbekend", "--lifespan", lifespan)
    output, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert 'activiteiten.toml: ["00000001821002193000"].onbekend: no such verwerkingsactiviteit' in output
    assert not answers(port)


def test_without_a_lifespan_every_request_is_refused_instead(tmp_path: Path) -> None:
    process, port = start(tmp_path, "onbekend", "--lifespan", "off")
    try:
        until(lambda: answers(port))
        assert httpx2.get(f"http://127.0.0.1:{port}/personen/2308572", timeout=60).status_code == 500
        assert not (tmp_path / "notes").exists()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/personen/2308572", "Ophalen persoonsgegevens 2308572"),
        ("/sync/2308572", "Ophalen persoonsgegevens 2308572"),
        ("/zoek", "Zoeken personen 2308572"),
    ],
)
def test_an_answer_comes_after_its_record(server: Running, path: str, logged: str) -> None:
    assert httpx2.get(server.url + path, timeout=60).status_code == 200
    assert server.lines("log") == [logged]


def test_a_broken_log_answers_503_on_the_wire_and_reads_nothing(server: Running) -> None:
    (server.folder / "broken").touch()
    for path in ("/personen/2308572", "/sync/2308572", "/zoek"):
        response = httpx2.get(server.url + path, timeout=60)
        assert (response.status_code, response.headers["content-type"]) == (503, "application/problem+json")
        assert json.loads(response.text)["status"] == 503
        assert "2308572" not in response.text
    assert server.lines("notes") == ["search"]
    assert server.lines("log") == []


def test_a_stream_starts_with_its_record_made(server: Running) -> None:
    with httpx2.stream("GET", server.url + "/stroom/2308572", timeout=60) as response:
        first, *_ = response.iter_text()  # to its end: it reads what the next test removes
    assert first.startswith("Exporteren persoonsgegevens 2308572")


@pytest.mark.parametrize(
    ("path", "logged"), [("/personen/2308572", "Ophalen persoonsgegevens 2308572"), ("/zoek", "Zoeken personen 2308572")]
)
def test_a_client_that_hangs_up_takes_no_record_along(server: Running, path: str, logged: str) -> None:
    note = {"/personen/2308572": "read", "/zoek": "search"}[path]
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        until(lambda: server.lines("notes") == [note])
    until(lambda: server.lines("log") == [logged])
