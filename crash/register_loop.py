"""The loop: start, load, kill, and at the end compare what was acknowledged with what is there."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2
import jwt
from plugins.register.tests import engines
from plugins.register.tests.clusters import Cluster
from sqlalchemy import func, select
from tests.servers import free_port

from crash.load import first_answer, load_until
from crash.receivers import processes
from verwerkingenlogging_register import Settings
from verwerkingenlogging_register._access.clients import Client, register_client
from verwerkingenlogging_register._database.location import Location
from verwerkingenlogging_register._keys.protection import Keys
from verwerkingenlogging_register._model.scopes import Scope
from verwerkingenlogging_register._model.tables import verwerkingsactie, verwerkt_object
from verwerkingenlogging_register._server.processes import Listening, run

__all__ = ["Result", "crash"]

_LIVES = (0.02, 0.25)
_SECRET = "geheim-van-de-lading-van-32-bytes-of-meer"  # noqa: S105  # of a register that lives for seconds
_BODY = {
    "vertrouwelijkheid": "normaal",
    "tijdstip": "2024-04-05T14:35:42+01:00",
    "verwerkteObjecten": [{"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "2308572"}],
}
_RECOVERY_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of it.

    Attributes:
        kills: how often the register's process group was killed, PostgreSQL's, or both.
        acknowledged: acties of which the 201 arrived.
        lost: of those, how many are not there afterwards.
        doubled: acties that are there more than once, or with more or fewer objecten than they were given.
        unacknowledged: acties that are there although their 201 never arrived; that is allowed.
        slowest_recovery: seconds from the slowest start after a kill until the first 201.
    """

    kills: dict[str, int]
    acknowledged: int
    lost: int
    doubled: int
    unacknowledged: int
    slowest_recovery: float
    seconds: float


def crash(settings: Settings, owner: Location, *, kills: int, log: Path, cluster: Cluster | None = None, workers: int = 1) -> Result:
    """Kill the register at ``settings.database`` that often, and with ``cluster`` PostgreSQL too."""
    _register_load(owner, Keys(settings.key_source))
    return asyncio.run(_Loop(settings, log, cluster, workers).run(kills))


class _Loop:
    def __init__(self, settings: Settings, log: Path, cluster: Cluster | None, workers: int) -> None:
        self._settings = settings
        self._log = log
        self._cluster = cluster
        self._workers = workers
        self._port = free_port()
        self._register: multiprocessing.process.BaseProcess | None = None
        self._acknowledged: list[str] = []
        self._slowest = 0.0

    async def run(self, kills: int) -> Result:
        started = time.monotonic()
        done: Counter[str] = Counter()
        try:
            async with self._client() as http:
                for _ in range(kills):
                    if self._register is None:
                        self._start_register()
                    await self._first_answer(http)
                    victim = random.choice(["register", "postgresql", "both"]) if self._cluster else "register"  # noqa: S311  # no secret
                    await self._load_until(http, lambda victim=victim: self._kill(victim))  # type: ignore[misc]  # bound now
                    done[victim] += 1
        finally:
            if self._register is not None:
                self._kill_register()
        return self._compare(dict(done), time.monotonic() - started)

    def _start_register(self) -> None:
        self._register = processes.Process(target=_serve, args=(self._settings, self._port, self._log, self._workers))
        self._register.start()

    def _kill(self, victim: str) -> None:
        if victim in {"register", "both"}:
            self._kill_register()
        if victim in {"postgresql", "both"} and self._cluster is not None:
            self._cluster.kill()
            self._cluster.start()

    def _kill_register(self) -> None:
        assert self._register is not None  # noqa: S101  # it was started
        assert self._register.pid is not None  # noqa: S101
        os.killpg(self._register.pid, signal.SIGKILL)
        self._register.join()
        self._register = None

    async def _first_answer(self, http: httpx2.AsyncClient) -> None:
        """Wait until the register takes an actie again; that one counts too."""
        seconds = await first_answer(lambda: self._post(http), within=_RECOVERY_SECONDS, told=self._log.read_text)
        self._slowest = max(self._slowest, seconds)

    async def _load_until(self, http: httpx2.AsyncClient, kill: Callable[[], None]) -> None:
        await load_until(kill, lambda: self._post(http), lives=_LIVES)

    async def _post(self, http: httpx2.AsyncClient) -> bool:
        try:
            response = await http.post("/verwerkingsacties", json=_BODY)
        except httpx2.TransportError:
            return False
        if response.status_code == 201:  # noqa: PLR2004
            self._acknowledged.append(response.json()["actieId"])
            return True
        if response.status_code != 503:  # noqa: PLR2004
            raise AssertionError(f"{response.status_code}: {response.text}")
        return False

    def _client(self) -> httpx2.AsyncClient:
        now = int(time.time())
        token = jwt.encode({"iss": "lading", "iat": now, "exp": now + 3600}, _SECRET, algorithm="HS256")
        return httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{self._port}/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=_RECOVERY_SECONDS,
            trust_env=False,
        )

    def _compare(self, kills: dict[str, int], seconds: float) -> Result:
        with engines.reader(self._settings.database) as reader, reader.begin() as connection:
            stored = Counter(connection.execute(select(verwerkingsactie.c.actie_id)).scalars())
            objecten = connection.execute(
                select(verwerkingsactie.c.actie_id, func.count(verwerkt_object.c.versie))
                .join_from(verwerkingsactie, verwerkt_object, verwerkt_object.c.versie == verwerkingsactie.c.versie, isouter=True)
                .group_by(verwerkingsactie.c.actie_id)
            ).all()
        acknowledged = set(self._acknowledged)
        return Result(
            kills=kills,
            acknowledged=len(self._acknowledged),
            lost=len(acknowledged - stored.keys()),
            doubled=sum(count != 1 for count in stored.values())
            + sum(count != 1 for _, count in objecten)
            + len(self._acknowledged)
            - len(acknowledged),
            unacknowledged=len(stored.keys() - acknowledged),
            slowest_recovery=round(self._slowest, 3),
            seconds=round(seconds, 1),
        )


def _serve(settings: Settings, port: int, log: Path, workers: int) -> None:
    """The register, in a process group of its own."""
    os.setpgid(0, 0)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(file, stream)
    run(settings, Listening(host="127.0.0.1", port=port, workers=workers))


def _register_load(owner: Location, keys: Keys) -> None:
    with engines.writer(owner, keys) as writer:
        register_client(writer, Client(name="lading", scopes=frozenset(Scope), secret=_SECRET))
