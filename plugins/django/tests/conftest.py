# ruff: noqa: E402  # Django must be set up before what uses it is imported
"""What the tests of the Django plugin share: Django itself, and projects that log in memory, asked over WSGI and over ASGI."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import django
import httpx2
import pytest

os.environ["DJANGO_SETTINGS_MODULE"] = "plugins.django.tests.settings"
django.setup()
del os.environ["DJANGO_SETTINGS_MODULE"]  # the processes that other tests start are other projects

from django.core.handlers.asgi import ASGIHandler
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import override_settings
from plugins.django.tests.databases import Make, added, postgresql, sqlite
from plugins.register.tests.clusters import Cluster, binaries
from pytest_django import DjangoDbBlocker
from starlette.testclient import TestClient

from verwerkingenlogging import Activiteit, Activiteiten, MemoryLog

GEMEENTE, BUURGEMEENTE = "00000001821002193000", "00000099000000001000"
MIDDLEWARE = "verwerkingenlogging_django.middleware.VerwerkingenloggingMiddleware"


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def activiteiten() -> Activiteiten:
    return Activiteiten(
        {
            GEMEENTE: [
                Activiteit(naam="brp", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"), url="https://var.gemeente.example/5f0bef4c")
            ],
            BUURGEMEENTE: [Activiteit(naam="brp", id=UUID("4f6db294-830d-4d14-b9bd-3c6d17c40d65"))],
        },
        source="activiteiten.toml",
    )


Project = Callable[..., None]


@pytest.fixture
def project(log: MemoryLog, activiteiten: Activiteiten) -> Iterator[Project]:
    """Makes a project of URL patterns; further arguments are keys of VERWERKINGENLOGGING, in lower case."""
    with ExitStack() as stack:

        def make(*urls: Any, middleware: tuple[Any, ...] = (MIDDLEWARE,), debug: bool = False, django: Any = None, **keys: Any) -> None:
            setting = {
                "OIN": GEMEENTE,
                "ACTIVITEITEN": activiteiten,
                "SYSTEEM": "FooBarApp v2.1",
                "LOG": log,
                "TRUSTED_PEERS": ["127.0.0.1"],
                **{key.upper(): value for key, value in keys.items()},
            }
            changed = {"ROOT_URLCONF": urls, "MIDDLEWARE": middleware, "DEBUG": debug, "VERWERKINGENLOGGING": setting, **(django or {})}
            stack.enter_context(override_settings(**changed))

        yield make


class _Closing(ASGIHandler):
    """Django 5.2 leaves the body of a request open when its stream is cut."""

    async def read_body(self, receive: Any) -> Any:
        self._body = await super().read_body(receive)
        return self._body

    def close(self) -> None:
        self._body.close()


@contextmanager
def connections_kept() -> Iterator[None]:
    """Django closes the database before and after a request. In a test that would end the test's own transaction."""
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    try:
        yield
    finally:
        request_started.connect(close_old_connections)
        request_finished.connect(close_old_connections)


class Asking:
    """Asks the project over one of the two protocols, as a server would."""

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self.client = "127.0.0.1"

    def __call__(self, path: str, method: str = "GET", **more: Any) -> httpx2.Response:
        """The answer. Raises whatever makes a server cut the connection."""
        with connections_kept():
            return self._ask(path, method, **more)

    def _ask(self, path: str, method: str, **more: Any) -> httpx2.Response:
        if self.protocol == "asgi":
            handler = _Closing()
            with closing(handler):
                return TestClient(cast("Any", handler), client=(self.client, 1)).request(method, path, **more)
        transport = httpx2.WSGITransport(get_wsgi_application(), remote_addr=self.client)
        with httpx2.Client(transport=transport, base_url="http://testserver") as client:
            return client.request(method, path, **more)


@pytest.fixture(params=["wsgi", "asgi"])
def ask(request: pytest.FixtureRequest) -> Asking:
    return Asking(request.param)


@pytest.fixture(scope="session")
def django_cluster() -> Iterator[Cluster]:
    """A PostgreSQL server for the tests of the Django plugin."""
    cluster = Cluster(next(iter(binaries().values())))
    cluster.start()
    yield cluster
    cluster.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of database: a test that asks for one runs on each."""
    return str(request.param)


_MADE = pytest.StashKey[set[str]]()


@pytest.fixture
def make(kind: str, tmp_path: Path, request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> Iterator[Make]:
    """Makes databases of that kind."""
    made: set[str] = request.session.stash.setdefault(_MADE, set())
    with ExitStack() as stack:
        stack.enter_context(django_db_blocker.unblock())

        def make(alias: str = "eigen", **settings: Any) -> str:
            if kind == "sqlite":
                return stack.enter_context(added(alias, sqlite(tmp_path, alias, **settings)))
            cluster: Cluster = request.getfixturevalue("django_cluster")
            name = f"django_{alias}"  # emptied rather than made anew, which takes long
            if name not in made:
                made.add(name)
                cluster.execute(f"CREATE DATABASE {name}")
            cluster.execute("DROP SCHEMA public CASCADE", "CREATE SCHEMA public", database=name)
            return stack.enter_context(added(alias, postgresql(cluster, name, **settings)))

        yield make


@pytest.fixture
def database(make: Make) -> str:
    """One database; gives its alias."""
    return make()
