"""Slow, silent and hostile connections: ``python -m bench.register.hostile <port> <connections> <token>``, until its standard input ends.

Each is opened again when the register has had enough of it.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

__all__ = ["main", "more_files"]

_PAUSE_SECONDS = 1.0
_REQUEST = b"POST /api/v1/verwerkingsacties HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
_Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]


def more_files() -> None:
    """Let this process open as many connections as the system allows it to."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, _token: bytes) -> None:
    await reader.read()


async def _trickled(writer: asyncio.StreamWriter, begin: bytes, each: bytes) -> None:
    writer.write(begin)
    while not writer.is_closing():
        writer.write(each)
        await writer.drain()
        await asyncio.sleep(_PAUSE_SECONDS)


async def _headers(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _token: bytes) -> None:
    await _trickled(writer, b"GET / HTTP/1.1\r\n", b"X: y\r\n")


async def _body(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: bytes) -> None:
    await _trickled(writer, _REQUEST + b"Authorization: Bearer " + token + b"\r\nContent-Length: 100000\r\n\r\n", b" ")


async def _refused_body(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _token: bytes) -> None:
    await _trickled(writer, _REQUEST + b"Content-Length: 100000\r\n\r\n", b" ")


async def _never_reads(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _token: bytes) -> None:
    await _trickled(writer, b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 20, b"")


async def _nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _token: bytes) -> None:
    writer.write(b"\x16\x03\x01 nonsense\r\n\r\n")
    await reader.read()
    await asyncio.sleep(_PAUSE_SECONDS)


async def _nested(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: bytes) -> None:
    head = _REQUEST + b"Authorization: Bearer " + token + b"\r\nContent-Length: 50000\r\nConnection: close\r\n\r\n"
    writer.write(head + b"[" * 50_000)
    await reader.read()
    await asyncio.sleep(60 * _PAUSE_SECONDS)


_BEHAVIOURS: tuple[_Behaviour, ...] = (
    _silent,
    _headers,
    _body,
    _refused_body,
    _never_reads,
    _silent,
    _headers,
    _nested,
    _silent,
    _nonsense,
)


async def _again_and_again(port: int, behaviour: _Behaviour, token: bytes) -> None:
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
            try:
                await behaviour(reader, writer, token)
            finally:
                writer.close()
        await asyncio.sleep(_PAUSE_SECONDS)


async def _all(port: int, connections: int, token: bytes) -> None:
    tasks = []
    for number in range(connections):
        tasks.append(asyncio.ensure_future(_again_and_again(port, _BEHAVIOURS[number % len(_BEHAVIOURS)], token)))
        if number % 50 == 0:  # not all at once: that would be another test
            await asyncio.sleep(0.01)
    print("open", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for task in tasks:
        task.cancel()


def main() -> None:
    """Hold them for as long as whoever started this wants."""
    more_files()
    port, connections, token = sys.argv[1:]
    asyncio.run(_all(int(port), int(connections), token.encode()))


if __name__ == "__main__":
    main()
