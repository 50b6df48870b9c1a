"""``POST /verwerkingsacties/_bevestig``: which keys are not stored? For senders through a Collector (LDV L2).

A Collector says yes as soon as it has a span itself; one that keeps it in memory and is killed has lost it. So who must be sure
asks here, as the client that the Collector is, and sends again what is not stored. An extension.

A refusal is told once, so nobody else may ask for it: the one that it concerns would never hear of it.
"""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from verwerkingenlogging_register._acties.append import known_keys
from verwerkingenlogging_register._errors import NotPermitted
from verwerkingenlogging_register._requests.authentication import authenticated
from verwerkingenlogging_register._requests.content import body_of
from verwerkingenlogging_register._requests.register import register_of
from verwerkingenlogging_register._requests.routing import Operation
from verwerkingenlogging_register._wire.answers import Answer
from verwerkingenlogging_register._wire.bodies import BevestigingVraag
from verwerkingenlogging_register._wire.descriptions import describe
from verwerkingenlogging_register._wire.openapi import error_answers, json_body
from verwerkingenlogging_register.settings import BASE_PATH

__all__ = ["router"]

router = APIRouter(prefix=f"{BASE_PATH}/verwerkingsacties", tags=["verwerkingsacties"], route_class=Operation)


class _Answer(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=False, serialize_by_alias=True, json_schema_extra=describe
    )


class Weigering(_Answer):
    """Een aanbieding die is geweigerd, en waarom."""

    idempotency_key: str
    status: int
    reason: str


class Bevestiging(_Answer):
    """Wat er niet is opgeslagen. Alles waar naar is gevraagd en dat hier niet staat, is het blijvend."""

    missing: list[str]
    refused: list[Weigering]


@router.post(
    "/_bevestig",
    summary="Vraag of verwerkingsacties zijn opgeslagen",
    description=(
        "Voor wie verwerkingsacties door een ander laat aanbieden, zoals een OpenTelemetry Collector, en pas zeker is als het "
        "register ze heeft. Alleen de client die ze heeft aangeboden, kan dit vragen. "
        "Een span heeft als idempotencyKey zijn trace_id en span_id: hexadecimaal, met een streepje ertussen."
    ),
    response_description="Wat er niet is opgeslagen.",
    operation_id="verwerkingsactie_bevestig",
    response_model=Bevestiging,
    responses=error_answers(413, 415),
    openapi_extra={"requestBody": json_body(BevestigingVraag)},
)
async def confirm(request: Request) -> Response:
    """Say which of these, which this client offered, are not on disk. It shows nothing of what they say, so it needs no scope."""
    register = register_of(request)
    caller = await authenticated(request, register)
    question = await body_of(request, BevestigingVraag, register.settings)
    client = caller.client.name
    if question.client not in {None, client}:
        raise NotPermitted("Alleen de client die verwerkingsacties heeft aangeboden, kan vragen wat ervan is opgeslagen.")
    keys = list(dict.fromkeys(question.idempotency_keys))  # a refusal is taken when it is told: asked twice, it would also be missing
    stored = await register.repository.read(lambda connection: _stored(connection, client, keys))
    missing: list[str] = []
    refused: list[Answer] = []
    for key in keys:
        refusal = register.refusals.take(client, key)
        if refusal is not None:  # also when it is stored: then its key was used for another actie
            refused.append({"idempotencyKey": key, "status": refusal.status, "reason": refusal.reason})
        elif key not in stored:
            missing.append(key)
    return register.answers.response({"missing": missing, "refused": refused})


def _stored(connection: Connection, client: str, keys: list[str]) -> set[str]:
    return {key for (whose, key), places in known_keys(connection, set(keys)).items() if whose == client and 0 in places}
