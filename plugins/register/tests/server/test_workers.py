"""Several workers on one PostgreSQL: every answer is safe, and versions stand in one order (issue: one writer at a time)."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import psycopg
import pytest
from plugins.register.tests import engines
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import URL, text
from tests.servers import free_port

from verwerkingenlogging.model import Verwerkingsactie
from verwerkingenlogging_register._acties.append import Key
from verwerkingenlogging_register._acties.repository import Repository
from verwerkingenlogging_register._errors import KeyUsed
from verwerkingenlogging_register._model.versions import ActieVersie, VersionRows

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugins.register.tests.clusters import Cluster
    from plugins.register.tests.conftest import Place, Server

    from verwerkingenlogging_register import Settings

POSTGRESQL = pytest.mark.parametrize("place", ["postgresql-18"], indirect=True)


def body(name: str) -> dict[str, Any]:
    verwerkt = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "2308572"}
    return {"actieNaam": name, "vertrouwelijkheid": "normaal", "tijdstip": "2024-04-05T14:35:42+01:00", "verwerkteObjecten": [verwerkt]}


def an_actie(name: str) -> ActieVersie:
    return ActieVersie.first(Verwerkingsactie(actie_naam=name, tijdstip="2024-04-05T14:35:42+01:00"))


def wait_until_one_waits_for_a_transaction(cluster: Cluster) -> None:
    """Until somebody waits for the end of somebody else's transaction."""
    with closing(psycopg.connect(cluster.dsn(), autocommit=True)) as connection:
        waiting = "SELECT FROM pg_stat_activity WHERE wait_event = 'transactionid'"
        wait_until(lambda: bool(connection.execute(waiting).fetchall()))


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
    await asyncio.to_thread(server.process.wait, 90)
    assert "geheim" not in server.log.read_text()
    with pytest.raises(httpx2.TransportError):
        httpx2.get(f"{server.url}/openapi.json", timeout=30)


@POSTGRESQL
async def test_workers_stop_when_their_supervisor_is_killed(server: Server) -> None:
    """Else they would keep the port, and another register could not start."""
    server.start("--workers", "2", "--no-log-inzage")
    await asyncio.to_thread(wait_until, lambda: server.log.read_text().count("Application startup complete") == 2)
    workers = workers_of(server)
    async with server.client() as http:
        answer = await http.post("/verwerkingsacties", json=body("x"))
    assert server.process is not None
    server.process.kill()
    server.process.wait(60)
    try:
        await asyncio.to_thread(wait_until, lambda: not any(map(is_running, workers)))
    finally:
        for worker in filter(is_running, workers):
            os.kill(worker, signal.SIGKILL)
    assert server.place.ids() == [answer.json()["actieId"]]
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", httpx2.URL(server.url).port or 0))
        again.listen()


def is_running(process: int) -> bool:
    """Whether it lives: one that has ended may wait for somebody to take note."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@POSTGRESQL
async def test_the_workers_count_and_limit_together(server: Server, postgresql_18: Cluster) -> None:
    """Each answers half of the requests, while the other stands still; what they count is served as one, also of one that died."""
    port = free_port()
    server.start("--workers", "2", "--metrics-port", str(port), "--rate-limit", "0.001", "--rate-burst", "13", "--no-log-inzage")
    await asyncio.to_thread(wait_until, lambda: server.log.read_text().count("Application startup complete") == 2)
    one, other = workers_of(server)

    def queued() -> float:
        return metrics_at(port)["verwerkingenlog_queue_length"]

    def all_wait(number: int) -> bool:
        return blocked(postgresql_18) + queued() >= number

    async with server.client() as http:
        with (
            engines.writer(server.place.owner) as writer,
            writer.begin(),
        ):  # it is our turn, so each worker that writes must wait, and what it gets meanwhile waits in its queue
            waiting = []
            for number in range(1, 4):
                waiting.append(asyncio.ensure_future(http.post("/verwerkingsacties", json=body("x"))))
                await asyncio.to_thread(wait_until, partial(all_wait, number))
            await asyncio.to_thread(wait_until, lambda: queued() > 0)
        early = [answer.status_code for answer in await asyncio.gather(*waiting)]
    assert set(early) <= {201, 503}  # on a very busy machine one of them may have waited for too long
    kept = 10 + early.count(201)

    statuses: list[list[int]] = []
    for still in (other, one):
        os.kill(still, signal.SIGSTOP)
        try:
            async with server.client() as http:  # a connection of its own, so nobody who stands still has it
                statuses.append([(await http.post("/verwerkingsacties", json=body("x"))).status_code for _ in range(8)])
        finally:
            os.kill(still, signal.SIGCONT)
    assert statuses == [[201] * 8, [201] * 2 + [429] * 6]

    counted = "verwerkingenlog_requests_total POST /api/v1/verwerkingsacties"
    found = metrics_at(port)
    assert (found[f"{counted} 201"], found[f"{counted} 429"], found["verwerkingenlog_commit_writes_sum"]) == (kept, 6, kept)

    os.kill(one, signal.SIGKILL)
    await asyncio.to_thread(wait_until, lambda: one not in workers_of(server))
    async with server.client() as http:  # the limit outlives it too
        assert (await http.post("/verwerkingsacties", json=body("x"))).status_code == 429
    found = metrics_at(port)
    assert (found[f"{counted} 201"], found[f"{counted} 429"]) == (kept, 7)
    await asyncio.to_thread(wait_until, lambda: queued() == 0)


def blocked(cluster: Cluster) -> int:
    """How many wait for their turn to write."""
    with closing(psycopg.connect(cluster.dsn(), autocommit=True)) as connection:
        return len(connection.execute("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event = 'advisory'").fetchall())


def metrics_at(port: int) -> dict[str, float]:
    text = httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=30).text
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def workers_of(server: Server) -> list[int]:
    assert server.process is not None
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@POSTGRESQL
async def test_a_key_that_two_processes_get_at_once_makes_one_actie(
    server: Server, place: Place, postgresql_18: Cluster, tmp_path: Path
) -> None:
    from plugins.register.tests.conftest import Server

    # A default that a database may have, and under which the one could not see what the other had just committed.
    database = place.owner.database if isinstance(place.owner, URL) else None
    postgresql_18.execute(f"ALTER DATABASE {database} SET default_transaction_isolation = 'repeatable read'")
    (tmp_path / "other").mkdir()
    other = Server(tmp_path / "other", place)
    try:
        for one in (server, other):
            one.start("--no-log-inzage")
        async with server.client() as here, other.client() as there:

            async def post(http: httpx2.AsyncClient, key: str, name: str) -> httpx2.Response:
                return await http.post("/verwerkingsacties", json=body(name), headers={"Idempotency-Key": key})

            keys = [str(number) for number in range(200)]
            answers = await asyncio.gather(*[post(http, key, key) for key in keys for http in (here, there)])
            assert {answer.status_code for answer in answers} == {201}
            # Each server builds the answer with its own address.
            ids = [answer.json()["actieId"] for answer in answers]
            assert ids[::2] == ids[1::2]
            assert sorted(place.ids()) == sorted(ids[::2])
            # Of two different requests one wins, and whoever comes second is told.
            pairs = await asyncio.gather(*[post(http, f"{key}!", str(http is here)) for key in keys for http in (here, there)])
            statuses = [answer.status_code for answer in pairs]
            assert {tuple(sorted(pair)) for pair in zip(statuses[::2], statuses[1::2], strict=True)} == {(201, 422)}
    finally:
        if other.process is not None:
            other.kill()
        postgresql_18.execute(f"ALTER DATABASE {database} RESET default_transaction_isolation")


@POSTGRESQL
@pytest.mark.parametrize("same", [True, False])
async def test_a_key_that_a_stranger_wrote_costs_nobody_else_his_commit(
    settings: Settings, place: Place, postgresql_18: Cluster, *, same: bool
) -> None:
    """Somebody who does not take his turn: the database refuses the key only when the stranger commits."""
    assert isinstance(place.owner, URL)
    with closing(Repository(settings)) as repository, closing(psycopg.connect(postgresql_18.dsn(str(place.owner.database)))) as stranger:
        first = await repository.append(an_actie("sleutel" if same else "anders"))
        stranger.execute("INSERT INTO idempotency_key SELECT 'K', 'een', 0, 0, max(versie) FROM verwerkingsactie")
        together = asyncio.gather(
            repository.write(lambda connection: connection.execute(text("SELECT 1")).scalar_one()),
            *[repository.append(an_actie(name), key=Key("een", key)) for name, key in (("voor", "A"), ("sleutel", "K"), ("na", "B"))],
            repository.append(an_actie("zonder")),
            return_exceptions=True,
        )
        await asyncio.to_thread(wait_until_one_waits_for_a_transaction, postgresql_18)
        stranger.commit()
        one, before, ours, after, without = await together
    assert one == 1
    if same:
        assert isinstance(ours, VersionRows)
        assert ours.actie["actie_id"] == first.actie["actie_id"]
    else:
        assert isinstance(ours, KeyUsed)
    assert all(isinstance(rows, VersionRows) for rows in (before, after, without))
    assert len(place.ids()) == len(set(place.ids())) == 4


def test_a_second_change_of_an_actie_waits_for_the_first(place: Place) -> None:
    """Each reads the newest and adds one: were they to overlap, both would read the same."""
    seen: list[int] = []

    def change() -> None:
        with engines.writer(place.owner) as writer:
            for _ in range(5):
                with writer.begin() as connection:
                    newest = connection.execute(text("SELECT coalesce(max(versie), 0) FROM successor")).scalar_one()
                    time.sleep(0.002)
                    statement = "INSERT INTO successor (actie_id, versie) SELECT :actie, :versie"
                    actie = b"\0" * 16 if writer.dialect.name == "sqlite" else "00000000-0000-0000-0000-000000000000"
                    cast = statement if writer.dialect.name == "sqlite" else statement.replace(":actie", "CAST(:actie AS UUID)")
                    connection.execute(text(cast), {"actie": actie, "versie": newest + 1})
                    seen.append(newest + 1)

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(1, 21))


@POSTGRESQL
async def test_reads_and_writes_go_on_after_postgresql_came_back(settings: Settings, place: Place, postgresql_18: Cluster) -> None:
    with closing(Repository(settings)) as repository:
        assert (await repository.read(lambda connection: connection.execute(text("SELECT 1")).scalar_one())) == 1
        assert isinstance(place.owner, URL)
        with closing(psycopg.connect(postgresql_18.dsn(str(place.owner.database)), autocommit=True)) as connection:
            ours = "SELECT pid FROM pg_stat_activity WHERE application_name = 'verwerkingenlog' AND datname = current_database()"
            pids = [row[0] for row in connection.execute(ours).fetchall()]
            assert pids
            for pid in pids:
                os.kill(pid, signal.SIGTERM)  # one backend, as pg_terminate_backend does
            await asyncio.to_thread(wait_until, lambda: not {row[0] for row in connection.execute(ours).fetchall()} & set(pids))
        assert (await repository.read(lambda connection: connection.execute(text("SELECT 1")).scalar_one())) == 1
