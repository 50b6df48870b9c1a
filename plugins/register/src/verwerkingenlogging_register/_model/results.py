"""The result of a search: the versions on one page, the total number, and where the pages beside it begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verwerkingenlogging_register._model.positions import Position
from verwerkingenlogging_register._model.versions import VersionRows

__all__ = ["Found"]


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a result, the total number, and where the pages beside it begin; None when there is no such page."""

    rows: Sequence[VersionRows]
    count: int
    next: Position | None = None
    previous: Position | None = None
