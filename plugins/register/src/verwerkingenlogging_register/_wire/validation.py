"""Validates the query, headers and body of a request. All faults are reported together, and none shows a value (P3).

FastAPI could do this too, but would parse a body before it knows the caller, stop at a limit of its own, and repeat the
value in its messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from verwerkingenlogging.model.doelbinding import Doelbinding
from verwerkingenlogging.requests.doelbinding_headers import VNG
from verwerkingenlogging_register._errors import Fault, InvalidInput, Problem
from verwerkingenlogging_register._wire.fields import REQUIRED
from verwerkingenlogging_register._wire.json_documents import BODY, NAME_OF_A_PROPERTY
from verwerkingenlogging_register._wire.json_shape import RUN_MAX, Shape, shape_of
from verwerkingenlogging_register.settings import Settings

__all__ = [
    "TOLD_MAX",
    "TOO_MANY",
    "check",
    "check_accept",
    "check_content_type",
    "check_shape",
    "content_type_of",
    "context_of",
    "doelbinding_of",
    "faults_in",
    "parameters_of",
    "query_and_faults",
]

Model = TypeVar("Model", bound=BaseModel)
Result = TypeVar("Result")

TOLD_MAX = 15_000
"""Most faults in one actie, or another body, that are looked at one by one: to read them is one step."""
TOO_MANY = Fault(BODY, "invalid", "Heeft te veel fouten om ze te noemen.")
_ACCEPTABLE = frozenset({"*/*", "application/*", "application/json"})
_LISTS = {"vertrouwelijkheid": ("vertrouwelijkheid", "vertrouwelijkheid__in")}
"""Parameters that may be repeated, and their other names (X06)."""

# Pydantic's own findings, in the vocabulary of the standard. All others are raised by ``fields``, which speaks it already.
_TRANSLATED = {
    "missing": ("required", REQUIRED),
    "model_type": ("invalid", "Moet een JSON-object zijn."),
    "list_type": ("invalid", "Moet een lijst zijn."),
    "too_short": ("required", "Mag niet leeg zijn."),
    "too_long": ("max-length", "Heeft te veel elementen."),
    "extra_forbidden": ("unknown", "Is hier geen bekende eigenschap."),
}

_MANDATORY = ("OIN", "VerwerkingsactiviteitId", "VerwerkingsactiviteitUrl")
_HEADER_REASONS = {
    "OIN": "Moet een OIN zijn: precies 20 cijfers.",
    "VerwerkingsactiviteitId": "Moet een UUID zijn.",
    "VerwerkingsactiviteitUrl": "Moet een absolute URI zijn (RFC 3986) die ergens heen leidt, zonder gebruiker of wachtwoord.",
    "VerwerkingId": "Moet een UUID zijn.",
    "Vertrouwelijkheid": "Moet 'normaal' of 'vertrouwelijk' zijn.",
    "Bewaartermijn": "Moet een periode volgens ISO 8601 zijn, zoals P10Y.",
}


def check_accept(request: Request) -> None:
    """Refuse, with 406, a client that cannot take JSON."""
    accept = request.headers.get("accept")
    if accept is None:
        return
    for media_range in accept.lower().split(","):
        kind, *parameters = [part.strip() for part in media_range.split(";")]
        if kind in _ACCEPTABLE and not any(re.fullmatch(r"q=0(\.0*)?", parameter) for parameter in parameters):
            return
    raise Problem(406)


def faults_in(error: ValidationError, whole: str = BODY) -> list[Fault]:
    """The faults that Pydantic found, in the standard's vocabulary and in Dutch. ``whole`` names a fault without a place.

    More than ``TOLD_MAX`` are one fault of the whole: to look at each would hold up everybody.
    """
    if error.error_count() > TOLD_MAX:
        return [TOO_MANY]
    faults = []
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        code, reason = _TRANSLATED.get(item["type"], (item["type"], item["msg"]))
        place = item["loc"]
        if item["type"] == "extra_forbidden" and not NAME_OF_A_PROPERTY.fullmatch(str(place[-1])):
            place, reason = place[:-1], "Bevat een eigenschap die hier niet bekend is."
        faults.append(Fault(".".join(map(str, place)) or whole, code, reason))
    return faults


def query_and_faults(request: Request, model: type[Model], settings: Settings) -> tuple[Model, list[Fault]]:
    """The query string as ``model``, and the faults in it. With faults, do not use the model."""
    asked: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        asked.setdefault(name, []).append(value)
    given: dict[str, Any] = {}
    faults: list[Fault] = []
    for name in parameters_of(model):
        if name in _LISTS:
            given[name] = [value for alias in _LISTS[name] for value in asked.get(alias, ())]
        elif name in asked:
            values = asked[name]
            if values[0] != "":
                given[name] = values[0]
            if len(values) > 1:
                faults.append(Fault(name, "invalid", "Mag maar één keer voorkomen."))
    try:
        question = model.model_validate(given, context=context_of(settings))
    except ValidationError as error:
        return model.model_construct(), [*faults, *faults_in(error, "query")]
    return question, faults


@cache
def parameters_of(model: type[BaseModel]) -> Sequence[str]:
    """The names of the parameters of ``model`` on the wire."""
    return [str(field.alias) for field in model.model_fields.values()]


def check(faults: Sequence[Fault]) -> None:
    """Raise InvalidInput with ``faults``, when there are any."""
    if faults:
        raise InvalidInput(faults)


def doelbinding_of(request: Request, *, mandatory: bool) -> tuple[Doelbinding, list[Fault]]:
    """The doelbinding of the caller, and the faults in it (2.2, X16).

    What is malformed is a fault here, unlike in an application: nothing has been processed yet, so it costs nothing to ask
    again. An ``opgeheven`` (X35) and a bare number of years (X32) are taken over as the core reads them.
    """
    doelbinding = VNG.read(request.scope["headers"])
    faults = []
    for name, _, code in (text.partition(": ") for text in doelbinding.faults):
        if code == "duplicate":
            faults.append(Fault(name, "invalid", "Mag maar één keer voorkomen."))
        elif code == "invalid":
            faults.append(Fault(name, "invalid", _HEADER_REASONS[name]))
    if mandatory:
        wrong = {fault.name for fault in faults}
        faults += [Fault(name, "required", REQUIRED) for name in _absent(doelbinding, _MANDATORY) if name not in wrong]
    return doelbinding, faults


def _absent(doelbinding: Doelbinding, names: Iterable[str]) -> list[str]:
    present = VNG.write(doelbinding)
    return [name for name in names if name not in present]


def check_shape(body: bytes, settings: Settings) -> None:
    """Raise InvalidInput for a JSON text that is too deep (D11), or that can only be read in one long step."""
    match shape_of(body, settings.depth_limit):
        case Shape.TOO_DEEP:
            raise InvalidInput([Fault(BODY, "invalid", f"Mag ten hoogste {settings.depth_limit} niveaus diep zijn.")])
        case Shape.TOO_LONG_A_RUN:
            raise InvalidInput([Fault(BODY, "invalid", f"Mag ten hoogste {RUN_MAX} bytes achtereen zonder object bevatten.")])


def context_of(settings: Settings, **more: object) -> dict[str, object]:
    """The context for the validation of a model: what its fields must know of this deployment, and ``more``."""
    return {"objecttypen": settings.objecttypen, **more}


def content_type_of(request: Request) -> tuple[str, set[str]]:
    """The media type that a request names, in lower case, and its charset or charsets."""
    kind, *parameters = [part.strip() for part in request.headers.get("content-type", "").lower().split(";")]
    return kind, {parameter.removeprefix("charset=").strip('"') for parameter in parameters if parameter.startswith("charset=")}


def check_content_type(request: Request) -> None:
    kind, charsets = content_type_of(request)
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if kind != "application/json" or not charsets <= {"utf-8"} or encoding != "identity":
        raise Problem(415)
