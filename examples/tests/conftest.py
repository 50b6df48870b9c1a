"""The reference information system, running, for all tests of the examples."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from plugins.register.tests.clusters import Cluster, binaries
from tests.servers import NO_AUTHORITIES

from demo.case import PERSONEN, ZAAK
from demo.processes import Service
from demo.reading import INZIEN, Auditor
from demo.run import settle
from demo.system import System, information_system
from verwerkingenlogging.model import RegisteredVerwerkingsactie

TRACED_UVICORN = (sys.executable, str(Path(__file__).with_name("traced.py")), "uvicorn")
TRACED_GUNICORN = (sys.executable, str(Path(__file__).with_name("traced.py")), "gunicorn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """The running system, the databases of the two applications in FastAPI, and whether burgerzaken has a PostgreSQL."""

    system: System
    databases: tuple[Path, Path]
    postgresql: bool

    def burgerzaken(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        """Ask burgerzaken something."""
        return call(method, self.system.burgerzaken.server.url + path, {} if body is None else body)

    def zaak(self, path: str, body: Any, *, method: str = "POST") -> httpx2.Response:
        """Ask the zaaksysteem something within the zaak; a body of bytes is sent as it is."""
        return call(method, f"{self.system.zaaksysteem.url}/zaken/{ZAAK}{path}", body)

    def gegevensmagazijn(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> httpx2.Response:
        """Ask the gegevensmagazijn something, as another application would."""
        return call("POST", self.system.gegevensmagazijn.url + path, body, headers)

    @contextmanager
    def logged(self, *bsns: str) -> Iterator[list[RegisteredVerwerkingsactie]]:
        """Gives a list that holds, after the block, the acties that it added to the log about these persons."""
        auditor, new = Auditor(self.system), list[RegisteredVerwerkingsactie]()
        before = {actie.actie_id for actie in auditor.acties(bsns or PERSONEN)}
        yield new
        assert settle(self.system.burgerzaken) == []
        new += [actie for actie in auditor.acties(bsns or PERSONEN) if actie.actie_id not in before and actie.actie_naam != INZIEN]

    @contextmanager
    def stopped(self, service: Service) -> Iterator[None]:
        """``service`` does not run within the block, and runs again after it."""
        service.stop()
        try:
            yield
        finally:
            service.start()
            service.wait()

    @contextmanager
    def refusing(self, bsn: str) -> Iterator[None]:
        """Within the block, the database of burgerzaken refuses that BSN as a partner, and says so: PostgreSQL with the whole row."""
        if self.postgresql:
            statements = (
                f"ALTER TABLE burgerzaken_betrokkene ADD CONSTRAINT refusal CHECK (bsn <> '{bsn}') NOT VALID",
                "ALTER TABLE burgerzaken_betrokkene DROP CONSTRAINT refusal",
            )
        else:
            raising = f"SELECT RAISE(ABORT, 'refusal of {bsn}')"
            statements = (
                f"CREATE TRIGGER refusal BEFORE INSERT ON burgerzaken_betrokkene WHEN NEW.bsn = '{bsn}' BEGIN {raising}; END",
                "DROP TRIGGER refusal",
            )
        begin, end = [f'from django.db import connection; connection.cursor().execute("""{statement}""")' for statement in statements]
        self.system.burgerzaken.manage("shell", "--command", begin)
        try:
            yield
        finally:
            self.system.burgerzaken.manage("shell", "--command", end)

    @contextmanager
    def trapped(self) -> Iterator[bytes]:
        """Within the block, a file that is no database lies in the place of each: whoever reads or writes it gets an error of SQLite.

        Gives what is in that file.
        """
        trap = b"This is not a database.\n" * 1000
        contents = [database.read_bytes() for database in self.databases]
        for database in self.databases:
            database.write_bytes(trap)
        try:
            yield trap
        finally:
            for database, content in zip(self.databases, contents, strict=True):
                database.write_bytes(content)


def call(method: str, url: str, body: Any, headers: Mapping[str, str] | None = None) -> httpx2.Response:
    """One request, with a JSON body or these bytes."""
    content = body if isinstance(body, bytes) else httpx2.Request(method, url, json=body).content
    return httpx2.request(
        method,
        url,
        content=content,
        headers={"Content-Type": "application/json", **(headers or {})},
        timeout=30,
        trust_env=False,
        verify=NO_AUTHORITIES,
    )


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of an empty database for burgerzaken, or an empty text where there is no PostgreSQL to run."""
    programs = next(iter(binaries().values()), None)
    if programs is None:
        yield ""
        return
    with closing(Cluster(programs)) as cluster:
        cluster.start()
        cluster.execute("CREATE ROLE burgerzaken LOGIN", "CREATE DATABASE burgerzaken OWNER burgerzaken")
        yield f"postgresql://burgerzaken@/burgerzaken?host={cluster.folder}"


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The system, with tracing on, and without coverage: nothing else looks at what these processes execute.

    Burgerzaken has a PostgreSQL here where one can be run, and SQLite in the demo.
    """
    folder = tmp_path_factory.mktemp("installation")
    with ExitStack() as stack:
        database = stack.enter_context(postgresql())
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
            system = stack.enter_context(information_system(folder, uvicorn=TRACED_UVICORN, gunicorn=TRACED_GUNICORN, database=database))
        databases = (folder / "zaaksysteem.sqlite", folder / "gegevensmagazijn.sqlite")
        yield Installation(system=system, databases=databases, postgresql=bool(database))
