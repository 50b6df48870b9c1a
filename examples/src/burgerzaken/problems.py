"""Errors as problem+json that name the fields and what is wrong, and never repeat what was sent (P3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

__all__ = ["Conflict", "answer"]


class Conflict(APIException):
    """The zaak does not allow it."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "Deze zaak laat dat niet toe."
    default_code = "conflict"


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """The EXCEPTION_HANDLER of REST framework."""
    given = exception_handler(error, context)
    if given is None:
        return None
    problem: dict[str, Any] = {"title": "Ongeldig verzoek", "status": given.status_code}
    if isinstance(error, ValidationError):
        problem["invalidParams"] = [{"name": name, "code": code} for name, code in _faults(error.get_codes())]
    elif isinstance(error, Conflict):
        problem |= {"title": "Conflict", "detail": str(error.detail)}
    given.data = problem
    given.content_type = "application/problem+json"
    return given


def _faults(codes: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Where the faults are, and which."""
    if isinstance(codes, str):
        yield place, codes
        return
    for name, inner in codes.items() if isinstance(codes, dict) else ((None, code) for code in codes):
        yield from _faults(inner, place if name is None else f"{place}.{name}".lstrip("."))
