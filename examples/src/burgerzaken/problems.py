"""Errors as problem+json that name the fields and what is wrong, and never repeat what was sent (P3)."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, JsonResponse
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from verwerkingenlogging import NotRecorded

__all__ = ["Conflict", "Unavailable", "answer", "not_found"]

logger = logging.getLogger(__name__)

_PROBLEM_JSON = "application/problem+json"
_TITLES = {404: "Niet gevonden", 409: "Conflict", 500: "Dit lukt nu niet", 502: "Dit lukt nu niet"}


class Conflict(APIException):
    """The state of the zaak does not allow this."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "Deze zaak laat dat niet toe."
    default_code = "conflict"


class Unavailable(APIException):
    """Another application does not deliver."""

    status_code = status.HTTP_502_BAD_GATEWAY
    default_detail = "Een andere toepassing levert nu niet."
    default_code = "unavailable"


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """The EXCEPTION_HANDLER of REST framework."""
    if isinstance(error, NotRecorded):
        return None  # the middleware answers
    given = exception_handler(error, context) or _unforeseen(error)
    problem: dict[str, Any] = {"title": _TITLES.get(given.status_code, "Ongeldig verzoek"), "status": given.status_code}
    if isinstance(error, ValidationError):
        problem["invalidParams"] = [{"name": name, "code": code} for name, code in _faults(error.get_codes())]
    elif isinstance(error, Conflict | NotFound | Unavailable):
        problem["detail"] = str(error.detail)  # a text of ours
    given.data = problem
    given.content_type = _PROBLEM_JSON
    return given


def not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    """The handler404 of the project, which answers problem+json and not a page."""
    return JsonResponse({"title": _TITLES[404], "status": 404}, status=404, content_type=_PROBLEM_JSON)


def _unforeseen(error: Exception) -> Response:
    """Say in the technical log where it went wrong, and no more: PostgreSQL repeats in its errors the row that it refuses."""
    logger.error("%s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
    return Response(status=status.HTTP_500_INTERNAL_SERVER_ERROR)


def _faults(codes: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Where the faults are, and which."""
    if isinstance(codes, str):
        yield place, codes
        return
    for name, inner in codes.items() if isinstance(codes, dict) else ((None, code) for code in codes):
        yield from _faults(inner, place if name is None else f"{place}.{name}".lstrip("."))
