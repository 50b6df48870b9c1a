"""Calls a Django application without a server: what gunicorn or uvicorn would hand over, and nothing else."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable, Iterable
from time import process_time
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from starlette.types import Message

from bench.harness.direct import HEADERS, scope_of
from bench.harness.work import NotDoneError

__all__ = ["Asgi", "DirectCalls", "Wsgi"]

_OK = 200
_ENVIRON = {
    "REQUEST_METHOD": "GET",
    "SCRIPT_NAME": "",
    "QUERY_STRING": "",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "8000",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "127.0.0.1",
    "REMOTE_PORT": "50000",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
    **{f"HTTP_{name.decode().upper().replace('-', '_')}": value.decode() for name, value in HEADERS},
}


class Wsgi:
    """An application that is called as WSGI says."""

    def __init__(self, handler: WSGIHandler) -> None:
        self._handler = handler

    def seconds(self, paths: Iterable[str]) -> float:
        """Seconds of processor that it took to answer a request for each of ``paths``, one after the other."""
        started = process_time()
        for path in paths:
            self._ask(path, _ignore)
        return process_time() - started

    def headers(self, path: str) -> set[str]:
        """Names of the headers of its answer. Raises NotDoneError when that is no success."""
        answer: list[tuple[str, list[tuple[str, str]]]] = []
        self._ask(path, lambda status, headers: answer.append((status, headers)))
        ((status, headers),) = answer
        _check(int(status.split()[0]))
        return {name.lower() for name, _ in headers}

    def _ask(self, path: str, start_response: Callable[[str, list[tuple[str, str]]], object]) -> None:
        response: Any = self._handler({**_ENVIRON, "PATH_INFO": path, "wsgi.input": io.BytesIO()}, start_response)  # type: ignore[arg-type]
        for _ in response:
            pass
        response.close()


class Asgi:
    """An application that is called as ASGI says, on an event loop of its own."""

    def __init__(self, handler: ASGIHandler) -> None:
        self._handler: Any = handler
        self._loop = asyncio.new_event_loop()

    def seconds(self, paths: Iterable[str]) -> float:
        """Seconds of processor that it took to answer a request for each of ``paths``, one after the other."""
        return self._loop.run_until_complete(self._seconds(paths))

    async def _seconds(self, paths: Iterable[str]) -> float:
        started = process_time()
        for path in paths:
            # Django asks twice: for the body, and whether the client has gone; it has not.
            await self._handler(scope_of(path), _Receive(), _aignore)
        return process_time() - started

    def headers(self, path: str) -> set[str]:
        """Names of the headers of its answer. Raises NotDoneError when that is no success."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        self._loop.run_until_complete(self._handler(scope_of(path), _Receive(), keep))
        _check(messages[0]["status"])
        return {name.decode().lower() for name, _ in messages[0]["headers"]}


DirectCalls = Wsgi | Asgi


class _Receive:
    """A request without a body, of a client that waits for the answer."""

    def __init__(self) -> None:
        self._asked = False

    async def __call__(self) -> Message:
        if self._asked:
            await asyncio.get_running_loop().create_future()
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}


def _check(status: int) -> None:
    if status != _OK:
        raise NotDoneError(f"the application answered {status}")


def _ignore(status: str, headers: list[tuple[str, str]]) -> None:
    pass


async def _aignore(message: Message) -> None:
    pass
