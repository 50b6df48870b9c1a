"""A register as a process of its own, and the collector rotel before it, which can be killed and started again."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import rotel  # type: ignore[import-untyped]  # it has no types
from plugins.register.tests.conftest import Place, Server, make_token, register_clients

from tests.servers import NO_AUTHORITIES, free_port
from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging_register._keys.key_file import init_keys

__all__ = ["SUBJECT_SECRET", "Collector", "Register", "until"]

SUBJECT_SECRET = "sleutel-van-ten-minste-32-bytes-voor-spans"
"""With which an application encrypts the numbers of persons for this register."""
_QUICK = ("--otlp-exporter-retry-initial-backoff", "50ms", "--otlp-exporter-retry-max-backoff", "200ms")
_OWN = {"url", "actieId", "verwerktObjectId", "tijdstipRegistratie"}


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until ``condition`` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.02)


class Register(Server):
    """A register on SQLite, with a client of all scopes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        database = folder / "verwerkingenlog.sqlite"
        init_keys(folder / "keys")
        register_clients(database, folder / "keys")
        self._subject_secrets = folder / "subject.secrets"
        self._subject_secrets.touch(mode=0o600)
        self._subject_secrets.write_text(SUBJECT_SECRET)
        super().__init__(folder, Place(database, database, folder / "keys"))

    def run(self, *options: str) -> None:
        """Start it, if it does not run."""
        if self.process is None or self.process.poll() is not None:
            self.start("--no-log-inzage", "--subject-secrets", str(self._subject_secrets), *options)

    def api_log(self) -> ApiLog:
        """The register as an application reaches it."""
        return ApiLog(self.url, token=self.token, timeout=30)

    def count(self) -> int:
        """How many versions are stored."""
        return len(self.place.ids())

    def bodies(self, start: int = 0) -> list[dict[str, Any]]:
        """What each stored actie says, from number ``start`` on, without what is the register's own."""
        with httpx2.Client(headers={"Authorization": f"Bearer {self.token}"}, trust_env=False, verify=NO_AUTHORITIES, timeout=30) as http:
            return [_said(http.get(f"{self.url}/verwerkingsacties/{actie_id}").json()) for actie_id in self.place.ids()[start:]]


def _said(answer: dict[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in answer.items() if name not in _OWN}
    said["verwerkteObjecten"] = [{name: value for name, value in each.items() if name not in _OWN} for each in answer["verwerkteObjecten"]]
    return said


class Collector:
    """rotel, on ports that stay the same, exporting to ``register`` as the client with all scopes."""

    def __init__(self, folder: Path, register: Register) -> None:
        self._folder = folder
        self.register = register
        folder.mkdir(exist_ok=True)
        self.grpc, self.http = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What it wrote."""
        return (self._folder / "rotel.out").read_text()

    def start(self, *options: str) -> None:
        """Start it, and wait until it takes spans."""
        command = [
            str(Path(rotel.__file__).parent / "rotel-agent"),
            "start",
            *("--otlp-grpc-endpoint", f"127.0.0.1:{self.grpc}", "--otlp-http-endpoint", f"127.0.0.1:{self.http}"),
            *(
                "--exporter",
                "otlp",
                "--otlp-exporter-protocol",
                "http",
                "--otlp-exporter-endpoint",
                f"http://127.0.0.1:{self.register.port}",
            ),
            *("--otlp-exporter-custom-headers", f"Authorization=Bearer {make_token()}"),
            *("--pid-file", str(self._folder / "rotel.pid"), "--log-file", str(self._folder / "rotel.log")),
            *(*_QUICK, *options),
        ]
        with (self._folder / "rotel.out").open("ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out)
        until(lambda: _answers(self.grpc) and _answers(self.http))

    def kill(self, how: int = signal.SIGKILL) -> None:
        """End it, and all that it has in memory with it."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(timeout=30)

    def close(self) -> None:
        """End it if it runs."""
        if self._process is not None and self._process.poll() is None:
            self.kill()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.5):
        return True
    return False
