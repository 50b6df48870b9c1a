"""The Bewerking API: applications record their verwerkingsacties and officers consult them (gemma.md 4)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from verwerkingenlogging.requests.doelbinding_headers import VNG
from verwerkingenlogging_register._acties.append import Key
from verwerkingenlogging_register._acties.history import history_of
from verwerkingenlogging_register._acties.lookup import actie_by_id
from verwerkingenlogging_register._acties.search import search_acties
from verwerkingenlogging_register._api.questions import asked, page_response, reader_of
from verwerkingenlogging_register._errors import NotPermitted, Problem
from verwerkingenlogging_register._model.scopes import (
    bewerking_visibility,
    bewerking_visibility_by_id,
    check_create,
    check_history,
    check_verwerking_filter,
)
from verwerkingenlogging_register._model.versions import ActieVersie, VersionRows
from verwerkingenlogging_register._requests.authentication import Caller, authenticated
from verwerkingenlogging_register._requests.content import body_of, offloaded_if
from verwerkingenlogging_register._requests.inspection import log_inspection, personen_in
from verwerkingenlogging_register._requests.offload import LARGE_NUMBER, are_many
from verwerkingenlogging_register._requests.register import Register, register_of
from verwerkingenlogging_register._requests.routing import KENMERK, Operation, id_in
from verwerkingenlogging_register._rules.acceptance import Flag
from verwerkingenlogging_register._rules.bsn_places import faults_in_texts
from verwerkingenlogging_register._wire.answers import Answers, VersieAnswer, VerwerkingsactieAnswer
from verwerkingenlogging_register._wire.bodies import VerwerkingsactieIn
from verwerkingenlogging_register._wire.cursors import Cursors
from verwerkingenlogging_register._wire.idempotency_key import key_of
from verwerkingenlogging_register._wire.openapi import (
    ACTIE_ID,
    IDEMPOTENCY_PARAMETERS,
    OIN_PARAMETERS,
    error_answers,
    header_parameters,
    json_body,
    query_parameters,
)
from verwerkingenlogging_register._wire.pages import Page, page_asked
from verwerkingenlogging_register._wire.search_parameters import BewerkingQuestion, BewerkingZoekvraag, Paging
from verwerkingenlogging_register._wire.validation import check
from verwerkingenlogging_register.settings import BASE_PATH

__all__ = ["router"]

router = APIRouter(prefix=f"{BASE_PATH}/verwerkingsacties", tags=["verwerkingsacties"], route_class=Operation)

_LOCATION = {"headers": {"Location": {"description": "Adres van de verwerkingsactie.", "schema": {"type": "string", "format": "uri"}}}}
_READ_PARAMETERS = header_parameters(mandatory=False)

_SEARCH_DESCRIPTION = (
    "Van elke verwerkingsactie komt de nieuwste versie terug, met alleen de gevraagde persoon of het gevraagde object erin; "
    "nummers van anderen, ook die van een afnemer, zijn weggelaten. "
    "Met verwerkingId of verwerkingIdAfnemer mag de persoon ontbreken; daarvoor is de scope read:confidential nodig."
)


@router.post(
    "",
    status_code=201,
    summary="Leg een verwerkingsactie vast",
    description="Het antwoord komt pas als de verwerkingsactie blijvend is opgeslagen. Onbekende velden worden genegeerd.",
    response_description="De verwerkingsactie is opgeslagen.",
    operation_id="verwerkingsactie_create",
    response_model=VerwerkingsactieAnswer,
    responses={201: _LOCATION, **error_answers(409, 413, 415, 422)},
    openapi_extra={"parameters": [*IDEMPOTENCY_PARAMETERS, *OIN_PARAMETERS], "requestBody": json_body(VerwerkingsactieIn)},
)
async def create(request: Request) -> Response:
    """Store a new verwerkingsactie; answers when it is on disk (F7446, F6624)."""
    register = register_of(request)
    caller = await authenticated(request, register)
    key, faults = key_of(request, register.settings)
    body = await body_of(request, VerwerkingsactieIn, register.settings, other_faults=faults)
    caller.check_oin(VNG.read(request.scope["headers"]))
    check_create(caller.scopes, body.vertrouwelijkheid)
    large = len(body.verwerkte_objecten) > LARGE_NUMBER
    rows, flags = await offloaded_if(large, request, lambda: _rows(body, caller, register))
    if key is None:
        rows = await register.repository.append(rows)
    else:
        with register.in_flight.claim(caller.client.name, {key}):
            rows = await register.repository.append(rows, key=Key(caller.client.name, key))
    register.flags.add(caller.client.name, flags)
    return await offloaded_if(large, request, lambda: _created(register.answers, rows))


def _rows(body: VerwerkingsactieIn, caller: Caller, register: Register) -> tuple[VersionRows, Sequence[Flag]]:
    """What is to be stored, and what is to be said of it then."""
    actie = body.to_model()
    if register.settings.refuse_bsn_in_text:
        check(faults_in_texts(actie))
    offered = register.rules.offered(actie)
    register.spellings.stored(caller.client.name, [actie])
    return ActieVersie.first(offered.actie, term_raised=offered.term_raised).rows(), offered.flags


def _created(answers: Answers, rows: VersionRows) -> Response:
    answer = answers.bewerking_answer(rows)
    return answers.response(answer, 201, {"Location": answer["url"]})


@router.get(
    "",
    summary="Zoek de verwerkingsacties over een persoon, object of verwerking",
    description=_SEARCH_DESCRIPTION,
    response_description="De gevonden verwerkingsacties, nieuwste eerst.",
    operation_id="verwerkingsactie_list",
    response_model=Page[VerwerkingsactieAnswer],
    responses=error_answers(404),
    openapi_extra={"parameters": [*query_parameters(BewerkingQuestion), *query_parameters(Paging), *_READ_PARAMETERS]},
)
async def search(request: Request) -> Response:
    """Search the acties about one persoon or of one verwerking (F9787, F2525, F0143, X29)."""
    return await _found(request, BewerkingQuestion)


@router.post(
    "/_zoek",
    summary="Zoek verwerkingsacties met de zoekvraag in de inhoud",
    description=_SEARCH_DESCRIPTION + " Zo staat er geen persoonsnummer in een adres. De bladzijde staat in het adres.",
    response_description="De gevonden verwerkingsacties, nieuwste eerst.",
    operation_id="verwerkingsactie_zoek",
    response_model=Page[VerwerkingsactieAnswer],
    responses=error_answers(404, 413, 415),
    openapi_extra={"parameters": [*query_parameters(Paging), *_READ_PARAMETERS], "requestBody": json_body(BewerkingZoekvraag)},
)
async def search_by_body(request: Request) -> Response:
    """The same search, with no number of a persoon in the address (X57)."""
    return await _found(request, BewerkingZoekvraag, "/_zoek")


async def _found(request: Request, model: type[BewerkingQuestion], operation: str = "") -> Response:
    register = register_of(request)
    of = await asked(request, model, register.answers.acties + operation)
    if of.question.verwerking is not None:
        check_verwerking_filter(of.caller.scopes)
    visibility = bewerking_visibility(of.caller.scopes, of.question.vertrouwelijkheid)
    wanted = of.question.to_search(visibility, of.page.paging, register.settings.tijdzone)
    answers, persoon = register.answers, of.question.persoon
    answer_of = answers.bewerking_answer if persoon is None else partial(answers.persoon_answer, persoon=persoon)
    return await of.answer(wanted, search_acties, answer_of)


@router.get(
    f"/{{actieId:{KENMERK}}}",
    summary="Lees een verwerkingsactie",
    description="De nieuwste versie van de verwerkingsactie, met alle personen en objecten erin.",
    response_description="De verwerkingsactie.",
    operation_id="verwerkingsactie_read",
    response_model=VerwerkingsactieAnswer,
    responses=error_answers(404),
    openapi_extra={"parameters": [ACTIE_ID, *_READ_PARAMETERS]},
)
async def read(request: Request) -> Response:
    """Read one actie. A confidential one is 403 for read:normal (X63), an unknown or vervallen one 404 (X03)."""
    register = register_of(request)
    caller = await authenticated(request, register)
    actie_id = id_in(request, "actieId")
    doelbinding, faults = reader_of(request, caller, mandatory=False)
    check(faults)
    doelbinding = caller.believed(doelbinding)
    visibility = bewerking_visibility_by_id(caller.scopes)
    rows = await register.repository.read(lambda connection: actie_by_id(connection, actie_id))
    if rows is None:
        raise Problem(404)
    if not visibility.shows(rows.actie["vertrouwelijkheid"], ooit_vertrouwelijk=rows.actie["ooit_vertrouwelijk"]):
        raise NotPermitted("Hiervoor is de scope read:confidential nodig.")
    await log_inspection(register, doelbinding, personen_in(rows))
    return await offloaded_if(are_many([rows]), request, lambda: register.answers.response(register.answers.bewerking_answer(rows)))


@router.get(
    f"/{{actieId:{KENMERK}}}/historie",
    summary="Lees alle versies van een verwerkingsactie",
    description="Ook die van een verwerkingsactie die is vervallen. Hiervoor is de scope read:confidential nodig.",
    response_description="De versies, nieuwste eerst.",
    operation_id="verwerkingsactie_historie",
    response_model=Page[VersieAnswer],
    responses=error_answers(404),
    openapi_extra={"parameters": [ACTIE_ID, *query_parameters(Paging), *_READ_PARAMETERS]},
)
async def history(request: Request) -> Response:
    """Read every version of one actie: what it said, and from when (B3891). An extension, for an authorised officer."""
    register = register_of(request)
    caller = await authenticated(request, register)
    actie_id = id_in(request, "actieId")
    doelbinding, faults = reader_of(request, caller, mandatory=False)
    cursors = Cursors(register.repository.keys, caller.client.name, f"{register.answers.acties}/{actie_id}/historie")
    page, page_faults = page_asked(request, register.settings, cursors)
    check([*faults, *page_faults])
    doelbinding = caller.believed(doelbinding)
    check_history(caller.scopes)
    offset, limit = page.paging.offset, page.paging.page_size
    position = page.position(lambda: limit)
    found = await register.repository.read(
        lambda connection: history_of(connection, actie_id, offset=offset, limit=limit, position=position),
    )
    if not found.rows:
        raise Problem(404)
    answers, many = register.answers, are_many(found.rows)
    results = await offloaded_if(many, request, lambda: [answers.versie_answer(rows) for rows in found.rows])
    answer = page.answer(found, results, lambda: limit, dict)
    await log_inspection(register, doelbinding, personen_in(*found.rows))
    return await page_response(request, register, answer, found)
