"""The published OpenAPI description: our own texts, with every error answer, and served to anyone (ADR publish-openapi)."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import Response

from verwerkingenlogging.model.uris import URI_PATTERN
from verwerkingenlogging_register._wire.answers import MAY_BE_EMPTY
from verwerkingenlogging_register._wire.bodies import (
    BatchIn,
    BevestigingVraag,
    VerwerkingsactieIn,
    VerwerkingsactieVervanging,
    VerwerkingsactieVervangingVolledig,
    VerwerkingWijziging,
)
from verwerkingenlogging_register._wire.problems import Fout, ValidatieFout
from verwerkingenlogging_register._wire.search_parameters import BewerkingZoekvraag, InzageZoekvraag
from verwerkingenlogging_register.settings import API_VERSION, BASE_PATH, LegeVelden, Settings

__all__ = [
    "ACTIE_ID",
    "API_VERSION",
    "IDEMPOTENCY_PARAMETERS",
    "OIN_PARAMETERS",
    "VERWERKT_OBJECT_ID",
    "error_answers",
    "header_parameters",
    "json_body",
    "query_parameters",
    "serve_openapi",
]

_REF = "#/components/schemas/{model}"
_DESCRIPTION = (
    "Het register van verwerkingsacties: toepassingen leggen er vast wat zij met persoonsgegevens doen (Bewerking), "
    "en betrokkenen zien er welke verwerkingen hun gegevens raakten (Inzage)."
)
_SECURITY = {
    "JWT-Claims": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": (
            "Een JWT van een geregistreerde client. Ondertekend met zijn eigen geheim (HS256): iss, exp en naar keuze iat en scope; "
            "of door een uitgever die het register kent (RS256, PS256 of ES256): iss, aud, exp, de client en naar keuze scope."
        ),
    }
}
_LICENCE = {"name": "EUPL-1.2", "url": "https://eupl.eu/1.2/nl/"}
_VERSION_HEADER = {"API-Version": {"description": "Versie van deze API.", "schema": {"type": "string"}, "example": API_VERSION}}
_WHEN = {
    400: "De invoer klopt niet.",
    401: "Er is geen geldig token.",
    403: "De scopes van de client laten dit niet toe.",
    404: "Dit bestaat niet, of de client mag het niet zien.",
    405: "Deze methode bestaat hier niet.",
    406: "De client neemt geen JSON aan.",
    409: "Een aanvraag met dezelfde Idempotency-Key is nog onderhanden.",
    413: "De inhoud is te groot.",
    415: "De inhoud is geen JSON.",
    422: "De Idempotency-Key is al gebruikt voor een andere aanvraag.",
    429: "De client vraagt te veel.",
    431: "De headers zijn samen te groot.",
    500: "Er ging iets mis in het register.",
    503: "Het register kan nu niets vastleggen.",
}
_BODIES: tuple[type[BaseModel], ...] = (
    VerwerkingsactieIn,
    VerwerkingsactieVervanging,
    VerwerkingWijziging,
    BatchIn,
    BevestigingVraag,
    BewerkingZoekvraag,
    InzageZoekvraag,
)
_COMMON = (400, 401, 403, 405, 406, 429, 431, 500, 503)
_UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
# Not nothing (``P0D``); a bare number is one of years (X32).
_PERIODE = "(?=[^1-9]*[1-9])([0-9]{1,4}|P[0-9]+W|P(?=[0-9T])([0-9]+Y)?([0-9]+M)?([0-9]+D)?(T(?=[0-9])([0-9]+H)?([0-9]+M)?([0-9]+S)?)?)"
# name, description, pattern, mandatory at Inzage. Where it is not mandatory, an empty header is an absent one.
_HEADERS = (
    ("OIN", "OIN van wie inziet.", "[0-9]{20}", True),
    ("VerwerkingsactiviteitId", "De verwerkingsactiviteit van wie inziet.", _UUID, True),
    ("VerwerkingsactiviteitUrl", "Adres van die verwerkingsactiviteit.", URI_PATTERN, True),
    ("VerwerkingId", "De verwerking van wie inziet.", _UUID, False),
    (
        "Vertrouwelijkheid",
        "Of die verwerking vertrouwelijk is. Anders dan normaal vraagt de scope inspect:confidential.",
        "[Nn]ormaal|[Vv]ertrouwelijk|[Oo]pgeheven",
        False,
    ),
    (
        "Bewaartermijn",
        "Hoe lang wordt bewaard dat is ingezien, als ISO 8601-periode. Korter dan het register zelf wil, kan niet.",
        _PERIODE,
        False,
    ),
)


def error_answers(*more: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of an operation, for its ``responses``: the common ones, and ``more``."""
    return {
        status: {
            "description": _WHEN[status],
            "headers": _VERSION_HEADER,
            "content": {"application/problem+json": {"schema": {"$ref": _REF.format(model=_error_model(status).__name__)}}},
        }
        for status in sorted({*_COMMON, *more})
    }


def _error_model(status: int) -> type[BaseModel]:
    return ValidatieFout if status == 400 else Fout  # noqa: PLR2004  # the status that the standard singles out


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """The request body of an operation that reads it itself, for its ``openapi_extra``."""
    return {"required": True, "content": {"application/json": {"schema": {"$ref": _REF.format(model=model.__name__)}}}}


def query_parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    """The query parameters of an operation that reads them itself."""
    schema = model.model_json_schema()
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "description": attribute.pop("description"),
            # In an address nothing is null, and an empty parameter is an absent one.
            "schema": attribute.pop("anyOf", [attribute])[0],
        }
        for name, attribute in schema["properties"].items()
    ]


def header_parameters(*, mandatory: bool) -> list[dict[str, Any]]:
    """The doelbinding headers of an operation (2.2)."""
    parameters = []
    for name, description, pattern, required in _HEADERS:
        schema = {"type": "string", "pattern": f"^({pattern})$" if required and mandatory else f"^({pattern})?$"}
        parameters.append({"name": name, "in": "header", "required": required and mandatory, "description": description, "schema": schema})
    return parameters


def _path_parameter(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "string", "format": "uuid", "title": name.capitalize()}
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


ACTIE_ID = _path_parameter("actieId", "Kenmerk van de verwerkingsactie.")
VERWERKT_OBJECT_ID = _path_parameter("verwerktObjectId", "Kenmerk van het voorkomen.")
OIN_PARAMETERS = [
    {"name": "OIN", "in": "header", "required": False, "description": "OIN van wie vastlegt of wijzigt.", "schema": {"type": "string"}}
]
"""The one doelbinding header that a write looks at, when it is there (D6)."""
IDEMPOTENCY_PARAMETERS = [
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Kenmerk van de aanvraag: herhaald met dezelfde inhoud legt zij niets nieuws vast en geeft zij hetzelfde antwoord.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    }
]


def serve_openapi(app: FastAPI, settings: Settings) -> None:
    """Serve the description of ``app`` at ``/api/v1/openapi.json``: without token, and to pages of any origin."""

    @cache
    def description() -> bytes:
        text = json.dumps(_describe(app, settings), ensure_ascii=False)
        return re.sub(r"Page_(\w+?)Answer_", r"\1Page", text).encode()  # ADR: UpperCamelCase

    async def openapi(_request: Request) -> Response:
        return Response(description(), media_type="application/json", headers={"Access-Control-Allow-Origin": "*"})

    app.add_route(f"{BASE_PATH}/openapi.json", openapi, methods=["GET"], include_in_schema=False)


def _describe(app: FastAPI, settings: Settings) -> dict[str, Any]:
    description = get_openapi(
        title="Register van verwerkingsacties",
        version=API_VERSION,
        description=_DESCRIPTION,
        license_info=_LICENCE,
        servers=[{"url": f"{settings.base_url}{BASE_PATH}"}],
        routes=app.routes,
    )
    description["info"]["contact"] = _contact(settings)
    description["paths"] = {path.removeprefix(BASE_PATH): item for path, item in description["paths"].items()}
    operations = [operation for item in description["paths"].values() for operation in item.values()]
    for operation in operations:
        operation["security"] = [{scheme: []} for scheme in _SECURITY]
        _complete_answers(operation["responses"])
    _, read_here = models_json_schema(
        [*((model, "validation") for model in _BODIES), (ValidatieFout, "serialization"), (Fout, "serialization")], ref_template=_REF
    )
    description["components"]["securitySchemes"] = _SECURITY
    schemas = description["components"]["schemas"]
    if settings.lege_velden is LegeVelden.WEG:
        for schema in schemas.values():
            schema["required"] = [name for name in schema.get("required", ()) if name not in MAY_BE_EMPTY]
    schemas.update(read_here["$defs"])
    if settings.put_volledig:
        whole = VerwerkingsactieVervangingVolledig.model_json_schema()
        schemas[VerwerkingsactieVervanging.__name__] |= {name: whole[name] for name in ("required", "description")}
    for operation in operations:
        _name_objecttypen({parameter["name"]: parameter["schema"] for parameter in operation.get("parameters", ())}, settings)
    for model in read_here["$defs"].values():
        _name_objecttypen(model.get("properties", {}), settings)
    return description


def _name_objecttypen(schemas: dict[str, dict[str, Any]], settings: Settings) -> None:
    """What a client may say is what this deployment registers (X61)."""
    if "objecttype" in schemas:
        schemas["objecttype"]["enum"] = sorted(settings.objecttypen)


def _contact(settings: Settings) -> dict[str, str]:
    """Who runs this register: its users ask them, not the makers of the software."""
    email = settings.contact_email or f"postmaster@{urlsplit(settings.base_url).hostname}"
    return {"name": "Beheerder van dit register", "url": settings.base_url, "email": email}


def _complete_answers(answers: dict[str, dict[str, Any]]) -> None:
    """Every answer has the version header."""
    for answer in answers.values():
        answer["headers"] = {**_VERSION_HEADER, **answer.get("headers", {})}
