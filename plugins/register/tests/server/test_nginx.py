"""The configuration of nginx in "Run it on PostgreSQL": what is refused, by the register or by nginx, is problem+json."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from plugins.register.tests.conftest import make_token
from tests.servers import free_port

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Server

PAGE = Path(__file__).parents[4].joinpath("docs", "how-to", "run-on-postgresql.md").read_text(encoding="utf-8")
PROGRAM = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
MIB = 1024 * 1024
pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="nginx is not installed here (.ci/run installs it)"),
    pytest.mark.parametrize("place", ["sqlite"], indirect=True),
]


def configuration(folder: Path, port: int, behind: int) -> Path:
    """That of the page, with other addresses and without TLS."""
    found = re.search(r"<!-- nginx: register -->\n```nginx\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    server = found[1]
    for old, new in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port};"),
        ("http://127.0.0.1:8080", f"http://127.0.0.1:{behind}"),
        ("/var/log/nginx/error.log", "stderr"),
    ):
        assert old in server
        server = server.replace(old, new)
    server = re.sub(r" *ssl_certificate.*\n", "", server)
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.geteuid() == 0 else ""
    path = folder / "nginx.conf"
    path.write_text(
        f"{user} daemon off; worker_processes 1; pid {folder}/pid; error_log stderr; events {{}}\nhttp {{ {temporary}\n{server} }}"
    )
    return path


@contextmanager
def nginx(folder: Path, behind: int) -> Iterator[int]:
    """Run it before the port ``behind``; gives its own."""
    port = free_port()
    command = [str(PROGRAM), "-p", str(folder), "-c", str(configuration(folder, port, behind)), "-e", "stderr"]
    with (folder / "nginx.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert process.poll() is None, (folder / "nginx.log").read_text()
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait(60)


def ask(port: int, request: bytes) -> tuple[int, str | None, Any]:
    """Send ``request``; gives status, kind and content of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        with suppress(ConnectionError):  # it may be answered before all of it is sent
            connection.sendall(request)
        response = HTTPResponse(connection)
        response.begin()
        return response.status, response.headers["content-type"], json.loads(response.read())


def post(body: int, *, headers: str = "", path: str = "/api/v1/verwerkingsacties/_batch") -> bytes:
    """A POST with a body of so many bytes."""
    lines = f"POST {path} HTTP/1.1\r\nHost: log\r\nAuthorization: Bearer {make_token()}\r\nContent-Type: application/json\r\n"
    return f"{lines}{headers}Content-Length: {body}\r\n\r\n".encode() + b" " * body


def test_what_is_refused_is_problem_json_whoever_refuses_it(server: Server, tmp_path: Path) -> None:
    server.start()
    cases = {
        "a body that the register refuses": (post(17 * MIB), 413, "content-too-large"),
        "a body that nginx refuses": (post(0).replace(b"Content-Length: 0", b"Content-Length: %d" % (40 * MIB)), 413, "content-too-large"),
        "headers that the register refuses": (post(0, headers=f"X: {'x' * 20_000}\r\n"), 431, "header-fields-too-large"),
        "headers that nginx refuses": (post(0, headers=f"X: {'x' * 40_000}\r\n"), 431, "header-fields-too-large"),
        "an address that nginx refuses": (post(0, path=f"/{'x' * 40_000}"), 431, "header-fields-too-large"),
        "no HTTP": (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "invalid"),
        "a body that the register cannot read": (post(2), 400, "invalid"),
        "a large body that is none, which nginx must let through": (post(4 * MIB), 400, "invalid"),
        "large headers before none, which nginx must let through": (post(0, headers=f"X: {'x' * 12_000}\r\n"), 400, "invalid"),
    }
    with nginx(tmp_path, server.port) as port:
        for name, (request, status, code) in cases.items():
            found = ask(port, request)
            assert found[:2] == (status, "application/problem+json"), name
            assert (found[2]["status"], found[2]["code"]) == (status, code), name
            assert found[2].keys() >= {"type", "title", "detail", "instance"}, name
        server.kill()
        status, kind, problem = ask(port, post(0))
        assert (status, kind, problem["code"]) == (503, "application/problem+json", "service-unavailable")
