"""One variant under uvicorn: ``python -m bench.asgi.serve <framework> <variant> <descriptor> [<core>]``.

Serves on the listening socket that it inherits. For each line on its standard input it prints a report, as JSON: the seconds of
processor that the process has used, how often the work was done since the last report (or null), and the seconds again, after
counting it. It stops at the end of that input, so it never outlives who started it.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time

import uvicorn

from bench.asgi.application import FRAMEWORKS
from bench.asgi.variants import VARIANTS, Variant

__all__ = ["main"]


def main(framework: str, name: str, descriptor: int, core: int | None) -> None:
    """Serve until standard input ends. One worker, one core, no access log; all else as uvicorn has it by default."""
    if core is not None:
        os.sched_setaffinity(0, {core})
    variant = VARIANTS[name](FRAMEWORKS[framework])
    server = uvicorn.Server(uvicorn.Config(variant.app, access_log=False, log_level="warning", timeout_graceful_shutdown=1))
    threading.Thread(target=_obey, args=(variant, server), daemon=True).start()
    server.run(sockets=[socket.socket(fileno=descriptor)])


def _obey(variant: Variant, server: uvicorn.Server) -> None:
    for _ in sys.stdin:
        seconds = time.process_time()
        done = variant.work.take() if variant.work is not None else None
        print(json.dumps([seconds, done, time.process_time()]), flush=True)
    server.should_exit = True


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else None)  # noqa: PLR2004  # see above
