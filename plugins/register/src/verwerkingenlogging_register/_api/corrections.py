"""Corrections in the Bewerking API: replace or delete one verwerkingsactie, change all of a verwerking (gemma.md 4.3, 4.5, 4.6)."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from verwerkingenlogging.requests.doelbinding_headers import VNG
from verwerkingenlogging_register._acties import corrections
from verwerkingenlogging_register._acties.corrections import Change, Replacement
from verwerkingenlogging_register._model.scopes import check_change, check_delete, check_replace
from verwerkingenlogging_register._requests.authentication import Caller, authenticated
from verwerkingenlogging_register._requests.content import body_of, offloaded_if
from verwerkingenlogging_register._requests.offload import LARGE_NUMBER
from verwerkingenlogging_register._requests.register import Register, register_of
from verwerkingenlogging_register._requests.routing import KENMERK, Operation, id_in
from verwerkingenlogging_register._rules.bsn_places import faults_in_texts
from verwerkingenlogging_register._wire.answers import VerwerkingsactieAnswer
from verwerkingenlogging_register._wire.bodies import VerwerkingsactieVervanging, VerwerkingsactieVervangingVolledig, VerwerkingWijziging
from verwerkingenlogging_register._wire.openapi import ACTIE_ID, OIN_PARAMETERS, error_answers, json_body, query_parameters
from verwerkingenlogging_register._wire.search_parameters import VerwerkingSelection
from verwerkingenlogging_register._wire.validation import check, query_and_faults
from verwerkingenlogging_register.settings import BASE_PATH

__all__ = ["router"]

router = APIRouter(prefix=f"{BASE_PATH}/verwerkingsacties", tags=["verwerkingsacties"], route_class=Operation)


@router.put(
    f"/{{actieId:{KENMERK}}}",
    summary="Corrigeer een verwerkingsactie",
    description=(
        "Legt een nieuwe versie vast; de oude blijft bewaard. Wat er niet in staat, heeft de verwerkingsactie niet meer. "
        "Een verwerkt object met verwerktObjectId blijft dat voorkomen, een zonder is nieuw, en wat ontbreekt komt er niet meer in voor."
    ),
    response_description="De nieuwe versie is opgeslagen.",
    operation_id="verwerkingsactie_update",
    response_model=VerwerkingsactieAnswer,
    responses=error_answers(404, 413, 415),
    openapi_extra={"parameters": [ACTIE_ID, *OIN_PARAMETERS], "requestBody": json_body(VerwerkingsactieVervanging)},
)
async def replace(request: Request) -> Response:
    """Replace an actie by a new version of it, under the same id or, where a deployment wants that, a new one (F8316, F3835, X01)."""
    register = register_of(request)
    caller = await authenticated(request, register)
    actie_id = id_in(request, "actieId")
    model = VerwerkingsactieVervangingVolledig if register.settings.put_volledig else VerwerkingsactieVervanging
    body = await body_of(request, model, register.settings, actie_id=actie_id)
    caller.check_oin(VNG.read(request.scope["headers"]))
    check_replace(caller.scopes, body.vertrouwelijkheid)
    large = len(body.verwerkte_objecten) > LARGE_NUMBER
    replacement = await offloaded_if(large, request, lambda: _replacement(body, caller, register))
    own_ids = register.settings.actie_id_per_versie
    rows, flags = await register.repository.write(
        lambda connection: corrections.replace(connection, actie_id, replacement, caller.scopes, register.rules, own_ids=own_ids)
    )
    register.flags.add(caller.client.name, flags)
    return await offloaded_if(large, request, lambda: register.answers.response(register.answers.bewerking_answer(rows)))


def _replacement(body: VerwerkingsactieVervanging, caller: Caller, register: Register) -> Replacement:
    actie = body.to_model()
    if register.settings.refuse_bsn_in_text:
        check(faults_in_texts(actie))
    register.spellings.stored(caller.client.name, [actie])
    return Replacement(actie, body.object_ids)


@router.patch(
    "",
    status_code=204,
    summary="Wijzig alle verwerkingsacties van een verwerking",
    description=(
        "Wijzigt bewaartermijn, vertrouwelijkheid of beide, in alle verwerkingsacties van de verwerking of in geen. "
        "Geef verwerkingId, of verwerkingIdAfnemer voor acties die voor een afnemer zijn gedaan."
    ),
    response_description="De nieuwe versies zijn opgeslagen.",
    operation_id="verwerkingsactie_list_patch",
    responses=error_answers(404, 413, 415),
    openapi_extra={
        "parameters": [*query_parameters(VerwerkingSelection), *OIN_PARAMETERS],
        "requestBody": json_body(VerwerkingWijziging),
    },
)
async def change(request: Request) -> Response:
    """Change the term or the vertrouwelijkheid of every actie of a verwerking (F2969, F4415, X28, X44)."""
    register = register_of(request)
    caller = await authenticated(request, register)
    selection, faults = query_and_faults(request, VerwerkingSelection, register.settings)
    body = await body_of(request, VerwerkingWijziging, register.settings, other_faults=faults)
    caller.check_oin(VNG.read(request.scope["headers"]))
    check_change(caller.scopes, vertrouwelijkheid=body.vertrouwelijkheid is not None)
    wanted = Change(body.bewaartermijn, body.vertrouwelijkheid)
    verwerking = selection.verwerking
    own_ids = register.settings.actie_id_per_versie
    await register.repository.write(
        lambda connection: corrections.change(connection, verwerking, wanted, caller.scopes, register.rules, own_ids=own_ids)
    )
    return Response(status_code=204)


@router.delete(
    f"/{{actieId:{KENMERK}}}",
    status_code=204,
    summary="Laat een verwerkingsactie vervallen",
    description="De verwerkingsactie is daarna nergens meer te zien; haar versies blijven bewaard.",
    response_description="De verwerkingsactie is vervallen.",
    operation_id="verwerkingsactie_delete",
    responses=error_answers(404),
    openapi_extra={"parameters": [ACTIE_ID, *OIN_PARAMETERS]},
)
async def delete(request: Request) -> Response:
    """Delete an actie, logically: its newest version says that it is vervallen (F9906, F2265, B8641)."""
    register = register_of(request)
    caller = await authenticated(request, register)
    actie_id = id_in(request, "actieId")
    caller.check_oin(VNG.read(request.scope["headers"]))
    check_delete(caller.scopes)
    own_ids = register.settings.actie_id_per_versie
    await register.repository.write(lambda connection: corrections.delete(connection, actie_id, caller.scopes, own_ids=own_ids))
    return Response(status_code=204)
