"""What was refused lately: so that who sent it through a Collector, which heard it, can hear it too."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

__all__ = ["RecentRefusals", "Refused"]

_SIZE = 100_000


class Refused(NamedTuple):
    """Why something was refused: the status that it would have as a request, and the reason, which holds no value of it."""

    status: int
    reason: str


class RecentRefusals:
    """The last refusals, by client and key. In memory, of one process: what is forgotten is refused again when it comes again."""

    def __init__(self, size: int = _SIZE) -> None:
        self._size = size
        self._refused: OrderedDict[tuple[str, str], Refused] = OrderedDict()

    def add(self, client: str, key: str, refused: Refused) -> None:
        """Remember one, and forget the oldest of too many."""
        self._refused[client, key] = refused
        if len(self._refused) > self._size:
            self._refused.popitem(last=False)

    def forget(self, client: str, key: str) -> None:
        """It was stored after all."""
        self._refused.pop((client, key), None)

    def take(self, client: str, key: str) -> Refused | None:
        """Why what came under that key was refused, if it was, lately, here.

        That is told once: who then has the cause mended, and sends it again, must not hear about the last time.
        """
        return self._refused.pop((client, key), None)
