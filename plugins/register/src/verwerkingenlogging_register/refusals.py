"""The spans that were refused lately: so that who sent them through a Collector, which heard it, can hear it too."""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["RecentRefusals"]

_SIZE = 100_000


class RecentRefusals:
    """Why the last spans were refused, by client and key. In memory, of one process: what is forgotten is refused again."""

    def __init__(self, size: int = _SIZE) -> None:
        self._size = size
        self._reasons: OrderedDict[tuple[str, str], str] = OrderedDict()

    def add(self, client: str, key: str, reason: str) -> None:
        """Remember a refusal, and forget the oldest of too many."""
        self._reasons[client, key] = reason
        if len(self._reasons) > self._size:
            self._reasons.popitem(last=False)

    def forget(self, client: str, key: str) -> None:
        """It was stored after all."""
        self._reasons.pop((client, key), None)

    def reason(self, client: str, key: str) -> str | None:
        """Why the span of that key was refused, if it was, lately, here."""
        return self._reasons.get((client, key))
