"""The progress of a long command, and how to stop it."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

__all__ = ["Progress", "Stop", "progress", "stoppable"]

_EVERY_SECONDS = 10.0


class Progress(Protocol):
    """Gets the progress as text, such as ``12,000 acties removed``. It is shown, so it holds no personal data (P3)."""

    def __call__(self, text: str, /) -> None:
        """Show ``text`` from now on."""


@contextmanager
def progress(command: str) -> Iterator[Progress]:
    """Show the progress of ``command`` on standard error, until the block ends.

    On a terminal one line with the time that it takes, which goes away at the end. Elsewhere, such as in the log of a nightly
    job, a line each ten seconds. Both go on while a single statement takes long.
    """
    with _line(command) if sys.stderr.isatty() else _lines(command, _EVERY_SECONDS) as shown:
        yield shown


@contextmanager
def _line(command: str) -> Iterator[Progress]:
    # Imported here: most commands say nothing of the kind, and it takes a tenth of a second.
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(command, total=None)
        yield lambda text: bar.update(task, description=f"{command}: {text}")


@contextmanager
def _lines(command: str, every: float) -> Iterator[Progress]:
    started = time.monotonic()
    last = "started"
    ended = threading.Event()

    def say() -> None:
        while not ended.wait(every):
            print(f"verwerkingenlog: {command}: {last} ({time.monotonic() - started:.0f} s)", file=sys.stderr, flush=True)

    def shown(text: str) -> None:
        nonlocal last
        last = text

    thread = threading.Thread(target=say, name="verwerkingenlog-progress", daemon=True)
    thread.start()
    try:
        yield shown
    finally:
        ended.set()
        thread.join()


class Stop:
    """Whether somebody asked to stop, and with which signal.

    Attributes:
        by: the signal; None as long as nobody did.
    """

    by: signal.Signals | None = None


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Let Ctrl-C and SIGTERM ask to stop instead of stopping at once, so that the current transaction is finished and counted.

    A second one stops at once, and then the database takes back what was not committed. In the main thread only, as all that
    has to do with signals.
    """
    stop = Stop()

    def ask(number: int, _frame: FrameType | None) -> None:
        if stop.by is not None:
            raise KeyboardInterrupt
        stop.by = signal.Signals(number)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
