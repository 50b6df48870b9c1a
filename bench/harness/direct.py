"""Calls an ASGI application without a server: what a server would hand over, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from time import process_time

from starlette.types import ASGIApp, Message, Scope

__all__ = ["HEADERS", "answer_headers", "path_of", "scope_of", "timed"]

HEADERS = (
    (b"host", b"127.0.0.1:8000"),
    (b"accept", b"application/json"),
    (b"accept-encoding", b"gzip, deflate"),
    (b"connection", b"keep-alive"),
    (b"user-agent", b"bench"),
)
"""Headers of each request, such as an HTTP client sends. No doelbinding."""


def path_of(bsn: str) -> str:
    """The path of the one route, for one person."""
    return f"/personen/{bsn}"


async def timed(app: ASGIApp, paths: Iterable[str]) -> float:
    """Seconds of processor that ``app`` took to answer a request for each of ``paths``, one after the other."""
    started = process_time()
    for path in paths:
        await app(scope_of(path), _receive, _ignore)
    return process_time() - started


async def answer_headers(app: ASGIApp, path: str) -> list[tuple[bytes, bytes]]:
    """The headers of the answer to one request. Raises RuntimeError when its status is not 200."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope_of(path), _receive, keep)
    if messages[0]["status"] != 200:  # noqa: PLR2004  # OK, in HTTP
        raise RuntimeError(f"the application answered {messages[0]['status']}")
    return list(messages[0]["headers"])


def scope_of(path: str) -> Scope:
    """A GET of ``path``, as uvicorn describes it."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
        "scheme": "http",
        "method": "GET",
        "root_path": "",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": list(HEADERS),
        "state": {},
    }


async def _receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _ignore(message: Message) -> None:
    pass
