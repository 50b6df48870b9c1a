"""An application whose outbox delivers, under uvicorn: ``python -m bench.outbox.loaded <folder> <address> <descriptor> [<core>]``.

Serves on the listening socket that it inherits. For each line on its standard input it prints how many records wait to be
delivered. It stops at the end of that input, and delivers the rest before.
"""

from __future__ import annotations

import os
import socket
import sys
import threading

import uvicorn

from bench.asgi.application import FRAMEWORKS
from bench.asgi.variants import recorded
from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging.logs.outbox import OutboxLog

__all__ = ["main"]


def main(folder: str, address: str, descriptor: int, core: int | None) -> None:
    """Serve until standard input ends, as ``bench.asgi.serve`` does. Who receives has another core."""
    if core is not None:
        os.sched_setaffinity(0, {core})
    with OutboxLog(folder, ApiLog(address, token="x"), safety="process") as outbox:  # noqa: S106  # nobody looks at it
        app = recorded(FRAMEWORKS["starlette"], outbox)
        server = uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning", timeout_graceful_shutdown=1))
        threading.Thread(target=_obey, args=(outbox, server), daemon=True).start()
        server.run(sockets=[socket.socket(fileno=descriptor)])


def _obey(outbox: OutboxLog, server: uvicorn.Server) -> None:
    for _ in sys.stdin:
        print(outbox.status().waiting, flush=True)
    server.should_exit = True


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else None)  # noqa: PLR2004  # see above
