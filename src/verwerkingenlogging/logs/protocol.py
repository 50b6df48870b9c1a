"""The interface of every log: a place that keeps verwerkingsacties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

import msgspec

from verwerkingenlogging.errors import LogRefused, LogUnavailable
from verwerkingenlogging.model import Verwerkingsactie, filled
from verwerkingenlogging.model.trace import Span
from verwerkingenlogging.support.representation import as_repr

__all__ = ["Entry", "Receiver", "Safety", "Starting", "Verwerkingenlog", "at_safety"]

Safety = Literal["power", "process"]
"""What a record must survive before its processing goes on: a power failure, or the end of the process, however it ends."""


class Verwerkingenlog(Protocol):
    """A place that keeps verwerkingsacties.

    Both methods return only when all ``acties`` are safe there, and raise NotRecorded when they are not. Several threads and event
    loops may call at the same time. A log that keeps acties as spans, or delivers to one that does, has a true attribute
    ``wants_spans``. Each actie then has its place in a trace.
    """

    def log(self, acties: Sequence[Verwerkingsactie]) -> None:
        """Make ``acties`` safe, blocking the calling thread."""

    async def alog(self, acties: Sequence[Verwerkingsactie]) -> None:
        """Make ``acties`` safe without blocking the event loop."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A verwerkingsactie on its way from one log to another.

    Attributes:
        key: what it is known by through every attempt, 1 to 255 visible characters: two entries with one key are one actie.
        body: the actie as the JSON of the standard's API.
        span: its place in a trace, where it has one.
    """

    key: str
    body: bytes
    span: Span | None = None

    def __repr__(self) -> str:
        return f"<Entry {self.key}>"  # without its body

    __rich_repr__ = as_repr

    @property
    def actie(self) -> Verwerkingsactie:
        """The actie itself, with its span."""
        return filled(_DECODER.decode(self.body), span=self.span)


@runtime_checkable
class Receiver(Protocol):
    """A Verwerkingenlog that accepts many entries at a time, and recognises by its key an entry that it already has."""

    def deliver(self, entries: Sequence[Entry]) -> Sequence[LogRefused | LogUnavailable | None]:
        """Make ``entries`` safe, in this order. Gives for each entry None, or why it can never or not now be kept.

        Raises NotRecorded when that did not come to an end, so that all of them are to be delivered again. Who delivers finds out
        by itself whether one of them is at fault, unless the error says that it concerns them all.
        """


@runtime_checkable
class Starting(Protocol):
    """A Verwerkingenlog that works in the background, such as delivering records that a former process left."""

    def start(self) -> None:
        """Begin with that work. A second call does nothing."""


def at_safety(log: Verwerkingenlog, safety: Safety) -> Verwerkingenlog:
    """``log`` at that level of safety, its attribute ``power_safe`` or ``process_safe``; ``log`` itself when it has no levels."""
    at_level: Verwerkingenlog = getattr(log, f"{safety}_safe", log)
    return at_level


_DECODER = msgspec.json.Decoder(Verwerkingsactie)
