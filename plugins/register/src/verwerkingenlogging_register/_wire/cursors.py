"""Cursors: the addresses of the pages beside a page. They are opaque, and work only for the same client and question.

A cursor says where a page begins, and for a GET also what was asked, so that no number of a persoon stands in the address. All
of it is sealed with a key that is derived from the key file: every worker takes it, also after a restart, and nobody else can
read one or make one. It is bound to the client and the operation, and holds a digest of the question.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec
from cryptography.exceptions import InvalidTag

from verwerkingenlogging_register._errors import Fault
from verwerkingenlogging_register._keys.protection import Keys
from verwerkingenlogging_register._model.positions import Position
from verwerkingenlogging_register._wire.search_parameters import NOT_OURS

__all__ = ["LIFE_SECONDS", "NOT_OURS_FAULT", "Cursor", "Cursors", "digest_of"]

LIFE_SECONDS = 24 * 3600
"""How long after the first page one can go on."""
NOT_OURS_FAULT = Fault("cursor", *NOT_OURS)
_KEY_ID_BYTES = 2
_DIGEST_BYTES = 16
_PURPOSE = b"cursor 1"


class Cursor(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """The contents of a cursor.

    Attributes:
        made: when the first page was asked for, in seconds since 1970.
        question: the digest of the question, of what its reader may see, and of the size of its pages.
        page_size: that size.
        position: where the page begins.
        asked: the question, where the address is all there is of it; None where it comes in a body.
    """

    made: int
    question: bytes
    page_size: int
    position: Position
    asked: dict[str, Any] | None

    def __repr__(self) -> str:
        """Not the question: it names a persoon."""
        return f"Cursor(made={self.made}, position={self.position})"

    def __rich_repr__(self) -> Any:
        yield "made", self.made
        yield "position", self.position


_decoder = msgspec.msgpack.Decoder(Cursor)


@dataclass(frozen=True, slots=True)
class Cursors:
    """The cursors of one client for one operation, whose address without a query is ``address``."""

    keys: Keys
    client: str
    address: str

    def opened(self, text: str) -> Cursor | None:
        """The contents of a cursor; None when it is not of this client and operation, or is too old."""
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            key = self.keys.get(int.from_bytes(sealed[:_KEY_ID_BYTES]))
            if key is None:
                return None
            cursor = _decoder.decode(key.cursor_cipher.decrypt(sealed[_KEY_ID_BYTES:], self._bound_to))
        except (binascii.Error, InvalidTag, msgspec.DecodeError):
            return None
        return cursor if time.time() - cursor.made < LIFE_SECONDS else None

    def url(self, cursor: Cursor) -> str:
        """The address of the page at ``cursor``."""
        key = self.keys.active()
        sealed = key.key_id.to_bytes(_KEY_ID_BYTES) + key.cursor_cipher.encrypt(msgspec.msgpack.encode(cursor), self._bound_to)
        return f"{self.address}?{urlencode({'cursor': base64.urlsafe_b64encode(sealed).rstrip(b'=').decode()})}"

    @property
    def _bound_to(self) -> list[bytes]:
        return [_PURPOSE, self.client.encode(), self.address.encode()]


def digest_of(question: object) -> bytes:
    """A digest that is the same for the same question, on whichever page; ``question`` is made of plain values."""
    return hashlib.sha256(msgspec.msgpack.encode(question)).digest()[:_DIGEST_BYTES]
