"""Objects that belong to one process: ids, locks, connections, descriptors and threads. A forked process makes its own.

Python tells of the forks that it makes itself. A server in C tells nobody: uWSGI loads the application, forks, and its workers go on
with what the process had that loaded. So whoever hands out such things compares the pid first::

    if getpid() != process.known:
        process.begin()

or, where the time of a call does not matter, ``process.check()``. And nothing starts a thread that goes on by itself where
``no_threads`` says why not: one that runs at a fork in C leaves its locks held in the child, among them the interpreter's own.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from enum import Enum
from os import getpid
from typing import Any, Protocol
from weakref import WeakSet

__all__ = ["Forkable", "NoThreads", "begin", "check", "in_child", "known", "no_threads", "register"]

known = getpid()
"""The process that all of it belongs to. When another runs, nobody told Python of a fork: ``begin``."""


class Forkable(Protocol):
    """An object with state that belongs to one process."""

    def after_fork(self) -> None:
        """In a forked child: drop the inherited state and start anew. It raises nothing, and calls nothing that calls ``begin``."""


_owners: WeakSet[Forkable] = WeakSet()
_functions: list[Callable[[], None]] = []
_turns: dict[int, threading.RLock] = {}


def register(owner: Forkable) -> None:
    """From now on, call ``owner.after_fork()`` in every forked child, as long as ``owner`` lives."""
    _owners.add(owner)


def in_child(function: Callable[[], None]) -> Callable[[], None]:
    """A decorator: from now on, call ``function`` in every forked child. As ``after_fork`` does, it raises nothing."""
    _functions.append(function)
    return function


def check() -> None:
    """Call ``begin`` if this process was forked."""
    if getpid() != known:
        begin()


def begin() -> None:
    """In a forked process, let all registered objects begin anew. This happens once, in the first thread that comes."""
    global known  # noqa: PLW0603  # there is one process
    pid = getpid()
    with _turns.setdefault(pid, threading.RLock()):  # each process its own: an inherited one may be held by a thread that is not here
        if pid != known:
            for function in _functions:
                function()
            for owner in list(_owners):
                owner.after_fork()
            known = pid  # last: until then, other threads come here too, and wait


def _forked() -> None:
    global known  # noqa: PLW0603  # as above
    known = 0  # also where this child was given the pid of a process that is long gone
    _turns.clear()
    begin()


if hasattr(os, "register_at_fork"):  # pragma: no branch  # there is none on Windows
    os.register_at_fork(after_in_child=_forked)


class NoThreads(Enum):
    """The reason that no thread may be started here."""

    LOADING = "uWSGI loads the application here, and serves it in processes that it forks"
    STILL = "uWSGI lets threads run only during requests; start it with --enable-threads"


def no_threads() -> NoThreads | None:
    """The reason that no background thread may be started here; None when one may be."""
    uwsgi: Any = sys.modules.get("uwsgi")  # it is there only inside that server
    if not hasattr(uwsgi, "has_threads"):  # or it is somebody else's
        return None
    if not (uwsgi.worker_id() or uwsgi.mule_id() or uwsgi.i_am_the_spooler()):
        return NoThreads.LOADING
    return None if uwsgi.has_threads else NoThreads.STILL
