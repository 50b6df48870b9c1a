"""The answers by which a middleware refuses a request: problem details (RFC 9457), in Dutch, without personal data."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property

from verwerkingenlogging.errors import FaultyRequest, NotInRequest, NotRecorded

__all__ = [
    "INVALID_IN_REQUEST",
    "NOT_IN_REQUEST",
    "NOT_RECORDED",
    "OIN_MISMATCH",
    "PROBLEM_JSON",
    "Refusal",
    "comes_of",
    "not_recorded_in",
    "refusal_of",
]

PROBLEM_JSON = "application/problem+json"
"""Content-Type of a refusal. Send it with ``Cache-Control: no-store``."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An answer that replaces the application's own: its HTTP status, a text for people and a code for programs.

    ``invalid_params`` are the names of the arguments that the client has to mend, each with what is wrong; no value.
    """

    status: int
    title: str
    detail: str
    code: str
    invalid_params: tuple[tuple[str, str], ...] = ()

    @cached_property
    def body(self) -> bytes:
        """The body of the answer, of Content-Type ``PROBLEM_JSON``."""
        problem: dict[str, object] = {"title": self.title, "status": self.status, "detail": self.detail, "code": self.code}
        if self.invalid_params:
            problem["invalidParams"] = [{"name": name, "code": code} for name, code in self.invalid_params]
        return json.dumps(problem, ensure_ascii=False).encode()


NOT_RECORDED = Refusal(
    status=503,
    title="Verwerking niet vastgelegd",
    detail="Deze verwerking van persoonsgegevens kon niet worden vastgelegd en is daarom niet uitgevoerd. Probeer het later opnieuw.",
    code="niet-vastgelegd",
)
"""Something could not be recorded, so it was not done or not shown (B7952)."""

NOT_IN_REQUEST = Refusal(
    status=400,
    title="Gegeven ontbreekt",
    detail="In dit verzoek ontbreekt een gegeven dat nodig is om de verwerking vast te leggen. Het is daarom niet uitgevoerd.",
    code="gegeven-ontbreekt",
)
"""The client left out something that must be recorded, such as whose data it is."""

INVALID_IN_REQUEST = Refusal(
    status=400,
    title="Gegeven ongeldig",
    detail="In dit verzoek is een gegeven dat nodig is om de verwerking vast te leggen ongeldig. Het is daarom niet uitgevoerd.",
    code="gegeven-ongeldig",
)
"""What the client sent cannot be an identifier."""

OIN_MISMATCH = Refusal(
    status=403,
    title="OIN komt niet overeen",
    detail="Het OIN in de header is niet het OIN waarmee u zich bekend maakt.",
    code="oin-komt-niet-overeen",
)
"""The header claims another organisation than the caller proves (B9177)."""


def not_recorded_in(error: BaseException | None) -> NotRecorded | None:
    """``error`` if it is a NotRecorded; of an exception group with nothing else in it, the first one.

    Tasks in a TaskGroup raise such a group.
    """
    if isinstance(error, BaseExceptionGroup):
        found = {not_recorded_in(one) for one in error.exceptions}
        return None if None in found else found.pop()
    return error if isinstance(error, NotRecorded) else None


def comes_of(error: BaseException, failed: NotRecorded) -> bool:
    """Whether ``error`` comes from ``failed``: it is that error, holds it, or was raised while it was handled."""
    seen: BaseException | None = error
    while seen is not None:
        if seen is failed or not_recorded_in(seen) is not None:
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def refusal_of(error: NotRecorded) -> Refusal:
    """The answer of a middleware to ``error``. A mistake of the client is a 400, since it would repeat the request after a 503."""
    if not isinstance(error, FaultyRequest):
        return NOT_RECORDED
    refusal = NOT_IN_REQUEST if isinstance(error, NotInRequest) else INVALID_IN_REQUEST
    return replace(refusal, invalid_params=tuple((name, error.code) for name in error.names)) if error.names else refusal
