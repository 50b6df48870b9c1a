"""The Inzage API: what a betrokkene, or a third party, may see of what is logged (gemma.md 5)."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from verwerkingenlogging_register._acties.lookup import occurrence_by_id
from verwerkingenlogging_register._acties.search import search_occurrences
from verwerkingenlogging_register._api.questions import asked, reader_of
from verwerkingenlogging_register._errors import Problem
from verwerkingenlogging_register._model.scopes import inzage_visibility
from verwerkingenlogging_register._requests.authentication import authenticated
from verwerkingenlogging_register._requests.inspection import log_inspection, personen_in
from verwerkingenlogging_register._requests.register import register_of
from verwerkingenlogging_register._requests.routing import KENMERK, Operation, id_in
from verwerkingenlogging_register._wire.answers import InzageAnswer
from verwerkingenlogging_register._wire.openapi import VERWERKT_OBJECT_ID, error_answers, header_parameters, json_body, query_parameters
from verwerkingenlogging_register._wire.pages import Page
from verwerkingenlogging_register._wire.search_parameters import InzageQuestion, InzageZoekvraag, Paging
from verwerkingenlogging_register._wire.validation import check
from verwerkingenlogging_register.settings import BASE_PATH

__all__ = ["router"]

router = APIRouter(prefix=f"{BASE_PATH}/verwerkte-objecten", tags=["verwerkte-objecten"], route_class=Operation)

_READ_PARAMETERS = header_parameters(mandatory=True)

_SEARCH_DESCRIPTION = (
    "De scope bepaalt wat zichtbaar is. Wat nu vertrouwelijk is, en wie verder bij de verwerking betrokken was, is dat nooit, "
    "ook niet als afnemer of in een tekst."
)


@router.get(
    "",
    summary="Zoek waar een persoon of object in verwerkingen voorkwam",
    description=_SEARCH_DESCRIPTION,
    response_description="De voorkomens van deze persoon of dit object, nieuwste eerst.",
    operation_id="verwerkte-objecten_list",
    response_model=Page[InzageAnswer],
    responses=error_answers(404),
    openapi_extra={"parameters": [*query_parameters(InzageQuestion), *query_parameters(Paging), *_READ_PARAMETERS]},
)
async def search(request: Request) -> Response:
    """Search the occurrences of one persoon in a period (F4086, F2008)."""
    return await _found(request, InzageQuestion)


@router.post(
    "/_zoek",
    summary="Zoek voorkomens met de zoekvraag in de inhoud",
    description=_SEARCH_DESCRIPTION + " Zo staat er geen persoonsnummer in een adres. De bladzijde staat in het adres.",
    response_description="De voorkomens van deze persoon of dit object, nieuwste eerst.",
    operation_id="verwerkte-objecten_zoek",
    response_model=Page[InzageAnswer],
    responses=error_answers(404, 413, 415),
    openapi_extra={"parameters": [*query_parameters(Paging), *_READ_PARAMETERS], "requestBody": json_body(InzageZoekvraag)},
)
async def search_by_body(request: Request) -> Response:
    """The same search, with no number of a persoon in the address (X57)."""
    return await _found(request, InzageZoekvraag, "/_zoek")


async def _found(request: Request, model: type[InzageQuestion], operation: str = "") -> Response:
    register = register_of(request)
    of = await asked(request, model, register.answers.objecten + operation, mandatory=register.settings.require_inzage_headers)
    wanted = of.question.to_search(inzage_visibility(of.caller.scopes), of.page.paging, register.settings.tijdzone)
    return await of.answer(wanted, search_occurrences, register.answers.inzage_answer)


@router.get(
    f"/{{verwerktObjectId:{KENMERK}}}",
    summary="Lees één voorkomen van een persoon of object",
    description="Wat de scope niet toont, bestaat voor deze client niet.",
    response_description="Het voorkomen, met de verwerkingsactie.",
    operation_id="verwerktobject_read",
    response_model=InzageAnswer,
    responses=error_answers(404),
    openapi_extra={"parameters": [VERWERKT_OBJECT_ID, *_READ_PARAMETERS]},
)
async def read(request: Request) -> Response:
    """Read one occurrence. One that the scope does not show is 404, like one that does not exist (X55, D3)."""
    register = register_of(request)
    caller = await authenticated(request, register)
    verwerkt_object_id = id_in(request, "verwerktObjectId")
    doelbinding, faults = reader_of(request, caller, mandatory=register.settings.require_inzage_headers)
    check(faults)
    doelbinding = caller.believed(doelbinding)
    visibility = inzage_visibility(caller.scopes)
    rows = await register.repository.read(lambda connection: occurrence_by_id(connection, verwerkt_object_id))
    if rows is None or not visibility.shows(rows.actie["vertrouwelijkheid"], ooit_vertrouwelijk=rows.actie["ooit_vertrouwelijk"]):
        raise Problem(404)
    await log_inspection(register, doelbinding, personen_in(rows))
    return register.answers.response(register.answers.inzage_answer(rows))
