"""What becomes of a request to the Django application: that is in its id, so that the loop knows it without having the answer."""

from __future__ import annotations

from uuid import UUID

__all__ = ["changes", "undone"]


def changes(verwerking: UUID) -> bool:
    """Whether it changes something; otherwise it reads."""
    return verwerking.int % 2 == 0


def undone(verwerking: UUID) -> bool:
    """Whether its transaction is undone."""
    return verwerking.int // 2 % 4 == 0
