"""The receivers of a delivery: a Receiver gets many records at a time, any other log one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from verwerkingenlogging.errors import ConfigurationError, LogRefused
from verwerkingenlogging.logs._http.answers import REFUSED
from verwerkingenlogging.logs.protocol import Entry, Receiver, Verwerkingenlog

if TYPE_CHECKING:
    from verwerkingenlogging.logs.api import ApiLog

__all__ = ["OneByOne", "receiver_of", "register_of"]


class OneByOne:
    """A plain Verwerkingenlog as a Receiver of one entry at a time. It knows no keys, so an accepted entry must not be sent again."""

    def __init__(self, log: Verwerkingenlog) -> None:
        self._log = log

    def deliver(self, entries: Sequence[Entry]) -> Sequence[LogRefused | None]:
        """Log the one entry. Raises NotRecorded when it should be tried again."""
        (entry,) = entries
        try:
            actie = entry.actie
        except msgspec.MsgspecError:
            return [LogRefused("it cannot be read as a verwerkingsactie", status=422)]
        try:
            self._log.log([actie])
        except LogRefused as error:
            if error.status in REFUSED:
                return [error]
            raise
        return [None]


def register_of(environ: Mapping[str, str]) -> ApiLog:
    """The register that ``environ`` names. Raises ConfigurationError when it names none, or the extra ``api`` is not installed."""
    try:
        from verwerkingenlogging.logs.api import ApiLog  # noqa: PLC0415  # an extra, needed by who delivers to a register
    except ModuleNotFoundError as error:  # which says what to install
        raise ConfigurationError(f"outbox: it is to deliver to a register, but {error}") from None
    return ApiLog.from_env(environ)


def receiver_of(log: Verwerkingenlog | Receiver, limit: int) -> tuple[Receiver, int]:
    """The receiver to deliver to, and how many entries it gets at a time."""
    return (log, limit) if isinstance(log, Receiver) else (OneByOne(log), 1)
