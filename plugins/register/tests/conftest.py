"""A register to test against: the whole application on a real database, in process, and as a process of its own."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import jwt
import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine, text
from typer.testing import CliRunner, Result

from verwerkingenlogging.model import Verwerkingsactie
from verwerkingenlogging_register import Settings, create_app
from verwerkingenlogging_register.bodies import VerwerkingsactieIn
from verwerkingenlogging_register.cli import app as command_line
from verwerkingenlogging_register.clients import Client, register_client, revoke_client, rotate_client
from verwerkingenlogging_register.database import open_writer, prepare
from verwerkingenlogging_register.scopes import Scope
from verwerkingenlogging_register.services import Register
from verwerkingenlogging_register.versions import ActieVersie

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


def make_token(client: str = "alles", *, secret: str = SECRET, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A token as a client signs it; a claim given as None is left out."""
    now = int(time.time())
    given = {"iss": client, "client_id": client, "iat": now, "exp": now + 600, **claims}
    return jwt.encode({name: value for name, value in given.items() if value is not None}, secret, algorithm="HS256", headers=header)


def register_clients(database: Path) -> None:
    """The clients of these tests: one without OIN, one with."""
    prepare(database)
    engine = open_writer(database)
    for name, oins in (("alles", ()), ("gemeente", (OIN,))):
        register_client(engine, Client(name=name, oins=oins, scopes=frozenset(Scope), secret=SECRET))
    engine.dispose()


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
        await self.register.store.append(
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


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "verwerkingenlog.sqlite"
    register_clients(path)
    return path


@pytest.fixture
def add_client(database: Path) -> Callable[[Client], None]:
    """Registers a client, as the command does while the register runs."""

    def add(client: Client) -> None:
        engine = open_writer(database)
        register_client(engine, client)
        engine.dispose()

    return add


@pytest.fixture
def change_client(database: Path) -> Callable[..., None]:
    """Gives a client another secret, or revokes it, as the command does while the register runs."""

    def change(name: str, *, secret: str | None = None, revoked: bool = False) -> None:
        engine = open_writer(database)
        if secret is not None:
            rotate_client(engine, name, secret)
        if revoked:
            revoke_client(engine, name)
        engine.dispose()

    return change


@pytest.fixture
def settings(database: Path) -> Settings:
    """Without the log of inspections: a test about searching counts its own acties only."""
    return Settings(database=database, base_url=BASE_URL, log_inzage=False)


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=f"{BASE_URL}/api/v1") as http,
    ):
        yield Api(http, app)


@pytest.fixture
def stored(database: Path) -> Callable[[], int]:
    """How many versions the database holds."""

    def count() -> int:
        engine = create_engine(f"sqlite:///{database}")
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT count(*) FROM verwerkingsactie")).scalar_one()
        engine.dispose()
        return int(rows)

    return count


@pytest.fixture
def token() -> Callable[..., str]:
    return make_token


@pytest.fixture
def full() -> dict[str, Any]:
    """A body in which every attribute is filled."""
    return {**FULL}


class Server:
    """``verwerkingenlog serve`` as a process of its own, on a free port."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "verwerkingenlog.sqlite"
        self.log = folder / "server.log"
        register_clients(self.database)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None
        self.token = make_token()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1"

    def start(self, *options: str, preexec: Callable[[], None] | None = None) -> None:
        """Start it and wait until it answers."""
        command = [command_path(), "serve", "--database", str(self.database), "--port", str(self.port), *options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=preexec, env=clean_environment())  # noqa: PLW1509  # single-threaded here
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if httpx2.get(f"{self.url}/openapi.json", timeout=1).status_code == 200:
                    return
            except httpx2.TransportError:
                time.sleep(0.02)
        pytest.fail(f"the server did not start: {self.log.read_text()}")

    def client(self) -> httpx2.AsyncClient:
        """An HTTP client with all scopes."""
        return httpx2.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=30, trust_env=False)

    def command(self, *arguments: str) -> str:
        """What another command prints, on the database of this server."""
        command = [command_path(), *arguments, "--database", str(self.database)]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=clean_environment(), timeout=30).stdout

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; gives the exit status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=20)


def command_path() -> str:
    """The installed command."""
    return str(Path(sys.executable).with_name("verwerkingenlog"))


def clean_environment() -> dict[str, str]:
    """Ours, without settings of a register."""
    return {name: value for name, value in os.environ.items() if not re.match("VERWERKINGENLOG_", name)}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    if server.process is not None and server.process.poll() is None:
        server.kill()


@pytest.fixture
def verwerkingenlog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs the command in an empty folder, without settings in its environment but those given."""
    monkeypatch.chdir(tmp_path)
    for name in set(os.environ) - clean_environment().keys():
        monkeypatch.delenv(name)

    def run(*arguments: str, **environment: str) -> Result:
        return CliRunner().invoke(command_line, arguments, env=environment)

    return run
