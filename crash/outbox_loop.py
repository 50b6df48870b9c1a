"""The loop for the application side: load it, kill its processes, and at the end compare its answers with what the register has."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx2

from crash.application import OTEL, Place, outbox_of, serve
from crash.load import first_answer, load_until
from crash.receivers import collector, processes, register

__all__ = ["OTEL", "Loop", "Result", "crash", "kill_group"]

_BSN = "002308572"
_RECOVERY_SECONDS = 60
_DELIVERY_SECONDS = 120
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of it.

    Attributes:
        kills: how often the application's process group was killed.
        acknowledged: requests that were answered.
        lost: of those, how many have no record in the register (of OpenTelemetry: no span that was sent).
        doubled: requests with more than one record.
        unacknowledged: records of requests that were not answered; that is allowed.
        slowest_recovery: seconds from the slowest start after a kill until the first answer.
    """

    kills: int
    acknowledged: int
    lost: int
    doubled: int
    unacknowledged: int
    slowest_recovery: float
    seconds: float


def crash(kind: str, folder: Path, *, kills: int, lives: tuple[float, float] = (0.02, 0.4)) -> Result:
    """Kill an application that often, each after a random time between ``lives``, in seconds, under load.

    ``kind`` is a safety of our outbox, or ``OTEL``. Its files are in ``folder``.
    """
    with collector() if kind == OTEL else register(folder) as sink:
        place = Place(kind=kind, outbox=folder / "outbox", address=sink.address, token=sink.token, output=folder / "output")
        loop = _Outbox(place, lives)
        started = time.monotonic()
        asyncio.run(loop.run(kills))
        if kind != OTEL:
            with outbox_of(place) as outbox:
                if not outbox.flush(_DELIVERY_SECONDS):
                    raise AssertionError(f"{outbox.status()}: {place.output.read_text()[-4000:]}")
        return loop.compare(Counter(verwerking for verwerking, _ in sink.recorded()), kills, time.monotonic() - started)


class Loop:
    """Asks an application, kills it, and starts it again on the same socket. ``output`` is the file that gets what it says.

    Attributes:
        acknowledged: what was asked, of what was answered.
    """

    def __init__(self, output: Path, lives: tuple[float, float]) -> None:
        self._output = output
        self._lives = lives
        self.acknowledged: set[str] = set()
        self._slowest = 0.0

    def start(self, listening: socket.socket) -> multiprocessing.process.BaseProcess:
        """Start it, in a process group of its own."""
        raise NotImplementedError

    async def ask(self, http: httpx2.AsyncClient, verwerking: str) -> httpx2.Response:
        """Ask something under that id."""
        raise NotImplementedError

    async def run(self, kills: int) -> None:
        """Kill it that often. Raises AssertionError when it does not recover, or answers what it must not."""
        with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            async with httpx2.AsyncClient(base_url=url, timeout=_RECOVERY_SECONDS, trust_env=False) as http:
                for _ in range(kills):
                    process = self.start(listening)
                    try:
                        await self._first_answer(http)
                        await self._load_until(http, lambda process=process: kill_group(process))  # type: ignore[misc]  # bound now
                    finally:
                        kill_group(process)

    async def _first_answer(self, http: httpx2.AsyncClient) -> None:
        seconds = await first_answer(lambda: self._get(http), within=_RECOVERY_SECONDS, told=self._output.read_text)
        self._slowest = max(self._slowest, seconds)

    async def _load_until(self, http: httpx2.AsyncClient, kill: Callable[[], None]) -> None:
        # The socket stays open for the next application: who got no further was never answered.
        await load_until(kill, lambda: self._get(http), lives=self._lives, patience=0.2)

    async def _get(self, http: httpx2.AsyncClient) -> bool:
        verwerking = str(uuid4())
        try:
            response = await self.ask(http, verwerking)
        except httpx2.TransportError:
            return False
        if response.status_code != _OK:
            raise AssertionError(f"{response.status_code}: {response.text}")
        self.acknowledged.add(verwerking)
        return True

    def compare(self, recorded: Counter[str], kills: int, seconds: float) -> Result:
        """What came of it, when the register has ``recorded``."""
        return Result(
            kills=kills,
            acknowledged=len(self.acknowledged),
            lost=len(self.acknowledged - recorded.keys()),
            doubled=sum(count > 1 for count in recorded.values()),
            unacknowledged=len(recorded.keys() - self.acknowledged),
            slowest_recovery=round(self._slowest, 3),
            seconds=round(seconds, 1),
        )


class _Outbox(Loop):
    def __init__(self, place: Place, lives: tuple[float, float]) -> None:
        super().__init__(place.output, lives)
        self._place = place

    def start(self, listening: socket.socket) -> multiprocessing.process.BaseProcess:
        process = processes.Process(target=_serve, args=(self._place, listening))
        process.start()
        return process

    async def ask(self, http: httpx2.AsyncClient, verwerking: str) -> httpx2.Response:
        return await http.get(f"/{_BSN}/{verwerking}")


def _serve(place: Place, listening: socket.socket) -> None:
    serve(place, listening.detach())


def kill_group(process: multiprocessing.process.BaseProcess) -> None:
    """All of its process group, at once."""
    if process.is_alive() and process.pid is not None:
        while True:  # it may not have its group yet
            try:
                os.killpg(process.pid, signal.SIGKILL)
                break
            except ProcessLookupError:
                time.sleep(0.001)
    process.join()
