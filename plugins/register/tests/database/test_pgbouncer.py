"""Behind PgBouncer: in transaction mode a session is another's after each transaction, in session mode after each connection."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import psycopg
import pytest
from plugins.register.tests.clusters import OWNER, SERVER
from plugins.register.tests.conftest import BASE_URL, Api
from sqlalchemy import URL
from tests.servers import free_port
from typer.testing import Result

from verwerkingenlogging_register import Settings, create_app

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Place

Run = Callable[..., Result]
PROGRAM = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed here"),
    pytest.mark.parametrize("place", ["postgresql-18"], indirect=True),
]
BOTH = pytest.mark.parametrize("mode", ["session", "transaction"])


@contextmanager
def pooled(place: Place, mode: str, *, size: int = 3) -> Iterator[URL]:
    """The address of the database through a PgBouncer in that mode, as the role of the server."""
    assert isinstance(place.location, URL)
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-", dir="/tmp"))  # not in pytest's: root alone may enter that
    port = free_port()
    (folder / "users").write_text(f'"{SERVER}" ""\n"{OWNER}" ""\n')
    (folder / "ini").write_text(
        f"[databases]\n* = host={place.location.query['host']}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n"
        f"unix_socket_dir =\nauth_type = trust\nauth_file = {folder}/users\npool_mode = {mode}\ndefault_pool_size = {size}\n"
    )
    user: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    if user:
        shutil.chown(folder, "nobody", "nogroup")
    log = (folder / "log").open("wb")
    process = subprocess.Popen([str(PROGRAM), folder / "ini"], stdout=log, stderr=log, **user)
    try:
        url = place.location.set(host="127.0.0.1", port=port, query={})
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert process.poll() is None, (folder / "log").read_text()
            try:
                connect(url).close()
            except psycopg.OperationalError as error:
                if "transaction blocks" in str(error):
                    break
                time.sleep(0.02)
            else:
                break
        yield url
    finally:
        process.kill()
        process.wait()
        log.close()
        shutil.rmtree(folder)


def connect(url: URL) -> psycopg.Connection[Any]:
    """A client of the pooler that knows nothing of it."""
    return psycopg.connect(host=url.host, port=url.port, user=url.username, dbname=url.database, autocommit=True)


def settings_of(place: Place, url: URL) -> Settings:
    """A register on the database behind the pooler."""
    return Settings(database=url, keys=place.keys, base_url=BASE_URL, require_inzage_headers=False)


async def use(settings: Settings) -> None:
    """Write, read, correct and search, more at once than there are sessions, and the same statements over and over."""
    app = create_app(settings)
    transport = httpx2.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx2.AsyncClient(transport=transport, base_url=f"{BASE_URL}/api/v1") as http:
        api = Api(http, app)
        answers = await asyncio.gather(*[api.posted() for _ in range(20)])
        found = await asyncio.gather(*[api.actie(answer["actieId"]) for answer in answers for _ in range(3)])
        assert {response.status_code for response in found} == {200}
        assert (await api.put(answers[0], actieNaam="anders")).status_code == 200
        searched = await asyncio.gather(*[api.search(pageSize=10) for _ in range(10)])
        assert {len(response.json()["results"]) for response in searched} == {10}
        assert (await api.inzage()).status_code == 200


@BOTH
async def test_the_register_works_behind_it(place: Place, mode: str) -> None:
    with pooled(place, mode, size=12 if mode == "session" else 2) as url:
        await use(settings_of(place, url))


@BOTH
def test_check_finds_nothing_amiss(place: Place, mode: str, verwerkingenlog: Run) -> None:
    with pooled(place, mode) as url:
        done = verwerkingenlog("check", "--database", url.render_as_string(), "--keys", str(place.keys))
        assert done.exit_code == 0, done.output


async def test_what_a_neighbour_left_in_the_session_is_not_ours(place: Place) -> None:
    with pooled(place, "transaction", size=1) as url:
        with connect(url) as neighbour:
            for setting in (
                "synchronous_commit = off",
                "default_transaction_read_only = on",
                "search_path = pg_catalog",
            ):
                neighbour.execute(f"SET {setting}")
        await use(settings_of(place, url))


async def test_we_leave_nothing_in_the_session_of_a_neighbour(place: Place) -> None:
    with pooled(place, "transaction", size=1) as url:
        await use(settings_of(place, url))
        with connect(url) as neighbour:
            shown = [neighbour.execute(f"SHOW {name}").fetchone() for name in ("statement_timeout", "default_transaction_read_only")]
            assert shown == [("0",), ("off",)]
            assert neighbour.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)


def test_a_mode_without_transactions_is_refused_in_one_line(place: Place, verwerkingenlog: Run) -> None:
    with pooled(place, "statement") as url:
        done = verwerkingenlog("serve", "--database", url.render_as_string(), "--keys", str(place.keys))
        assert done.exit_code == 1
        assert "transaction blocks not allowed in statement pooling mode" in done.stderr
        assert len(done.stderr.splitlines()) == 1
