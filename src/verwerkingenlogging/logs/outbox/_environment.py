"""The settings of an outbox in the environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.logs.protocol import Safety

__all__ = ["read_environment"]

_PREFIX = "VERWERKINGENLOGGING_OUTBOX"


def _safety(text: str) -> str:
    if text not in get_args(Safety):
        raise ValueError
    return text


_FROM_ENV: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "safety": (_safety, "power or process"),
    "keys": (Path, "a file"),
    "min_free": (int, "a whole number"),
    "max_bytes": (int, "a whole number"),
    "max_age": (float, "a number"),
}


def read_environment(environ: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """The folder of the outbox, and the settings that ``environ`` gives beside it. Raises ConfigurationError naming the variable."""
    path = environ.get(_PREFIX)
    if not path:
        raise ConfigurationError(f"environment: {_PREFIX} is missing; give the folder of the outbox")
    settings: dict[str, Any] = {}
    for name, (read, what) in _FROM_ENV.items():
        text = environ.get(f"{_PREFIX}_{name.upper()}")
        if text:
            try:
                settings[name] = read(text)
            except ValueError:
                raise ConfigurationError(f"environment: {_PREFIX}_{name.upper()} must be {what}") from None
    return path, settings
