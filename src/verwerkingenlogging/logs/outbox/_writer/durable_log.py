"""The log that an outbox is at one level of safety: what it takes is safe on the disk when it returns."""

from __future__ import annotations

from collections.abc import Sequence
from os import getpid
from typing import TypedDict, Unpack

from verwerkingenlogging.logs.outbox._storage.frames import Seal, encode
from verwerkingenlogging.logs.outbox._writer.active_segment import ActiveSegment
from verwerkingenlogging.logs.outbox._writer.async_group_commit import AsyncGroupCommit
from verwerkingenlogging.logs.outbox._writer.group_commit import GroupCommit
from verwerkingenlogging.model import Verwerkingsactie
from verwerkingenlogging.support import process

__all__ = ["DurableLog", "Parts"]


class Parts(TypedDict):
    """The parts that both levels of safety of an outbox share."""

    active_segment: ActiveSegment
    group_commit: GroupCommit
    async_group_commit: AsyncGroupCommit
    seal: Seal | None
    wants_spans: bool


class DurableLog:
    """A Verwerkingenlog that returns when the records are safe on the disk.

    Attributes:
        wants_spans: whether the log behind the outbox keeps acties as spans, and so needs their place in a trace.
    """

    def __init__(self, *, power: bool, **parts: Unpack[Parts]) -> None:
        self.wants_spans = parts["wants_spans"]
        self._append = parts["active_segment"].append
        self._commit = parts["group_commit"].commit
        self._await = parts["async_group_commit"].commit
        self._seal = parts["seal"]
        self._power = power

    def log(self, acties: Sequence[Verwerkingsactie]) -> None:
        """Keep ``acties``: all safe, or an error. Raises LogUnavailable, or LogRefused for one that no register takes."""
        if acties:
            frames = self._frames(acties)
            if self._power:
                self._commit(frames)
            else:
                self._append(frames)

    async def alog(self, acties: Sequence[Verwerkingsactie]) -> None:
        """The same, without blocking the event loop while the disk works."""
        if acties:
            frames = self._frames(acties)
            if not self._power:
                self._append(frames)  # takes no longer than to have it done by somebody else
            elif (future := self._await(frames)) is not None:
                await future

    def _frames(self, acties: Sequence[Verwerkingsactie]) -> bytes:
        frames = encode(acties, self._seal)
        if getpid() != process.known:  # forked by a server that did not tell Python
            process.begin()
        return frames
