"""What was refused lately: so that who sent it through a Collector, which heard it, can hear it too."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

__all__ = ["RecentRefusals", "Refused"]

_SIZE = 10_000
"""Of one client: as many as ten of the largest questions ask for."""


class Refused(NamedTuple):
    """Why something was refused: the status that it would have as a request, and the reason, which holds no value of it."""

    status: int
    reason: str


class RecentRefusals:
    """The last refusals of each client, by key. In memory, of one process: what is forgotten is refused again when it comes again.

    Each client has room of its own, so that one which is refused much takes nothing from another.
    """

    def __init__(self, size: int = _SIZE) -> None:
        self._size = size
        self._of_client: dict[str, OrderedDict[str, Refused]] = {}

    def add(self, client: str, key: str, refused: Refused) -> None:
        """Remember one, and forget the oldest of too many of this client."""
        own = self._of_client.setdefault(client, OrderedDict())
        own[key] = refused
        if len(own) > self._size:
            own.popitem(last=False)

    def forget(self, client: str, key: str) -> None:
        """It was stored after all."""
        self.take(client, key)

    def take(self, client: str, key: str) -> Refused | None:
        """Why what came under that key was refused, if it was, lately, here.

        That is told once: who then has the cause mended, and sends it again, must not hear about the last time.
        """
        own = self._of_client.get(client)
        return None if own is None else own.pop(key, None)
