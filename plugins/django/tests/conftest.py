"""What the tests of the Django plugin share: Django itself, set up before any of them is imported."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "plugins.django.tests.settings")
django.setup()

from collections.abc import Iterator  # noqa: E402  # after Django was set up
from contextlib import ExitStack  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import pytest  # noqa: E402
from plugins.django.tests.databases import Make, added, postgresql, sqlite  # noqa: E402
from plugins.register.tests.clusters import Cluster, binaries  # noqa: E402
from pytest_django import DjangoDbBlocker  # noqa: E402


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


@pytest.fixture
def make(kind: str, tmp_path: Path, request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> Iterator[Make]:
    """Makes databases of that kind."""
    with ExitStack() as stack:
        stack.enter_context(django_db_blocker.unblock())

        def make(alias: str = "eigen", **settings: Any) -> str:
            if kind == "sqlite":
                return stack.enter_context(added(alias, sqlite(tmp_path, alias, **settings)))
            cluster: Cluster = request.getfixturevalue("django_cluster")
            cluster._databases += 1
            name = f"django_{cluster._databases}"
            cluster.execute(f"CREATE DATABASE {name}")
            return stack.enter_context(added(alias, postgresql(cluster, name, **settings)))

        yield make


@pytest.fixture
def database(make: Make) -> str:
    """One database; gives its alias."""
    return make()
