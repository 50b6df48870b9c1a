"""A frame: the bytes of one record in a segment.

A frame is a marker, a length, that length inverted and a checksum, then the time of appending, flags, and what the flags announce:
a key, a place in a trace, the reason of a refusal, and always the body. Numbers are little-endian. A reader needs nothing but the
file. A length that is what it was is told from one that is not without what follows: a write that was cut off lacks just that.

Version 1 had no inverted length, and a version in its header that nothing checked. What it left is still read.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from time import time_ns
from zlib import crc32

import msgspec
from msgspec.structs import replace

from verwerkingenlogging.logs.parts import parts_of
from verwerkingenlogging.model import Verwerkingsactie, wire_form
from verwerkingenlogging.model.limits import RECORD_MAX
from verwerkingenlogging.model.trace import Span
from verwerkingenlogging.support.representation import as_repr

__all__ = [
    "FRAME_MAX",
    "HEADER_SIZE",
    "KIND",
    "MARKER",
    "OLD_MARKER",
    "OLD_VERSION",
    "PLACE",
    "SEALED",
    "VERSION",
    "Frame",
    "NoFrame",
    "encode",
    "frame",
    "is_cut_off",
    "of_another_version",
    "parse",
]

KIND = b"verwerkingenlog\n"
"""The first bytes of a segment of any version."""
_VERSION = struct.Struct("<HH")  # and the same inverted
VERSION = KIND + _VERSION.pack(2, 2 ^ 0xFFFF)
"""The first bytes of a segment of this version."""
OLD_VERSION = KIND + struct.pack("<I", 1)
"""The first bytes of a segment of the version before."""
PLACE = struct.Struct("<QI")
"""What follows it: how far the segment was delivered, and the checksum of that."""
HEADER_SIZE = len(VERSION) + PLACE.size
"""Where the frames begin."""
FRAME_MAX = 64 * 1024 * 1024
"""Longest frame, in bytes. A length beyond it is not one."""
MARKER = b"\xf7L"
"""Begins each frame. Its first byte occurs in no UTF-8, so in no body that is not sealed."""
OLD_MARKER = b"\xf7V"
"""Began each frame of version 1."""

SEALED = 1
_KEY = 2
_SPAN = 4
_REASON = 8

_LEAD = struct.Struct("<2siiI")  # marker, length of what follows, the same inverted, its checksum
_OLD_LEAD = struct.Struct("<2sII")  # without the inverted one
_REST = struct.Struct("<QB")  # time, flags
_SIZE = struct.Struct("<H")  # of a key or a reason, before it
_SPAN_BYTES = 32

Seal = Callable[[bytes, bytes], bytes]
"""Seals a body, bound to the bytes that stand before it."""


class Frame(msgspec.Struct, frozen=True, order=True, gc=False):
    """A record as it was read. Two of them compare by when they were appended.

    Attributes:
        time: nanoseconds since 1970 when it was appended.
        segment: name of the segment in which it stands.
        offset, end: where it begins there, and where the next one does.
        flags: ``SEALED``, and what else announced its parts.
        key: what the record is known by through every attempt.
        span: its place in a trace, if any.
        reason: why a register refused it, if one did.
        bound: the bytes to which a sealed body is bound.
        body: the actie as JSON, or that sealed.
    """

    time: int
    segment: str
    offset: int
    end: int
    flags: int
    key: str
    span: Span | None
    reason: str
    bound: bytes
    body: bytes

    def __repr__(self) -> str:
        return f"<Frame {self.key}>"  # without its body

    __rich_repr__ = as_repr


class NoFrame(Exception):
    """There is no whole frame here.

    Attributes:
        needed: bytes that its length promises, or 0 when these bytes cannot be the beginning of a frame.
    """

    def __init__(self, needed: int = 0) -> None:
        super().__init__(needed)
        self.needed = needed


def encode(acties: Sequence[Verwerkingsactie], seal: Seal | None = None) -> bytes:
    """The frames of ``acties``, appended now, a large one in parts. Raises LogRefused for one that cannot be divided."""
    if seal is None and len(acties) == 1 and acties[0].span is None:  # nearly always; each step of the rest is a tenth of the whole
        rest = _REST.pack(time_ns(), 0) + wire_form(acties[0])
        length = len(rest)
        if length <= RECORD_MAX:
            return _LEAD.pack(MARKER, length, ~length, crc32(rest)) + rest
    now = time_ns()
    return b"".join([_frames(actie, now, seal) for actie in acties])


def _frames(actie: Verwerkingsactie, now: int, seal: Seal | None) -> bytes:
    body = wire_form(actie)
    if len(body) <= RECORD_MAX:
        return frame(body, time=now, span=actie.span, seal=seal)
    return b"".join([frame(wire_form(part), time=now, span=part.span, seal=seal) for part in parts_of(actie)])


def frame(body: bytes, *, time: int, key: str = "", span: Span | None = None, reason: str = "", seal: Seal | None = None) -> bytes:
    """The frame of one record. Without ``key`` its place in the segment is its key."""
    flags = (SEALED if seal else 0) | (_KEY if key else 0) | (_SPAN if span else 0) | (_REASON if reason else 0)
    parts = [_REST.pack(time, flags)]
    for text in (key, reason):
        if text:
            encoded = text.encode(errors="replace")  # a reason is another's: whatever it holds, it must be kept
            parts += (_SIZE.pack(len(encoded)), encoded)
    if span is not None:
        parts.append(span.packed())
    before = b"".join(parts)
    rest = before + (seal(body, before) if seal is not None else body)
    length = len(rest)
    return _LEAD.pack(MARKER, length, ~length, crc32(rest)) + rest


def parse(buffer: bytes, at: int, segment: str, base: int) -> Frame:
    """The frame that begins at ``at`` in ``buffer``, whose first byte stands at ``base`` in ``segment``. Raises NoFrame."""
    rest_at, length, checksum = _lead(buffer, at)
    stop = rest_at + length
    if stop > len(buffer):
        raise NoFrame(stop - at)
    rest = buffer[rest_at:stop]
    if crc32(rest) != checksum:
        raise NoFrame
    time, flags = _REST.unpack_from(rest)
    offset = base + at
    if not flags:
        return Frame(time, segment, offset, base + stop, 0, f"{segment}-{offset}", None, "", b"", rest[_REST.size :])
    return _parts(rest, Frame(time, segment, offset, base + stop, flags, f"{segment}-{offset}", None, "", b"", b""))


def _lead(buffer: bytes, at: int) -> tuple[int, int, int]:
    """Where what follows the lead at ``at`` begins, its length, and its checksum. Raises NoFrame."""
    rest_at = at + _LEAD.size
    if rest_at > len(buffer):
        raise NoFrame(_LEAD.size if buffer[at : at + 2] in _BEGINNINGS else 0)
    marker, length, inverted, checksum = _LEAD.unpack_from(buffer, at)
    if marker != MARKER:
        if marker != OLD_MARKER:
            raise NoFrame
        rest_at = at + _OLD_LEAD.size
        _, length, checksum = _OLD_LEAD.unpack_from(buffer, at)
    elif inverted != ~length:
        raise NoFrame
    if not _REST.size <= length <= FRAME_MAX:
        raise NoFrame
    return rest_at, length, checksum


_BEGINNINGS = (MARKER, OLD_MARKER, MARKER[:1], b"")


def is_cut_off(begun: bytes, left: int, rest: Callable[[], bytes]) -> bool:
    """Whether a frame began with ``begun`` of which the first ``left`` bytes were written, and the others never were.

    ``rest`` gives all that was written. It is asked for a frame of version 1, whose length nothing vouches for: where its checksum
    is that of what is there, it was written whole, and its length is what is damaged.
    """
    try:
        rest_at, length, checksum = _lead(begun[:left], 0)
    except NoFrame as error:
        return error.needed > 0
    if rest_at + length <= left:
        return False
    if begun.startswith(MARKER):
        return True
    written = rest()
    sum_ = crc32(written[rest_at:].rstrip(b"\0"))
    for _ in range(len(written) - len(written.rstrip(b"\0")) + 1):
        if sum_ == checksum:
            return False
        sum_ = crc32(b"\0", sum_)
    return True


def of_another_version(header: bytes) -> bool | None:
    """Whether a header is that of a segment of another version; None where it is none."""
    if len(header) < HEADER_SIZE or not header.startswith(KIND):
        return None
    version, inverted = _VERSION.unpack_from(header, len(KIND))
    if header.startswith((VERSION, OLD_VERSION)):
        return False
    return True if version ^ inverted == 0xFFFF else None  # noqa: PLR2004  # all bits


def _parts(rest: bytes, bare: Frame) -> Frame:
    position = _REST.size
    texts = {_KEY: bare.key, _REASON: ""}
    for flag in texts:
        if bare.flags & flag:
            (size,) = _SIZE.unpack_from(rest, position)
            texts[flag] = rest[position + _SIZE.size : position + _SIZE.size + size].decode()
            position += _SIZE.size + size
    span = None
    if bare.flags & _SPAN:
        span = Span.unpacked(rest[position : position + _SPAN_BYTES])
        position += _SPAN_BYTES
    return replace(bare, key=texts[_KEY], reason=texts[_REASON], span=span, bound=rest[:position], body=rest[position:])
