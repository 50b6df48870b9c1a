"""The reference information system: a register, its clients, and the applications that log to it, each a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.processes import HOST, Service, ServiceFailed, free_ports, running
from verwerkingenlogging.logs.api import ClientToken

__all__ = ["AUDITOR", "INZAGE_ACTIVITEIT", "OIN", "PORTAL", "UITVOERDER", "UVICORN", "System", "information_system"]

OIN = "00000001821002193000"
"""The municipality."""
UITVOERDER = "00000099123456780000"
"""Another party, which executes for it."""
INZAGE_ACTIVITEIT = "b1a40c7e-6a3b-4a57-9d0f-0c7b6f2f4c11"
"""The verwerkingsactiviteit under which the register itself logs that somebody inspects it."""

PORTAL = "inzageportaal"
AUDITOR = "auditor"
_CLIENTS = {
    "zaaksysteem": ("create:normal",),
    "gegevensmagazijn": ("create:normal",),
    PORTAL: ("create:normal", "read:normal", "read:confidential"),
    AUDITOR: ("read:normal", "read:confidential"),
}

UVICORN = (sys.executable, "-m", "uvicorn")
"""The command that serves an application."""
_VERWERKINGENLOG = str(Path(sysconfig.get_path("scripts")) / "verwerkingenlog")


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The running system.

    Attributes:
        register: keeps the log.
        gegevensmagazijn: the provider.
        zaaksysteem: the consumer, run by the municipality itself.
        zaaksysteem_uitvoerder: the same application, run by another party for the municipality.
        tokens: gives the bearer token of each client of the register.
    """

    register: Service
    gegevensmagazijn: Service
    zaaksysteem: Service
    zaaksysteem_uitvoerder: Service
    tokens: dict[str, ClientToken]

    @property
    def services(self) -> tuple[Service, ...]:
        """Everything that runs."""
        return (self.register, self.gegevensmagazijn, self.zaaksysteem, self.zaaksysteem_uitvoerder)

    @property
    def api(self) -> str:
        """Base address of both APIs of the register."""
        return f"{self.register.url}/api/v1"


@contextmanager
def information_system(folder: Path, *, uvicorn: Sequence[str] = UVICORN) -> Iterator[System]:
    """Run the system on free ports, with its databases and output in ``folder``; ended when the block ends.

    ``uvicorn`` is the command that serves the applications. Raises ServiceFailed when something does not start.
    """
    log = folder / "verwerkingenlog.sqlite"
    secrets = _register_clients(log)
    ports = iter(free_ports(4))

    def application(name: str, module: str, **environment: str) -> Service:
        own = {
            f"{module.upper()}_DATABASE": str(folder / f"{name}.sqlite"),
            "VERWERKINGENLOGGING_REGISTER": f"{register.url}/api/v1",
            "VERWERKINGENLOGGING_CLIENT_ID": module,
            "VERWERKINGENLOGGING_CLIENT_SECRET": secrets[module],
        }
        port = next(ports)
        command = [*uvicorn, f"{module}.app:app", "--host", HOST, "--port", str(port)]
        return Service(
            name, command, url=f"http://{HOST}:{port}", health="/health", environment={**os.environ, **own, **environment}, folder=folder
        )

    register = _register(log, next(ports))
    gegevensmagazijn = application("gegevensmagazijn", "gegevensmagazijn")
    at = {"ZAAKSYSTEEM_GEGEVENSMAGAZIJN": gegevensmagazijn.url}
    system = System(
        register=register,
        gegevensmagazijn=gegevensmagazijn,
        zaaksysteem=application("zaaksysteem", "zaaksysteem", **at),
        zaaksysteem_uitvoerder=application("zaaksysteem-uitvoerder", "zaaksysteem", **at, VERWERKINGENLOGGING_UITVOERDER=UITVOERDER),
        tokens={client: ClientToken(client, secret) for client, secret in secrets.items()},
    )
    with running(system.services):
        yield system


def _register(log: Path, port: int) -> Service:
    url = f"http://{HOST}:{port}"
    command = [_VERWERKINGENLOG, "serve", "--database", str(log), "--host", HOST, "--port", str(port), "--base-url", url]
    command += ["--inzage-activiteit", INZAGE_ACTIVITEIT]
    return Service("register", command, url=url, health="/api/v1/openapi.json", environment=_for_register(), folder=log.parent)


def _register_clients(log: Path) -> dict[str, str]:
    """Register all clients and give their secrets. The first makes the database, then the others need not wait for each other."""
    (first, scopes), *others = _CLIENTS.items()
    secrets = {first: _register_client(log, first, scopes)}
    with ThreadPoolExecutor() as pool:
        return secrets | dict(pool.map(lambda item: (item[0], _register_client(log, *item)), others))


def _register_client(log: Path, client: str, scopes: Sequence[str]) -> str:
    """Register ``client`` of the municipality and give its secret."""
    command = [_VERWERKINGENLOG, "client", "add", client, "--database", str(log), "--oin", OIN]
    command += [word for scope in scopes for word in ("--scope", scope)]
    done = subprocess.run(command, env=_for_register(), capture_output=True, text=True, check=False)  # noqa: S603  # a command that we wrote
    if done.returncode:
        raise ServiceFailed(f"`verwerkingenlog client add {client}` failed:\n{done.stderr}")
    return done.stdout.strip()


def _for_register() -> dict[str, str]:
    """The environment without what another register on this machine may have in it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("VERWERKINGENLOG_")}
