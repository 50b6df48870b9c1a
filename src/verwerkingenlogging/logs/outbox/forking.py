"""Forks: a child starts with an outbox of its own, and keeps nothing open of its parent's.

A lock on a file belongs to everybody who inherited its descriptor. A child that kept one would hold it on behalf of a parent
that may be long gone, so that nobody delivered.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import Protocol
from weakref import WeakSet

__all__ = ["Forkable", "in_child", "pid", "register", "steady"]

steady = threading.RLock()
"""Held while a lock on a file is taken and its descriptor is not yet written down: nobody forks then."""


pid = os.getpid()
"""The process of which this module knows: another than the current one, in a child of which nobody told Python."""


class Forkable(Protocol):
    """Something that holds descriptors or threads, which a child must not take over."""

    def after_fork(self) -> None:
        """In the child: close what was inherited, and start anew."""


_known: WeakSet[Forkable] = WeakSet()


def register(forkable: Forkable) -> None:
    """From now on, let ``forkable`` know in every forked child."""
    _known.add(forkable)


def in_child() -> None:
    """Let all know that this is a forked child. Python calls it itself, where it is told of the fork."""
    global pid  # noqa: PLW0603  # there is one process
    pid = os.getpid()
    with suppress(RuntimeError):  # a server in C forked, and asked nobody before
        steady.release()
    for forkable in list(_known):
        forkable.after_fork()


os.register_at_fork(before=steady.acquire, after_in_parent=steady.release, after_in_child=in_child)
