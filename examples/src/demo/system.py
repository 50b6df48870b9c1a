"""The reference information system: a register, its clients, and the applications that log to it, each a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from demo.processes import HOST, Service, ServiceFailed, free_ports, started
from verwerkingenlogging.logs.api import ClientToken
from verwerkingenlogging_register._access.clients import Client, new_secret, register_client
from verwerkingenlogging_register._acties.repository import prepare_to_serve
from verwerkingenlogging_register._database.engines import open_writer
from verwerkingenlogging_register._model.scopes import Scope
from verwerkingenlogging_register.settings import Settings

__all__ = [
    "AUDITOR",
    "GUNICORN",
    "INZAGE_ACTIVITEIT",
    "INZAGE_BEWAARTERMIJN",
    "OIN",
    "PORTAL",
    "UITVOERDER",
    "UVICORN",
    "Burgerzaken",
    "System",
    "information_system",
]

OIN = "00000001821002193000"
"""The municipality."""
UITVOERDER = "00000099123456780000"
"""Another party, which executes for it."""
INZAGE_ACTIVITEIT = "b1a40c7e-6a3b-4a57-9d0f-0c7b6f2f4c11"
INZAGE_BEWAARTERMIJN = "P5Y"
"""The verwerkingsactiviteit under which the register itself logs that somebody inspects it."""
INZAGE_BEWAARTERMIJN = "P5Y"
"""How long it keeps that, at least."""

BURGERZAKEN = "burgerzaken"
PORTAL = "inzageportaal"
AUDITOR = "auditor"
_CLIENTS = {
    "zaaksysteem": ("create:normal",),
    # Confidential too: that is how it is asked to log (X34).
    "gegevensmagazijn": ("create:normal", "create:confidential"),
    # And what is confidential, or has no term yet, it changes in the end.
    BURGERZAKEN: ("create:normal", "create:confidential", "update:confidential"),
    PORTAL: ("create:normal", "read:normal", "read:confidential"),
    AUDITOR: ("read:normal", "read:confidential"),
}

UVICORN = (sys.executable, "-m", "uvicorn")
"""The command that serves an ASGI application."""
GUNICORN = (sys.executable, "-m", "gunicorn")
"""The command that serves a WSGI application."""
_MANAGE = (sys.executable, "-m", "burgerzaken")
_VERWERKINGENLOG = str(Path(sysconfig.get_path("scripts")) / "verwerkingenlog")


@dataclass(frozen=True, slots=True, kw_only=True)
class Burgerzaken:
    """The Django application: its server, and the jobs beside it.

    Attributes:
        server: answers requests.
        delivery: brings what it logged to the register.
        changes: changes in the register what becomes known later.
        environment: of all of them.
    """

    server: Service
    delivery: Service
    changes: Service
    environment: Mapping[str, str]

    @property
    def services(self) -> tuple[Service, ...]:
        """Everything that runs."""
        return (self.server, self.delivery, self.changes)

    def manage(self, *arguments: str) -> str:
        """Run one of its commands that ends, and give what it printed. Raises ServiceFailed when it fails."""
        return _run([*_MANAGE, *arguments], self.environment)


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The running system.

    Attributes:
        register: keeps the log.
        gegevensmagazijn: the provider.
        zaaksysteem: a consumer, run by the municipality itself.
        zaaksysteem_uitvoerder: the same application, run by another party for the municipality.
        burgerzaken: another consumer, in Django.
        tokens: gives the bearer token of each client of the register.
        secrets: the secret of each client of the register.
    """

    register: Service
    gegevensmagazijn: Service
    zaaksysteem: Service
    zaaksysteem_uitvoerder: Service
    burgerzaken: Burgerzaken
    tokens: dict[str, ClientToken]
    secrets: dict[str, str]

    @property
    def services(self) -> tuple[Service, ...]:
        """Everything that runs."""
        return (self.register, *self.fastapi, *self.burgerzaken.services)

    @property
    def fastapi(self) -> tuple[Service, ...]:
        """The applications in FastAPI."""
        return (self.gegevensmagazijn, self.zaaksysteem, self.zaaksysteem_uitvoerder)

    def server(self, application: str) -> Service:
        """The server of that application."""
        found = getattr(self, application)
        return found.server if isinstance(found, Burgerzaken) else cast("Service", found)

    @property
    def api(self) -> str:
        """Base address of both APIs of the register."""
        return f"{self.register.url}/api/v1"


@contextmanager
def information_system(
    folder: Path, *, uvicorn: Sequence[str] = UVICORN, gunicorn: Sequence[str] = GUNICORN, database: str = ""
) -> Iterator[System]:
    """Run the system on free ports, with its databases and output in ``folder``; ended when the block ends.

    ``uvicorn`` and ``gunicorn`` are the commands that serve the applications, ``database`` is another for burgerzaken, such as
    ``postgresql://…``. Raises ServiceFailed when something does not start.
    """
    log = folder / "verwerkingenlog.sqlite"
    secrets = _register_clients(log)
    ports = iter(free_ports(5))

    def application(name: str, module: str, **environment: str) -> Service:
        port = next(ports)
        command = [*uvicorn, f"{module}.app:app", "--host", HOST, "--port", str(port)]
        environment[f"{module.upper()}_DATABASE"] = str(folder / f"{name}.sqlite")
        return Service(
            name,
            command,
            url=f"http://{HOST}:{port}",
            health="/health",
            environment=_for_client(register, module, secrets, **environment),
            folder=folder,
        )

    register = _register(log, next(ports))
    gegevensmagazijn = application("gegevensmagazijn", "gegevensmagazijn")
    at = {"ZAAKSYSTEEM_GEGEVENSMAGAZIJN": gegevensmagazijn.url}
    system = System(
        register=register,
        gegevensmagazijn=gegevensmagazijn,
        zaaksysteem=application("zaaksysteem", "zaaksysteem", **at),
        zaaksysteem_uitvoerder=application("zaaksysteem-uitvoerder", "zaaksysteem", **at, VERWERKINGENLOGGING_UITVOERDER=UITVOERDER),
        burgerzaken=_burgerzaken(
            next(ports),
            gunicorn=gunicorn,
            environment=_for_client(
                register,
                BURGERZAKEN,
                secrets,
                BURGERZAKEN_DATABASE=database or str(folder / "burgerzaken.sqlite"),
                BURGERZAKEN_GEGEVENSMAGAZIJN=gegevensmagazijn.url,
            ),
            folder=folder,
        ),
        tokens={client: ClientToken(client, secret) for client, secret in secrets.items()},
        secrets=secrets,
    )
    with started([register, *system.fastapi]):
        system.burgerzaken.manage("migrate", "--verbosity", "0")
        with started(system.burgerzaken.services):
            for service in system.services:
                service.wait()
            yield system


def _burgerzaken(port: int, *, gunicorn: Sequence[str], environment: Mapping[str, str], folder: Path) -> Burgerzaken:
    # Here every request has ended before the next thing happens, so no change needs to wait for one.
    environment = {"BURGERZAKEN_LONGEST_REQUEST_SECONDS": "0", **environment}
    url = f"http://{HOST}:{port}"
    serve = [*gunicorn, "burgerzaken.wsgi", "--bind", f"{HOST}:{port}", "--threads", "4", "--access-logfile", "-"]
    return Burgerzaken(
        server=Service(BURGERZAKEN, serve, url=url, health="/health", environment=environment, folder=folder),
        delivery=Service(f"{BURGERZAKEN}-delivery", [*_MANAGE, "verwerkingen_deliver"], environment=environment, folder=folder),
        changes=Service(f"{BURGERZAKEN}-changes", [*_MANAGE, "make_changes", "--every", "0.1"], environment=environment, folder=folder),
        environment=environment,
    )


def _for_client(register: Service, client: str, secrets: Mapping[str, str], **environment: str) -> dict[str, str]:
    """The environment of an application that logs to ``register``."""
    own = {
        "VERWERKINGENLOGGING_REGISTER": f"{register.url}/api/v1",
        "VERWERKINGENLOGGING_CLIENT_ID": client,
        "VERWERKINGENLOGGING_CLIENT_SECRET": secrets[client],
    }
    return {**os.environ, **own, **environment}


def _register(log: Path, port: int) -> Service:
    url = f"http://{HOST}:{port}"
    command = [_VERWERKINGENLOG, "serve", "--database", str(log), "--host", HOST, "--port", str(port), "--base-url", url]
    command += ["--inzage-activiteit", INZAGE_ACTIVITEIT, "--inzage-bewaartermijn", INZAGE_BEWAARTERMIJN]
    return Service("register", command, url=url, health="/api/v1/openapi.json", environment=_for_register(), folder=log.parent)


def _register_clients(log: Path) -> dict[str, str]:
    """Register all clients of the municipality and give their secrets, as ``verwerkingenlog client add`` does for each."""
    secrets = {client: new_secret() for client in _CLIENTS}
    engine = open_writer(log, prepare_to_serve(Settings(database=log)))
    for client, scopes in _CLIENTS.items():
        register_client(engine, Client(name=client, oins=(OIN,), scopes=frozenset(map(Scope, scopes)), secret=secrets[client]))
    engine.dispose()
    return secrets


def _run(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run a command that ends, and give what it printed. Raises ServiceFailed when it fails."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  # a command that we wrote
    if done.returncode:
        raise ServiceFailed(f"`{' '.join(command[:4])}` failed:\n{done.stderr}")
    return done.stdout.strip()


def _for_register() -> dict[str, str]:
    """The environment without what another register on this machine may have in it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("VERWERKINGENLOG_")}
