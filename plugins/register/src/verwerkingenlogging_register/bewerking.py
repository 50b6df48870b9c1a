"""The Bewerking API: applications record their verwerkingsacties and officers consult them (gemma.md 4)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from verwerkingenlogging.doelbinding import VNG, Doelbinding
from verwerkingenlogging_register.access import Caller, authenticated
from verwerkingenlogging_register.answers import VersieAnswer, VerwerkingsactieAnswer
from verwerkingenlogging_register.appending import Key
from verwerkingenlogging_register.bodies import VerwerkingsactieIn
from verwerkingenlogging_register.fields import RequiredUuid
from verwerkingenlogging_register.idempotency import key_of
from verwerkingenlogging_register.inputs import body_of, doelbinding_of, queries_of, query_and_faults
from verwerkingenlogging_register.inspection import log_inspection, personen_in
from verwerkingenlogging_register.openapi import (
    IDEMPOTENCY_PARAMETERS,
    OIN_PARAMETERS,
    error_answers,
    header_parameters,
    json_body,
    query_parameters,
)
from verwerkingenlogging_register.paging import Page, page_of
from verwerkingenlogging_register.problems import InvalidInput, Problem
from verwerkingenlogging_register.query import actie_by_id, history_of, search_acties
from verwerkingenlogging_register.routing import KENMERK
from verwerkingenlogging_register.scopes import (
    NotPermitted,
    bewerking_visibility,
    bewerking_visibility_by_id,
    check_create,
    check_history,
    check_verwerking_filter,
)
from verwerkingenlogging_register.searches import BewerkingQuestion, BewerkingZoekvraag, Paging
from verwerkingenlogging_register.services import Register, register_of
from verwerkingenlogging_register.settings import BASE_PATH
from verwerkingenlogging_register.versions import ActieVersie

__all__ = ["ActieId", "router"]

router = APIRouter(prefix=f"{BASE_PATH}/verwerkingsacties", tags=["verwerkingsacties"])

_LOCATION = {"headers": {"Location": {"description": "Adres van de verwerkingsactie.", "schema": {"type": "string", "format": "uri"}}}}
_READ_PARAMETERS = header_parameters(mandatory=False)

_SEARCH_DESCRIPTION = (
    "Van elke verwerkingsactie komt de nieuwste versie terug, met alleen de gevraagde persoon of het gevraagde object erin. "
    "Met verwerkingId of verwerkingIdAfnemer mag de persoon ontbreken; daarvoor is de scope read:confidential nodig."
)

ActieId = Annotated[RequiredUuid, Path(alias="actieId", description="Kenmerk van de verwerkingsactie.")]


@router.post(
    "",
    status_code=201,
    summary="Leg een verwerkingsactie vast",
    description="Het antwoord komt pas als de verwerkingsactie blijvend is opgeslagen. Onbekende velden worden genegeerd.",
    response_description="De verwerkingsactie is opgeslagen.",
    operation_id="verwerkingsactie_create",
    responses={201: _LOCATION, **error_answers(409, 413, 415, 422)},
    openapi_extra={"parameters": [*IDEMPOTENCY_PARAMETERS, *OIN_PARAMETERS], "requestBody": json_body(VerwerkingsactieIn)},
)
async def create(
    request: Request,
    response: Response,
    caller: Annotated[Caller, Depends(authenticated)],
    register: Annotated[Register, Depends(register_of)],
) -> VerwerkingsactieAnswer:
    """Store a new verwerkingsactie; answers when it is on disk (F7446, F6624)."""
    key, faults = key_of(request)
    body = await body_of(request, VerwerkingsactieIn, register.settings, other_faults=faults)
    caller.check_oin(VNG.read(request.scope["headers"]))
    check_create(caller.scopes, body.vertrouwelijkheid)
    versie = ActieVersie.first(body.to_model())
    if key is None:
        rows = await register.store.append(versie)
    else:
        with register.in_flight.claim(caller.client.name, {key}):
            rows = await register.store.append(versie, key=Key(caller.client.name, key))
    answer = register.answers.bewerking_answer(rows)
    response.headers["Location"] = answer.url
    return answer


@router.get(
    "",
    summary="Zoek de verwerkingsacties over een persoon, object of verwerking",
    description=_SEARCH_DESCRIPTION,
    response_description="De gevonden verwerkingsacties, nieuwste eerst.",
    operation_id="verwerkingsactie_list",
    responses=error_answers(404),
    openapi_extra={"parameters": [*query_parameters(BewerkingQuestion), *query_parameters(Paging), *_READ_PARAMETERS]},
)
async def search(
    request: Request,
    caller: Annotated[Caller, Depends(authenticated)],
    register: Annotated[Register, Depends(register_of)],
) -> Page[VerwerkingsactieAnswer]:
    """Search the acties about one persoon or of one verwerking (F9787, F2525, F0143, X29)."""
    doelbinding, faults = doelbinding_of(request, mandatory=False)
    question, paging = queries_of(request, BewerkingQuestion, Paging, register.settings, other_faults=faults)
    return await _found(request, caller, register, doelbinding, question, paging, register.answers.acties)


@router.post(
    "/_zoek",
    summary="Zoek verwerkingsacties met de zoekvraag in de inhoud",
    description=_SEARCH_DESCRIPTION + " Zo staat er geen persoonsnummer in een adres. De bladzijde staat in het adres.",
    response_description="De gevonden verwerkingsacties, nieuwste eerst.",
    operation_id="verwerkingsactie_zoek",
    responses=error_answers(404, 413, 415),
    openapi_extra={"parameters": [*query_parameters(Paging), *_READ_PARAMETERS], "requestBody": json_body(BewerkingZoekvraag)},
)
async def search_by_body(
    request: Request,
    caller: Annotated[Caller, Depends(authenticated)],
    register: Annotated[Register, Depends(register_of)],
) -> Page[VerwerkingsactieAnswer]:
    """The same search, with no number of a persoon in the address (X57)."""
    doelbinding, faults = doelbinding_of(request, mandatory=False)
    paging, more = query_and_faults(request, Paging, register.settings)
    question = await body_of(request, BewerkingZoekvraag, register.settings, other_faults=[*faults, *more])
    return await _found(request, caller, register, doelbinding, question, paging, f"{register.answers.acties}/_zoek")


async def _found(
    request: Request,
    caller: Caller,
    register: Register,
    doelbinding: Doelbinding,
    question: BewerkingQuestion,
    paging: Paging,
    address: str,
) -> Page[VerwerkingsactieAnswer]:
    caller.check_oin(doelbinding)
    if question.verwerking is not None:
        check_verwerking_filter(caller.scopes)
    visibility = bewerking_visibility(caller.scopes, question.vertrouwelijkheid)
    wanted = question.to_search(visibility, paging, register.settings.tijdzone)
    found = await register.store.read(lambda connection: search_acties(connection, wanted))
    results = [register.answers.bewerking_answer(rows) for rows in found.rows]
    page = page_of(request, address, paging, results, found.count)
    await log_inspection(register, doelbinding, [question.persoon] if question.persoon else personen_in(*found.rows))
    return page


@router.get(
    f"/{{actieId:{KENMERK}}}",
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


@router.get(
    f"/{{actieId:{KENMERK}}}/historie",
    summary="Lees alle versies van een verwerkingsactie",
    description="Ook die van een verwerkingsactie die is vervallen. Hiervoor is de scope read:confidential nodig.",
    response_description="De versies, nieuwste eerst.",
    operation_id="verwerkingsactie_historie",
    responses=error_answers(404),
    openapi_extra={"parameters": [*query_parameters(Paging), *_READ_PARAMETERS]},
)
async def history(
    request: Request,
    actie_id: ActieId,
    caller: Annotated[Caller, Depends(authenticated)],
    register: Annotated[Register, Depends(register_of)],
) -> Page[VersieAnswer]:
    """Read every version of one actie: what it said, and from when (B3891). An extension, for an authorised officer."""
    doelbinding, faults = doelbinding_of(request, mandatory=False)
    paging, more = query_and_faults(request, Paging, register.settings)
    if faults or more:
        raise InvalidInput([*faults, *more])
    caller.check_oin(doelbinding)
    check_history(caller.scopes)
    found = await register.store.read(
        lambda connection: history_of(connection, actie_id, offset=paging.offset, limit=paging.page_size),
    )
    if not found.rows:
        raise Problem(404)
    results = [register.answers.versie_answer(rows) for rows in found.rows]
    page = page_of(request, f"{register.answers.acties}/{actie_id}/historie", paging, results, found.count)
    await log_inspection(register, doelbinding, personen_in(*found.rows))
    return page
