"""Running the register: one process, or several workers that share a port and a PostgreSQL database."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register.app import create_app
from verwerkingenlogging_register.settings import Settings

__all__ = ["check_workers", "run"]

_GRACE_SECONDS = 30
_LOG_CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"uvicorn.error": {"level": "INFO"}, "verwerkingenlogging_register": {"level": "INFO"}},
}


def check_workers(settings: Settings, workers: int) -> None:
    """Refuse, with ConfigurationError, several workers on SQLite.

    A file has one writer at a time, and who waits for it polls. Measured: two processes took a third fewer acties than one and
    made some wait 0.8 s, four 1.7 s; one process, where concurrent requests share its commits, 0.05 s.
    """
    if workers > 1 and isinstance(settings.database, Path):
        raise ConfigurationError("setting workers: a SQLite database serves one worker; use PostgreSQL for more, or --workers 1")


def run(settings: Settings, *, host: str, port: int, workers: int = 1) -> None:
    """Serve until SIGTERM or Ctrl-C. ``prepare_to_serve`` and ``check_workers`` come first: they say what is amiss."""
    options: dict[str, Any] = {
        "host": host,
        "port": port,
        # The access log of uvicorn holds query strings, and they hold BSNs (X57): TechnicalLog writes ours.
        "access_log": False,
        "log_config": _LOG_CONFIG,
        "server_header": False,
        "timeout_graceful_shutdown": _GRACE_SECONDS,
    }
    if workers == 1:
        uvicorn.run(create_app(settings), **options)
        return
    # Each worker is a new process, which gets the settings by pickle: a password is in no command line and no environment.
    config = uvicorn.Config(partial(create_app, settings), factory=True, workers=workers, **options)
    Multiprocess(config, sockets=[config.bind_socket()]).run()
