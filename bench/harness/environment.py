"""The environment of the processes that are measured."""

from __future__ import annotations

import os
import sys

__all__ = ["clean_environment", "python_module"]

_STEERING = ("OTEL_", "FASTAPI_", "UVICORN_", "VERWERKINGENLOGGING_", "COVERAGE_", "PYTHONPROFILE", "PYTHONTRACEMALLOC")


def clean_environment() -> dict[str, str]:
    """The environment without what would steer a variant, or slow all of them down."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_STEERING)}


def python_module(name: str, *args: str) -> list[str]:
    """The command that runs a module of the bench."""
    return [sys.executable, "-m", name, *args]
