"""Keeps BSNs out of what is logged with Python's ``logging``, by servers, frameworks and the application alike::

    guard_logging()

Every server logs the address of each request, and a framework that of each that fails. A number of nine digits, or eight, that passes
the 11-test of a BSN becomes ``***``: in messages, in their arguments, and in the text of exceptions, also where it is percent-encoded.

It is a net, not a licence: one in eleven other numbers of that length is taken away too. A BSN that is written otherwise (with dots, as
bytes) is not seen, nor one in ``extra``, nor what a formatter makes of an exception without ``Formatter.format``.
"""

from __future__ import annotations

import copy
import logging
import re
from collections.abc import Callable, MutableMapping
from functools import partial
from typing import Any
from urllib.parse import unquote

from verwerkingenlogging.model.bsn import is_bsn, with_leading_zero

__all__ = ["MASK", "guard_logging", "without_bsns"]

MASK = "***"
"""What stands in the place of a BSN."""
# A UUID and a long hexadecimal number are ids: digits in them that look like a BSN are chance. An escape that is no digit (%22) is
# passed over as a whole, or its digits would be taken for the first of the number behind it; one that was escaped again has %25. But a
# percent sign may stand for itself, as in LIKE '%…%'.
_NUMBER = re.compile(
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
    r"|\b(?=[0-9]*[a-f])[0-9a-f]{16,64}\b"
    r"|%(?:25)*(?P<behind>[0-9]{8,9})(?![0-9])"
    r"|%(?:25)*(?!25)(?!3[0-9])[0-9a-f]{2}"
    r"|(?P<number>(?:[0-9]|%(?:25)*3[0-9])+)",
    re.ASCII | re.IGNORECASE,
)
_PERHAPS = re.compile(r"(?:[0-9]|%(?:25)*3[0-9]){8}", re.ASCII)


def without_bsns(text: str, *, but: str | None = None) -> str:
    """``text`` with ``***`` for every number that can be a BSN, other than ``but``, with or without its leading zero."""
    return _NUMBER.sub(partial(_masked, but=with_leading_zero(but or "")), text) if _PERHAPS.search(text) else text


def _masked(found: re.Match[str], *, but: str) -> str:
    behind, number = found["behind"], found["number"]
    if behind is not None and with_leading_zero(behind) != but and is_bsn(behind):
        return found[0].removesuffix(behind) + MASK
    if behind is None and number is None:
        return found[0]
    digits, before = found[0], ""
    while digits != before:
        digits, before = unquote(digits), digits
    return MASK if with_leading_zero(digits) != but and is_bsn(digits) else found[0]


def guard_logging() -> None:
    """From now on, write ``***`` for each BSN in every log line, whatever its logger, handler and formatter.

    Call it where the application is made, or at the end of Django's settings. A server that sets up its logging before or after
    that does not undo it, because it replaces the function that makes each log record (``logging.setLogRecordFactory``). One call
    is enough; more do no harm.
    """
    made_by = logging.getLogRecordFactory()
    if not isinstance(made_by, _Guard):
        logging.setLogRecordFactory(_Guard(made_by))


class _Guard:
    """Makes records without BSNs, of those that another factory makes."""

    def __init__(self, factory: Callable[..., logging.LogRecord]) -> None:
        self._factory = factory

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self._factory(*args, **kwargs)
        if type(record) is logging.LogRecord:
            record.__class__ = _Record
        elif record.exc_info:  # of a class of its own, which stays as it is
            record.exc_text = without_bsns(logging.Formatter().formatException(record.exc_info))
        record.msg = _cleaned(record.msg)
        record.args = _cleaned_args(record.args)
        return record


class _Record(logging.LogRecord):
    """A record that says nothing of a BSN, whatever its arguments are and whatever was raised."""

    def getMessage(self) -> str:  # noqa: N802  # theirs
        return without_bsns(super().getMessage())

    @property
    def exc_text(self) -> str | None:  # what Formatter makes of the exception, once for all handlers
        text: str | None = self.__dict__.get("exc_text")
        return text

    @exc_text.setter
    def exc_text(self, text: str | None) -> None:
        self.__dict__["exc_text"] = without_bsns(text) if text else text


def _cleaned_args(args: Any) -> Any:
    """Arguments as formatters want them: uvicorn's takes five apart, gunicorn's and granian's look them up by name."""
    if isinstance(args, tuple):
        return tuple([_cleaned(arg) for arg in args])
    return _cleaned(args)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return without_bsns(value)
    if isinstance(value, MutableMapping):
        cleaned = copy.copy(value)
        for name, item in value.items():
            shown = _cleaned(item)
            if shown is not item:
                cleaned[name] = shown
        return cleaned
    return value
