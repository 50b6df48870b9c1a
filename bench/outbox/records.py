"""The record that is measured with, and who takes it at the other end."""

from __future__ import annotations

import http.server
import multiprocessing
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from multiprocessing.connection import Connection

from bench.harness.full_record import GEBRUIKER, make_recorder
from verwerkingenlogging import MemoryLog, Recorder, Verwerkingsactie, VerwerktObject
from verwerkingenlogging.model.template import Template
from verwerkingenlogging.model.verwerking import Verwerking

__all__ = ["BSN", "Maker", "receiving"]

BSN = "002308572"
_TEMPLATE = Template(
    actie_naam="Ophalen persoonsgegevens", activiteit="huwelijk", handeling_naam="Registratie getuigen", verwerking_naam="Huwelijk"
)
_KEY = re.compile(rb'"idempotencyKey":')
_STORED = b'{"status":201,"actieId":"7a22eb38-bca6-463f-9955-54ab040287cb","url":"http://127.0.0.1/x"}'


class Maker:
    """Makes records with every field of the standard's full example, of one person."""

    def __init__(self, recorder: Recorder | None = None) -> None:
        self._recorder = recorder or make_recorder(MemoryLog())
        self._objecten = (VerwerktObject(object_id=BSN, betrokkenheid="Getuige"),)
        self._verwerking = Verwerking(id=self._recorder.new_id())

    def __call__(self) -> Verwerkingsactie:
        """One more of them."""
        return self._recorder.actie(_TEMPLATE, self._verwerking, self._objecten, gebruiker=GEBRUIKER)


@contextmanager
def receiving() -> Iterator[str]:
    """Somebody at the other end, in a process of its own, who answers at once: a register's batches, and OTLP."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_receive, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def _receive(pipe: Connection) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            number = len(_KEY.findall(body))
            answer = b'{"results":[' + b",".join([_STORED] * number) + b"]}" if number else b""
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        pipe.send(server.server_address[1])
        server.serve_forever()
