"""Verwerkingenlogging for Django: the middleware, the log in the application's own database, checks, commands and admin.

Import ``DjangoLog``, ``Relay`` and ``Status`` from here; other public names from ``middleware``, ``users``, ``transactions``,
``settings``, ``models``, ``checks`` and ``admin``. What begins with an underscore is private. It imports ``verwerkingenlogging``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verwerkingenlogging_django._log.django_log import DjangoLog
    from verwerkingenlogging_django._log.relay import Relay
    from verwerkingenlogging_django._log.status import Status

__all__ = ["DjangoLog", "Relay", "Status"]

_MODULES = {"DjangoLog": "django_log", "Relay": "relay", "Status": "status"}


def __getattr__(name: str) -> Any:
    """What ``__all__`` names, when it is asked for: its tables can be imported only when Django has loaded its apps."""
    if name in _MODULES:
        return getattr(import_module(f"{__name__}._log.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
