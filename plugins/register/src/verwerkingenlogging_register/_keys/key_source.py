"""The source of the keys of a register."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["KeySource"]


@dataclass(frozen=True, slots=True)
class KeySource:
    """The source of the keys: a file, or a command that prints what such a file holds."""

    file: Path | None = None
    command: str | None = None

    def __str__(self) -> str:
        return str(self.file) if self.file else "the output of keys_command"
