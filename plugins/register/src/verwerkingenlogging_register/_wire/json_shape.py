"""The shape of a JSON text, found in one pass over its brackets: how deep it is, and whether it can be read in short steps.

The parser is C, and gives others their turn only where an object ends. A text with an object every so often is read in short steps.
"""

from __future__ import annotations

import re
from enum import Enum, auto

__all__ = ["RUN_MAX", "Shape", "shape_of"]

RUN_MAX = 320 * 1024
"""Most bytes without the begin or the end of an object: a list of a thousand Idempotency-Keys has fewer. To read them takes some
milliseconds, whatever they are."""
# Possessive: whatever it is given, it reads each byte once.
_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+[\[\]{}]', re.DOTALL)
_OPENS = b"[{"
_OF_OBJECT = b"{}"


class Shape(Enum):
    """The shape of a JSON text. ``FINE`` does not mean that it is valid JSON."""

    FINE = auto()
    TOO_DEEP = auto()
    TOO_LONG_A_RUN = auto()


def shape_of(body: bytes, depth_limit: int) -> Shape:
    """The shape of a text. More levels than ``depth_limit`` are too deep. Takes linear time, in short steps."""
    if len(body) <= RUN_MAX and body.count(b"{") + body.count(b"[") <= depth_limit:
        return Shape.FINE
    to_bracket, end = _TO_BRACKET.match, len(body)
    at = run_began = depth = 0
    while found := to_bracket(body, at, at + RUN_MAX):
        at = found.end()
        bracket = body[at - 1]
        if bracket in _OPENS:
            depth += 1
            if depth > depth_limit:
                return Shape.TOO_DEEP
        else:
            depth -= 1
        if at - run_began > RUN_MAX:
            return Shape.TOO_LONG_A_RUN
        if bracket in _OF_OBJECT:
            run_began = at
    return Shape.TOO_LONG_A_RUN if end - run_began > RUN_MAX else Shape.FINE
