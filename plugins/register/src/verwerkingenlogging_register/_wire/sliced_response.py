"""A large answer, handed to the server a slice at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

__all__ = ["SlicedResponse"]

_SLICE_BYTES = 256 * 1024


class SlicedResponse(Response):
    """Sends ``pieces``, with ``separator`` between them, in slices of some 256 kB, and waits where its reader is slow.

    As one text they would be made, and copied to the connection, in single steps of tens of milliseconds for as many megabytes.
    """

    def __init__(
        self, pieces: Sequence[bytes], *, separator: bytes, status: int, headers: Mapping[str, str] | None, media_type: str
    ) -> None:
        self._slices = list(_slices(pieces, separator))
        super().__init__(None, status, headers, media_type)
        self.headers["content-length"] = str(sum(map(len, self._slices)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for left in reversed(range(len(self._slices))):
            await send({"type": "http.response.body", "body": self._slices.pop(0), "more_body": left > 0})


def _slices(pieces: Sequence[bytes], separator: bytes) -> Iterator[bytes]:
    together: list[bytes] = []
    size = 0
    for piece in pieces:
        together.append(piece)
        size += len(piece) + len(separator)
        if size > _SLICE_BYTES:
            yield separator.join(together)
            together, size = [b""], 0  # so that the next slice begins with the separator
    if len(together) > 1 or size:
        yield separator.join(together)
