"""Run the reference information system on the standard's cases, and compare the log with what they prescribe.

Exit status: 0 when the log holds exactly that, 1 when it does not, 2 when the system could not run, 130 when interrupted.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from demo import report
from demo.processes import ServiceFailed
from demo.run import run
from demo.system import System, information_system

_POLL_SECONDS = 0.5
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo and give its exit status."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="The standard's cases on the reference information system.")
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C, and print how to reach it")
    options = parser.parse_args(arguments)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a text stream, unless somebody replaced it
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # each ends the children too, also where a parent ignored it
        signal.signal(number, signal.default_int_handler)
    try:
        with TemporaryDirectory(prefix="verwerkingenlogging-demo-") as folder:
            return _demo(Path(folder), keep=options.keep)
    except ServiceFailed as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return _INTERRUPTED


def _demo(folder: Path, *, keep: bool) -> int:
    began = time.monotonic()
    print("Starting a register, a gegevensmagazijn, two zaaksystemen and burgerzaken ...")
    with information_system(folder) as system:
        differences = run(system)
        report.heading("Result")
        report.verdict(differences, f"the log holds exactly what the cases prescribe ({time.monotonic() - began:.0f} seconds)")
        if keep:
            _keep(system)
    return 1 if differences else 0


def _keep(system: System) -> None:
    """Leave ``system`` running until Ctrl-C. Raises ServiceFailed when a part of it ends by itself."""
    report.addresses(system)
    try:
        while True:
            time.sleep(_POLL_SECONDS)
            for service in system.services:
                service.check()
    except KeyboardInterrupt:
        print("\nEnding everything ...")


if __name__ == "__main__":
    sys.exit(main())
