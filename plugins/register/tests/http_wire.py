"""HTTP/1.1 byte for byte: what a client library would never send, and what comes back, answer by answer."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

__all__ = ["Exchange", "exchange", "read_answer"]

_PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came back on one connection.

    Attributes:
        statuses: of the answers, in the order in which they came.
        bodies: theirs.
        closed: the server ended the connection after them.
    """

    statuses: list[int]
    bodies: list[bytes]
    closed: bool


async def read_answer(reader: asyncio.StreamReader, *, head: bool = False) -> tuple[int, bytes]:
    """One answer: its status and its body. ``head``: it answers HEAD, so it has no body."""
    lines = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _PATIENCE_SECONDS)).decode("latin-1").split("\r\n")
    status = int(lines[0].split()[1])
    length = next((int(line.partition(":")[2]) for line in lines[1:] if line.lower().startswith("content-length:")), 0)
    bodiless = head or status < 200 or status in {204, 304}
    return status, b"" if bodiless else await asyncio.wait_for(reader.readexactly(length), _PATIENCE_SECONDS)


async def exchange(port: int, *parts: bytes, answers: int, half_close: bool = False, head: bool = False) -> Exchange:
    """Send ``parts`` and read ``answers``; then see whether the connection is still of use.

    Between two parts an answer is not waited for, but the first is seen to have gone. With ``half_close`` nothing is sent after them.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        if half_close:
            writer.write_eof()
        found = [await read_answer(reader, head=head and number == 0) for number in range(answers)]
        closed = True
        if half_close:
            closed = await _is_at_end(reader)
        else:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                writer.write(b"GET /gezondheid HTTP/1.1\r\nHost: x\r\n\r\n")
                closed = (await read_answer(reader))[0] != 200
        return Exchange([status for status, _ in found], [body for _, body in found], closed)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _is_at_end(reader: asyncio.StreamReader) -> bool:
    with suppress(ConnectionError):
        return not await asyncio.wait_for(reader.read(1), _PATIENCE_SECONDS)
    return True
