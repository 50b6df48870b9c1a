"""A register that means no good, or is broken: a real server on loopback, and a name server that does not answer.

Each way to be so is a method of ``Hostile`` that is given a connection. None ends by itself, except where that is what it does.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import formatdate

import pytest

__all__ = ["WAYS", "Hostile", "hostile_register", "silent_name_server"]

_PAUSE = 0.02
"""Seconds between two bytes: less than any time that a client waits for one."""
_HEAD = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"


class Hostile:
    """The server: it behaves as ``way`` says, a name in ``WAYS``."""

    def __init__(self, port: int) -> None:
        self.way = "silent"
        self.port = port
        self.connections = 0
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        """Its address: with TLS where it does not get as far as that."""
        return f"{'https' if self.way == 'no_tls' else 'http'}://127.0.0.1:{self.port}"

    def silent(self, peer: socket.socket) -> None:
        """Takes the request and says nothing."""
        _request(peer)
        self.closing.wait()

    def no_tls(self, peer: socket.socket) -> None:
        """Takes the connection and says nothing, to who wants to begin TLS."""
        self.closing.wait()

    def trickling_status(self, peer: socket.socket) -> None:
        """Sends headers a byte at a time, without end."""
        _request(peer)
        self._trickle(peer, _HEAD + b"X-Long: ")

    def trickling_body(self, peer: socket.socket) -> None:
        """Sends a body a byte at a time, as long as it said that it would be."""
        _request(peer)
        peer.sendall(_HEAD + b"Content-Length: 1000000000\r\n\r\n")
        self._trickle(peer, b"{")

    def trickling_informational(self, peer: socket.socket) -> None:
        """Says over and over that it is at it."""
        _request(peer)
        while not self.closing.wait(_PAUSE):
            peer.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")

    def endless_body(self, peer: socket.socket) -> None:
        """Sends a body without end, as fast as it can."""
        _request(peer)
        peer.sendall(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        while not self.closing.is_set():
            peer.sendall(chunk)

    def endless_headers(self, peer: socket.socket) -> None:
        """Sends headers without end, as fast as it can."""
        _request(peer)
        peer.sendall(_HEAD)
        while not self.closing.is_set():
            peer.sendall(b"X-Header: " + b"x" * 1000 + b"\r\n")

    def cut_off(self, peer: socket.socket) -> None:
        """Closes in the middle of its answer."""
        _request(peer)
        peer.sendall(_HEAD + b'Content-Length: 500\r\n\r\n{"actieId": "7a22')

    def reset(self, peer: socket.socket) -> None:
        """Throws the connection away once it has the request."""
        _request(peer)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    def bomb(self, peer: socket.socket) -> None:
        """Sends an answer of one line that would be a gigabyte once it is unpacked."""
        _request(peer)
        peer.sendall(_HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00")

    def nonsense(self, peer: socket.socket) -> None:
        """Sends what is no HTTP."""
        _request(peer)
        peer.sendall(b"\x00\xff" * 500 + b"\r\n\r\n")

    def wrong_clock(self, peer: socket.socket) -> None:
        """Believes no token, and has another time than we."""
        while _request(peer):
            date = formatdate(2_000_000_000, usegmt=True)
            peer.sendall(f"HTTP/1.1 401 Unauthorized\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n".encode())

    def _trickle(self, peer: socket.socket, first: bytes) -> None:
        peer.sendall(first)
        while not self.closing.wait(_PAUSE):
            peer.sendall(b" ")

    def serve(self, listening: socket.socket) -> None:
        """Until it is closed."""
        while not self.closing.is_set():
            try:
                peer, _ = listening.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        way: Callable[[socket.socket], None] = getattr(self, self.way)
        with peer, suppress(OSError):
            way(peer)


WAYS = (
    *("silent", "no_tls", "trickling_status", "trickling_body", "trickling_informational", "endless_body", "endless_headers"),
    *("cut_off", "reset", "bomb", "nonsense", "wrong_clock"),
)


def _request(peer: socket.socket) -> bool:
    """Read a request, as far as its length says; whether there was one."""
    read = b""
    while b"\r\n\r\n" not in read:
        part = peer.recv(65536)
        if not part:
            return False
        read += part
    head, _, body = read.partition(b"\r\n\r\n")
    (length,) = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while len(body) < length:
        body += peer.recv(65536)
    return True


@contextmanager
def hostile_register() -> Iterator[Hostile]:
    """Run one while this is open."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        hostile = Hostile(listening.getsockname()[1])
        thread = threading.Thread(target=hostile.serve, args=(listening,))
        thread.start()
        try:
            yield hostile
        finally:
            hostile.closing.set()
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextmanager
def silent_name_server(patch: pytest.MonkeyPatch, host: str) -> Iterator[list[str]]:
    """While this is open, who asks for ``host`` is not answered. Gives the questions."""
    asked: list[str] = []
    answer = threading.Event()
    look_up = socket.getaddrinfo

    def wait(name: object, *given: object, **more: object) -> object:
        if name not in {host, host.encode()}:
            return look_up(name, *given, **more)  # type: ignore[arg-type]  # as it was called
        asked.append(host)
        answer.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    patch.setattr(socket, "getaddrinfo", wait)
    try:
        yield asked
    finally:
        answer.set()


def untrusting() -> ssl.SSLContext:
    """For TLS with whoever is there: here nobody gets as far as a certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
