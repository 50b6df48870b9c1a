"""A variant's project, set up in this process: once, because Django reads its settings once."""

from __future__ import annotations

from typing import Any

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command

from bench.django.variants import Project

__all__ = ["asgi", "configure", "sqlite", "wsgi"]


def sqlite(path: str) -> dict[str, Any]:
    """A database in a file, set as everybody does who has more than one request: a write-ahead log that does not wait for the disk."""
    commands = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": path, "OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": commands}}


def wsgi(project: Project, database: dict[str, Any]) -> WSGIHandler:
    """The application of a project whose view is sync. Its connections stay open."""
    configure(project, {**database, "CONN_MAX_AGE": None}, view=project.view)
    return WSGIHandler()


def asgi(project: Project, database: dict[str, Any]) -> ASGIHandler:
    """The application of a project whose view is async. Connections end with the request, as Django wants it there."""
    configure(project, database, view=f"a{project.view}")
    return ASGIHandler()


def configure(project: Project, database: dict[str, Any], *, view: str) -> None:
    """Set Django up for a project, with the tables that it needs."""
    settings.configure(
        SECRET_KEY="only for measuring",  # noqa: S106  # protects nothing
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="bench.django.urls",
        BENCH_VIEW=f"{project.views}.{view}",
        INSTALLED_APPS=["bench.django", *project.apps],
        MIDDLEWARE=list(project.middleware),
        DATABASES={"default": database},
        **project.settings,
    )
    if project.instrument is not None:
        project.instrument()
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
