"""The name lookup of a register, within the time of the caller."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import threading
from concurrent.futures import Future
from contextlib import suppress

from verwerkingenlogging.support.optional_packages import installed_by

with installed_by("verwerkingenlogging[api]"):
    import anyio.to_thread

from verwerkingenlogging.support import process

__all__ = ["aaddresses_of", "addresses_of"]

_Key = tuple[int, str, int]
_Lookup = Future[list[str]]

_lock = threading.Lock()
_under_way: dict[_Key, _Lookup] = {}


@process.in_child
def _after_fork() -> None:
    """A thread that the child does not have may have held it."""
    global _lock  # noqa: PLW0603  # there is one in a process
    _lock = threading.Lock()


def addresses_of(host: str, port: int, seconds: float) -> list[str]:
    """The IP addresses of ``host``. Raises OSError, and TimeoutError when that takes longer than ``seconds``.

    An operating system gives no way to end a lookup, so a thread of its own does it. Whoever asks for the same name meanwhile waits
    for that thread too: a name server that does not answer must not cost a thread for each record.
    """
    return [host] if _is_address(host) else _lookup(host, port).result(seconds)


async def aaddresses_of(host: str, port: int) -> list[str]:
    """The same, without blocking the event loop. The caller sets the time, by cancelling this."""
    if _is_address(host):
        return [host]
    lookup = _lookup(host, port)
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # another event loop than asyncio
        return await anyio.to_thread.run_sync(lookup.result, abandon_on_cancel=True)
    return await asyncio.wrap_future(lookup, loop=loop)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _lookup(host: str, port: int) -> _Lookup:
    process.check()
    key = (os.getpid(), host, port)  # a child has none of its parent's threads
    if process.no_threads() is process.NoThreads.LOADING:
        here: _Lookup = Future()
        _run(key, here)
        return here
    with _lock:
        lookup = _under_way.get(key)
        if lookup is None:
            lookup = Future()
            lookup.set_running_or_notify_cancel()  # nobody cancels it for the others
            try:
                threading.Thread(target=_run, args=(key, lookup), name="verwerkingenlogging-lookup", daemon=True).start()
            except RuntimeError:  # no thread left, or the interpreter is ending
                raise OSError("no thread to look up the register's address with") from None
            _under_way[key] = lookup
    return lookup


def _run(key: _Key, lookup: _Lookup) -> None:
    _, host, port = key
    found: list[str] | None = None
    with suppress(OSError, UnicodeError):
        found = [str(address[0]) for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    with _lock:
        _under_way.pop(key, None)
    if found is not None:
        lookup.set_result(found)
    else:
        lookup.set_exception(OSError("the name was not found"))
