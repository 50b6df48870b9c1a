"""What the tests of the outbox share."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

import httpx2
from crash.receivers import Sink
from starlette.types import ASGIApp

from tests.servers import NO_AUTHORITIES
from verwerkingenlogging import LogRefused, LogUnavailable, Verwerkingsactie, VerwerktObject
from verwerkingenlogging.logs.outbox import OutboxLog
from verwerkingenlogging.logs.protocol import Entry

BSN = "230857266"


def actie(naam: str | int = "Ophalen", verwerking: UUID | None = None) -> Verwerkingsactie:
    """An actie that can be told from the others, of a person who must be seen nowhere else."""
    return Verwerkingsactie(
        tijdstip="2024-04-05T14:35:42.123+01:00",
        actie_naam=str(naam),
        verwerking_id=verwerking or uuid4(),
        verwerkte_objecten=(VerwerktObject(object_id=BSN),),
    )


def wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait for ``condition``; fail when it does not come about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def answers(sink: Sink) -> bool:
    """Whether the register of ``sink`` has started: it does so in a process of its own, when ``register`` gives it."""
    try:
        return httpx2.get(f"{sink.address}/openapi.json", trust_env=False, verify=NO_AUTHORITIES).is_success
    except httpx2.TransportError:
        return False


def namen(sink: Sink, verwerking: UUID) -> list[str]:
    """What the register has of one verwerking, in order."""
    return [naam for its, naam in sink.recorded() if its == str(verwerking)]


def delivered(outbox: OutboxLog) -> None:
    """Wait until all is delivered."""
    assert outbox.flush(60), outbox.status()


async def ask(app: ASGIApp, path: str) -> int:
    """The status that ``app`` answers to a GET, without a server."""
    statuses: list[int] = []

    async def send(message: Any) -> None:
        if "status" in message:
            statuses.append(message["status"])

    async def receive() -> Any:
        return {"type": "http.request"}

    await app({"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"", "root_path": ""}, receive, send)
    return statuses[0]


class Keeper:
    """A Receiver in memory that keeps one of each key, and can be told to fail, to refuse, or to count for itself.

    Attributes:
        entries: what it has, in order.
        batches: the size of each delivery that it took.
        down: the error that it raises, if any.
        refuses: actie_namen that it refuses.
    """

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.batches: list[int] = []
        self.down: Exception | None = None
        self.refuses: set[str] = set()
        self.attempts = 0

    def deliver(self, entries: Sequence[Entry]) -> list[LogRefused | None]:
        self.attempts += 1
        if self.down is not None:
            raise self.down
        self.batches.append(len(entries))
        results: list[LogRefused | None] = []
        for entry in entries:
            if entry.actie.actie_naam in self.refuses:
                results.append(LogRefused("the register answered 400 (actieNaam: invalid)", status=400))
                continue
            self.entries.setdefault(entry.key, entry)
            results.append(None)
        return results

    def log(self, acties: Sequence[Verwerkingsactie]) -> None:
        raise NotImplementedError

    async def alog(self, acties: Sequence[Verwerkingsactie]) -> None:
        raise NotImplementedError

    @property
    def namen(self) -> list[str]:
        """What it has, while another thread may be delivering: a dict that grows cannot be walked, so a copy is."""
        return [entry.actie.actie_naam or "" for entry in list(self.entries.values())]


DOWN = LogUnavailable("down")
