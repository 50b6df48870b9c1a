"""The lock around forks: a child keeps nothing open of its parent's outbox.

A lock on a file belongs to everybody who inherited its descriptor. A child that kept one would hold it on behalf of a parent
that may be long gone, so that nobody delivered.
"""

from __future__ import annotations

import os
import threading

from verwerkingenlogging.support import process

__all__ = ["fork_lock"]


class _ForkLock:
    """A lock that a child has anew: whoever held it is not there."""

    def __init__(self) -> None:
        self.after_fork()
        process.register(self)

    def after_fork(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


fork_lock = _ForkLock()
"""Held while a lock on a file is taken and its descriptor is not yet written down: nobody forks then, but a server in C."""


def _let_go() -> None:
    fork_lock.__exit__()


os.register_at_fork(before=fork_lock.__enter__, after_in_parent=_let_go)
