"""Error answers: ``Fout`` and ``ValidatieFout`` as application/problem+json, for every 4xx and 5xx (RFC 9457, gemma.md 6).

No value of the request stands in one: ``instance`` is a new urn:uuid, under which the technical log knows a 5xx.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Match

from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging_register._errors import Fault, InvalidInput, KeyUsed, NotCurrent, NotPermitted, Problem
from verwerkingenlogging_register._wire.descriptions import describe

__all__ = [
    "FAULTS_MAX",
    "Fout",
    "ValidatieFout",
    "add_handlers",
    "method_of",
    "problem_response",
    "route_of",
]

logger = logging.getLogger("verwerkingenlogging_register")

MEDIA_TYPE = "application/problem+json"
FAULTS_MAX = 250
"""Most faults in one answer: a body of a few bytes each must not become an answer of megabytes."""
METHOD_NOT_ALLOWED = 405
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})

# status -> (code, title, detail unless a better one is known)
_KINDS: Mapping[int, tuple[str, str, str]] = {
    400: ("invalid", "Ongeldige invoer.", "De aanvraag voldoet niet; invalidParams zegt waarom."),
    401: ("not-authenticated", "Niet geauthenticeerd.", "Geef een geldig bearer-token van een geregistreerde client."),
    403: ("permission-denied", "Geen toestemming.", "De client mag dit niet."),
    404: ("not-found", "Niet gevonden.", "Hier is niets, of niets dat deze client mag zien."),
    405: ("method-not-allowed", "Methode niet toegestaan.", "Deze methode bestaat hier niet."),
    406: ("not-acceptable", "Geen passend antwoord.", "Het antwoord is application/json; de header Accept moet dat toelaten."),
    408: ("request-timeout", "Aanvraag duurt te lang.", "De aanvraag is niet op tijd in haar geheel ontvangen."),
    409: ("conflict", "Conflict.", "Een andere aanvraag is hier nog mee bezig."),
    413: ("content-too-large", "Aanvraag te groot.", "De inhoud van de aanvraag is groter dan het register toelaat."),
    415: ("unsupported-media-type", "Mediatype niet ondersteund.", "De inhoud moet application/json zijn, in UTF-8 en niet gecomprimeerd."),
    422: ("idempotency-key-used", "Sleutel al gebruikt.", "Deze Idempotency-Key is al gebruikt voor een andere aanvraag."),
    429: ("too-many-requests", "Te veel aanvragen.", "De client vraagt te veel. Retry-After zegt na hoeveel seconden het weer kan."),
    431: ("header-fields-too-large", "Headers te groot.", "De headers van de aanvraag zijn samen groter dan het register toelaat."),
    500: ("error", "Interne fout.", "Er ging iets mis in het register. De beheerder vindt het onder instance."),
    503: ("service-unavailable", "Tijdelijk niet beschikbaar.", "Het register kon dit nu niet vastleggen. Probeer het later opnieuw."),
}


class _Answer(BaseModel):
    model_config = ConfigDict(json_schema_extra=describe)


class Fout(_Answer):
    """Waarom de aanvraag niet is uitgevoerd."""

    code: str
    title: str
    status: int
    detail: str
    instance: str
    type: str = "about:blank"


class OngeldigeWaarde(_Answer):
    """Eén fout in de invoer."""

    name: str
    code: str
    reason: str


class ValidatieFout(Fout):
    """Wat er aan de invoer niet klopt: alle fouten tegelijk."""

    invalidParams: list[OngeldigeWaarde]  # noqa: N815  # its name on the wire


def route_of(scope: Mapping[str, Any]) -> str:
    """The template of the route, such as ``/verwerkingsacties/{actieId}``; never the path itself, which could hold a BSN."""
    return getattr(scope.get("route"), "path_format", "(geen route)")


def problem_response(
    status: int,
    detail: str | None = None,
    *,
    faults: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
    instance: str | None = None,
) -> JSONResponse:
    """An error answer of that status."""
    content = problem_content(status, detail, faults=faults, instance=instance)
    return JSONResponse(content, status_code=status, headers=headers, media_type=MEDIA_TYPE)


def problem_content(status: int, detail: str | None = None, *, faults: Sequence[Fault] = (), instance: str | None = None) -> dict[str, Any]:
    """What an error answer of that status says."""
    code, title, usual = _KINDS.get(status, ("error", "Fout.", "De aanvraag is niet uitgevoerd."))
    content: dict[str, Any] = {
        "type": "about:blank",
        "code": code,
        "title": title,
        "status": status,
        "detail": detail or usual,
        "instance": instance or uuid4().urn,
    }
    if faults:
        content["invalidParams"] = [{"name": fault.name, "code": fault.code, "reason": fault.reason} for fault in faults[:FAULTS_MAX]]
        if len(faults) > FAULTS_MAX:
            content["detail"] = f"De aanvraag voldoet niet; invalidParams noemt de eerste {FAULTS_MAX} fouten."
    return content


def _problem(_request: Request, error: Problem) -> JSONResponse:
    return problem_response(error.status, error.detail, headers=error.headers)


def _invalid_input(_request: Request, error: InvalidInput) -> JSONResponse:
    return problem_response(400, faults=error.faults)


def _key_used(_request: Request, _error: KeyUsed) -> JSONResponse:
    return problem_response(422)


def _not_current(request: Request, error: NotCurrent) -> JSONResponse:
    if request.app.state.register.settings.onbekend_als_404:
        return problem_response(404)
    return problem_response(400, faults=[error.fault])


def _http_exception(request: Request, error: HTTPException) -> JSONResponse:
    """What the framework refuses itself: no such path, no such method."""
    headers = {"Allow": _allowed(request)} if error.status_code == METHOD_NOT_ALLOWED else error.headers
    return problem_response(error.status_code, headers=headers)


def _allowed(request: Request) -> str:
    """The methods of all routes with this path; the framework names those of the first only."""
    routes = [route for route in iter_route_contexts(request.app.routes) if route.matches(request.scope)[0] is not Match.NONE]
    return ", ".join(sorted({method for route in routes for method in route.methods or ()}))


def _not_permitted(_request: Request, error: NotPermitted) -> JSONResponse:
    return problem_response(403, str(error))


def _unavailable(request: Request, error: LogUnavailable) -> JSONResponse:
    instance = uuid4().urn
    logger.warning("503 %s %s %s: %s", method_of(request.scope), route_of(request.scope), instance, error)
    return problem_response(503, headers={"Retry-After": "5"}, instance=instance)


def method_of(scope: Mapping[str, Any]) -> str:
    """The method of a request for the technical log: a known one, else ``other``, because the caller chooses its text (P3)."""
    return scope["method"] if scope["method"] in _METHODS else "other"


def add_handlers(app: FastAPI) -> None:
    """Let ``app`` answer every error as a problem."""
    for kind, handler in (
        (Problem, _problem),
        (InvalidInput, _invalid_input),
        (KeyUsed, _key_used),
        (NotCurrent, _not_current),
        (HTTPException, _http_exception),
        (NotPermitted, _not_permitted),
        (LogUnavailable, _unavailable),
    ):
        app.add_exception_handler(kind, handler)  # type: ignore[arg-type]  # each handles its own kind
