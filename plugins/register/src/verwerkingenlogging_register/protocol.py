"""HTTP as uvicorn speaks it, with our answer to what is no HTTP: uvicorn's own is plain text."""

from __future__ import annotations

import json
import sys

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from verwerkingenlogging_register.middleware import answer_headers
from verwerkingenlogging_register.problems import MEDIA_TYPE, Fault, problem_content

__all__ = ["Protocol"]

_HEADERS_TOO_LARGE = 431
_BAD_REQUEST = 400
_NO_HTTP = Fault("request", "invalid", "Moet een geldige HTTP-aanvraag zijn.")


class Protocol(H11Protocol):
    """Refuses, as a problem, what cannot be read: 431 for headers without end, 400 for all else."""

    def send_400_response(self, msg: str) -> None:
        """Answer and hang up. ``msg`` is uvicorn's own, which we do not show."""
        error = sys.exception()
        too_large = isinstance(error, h11.RemoteProtocolError) and error.error_status_hint == _HEADERS_TOO_LARGE
        status = _HEADERS_TOO_LARGE if too_large else _BAD_REQUEST
        body = json.dumps(problem_content(status, faults=[] if too_large else [_NO_HTTP]), ensure_ascii=False).encode()
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
            *answer_headers(),
        ]
        for event in (
            h11.Response(status_code=status, headers=headers, reason=STATUS_PHRASES[status]),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
