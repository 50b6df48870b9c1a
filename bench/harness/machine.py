"""Where and with what a result was measured. No paths and no host name: results are kept in the repository."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["cores", "describe", "pinned"]

_PACKAGES = (
    "verwerkingenlogging",
    "verwerkingenlogging-register",
    "starlette",
    "fastapi",
    "uvicorn",
    "uvloop",
    "httptools",
    "h11",
    "opentelemetry-sdk",
    "opentelemetry-instrumentation-starlette",
    "opentelemetry-instrumentation-fastapi",
    "asgi-correlation-id",
    "verwerkingenlogging-django",
    "django",
    "gunicorn",
    "opentelemetry-instrumentation-django",
    "django-structlog",
    "django-auditlog",
    "django-easy-audit",
    "sqlalchemy",
    "psycopg",
    "pydantic",
    "cryptography",
)


def cores() -> list[int]:
    """The cores that this process may use; none where the platform does not let a process choose."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


@contextmanager
def pinned(cores: Sequence[int]) -> Iterator[None]:
    """Keep this process, and the load generators that it starts, on ``cores``, where the platform can."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def describe() -> dict[str, object]:
    """Date, Python, CPU, versions of what was measured, and how busy the machine was at that moment."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_model(),
        "cores": len(cores()) or os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2) if sys.platform != "win32" else None,
        "versions": {package: _version(package) for package in _PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())
