"""Settings from the environment."""

from __future__ import annotations

import os
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

__all__ = ["database", "own"]

_Default = TypeVar("_Default", str, None)


def own(name: str, default: _Default) -> str | _Default:
    """The value of ``VERWERKINGENLOGGING_<name>``, as in the other applications, when it is set."""
    return os.environ.get(f"VERWERKINGENLOGGING_{name}") or default


def database(where: str) -> dict[str, Any]:
    """Django's settings for the path of an SQLite file, or for ``postgresql://user:password@host:port/name``.

    ``?host=/run/postgresql`` names the folder of a socket.
    """
    if not where.startswith("postgresql://"):
        # Takes the write lock when a transaction begins: one that reads first and writes then could be refused halfway.
        # With a log of its own (WAL), who reads does not wait for who writes, nor the other way round.
        options = {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL"}
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": where, "OPTIONS": options}
    parts = urlsplit(where)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or parse_qs(parts.query).get("host", [""])[0],
        "PORT": parts.port or "",
        "CONN_MAX_AGE": 60,
    }
