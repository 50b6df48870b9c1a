"""The register as a process to measure: ``python -m bench.register.serve <variant> <core or -> <options of verwerkingenlog serve>``.

It is the command ``verwerkingenlog serve`` itself, but for the variant. For each line on its standard input it prints the seconds
of processor that it has used. It stops at the end of that input, so it never outlives who started it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from unittest.mock import patch

from bench.register.variants import VARIANTS
from verwerkingenlogging_register._commands.main import app as command_line
from verwerkingenlogging_register._server import processes

__all__ = ["main"]


def main(variant: str, core: str, options: Sequence[str]) -> None:
    """Serve until standard input ends."""
    if core != "-":
        os.sched_setaffinity(0, {int(core)})
    threading.Thread(target=_report, daemon=True).start()
    with patch.object(processes, "create_app", VARIANTS[variant]):
        command_line(["serve", *options])


def _report() -> None:
    for _ in sys.stdin:
        print(time.process_time(), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
