"""Child processes on this machine: started together, and ended whatever happens."""

from __future__ import annotations

import os
import random
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx2

__all__ = ["HOST", "NO_AUTHORITIES", "Service", "ServiceFailed", "free_ports", "started"]

HOST = "127.0.0.1"
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For ``verify`` where all addresses begin with ``http``: reading whom to trust, which takes 50 ms of computing, is then left out."""

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.05
_TAIL_LINES = 15
_PORTS = range(12_000, 32_000)


class ServiceFailed(Exception):
    """A service did not start, or stopped by itself; the message holds the end of what it printed."""


class Service:
    """A server, or a job that goes on and on, in a process of its own.

    Args:
        name: what people call it.
        command: starts it.
        url: its base address; empty for a job, which serves nothing.
        health: path that answers when it is ready.
        environment: all of its environment.
        folder: where its output goes, in a file of its own.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, url: str = "", health: str = "", environment: Mapping[str, str], folder: Path
    ) -> None:
        self.name = name
        self.url = url
        self._command = list(command)
        self._health = health
        self._environment = dict(environment)
        self._output = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def output(self) -> str:
        """Everything it has printed so far, on stdout and stderr."""
        return self._output.read_text(encoding="utf-8", errors="replace") if self._output.exists() else ""

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, in a process group of its own: a Ctrl-C reaches this process only, which then ends the others in order."""
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603  # a command that we wrote
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Wait until it answers, which a job need not. Raises ServiceFailed when it ends before, or takes too long."""
        if not self.url:
            return
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if not self.alive:
                raise self._failed("ended before it answered")
            try:
                if httpx2.get(self.url + self._health, timeout=_START_SECONDS, trust_env=False, verify=NO_AUTHORITIES).is_success:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(_POLL_SECONDS)
        raise self._failed(f"did not answer within {_START_SECONDS:.0f} seconds")

    def stop(self) -> None:
        """End it and all it started: asked first, then forced. Does nothing when it has ended already."""
        process = self._process
        if process is None:
            return
        try:
            _signal_group(process, signal.SIGTERM)
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:  # also when a second Ctrl-C comes while we wait
            _signal_group(process, signal.SIGKILL)
            process.wait()

    def check(self) -> None:
        """Raise ServiceFailed when it has ended by itself."""
        if not self.alive:
            raise self._failed("has ended")

    def _failed(self, what: str) -> ServiceFailed:
        tail = "\n".join(f"    {line}" for line in self.output.splitlines()[-_TAIL_LINES:])
        return ServiceFailed(f"{self.name} {what}; the last it printed:\n{tail}")


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    if process.poll() is None:  # its number is not given away until its end has been seen
        os.killpg(process.pid, number)


@contextmanager
def started(services: Sequence[Service]) -> Iterator[None]:
    """Start ``services``, without waiting for them, and end them when the block ends, the last one first."""
    with ExitStack() as stack:
        for service in services:
            stack.callback(service.stop)
            service.start()
        yield


def free_ports(count: int) -> list[int]:
    """Different ports of this machine that nobody listens on; not of those that the kernel gives to connections, which could take them."""
    found: set[int] = set()
    while len(found) < count:
        port = random.choice(_PORTS)  # noqa: S311  # no secret
        with socket.socket() as free, suppress(OSError):
            free.bind((HOST, port))
            found.add(port)
    return list(found)
