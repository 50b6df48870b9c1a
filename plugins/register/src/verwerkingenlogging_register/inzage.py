"""The Inzage API: what a betrokkene, or a third party, may see of what is logged (gemma.md 5)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from verwerkingenlogging.doelbinding import Doelbinding
from verwerkingenlogging_register.access import Caller, authenticated
from verwerkingenlogging_register.answers import InzageAnswer
from verwerkingenlogging_register.fields import RequiredUuid
from verwerkingenlogging_register.inputs import body_of, doelbinding_of, queries_of, query_and_faults
from verwerkingenlogging_register.inspection import log_inspection, personen_in
from verwerkingenlogging_register.openapi import error_answers, header_parameters, json_body, query_parameters
from verwerkingenlogging_register.paging import Page, page_of
from verwerkingenlogging_register.problems import InvalidInput, Problem
from verwerkingenlogging_register.query import occurrence_by_id, search_occurrences
from verwerkingenlogging_register.routing import KENMERK
from verwerkingenlogging_register.scopes import inzage_visibility
from verwerkingenlogging_register.searches import InzageQuestion, InzageZoekvraag, Paging
from verwerkingenlogging_register.services import Register, register_of
from verwerkingenlogging_register.settings import BASE_PATH

__all__ = ["router"]

router = APIRouter(prefix=f"{BASE_PATH}/verwerkte-objecten", tags=["verwerkte-objecten"])

_READ_PARAMETERS = header_parameters(mandatory=True)

_SEARCH_DESCRIPTION = (
    "De scope bepaalt wat zichtbaar is. Wat nu vertrouwelijk is, en wie verder bij de verwerking betrokken was, is dat nooit."
)

VerwerktObjectId = Annotated[RequiredUuid, Path(alias="verwerktObjectId", description="Kenmerk van het voorkomen.")]


@router.get(
    "",
    summary="Zoek waar een persoon of object in verwerkingen voorkwam",
    description=_SEARCH_DESCRIPTION,
    response_description="De voorkomens van deze persoon of dit object, nieuwste eerst.",
    operation_id="verwerkte-objecten_list",
    responses=error_answers(404),
    openapi_extra={"parameters": [*query_parameters(InzageQuestion), *query_parameters(Paging), *_READ_PARAMETERS]},
)
async def search(
    request: Request,
    caller: Annotated[Caller, Depends(authenticated)],
    register: Annotated[Register, Depends(register_of)],
) -> Page[InzageAnswer]:
    """Search the occurrences of one persoon in a period (F4086, F2008)."""
    doelbinding, faults = doelbinding_of(request, mandatory=register.settings.require_inzage_headers)
    question, paging = queries_of(request, InzageQuestion, Paging, register.settings, other_faults=faults)
    return await _found(request, caller, register, doelbinding, question, paging, register.answers.objecten)


@router.post(
    "/_zoek",
    summary="Zoek voorkomens met de zoekvraag in de inhoud",
    description=_SEARCH_DESCRIPTION + " Zo staat er geen persoonsnummer in een adres. De bladzijde staat in het adres.",
    response_description="De voorkomens van deze persoon of dit object, nieuwste eerst.",
    operation_id="verwerkte-objecten_zoek",
    responses=error_answers(404, 413, 415),
    openapi_extra={"parameters": [*query_parameters(Paging), *_READ_PARAMETERS], "requestBody": json_body(InzageZoekvraag)},
)
async def search_by_body(
    request: Request,
    caller: Annotated[Caller, Depends(authenticated)],
    register: Annotated[Register, Depends(register_of)],
) -> Page[InzageAnswer]:
    """The same search, with no number of a persoon in the address (X57)."""
    doelbinding, faults = doelbinding_of(request, mandatory=register.settings.require_inzage_headers)
    paging, more = query_and_faults(request, Paging, register.settings)
    question = await body_of(request, InzageZoekvraag, register.settings, other_faults=[*faults, *more])
    return await _found(request, caller, register, doelbinding, question, paging, f"{register.answers.objecten}/_zoek")


async def _found(
    request: Request,
    caller: Caller,
    register: Register,
    doelbinding: Doelbinding,
    question: InzageQuestion,
    paging: Paging,
    address: str,
) -> Page[InzageAnswer]:
    caller.check_oin(doelbinding)
    wanted = question.to_search(inzage_visibility(caller.scopes), paging, register.settings.tijdzone)
    found = await register.store.read(lambda connection: search_occurrences(connection, wanted))
    results = [register.answers.inzage_answer(rows) for rows in found.rows]
    page = page_of(request, address, paging, results, found.count)
    await log_inspection(register, doelbinding, [question.persoon])
    return page


@router.get(
    f"/{{verwerktObjectId:{KENMERK}}}",
    summary="Lees één voorkomen van een persoon of object",
    description="Wat de scope niet toont, bestaat voor deze client niet.",
    response_description="Het voorkomen, met de verwerkingsactie.",
    operation_id="verwerktobject_read",
    responses=error_answers(404),
    openapi_extra={"parameters": _READ_PARAMETERS},
)
async def read(
    request: Request,
    verwerkt_object_id: VerwerktObjectId,
    caller: Annotated[Caller, Depends(authenticated)],
    register: Annotated[Register, Depends(register_of)],
) -> InzageAnswer:
    """Read one occurrence. One that the scope does not show is 404, like one that does not exist (X55, D3)."""
    doelbinding, faults = doelbinding_of(request, mandatory=register.settings.require_inzage_headers)
    if faults:
        raise InvalidInput(faults)
    caller.check_oin(doelbinding)
    visibility = inzage_visibility(caller.scopes)
    rows = await register.store.read(lambda connection: occurrence_by_id(connection, verwerkt_object_id))
    if rows is None or not visibility.shows(rows.actie["vertrouwelijkheid"], ooit_vertrouwelijk=rows.actie["ooit_vertrouwelijk"]):
        raise Problem(404)
    await log_inspection(register, doelbinding, personen_in(rows))
    return register.answers.inzage_answer(rows)
