"""The errors that end a request or a command. They name the broken rule, and never the value that broke it.

How each becomes an answer is in ``_wire/problems.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Fault", "InvalidInput", "KeyUsed", "NotCurrent", "NotPermitted", "Problem"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in the input of a client: its place, a code of the vocabulary, and the reason in Dutch, without the value."""

    name: str
    code: str
    reason: str


class Problem(Exception):
    """Ends the request with this status. ``detail`` is Dutch, for the caller, and holds no value of the request."""

    def __init__(self, status: int, detail: str | None = None, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.detail = detail
        self.headers = headers


class KeyUsed(Exception):
    """This Idempotency-Key was used before, for another request: 422."""


class NotCurrent(Exception):
    """The actie to change does not exist (``unknown``) or is ``vervallen``: 400, or 404 when the deployment says so (X02)."""

    def __init__(self, name: str, code: str) -> None:
        super().__init__(code)
        self.fault = Fault(name, code, _NOT_CURRENT[code])


_NOT_CURRENT = {"unknown": "Is niet bekend in dit register.", "vervallen": "Is al vervallen."}


class InvalidInput(Exception):
    """The input of the client has these faults: 400 with all of them."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(len(faults))
        self.faults = faults


class NotPermitted(Exception):
    """The caller's scopes do not allow this: 403. The message is Dutch and meant for the caller; it holds no value."""
