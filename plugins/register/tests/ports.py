"""A port for a server that is about to start."""

from __future__ import annotations

import random
import socket

__all__ = ["free_port"]

_BELOW_THOSE_OF_CLIENTS = range(12_000, 32_000)
"""Not one that the system gives: it gives those to every client too, so the port may be somebody's before the server has it."""


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    while True:
        port = random.choice(_BELOW_THOSE_OF_CLIENTS)
        with socket.socket() as free:
            try:
                free.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
