"""The log behind a log in the database: given, or made when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.logs.protocol import Receiver, Verwerkingenlog

__all__ = ["Target", "make_target", "target_or_factory"]

Target = Verwerkingenlog | Receiver


def target_or_factory(deliver_to: Target | Callable[[], Target] | None) -> tuple[Callable[[], Target] | None, Target | None]:
    """What makes the log, or the log itself. Raises ConfigurationError when it is neither."""
    if deliver_to is None or _is_target(deliver_to):
        return None, cast("Target | None", deliver_to)
    if not callable(deliver_to):
        raise ConfigurationError(
            f"DjangoLog: deliver_to is a {type(deliver_to).__name__}; give a Verwerkingenlog, or a function that gives one"
        )
    return deliver_to, None


def _is_target(one: object) -> bool:
    return not isinstance(one, type) and (hasattr(one, "log") or isinstance(one, Receiver))


def make_target(make: Callable[[], Target]) -> Target:
    """What ``make`` makes. Raises ConfigurationError when it makes nothing, or no log."""
    try:
        target = make()
    except ConfigurationError:
        raise
    except Exception as error:  # of the project's own function, which may do anything
        raise ConfigurationError(f"DjangoLog: {type(error).__name__} was raised when deliver_to was made: {error}") from error
    if not _is_target(target):
        raise ConfigurationError(f"DjangoLog: deliver_to gives a {type(target).__name__}, which is no Verwerkingenlog: it lacks log")
    return target
