"""The Bewerking API: applications record their verwerkingsacties and officers consult them (gemma.md 4)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from verwerkingenlogging.doelbinding import VNG
from verwerkingenlogging_register.access import Caller, authenticated
from verwerkingenlogging_register.answers import VerwerkingsactieAnswer
from verwerkingenlogging_register.bodies import VerwerkingsactieIn
from verwerkingenlogging_register.fields import RequiredUuid
from verwerkingenlogging_register.inputs import body_of, doelbinding_of, query_of
from verwerkingenlogging_register.inspection import log_inspection, personen_in
from verwerkingenlogging_register.openapi import error_answers, header_parameters, json_body, query_parameters
from verwerkingenlogging_register.paging import Page, page_of
from verwerkingenlogging_register.problems import InvalidInput, Problem
from verwerkingenlogging_register.query import actie_by_id, search_acties
from verwerkingenlogging_register.scopes import NotPermitted, bewerking_visibility, bewerking_visibility_by_id, check_create
from verwerkingenlogging_register.searches import BewerkingQuestion
from verwerkingenlogging_register.services import Register, register_of
from verwerkingenlogging_register.settings import BASE_PATH
from verwerkingenlogging_register.versions import ActieVersie

__all__ = ["router"]

router = APIRouter(prefix=f"{BASE_PATH}/verwerkingsacties", tags=["verwerkingsacties"])

_LOCATION = {"headers": {"Location": {"description": "Adres van de verwerkingsactie.", "schema": {"type": "string", "format": "uri"}}}}
_READ_PARAMETERS = header_parameters(mandatory=False)

ActieId = Annotated[RequiredUuid, Path(alias="actieId", description="Kenmerk van de verwerkingsactie.")]


@router.post(
    "",
    status_code=201,
    summary="Leg een verwerkingsactie vast",
    description="Het antwoord komt pas als de verwerkingsactie blijvend is opgeslagen. Onbekende velden worden genegeerd.",
    response_description="De verwerkingsactie is opgeslagen.",
    operation_id="verwerkingsactie_create",
    responses={201: _LOCATION, **error_answers(413, 415)},
    openapi_extra={"requestBody": json_body(VerwerkingsactieIn)},
)
async def create(
    request: Request,
    response: Response,
    caller: Annotated[Caller, Depends(authenticated)],
    register: Annotated[Register, Depends(register_of)],
) -> VerwerkingsactieAnswer:
    """Store a new verwerkingsactie; answers when it is on disk (F7446, F6624)."""
    body = await body_of(request, VerwerkingsactieIn, register.settings)
    caller.check_oin(VNG.read(request.scope["headers"]))
    check_create(caller.scopes, body.vertrouwelijkheid)
    rows = await register.store.append(ActieVersie.first(body.to_model()))
    answer = register.answers.bewerking_answer(rows)
    response.headers["Location"] = answer.url
    return answer


@router.get(
    "",
    summary="Zoek de verwerkingsacties over een persoon of object",
    description="Van elke verwerkingsactie komt de nieuwste versie terug, met alleen de gevraagde persoon of het gevraagde object erin.",
    response_description="De gevonden verwerkingsacties, nieuwste eerst.",
    operation_id="verwerkingsactie_list",
    responses=error_answers(404),
    openapi_extra={"parameters": [*query_parameters(BewerkingQuestion), *_READ_PARAMETERS]},
)
async def search(
    request: Request,
    caller: Annotated[Caller, Depends(authenticated)],
    register: Annotated[Register, Depends(register_of)],
) -> Page[VerwerkingsactieAnswer]:
    """Search the acties about one persoon (F9787, F2525, F0143)."""
    doelbinding, faults = doelbinding_of(request, mandatory=False)
    question = query_of(request, BewerkingQuestion, register.settings, other_faults=faults)
    caller.check_oin(doelbinding)
    visibility = bewerking_visibility(caller.scopes, question.vertrouwelijkheid)
    wanted = question.to_search(visibility, register.settings.tijdzone)
    found = await register.store.read(lambda connection: search_acties(connection, wanted))
    results = [register.answers.bewerking_answer(rows) for rows in found.rows]
    page = page_of(request, register.answers.acties, question, results, found.count)
    await log_inspection(register, doelbinding, [question.persoon])
    return page


@router.get(
    "/{actieId}",
    summary="Lees een verwerkingsactie",
    description="De nieuwste versie van de verwerkingsactie, met alle personen en objecten erin.",
    response_description="De verwerkingsactie.",
    operation_id="verwerkingsactie_read",
    responses=error_answers(404),
    openapi_extra={"parameters": _READ_PARAMETERS},
)
async def read(
    request: Request,
    actie_id: ActieId,
    caller: Annotated[Caller, Depends(authenticated)],
    register: Annotated[Register, Depends(register_of)],
) -> VerwerkingsactieAnswer:
    """Read one actie. A confidential one is 403 for read:normal (X63), an unknown or vervallen one 404 (X03)."""
    doelbinding, faults = doelbinding_of(request, mandatory=False)
    if faults:
        raise InvalidInput(faults)
    caller.check_oin(doelbinding)
    visibility = bewerking_visibility_by_id(caller.scopes)
    rows = await register.store.read(lambda connection: actie_by_id(connection, actie_id))
    if rows is None:
        raise Problem(404)
    if not visibility.shows(rows.actie["vertrouwelijkheid"], ooit_vertrouwelijk=rows.actie["ooit_vertrouwelijk"]):
        raise NotPermitted("Hiervoor is de scope read:confidential nodig.")
    await log_inspection(register, doelbinding, personen_in(rows))
    return register.answers.bewerking_answer(rows)
