"""The setting ``VERWERKINGENLOGGING``: what the application says about itself, and where and how it logs.

All of the plugin reads it here. What is made of it is made once, and anew when a test changes the setting.
"""

from __future__ import annotations

import threading
from typing import Any

from django.core.signals import setting_changed

from verwerkingenlogging import Recorder
from verwerkingenlogging.support import process
from verwerkingenlogging_django._configuration import Configuration, parse_configuration, raw_setting
from verwerkingenlogging_django._requests.rollback import roll_back
from verwerkingenlogging_django._setting_values import NAME

__all__ = ["Configuration", "configuration", "recorder"]


class _Made:
    """What was made of the setting. One of each for all threads: two outboxes in one process would be one too many."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.configuration: Configuration | None = None
        self.recorder: Recorder | None = None


_made = _Made()


@process.in_child
def _let_go() -> None:
    """A thread that the child does not have may have held it."""
    _made.lock = threading.RLock()


def configuration() -> Configuration:
    """The setting, read and checked. Raises ConfigurationError that names the key and the remedy."""
    made = _made.configuration
    if made is None:
        with _made.lock:
            made = _made.configuration = _made.configuration or parse_configuration(raw_setting())
    return made


def recorder() -> Recorder:
    """The recorder of this project. Raises ConfigurationError as ``configuration`` does."""
    made = _made.recorder
    if made is None:
        with _made.lock:
            read = configuration()
            made = _made.recorder = _made.recorder or _recorder(read)
    return made


def _recorder(read: Configuration) -> Recorder:
    made = Recorder(read.log, read.settings)
    made.on_failure = roll_back
    return made


def _forget(*, setting: str, **_: Any) -> None:
    if setting == NAME:
        with _made.lock:
            _made.configuration = _made.recorder = None


setting_changed.connect(_forget, dispatch_uid="verwerkingenlogging_django.settings")
