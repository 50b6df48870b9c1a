"""``POST /v1/traces/_bevestig``: are these spans stored? For who sends them through others (LDV L2). An extension.

A Collector says yes as soon as it has a span itself; one that keeps it in memory and is killed has lost it. So who must be sure
asks here, and sends again what is not stored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, PlainValidator
from sqlalchemy import Connection

from verwerkingenlogging_register.access import Caller, authenticated
from verwerkingenlogging_register.appending import known_keys
from verwerkingenlogging_register.fields import Naam, RequiredList, fault
from verwerkingenlogging_register.inputs import body_of
from verwerkingenlogging_register.services import Register, register_of

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_SPANS_MAX = 10_000
_AT_ONCE = 1000
"""Most keys in one statement: databases limit the number of its parameters."""
_SPAN = re.compile(r"[0-9a-f]{32}-[0-9a-f]{16}", re.ASCII)


def _span(value: object) -> str:
    if not isinstance(value, str) or not _SPAN.fullmatch(value):
        raise fault("invalid", "Moet trace_id-span_id zijn, in hexadecimale cijfers.")
    return value


class Vraag(BaseModel):
    """Which spans it is about. ``client`` is who sent them to the register, such as a Collector; the caller itself if not given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client: Naam = None
    spans: Annotated[list[Annotated[str, PlainValidator(_span)]], RequiredList] = Field(min_length=1, max_length=_SPANS_MAX)


class Geweigerd(BaseModel):
    """A span that was refused."""

    span: str
    reden: str


class Antwoord(BaseModel):
    """The spans that are not stored, and those among them that never will be. All others are stored."""

    ontbreekt: list[str]
    geweigerd: list[Geweigerd]


@router.post("/v1/traces/_bevestig")
async def confirm(
    request: Request,
    caller: Annotated[Caller, Depends(authenticated)],
    register: Annotated[Register, Depends(register_of)],
) -> Antwoord:
    """Say which of these spans are on disk. It shows nothing of what they say, so it needs no scope."""
    question = await body_of(request, Vraag, register.settings)
    client = question.client or caller.client.name
    stored = await register.store.read(lambda connection: _stored(connection, client, question.spans))
    answer = Antwoord(ontbreekt=[], geweigerd=[])
    for span in question.spans:
        reason = register.refusals.reason(client, span)
        if reason is not None:  # also when it is stored: then its ids were used for another actie
            answer.geweigerd.append(Geweigerd(span=span, reden=reason))
        elif span not in stored:
            answer.ontbreekt.append(span)
    return answer


def _stored(connection: Connection, client: str, spans: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(spans), _AT_ONCE):
        known = known_keys(connection, set(spans[start : start + _AT_ONCE]))
        found.update(key for whose, key in known if whose == client)
    return found
