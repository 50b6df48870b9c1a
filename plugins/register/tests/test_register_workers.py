"""Several workers on one PostgreSQL: every answer is safe, and versions stand in one order (issue: one writer at a time)."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from sqlalchemy import text

from verwerkingenlogging_register.database import open_writer
from verwerkingenlogging_register.store import Store

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Place, Server

    from verwerkingenlogging_register import Settings

POSTGRESQL = pytest.mark.parametrize("place", ["postgresql-18"], indirect=True)


def body(name: str) -> dict[str, Any]:
    verwerkt = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "2308572"}
    return {"actieNaam": name, "vertrouwelijkheid": "normaal", "tijdstip": "2024-04-05T14:35:42+01:00", "verwerkteObjecten": [verwerkt]}


@POSTGRESQL
async def test_two_workers_lose_nothing_and_stop_when_told(server: Server) -> None:
    server.start("--workers", "2", "--no-log-inzage")
    async with server.client() as http:
        responses = await asyncio.gather(*[http.post("/verwerkingsacties", json=body(str(number))) for number in range(200)])
        assert {response.status_code for response in responses} == {201}
        assert sorted(server.place.ids()) == sorted(response.json()["actieId"] for response in responses)
        # What one worker stored, the other one finds.
        found = [await http.get(f"/verwerkingsacties/{response.json()['actieId']}") for response in responses[:20]]
        assert {response.status_code for response in found} == {200}
    assert server.process is not None
    server.process.send_signal(signal.SIGTERM)
    await asyncio.to_thread(server.process.wait, 30)
    assert "geheim" not in server.log.read_text()
    with pytest.raises(httpx2.TransportError):
        httpx2.get(f"{server.url}/openapi.json", timeout=1)


def test_a_second_change_of_an_actie_waits_for_the_first(place: Place) -> None:
    """Each reads the newest and adds one: were they to overlap, both would read the same."""
    seen: list[int] = []

    def change() -> None:
        engine = open_writer(place.owner)
        for _ in range(5):
            with engine.begin() as connection:
                newest = connection.execute(text("SELECT coalesce(max(versie), 0) FROM successor")).scalar_one()
                time.sleep(0.002)
                statement = "INSERT INTO successor (actie_id, versie) SELECT :actie, :versie"
                actie = b"\0" * 16 if engine.dialect.name == "sqlite" else "00000000-0000-0000-0000-000000000000"
                cast = statement if engine.dialect.name == "sqlite" else statement.replace(":actie", "CAST(:actie AS UUID)")
                connection.execute(text(cast), {"actie": actie, "versie": newest + 1})
                seen.append(newest + 1)
        engine.dispose()

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(1, 21))


@POSTGRESQL
async def test_reads_and_writes_go_on_after_postgresql_came_back(settings: Settings, place: Place) -> None:
    with closing(Store(settings)) as store:
        assert (await store.read(lambda connection: connection.execute(text("SELECT 1")).scalar_one())) == 1
        killer = open_writer(place.owner)
        with killer.connect() as connection:
            pids = connection.execute(
                text("SELECT pid FROM pg_stat_activity WHERE application_name = 'verwerkingenlog' AND pid <> pg_backend_pid()")
            )
            for pid in pids.scalars().all():
                os.kill(pid, signal.SIGTERM)  # one backend, as pg_terminate_backend does
        killer.dispose()
        await asyncio.sleep(0.1)
        assert (await store.read(lambda connection: connection.execute(text("SELECT 1")).scalar_one())) == 1
