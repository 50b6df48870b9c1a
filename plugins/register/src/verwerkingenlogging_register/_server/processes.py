"""Runs the register: one process, or several workers that share a port and a PostgreSQL database."""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from uvicorn.supervisors import Multiprocess

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register._access.quotas import RateLimit
from verwerkingenlogging_register._access.shared_quotas import SharedMoments
from verwerkingenlogging_register._metrics import SHARED_FOLDER, Metrics, serve, together
from verwerkingenlogging_register._server.app import create_app
from verwerkingenlogging_register._server.connection_limits import ConnectionLimits, Watchman
from verwerkingenlogging_register._server.protocol import Protocol
from verwerkingenlogging_register._technical_log import LogFormat, log_config
from verwerkingenlogging_register.settings import Settings

__all__ = ["Listening", "check_workers", "run"]

_GRACE_SECONDS = 30
_PATIENCE_SECONDS = 20
"""How long a worker may be silent before another takes its place. It is while it starts; five seconds, uvicorn's own, are few on a
machine that is busy, and then none would ever start. So long a stop may have to wait as well, before the grace begins."""
_COLLECTED_AT = (2_000, 5, 5_000)
"""New objects, rounds over new ones, rounds over those that stayed, at which the collector looks at each generation."""
_OTHER_FILES = 256
"""Databases, logs and what else a process has open."""
_REQUEST_LINE = 4096
"""Bytes that a method, a version and the ends of lines may add to what the header limit counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """The address, port and processes of the register.

    Attributes:
        host, port: where it listens.
        workers: processes that share them.
        log_format: how a line of the technical log is written.
        metrics_host, metrics_port: where the metrics are served; port 0: nowhere.
    """

    host: str
    port: int
    workers: int = 1
    log_format: LogFormat = LogFormat.TEXT
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 0


def check_workers(settings: Settings, listening: Listening) -> None:
    """Refuse, with ConfigurationError, several workers on SQLite.

    A file has one writer at a time, and who waits for it polls. Measured: two processes took a third fewer acties than one and
    made some wait 0.8 s, four 1.7 s; one process, where concurrent requests share its commits, 0.05 s.
    """
    if listening.workers > 1 and isinstance(settings.database, Path):
        raise ConfigurationError("setting workers: a SQLite database serves one worker; use PostgreSQL for more, or --workers 1")


def run(settings: Settings, listening: Listening) -> None:
    """Serve until SIGTERM or Ctrl-C. Call ``prepare_to_serve`` and ``check_workers`` first: they report what is wrong.

    Raises ConfigurationError when the address is not to be had, or the metrics cannot be served.
    """
    _check_address(listening)
    _let_open(settings.connection_limit)
    limits = ConnectionLimits(
        header_seconds=settings.header_timeout, body_seconds=settings.body_timeout, connections=settings.connection_limit
    )
    options: dict[str, Any] = {
        "host": listening.host,
        "port": listening.port,
        "http": partial(Protocol, watchman=Watchman(limits)),
        "ws": "none",
        "timeout_keep_alive": settings.idle_timeout,
        "h11_max_incomplete_event_size": settings.header_limit + _REQUEST_LINE,
        # The access log of uvicorn holds query strings, and they hold BSNs (X57): TechnicalLog writes ours.
        "access_log": False,
        "log_config": log_config(listening.log_format),
        "server_header": False,
        "timeout_graceful_shutdown": _GRACE_SECONDS,
        "timeout_worker_healthcheck": _PATIENCE_SECONDS,
    }
    if listening.workers == 1:
        metrics = Metrics()
        with _served(metrics.registry, listening):
            uvicorn.run(_settled(create_app(settings, metrics)), **options)
        return
    with _common_folder(metrics=bool(listening.metrics_port)) as folder:
        # Each worker is a new process, which gets the settings by pickle: a password is in no command line and no environment.
        worker = partial(_worker, settings, folder, shared=bool(listening.metrics_port))
        config = uvicorn.Config(worker, factory=True, workers=listening.workers, **options)
        with _served(together(folder), listening):
            Multiprocess(config, sockets=[config.bind_socket()]).run()


def _check_address(listening: Listening) -> None:
    """Whether the address is ours to listen on: uvicorn says it among other lines when it is not, once all else has begun."""
    family = socket.AF_INET6 if ":" in listening.host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((listening.host, listening.port))
    except OSError as error:
        where = f"{listening.host}:{listening.port}"
        raise ConfigurationError(f"setting port: {where}: {error.strerror}; give an address of this machine and a free port") from None


def _let_open(connections: int) -> None:
    """Let this process and its workers have so many connections, as far as the system allows; usually it has 1,024 files."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if most != resource.RLIM_INFINITY:
        wanted = min(wanted, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _worker(settings: Settings, folder: str, *, shared: bool) -> FastAPI:
    """The application of one worker: it counts together with the others, in files in ``folder``."""
    threading.Thread(target=_stop_without_supervisor, name="verwerkingenlog-supervised", daemon=True).start()
    moments = SharedMoments(Path(folder) / "moments") if settings.rate_limit else None
    return _settled(create_app(settings, Metrics(shared=shared), RateLimit(settings.rate_limit, settings.rate_burst, moments=moments)))


def _settled(app: FastAPI) -> FastAPI:
    """``app``, when what is loaded stays: to go through it for garbage again and again takes tens of milliseconds each time.

    What is made later is gone through in short steps, each of some ten thousand objects at most; the whole of it, of which
    a large answer makes a long step, once in fifty million.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AT)
    return app


def _stop_without_supervisor() -> None:
    """Stop, gracefully, when the supervisor is killed: a worker that lived on would keep the port, and nobody would know of it."""
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        supervisor.join()  # on a pipe that its end closes, however it ends
        os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _common_folder(*, metrics: bool) -> Iterator[str]:
    """A folder for what the workers count; with ``metrics``, those that are started within keep their numbers there."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="verwerkingenlog-", ignore_cleanup_errors=True)
    except OSError as error:
        raise ConfigurationError(f"setting workers: they need a folder for temporary files: {error.strerror}; set TMPDIR") from None
    with folder as path:
        if metrics:
            os.environ[SHARED_FOLDER] = path
        try:
            yield path
        finally:
            os.environ.pop(SHARED_FOLDER, None)


@contextmanager
def _served(registry: CollectorRegistry, listening: Listening) -> Iterator[None]:
    """Serve the metrics on a port of their own: who may see them is then a matter of the network, not of tokens."""
    if not listening.metrics_port:
        yield
        return
    try:
        stop = serve(registry, listening.metrics_host, listening.metrics_port)
    except OSError as error:
        where = f"{listening.metrics_host}:{listening.metrics_port}"
        raise ConfigurationError(f"setting metrics_port: {where}: {error.strerror}; give a free port") from None
    try:
        yield
    finally:
        stop()
