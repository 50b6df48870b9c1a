"""A process that measures what it is told on its standard input, line by line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.harness.environment import clean_environment, python_module
from bench.harness.work import NotDoneError

__all__ = ["Child", "running"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A process that measures."""

    name: str
    process: subprocess.Popen[str]

    def ask(self, number: int) -> Any:
        """Let it measure that many; gives what it says of them. Raises as ``answer`` does."""
        if self.process.stdin is None:
            raise ValueError("a process that was started without pipes")
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> Any:
        """What it says next; first of all, that it is ready. Raises NotDoneError when it stopped; its standard error says why."""
        if self.process.stdout is None or not (line := self.process.stdout.readline()):
            raise NotDoneError(f"{self.name}: its process stopped")
        return json.loads(line)


@contextmanager
def running(name: str, module: str, *args: str, seed: int) -> Iterator[Child]:
    """A process of a module of the bench, which stops when its standard input ends.

    Those with the same ``seed`` hash strings alike, so that this makes no difference between them.
    """
    process = subprocess.Popen(  # noqa: S603  # our own module
        python_module(module, *args),
        env={**clean_environment(), "PYTHONHASHSEED": str(seed)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:  # at its end closes the pipes, and waits
        yield Child(name=name, process=process)
