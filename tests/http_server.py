"""A real HTTP server on loopback that answers what a test tells it to, byte for byte, and keeps what it was sent."""

from __future__ import annotations

import json
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


def answer(status: int, body: bytes | dict[str, object] = b"", *, content_type: str = "application/json") -> bytes:
    """The bytes of an answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


@dataclass
class Server:
    """The server: set ``answer``, and look at ``requests``, what was answered to each, and ``connections``.

    Whose headers it does not believe it answers 401, and counts.
    """

    url: str = ""
    answer: bytes = b""
    connections: int = 0
    believes: Callable[[dict[str, str]], bool] = lambda headers: True
    unbelieved: int = 0
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)


@contextmanager
def http_server(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Run the server while this is open, with ``tls`` as https://localhost. An empty ``answer`` closes the connection without a word."""
    server = Server()
    lock = threading.Lock()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            server.connections += 1
            while line := self.rfile.readline().decode().strip():
                headers: dict[str, str] = {}
                while header := self.rfile.readline().decode().strip():
                    name, _, value = header.partition(":")
                    headers[name.lower()] = value.strip()
                body = self.rfile.read(int(headers.get("content-length", 0)))
                given = server.answer
                if not server.believes(headers):
                    server.unbelieved += 1
                    given = answer(401)
                with lock:
                    server.requests.append((line, headers, body))
                    server.answers.append(given)
                if not given:
                    return
                self.wfile.write(given)
                self.wfile.flush()

    class Threaded(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True
        request_queue_size = 128  # connections that come at once are not refused

    with Threaded(("127.0.0.1", 0), Handler) as tcp:
        server.url = f"http://127.0.0.1:{tcp.server_address[1]}"
        if tls is not None:
            tcp.socket = tls.wrap_socket(tcp.socket, server_side=True)
            server.url = f"https://localhost:{tcp.server_address[1]}"
        thread = threading.Thread(target=tcp.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            tcp.shutdown()
            thread.join()
