"""Recent refusals, so that an application behind a Collector, which got the answer, can ask for them."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

__all__ = ["RecentRefusals", "Refused"]

_SIZE = 10_000
"""Of one client: as many as ten of the largest questions ask for."""


class Refused(NamedTuple):
    """A refusal: the status that it would have as a request, and the reason, without values."""

    status: int
    reason: str


class RecentRefusals:
    """The last refusals of each client, by key, in the memory of one process. A forgotten one is refused again when it comes again.

    Each client has room of its own, so that one which is refused much takes nothing from another.
    """

    def __init__(self, size: int = _SIZE) -> None:
        self._size = size
        self._of_client: dict[str, OrderedDict[str, Refused]] = {}

    def add(self, client: str, key: str, refused: Refused) -> None:
        """Remember a refusal, and forget the oldest when this client has too many."""
        own = self._of_client.setdefault(client, OrderedDict())
        own[key] = refused
        if len(own) > self._size:
            own.popitem(last=False)

    def forget(self, client: str, key: str) -> None:
        """Forget a refusal: the record was stored after all."""
        self.take(client, key)

    def take(self, client: str, key: str) -> Refused | None:
        """Give and forget the refusal of that key; None when this process knows of none.

        That is told once: who then has the cause mended, and sends it again, must not hear about the last time.
        """
        own = self._of_client.get(client)
        return None if own is None else own.pop(key, None)
