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

__all__ = ["Forkable", "register", "steady"]

steady = threading.RLock()
"""Held while a lock on a file is taken and its descriptor is not yet written down: nobody forks then."""


class Forkable(Protocol):
    """Something that holds descriptors or threads, which a child must not take over."""

    def after_fork(self) -> None:
        """In the child: close what was inherited, and start anew."""


_known: WeakSet[Forkable] = WeakSet()


def register(forkable: Forkable) -> None:
    """From now on, let ``forkable`` know in every forked child."""
    _known.add(forkable)


def _in_child() -> None:
    with suppress(RuntimeError):  # a server that forks by itself tells Python only afterwards
        steady.release()
    for forkable in list(_known):
        forkable.after_fork()


os.register_at_fork(before=steady.acquire, after_in_parent=steady.release, after_in_child=_in_child)
