"""Real servers in processes of their own, for tests that go over the wire."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

BIN = Path(sys.executable).parent
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For ``verify`` of a client that speaks plain HTTP: reading whom else it could trust computes for 50 ms, at each client and each
request without one. A test that waits for a server would take the processor away from that server."""

_PORTS = range(12_000, 32_000)
"""Below those that the kernel gives to connections: another test's cannot take one that waits for its server."""
_LOCKS = Path(tempfile.gettempdir(), f"verwerkingenlogging-ports-{os.getuid()}")
_given: set[int] = set()


def free_port() -> int:
    """A port of this machine that nobody listens on, and that no test was given before, nor one of another process that still runs."""
    _LOCKS.mkdir(exist_ok=True)
    while True:
        port = random.SystemRandom().choice(_PORTS)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


def _is_free(port: int) -> bool:
    lock = os.open(_LOCKS / str(port), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # it goes with this process: a server may be stopped and come back meanwhile
        with socket.socket() as free:
            free.bind(("127.0.0.1", port))
    except OSError:
        os.close(lock)
        return False
    return True


@contextmanager
def serving(
    command: Sequence[str], *ports: int, folder: Path, environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``command`` in ``folder`` until the block ends; it answers on all ``ports`` when the block begins."""
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, **(environ or {})}, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while not all(map(_answers, ports)):
            assert process.poll() is None, f"{command[0]} ended with {process.returncode}"
            assert time.monotonic() < deadline, f"{command[0]} does not answer"
            time.sleep(0.02)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def until(seen: Callable[[], bool]) -> None:
    """Wait for ``seen``, with a deadline that only a fault meets."""
    deadline = time.monotonic() + 60
    while not seen():
        assert time.monotonic() < deadline, "it was not seen in a minute"
        time.sleep(0.02)


def run(*command: str, folder: Path) -> str:
    """Run a command of the installed packages in ``folder`` and give what it printed."""
    done = subprocess.run([BIN / command[0], *command[1:]], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
        return True
    return False
