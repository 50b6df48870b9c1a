"""A proxy in front of a real server: passes requests on, and does what a test tells it between the one and the other."""

from __future__ import annotations

import http.client
import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

__all__ = ["Proxy", "proxying"]

Answer = tuple[int, bytes]


@dataclass
class Proxy:
    """The proxy.

    Attributes:
        address: where it listens, with the path of the server behind it.
        instead: gives what is answered without asking the server, or None to ask it.
        cuts: whether the connection is cut once the server has answered, so that nobody learns what.
        requests: path, headers and body of each request.
    """

    address: str = ""
    instead: Callable[[str, bytes], Answer | None] = lambda path, body: None
    cuts: Callable[[str], bool] = lambda path: False
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        """What was asked, in order: the last part of each path."""
        return [path.rpartition("/")[2] for path, _, _ in self.requests]


@contextmanager
def proxying(address: str) -> Iterator[Proxy]:
    """Run a proxy in front of the server at ``address``."""
    behind = urlsplit(address)
    proxy = Proxy()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            proxy.requests.append((self.path, headers, body))
            status, content = proxy.instead(self.path, body) or self._ask(headers, body)
            if proxy.cuts(self.path):
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _ask(self, headers: dict[str, str], body: bytes) -> Answer:
            connection = http.client.HTTPConnection(str(behind.hostname), behind.port, timeout=60)
            try:
                connection.request("POST", self.path, body, {name: value for name, value in headers.items() if name != "host"})
                response = connection.getresponse()
                return response.status, response.read()
            except OSError:
                return 503, b""
            finally:
                connection.close()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        proxy.address = f"http://127.0.0.1:{server.server_address[1]}{behind.path}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()
