"""For FastAPI only (extra ``fastapi``): an answer to a rejected request that does not repeat its input."""

from __future__ import annotations

import re

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse

__all__ = ["hide_rejected_input"]


def hide_rejected_input(app: FastAPI) -> None:
    """Answer a rejected request with the names of the fields and what is wrong, as problem+json.

    FastAPI's own 422 repeats the input, and so a BSN or what was searched for, into the logs of whoever called (P3).
    """
    app.add_exception_handler(RequestValidationError, _refuse)


_NAME = re.compile(r"[A-Za-z_]{1,60}")


def _shown(part: str | int) -> str:
    """A part of the place of a fault: an index, or a name. A key that the caller chose itself might be a BSN."""
    return str(part) if isinstance(part, int) or _NAME.fullmatch(part) else "…"


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    problem = {
        "title": "Ongeldig verzoek",
        "status": 422,
        "detail": "Het verzoek is afgewezen; invalidParams noemt wat er niet klopt.",
        "code": "invalid",
        # Not its message either: that of an application's own validator may hold the value.
        "invalidParams": [{"name": ".".join(map(_shown, fault["loc"])), "code": fault["type"]} for fault in faults],
    }
    return JSONResponse(problem, status_code=422, media_type="application/problem+json")
