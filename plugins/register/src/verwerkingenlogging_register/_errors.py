"""What ends a request, or a command that does what a request could: the rule that was broken, never the value that broke it.

How each becomes an answer is in ``_wire/problems.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Fault", "InvalidInput", "KeyUsed", "NotCurrent", "NotPermitted", "Problem"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in what the client sent: where, a code of the vocabulary, and the reason in Dutch, without the value."""

    name: str
    code: str
    reason: str


class Problem(Exception):
    """The request ends here, with this status. ``detail`` is Dutch, for the caller, and holds no value of the request."""

    def __init__(self, status: int, detail: str | None = None, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.detail = detail
        self.headers = headers


class KeyUsed(Exception):
    """This Idempotency-Key was used before, for another request: 422."""


class NotCurrent(Exception):
    """What must be changed is not there: ``unknown``, or ``vervallen``. 400, or 404 where the deployment says so (X02)."""

    def __init__(self, name: str, code: str) -> None:
        super().__init__(code)
        self.fault = Fault(name, code, _NOT_CURRENT[code])


_NOT_CURRENT = {"unknown": "Is niet bekend in dit register.", "vervallen": "Is al vervallen."}


class InvalidInput(Exception):
    """What the client sent has these faults: 400 with all of them."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(len(faults))
        self.faults = faults


class NotPermitted(Exception):
    """The caller's scopes do not allow this: 403. The message is Dutch and meant for the caller; it holds no value."""
