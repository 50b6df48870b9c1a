"""``POST /verwerkingsacties/_batch``: many verwerkingsacties in one request, each stored whole or not at all. An extension (X59)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from verwerkingenlogging.model import Verwerkingsactie
from verwerkingenlogging.requests.doelbinding_headers import VNG
from verwerkingenlogging.support.strict_json import Place
from verwerkingenlogging_register._acties.append import OTHER_REQUEST, Append, Key, append_all
from verwerkingenlogging_register._acties.lookup import versions_by_number
from verwerkingenlogging_register._errors import Fault, InvalidInput, KeyUsed, NotPermitted
from verwerkingenlogging_register._model.scopes import check_create
from verwerkingenlogging_register._model.versions import ActieVersie, VersionRows
from verwerkingenlogging_register._requests.authentication import Caller, authenticated
from verwerkingenlogging_register._requests.content import json_of, offloaded_if
from verwerkingenlogging_register._requests.offload import LARGE_BODY, emptied
from verwerkingenlogging_register._requests.register import Register, register_of
from verwerkingenlogging_register._requests.routing import Operation
from verwerkingenlogging_register._rules.acceptance import Flag, OutsideWindow
from verwerkingenlogging_register._rules.bsn_places import BSN_IN_TEXT, faults_in_texts, has_bsn
from verwerkingenlogging_register._wire.answers import Answer, Answers, BatchAnswer
from verwerkingenlogging_register._wire.bodies import BatchIn, BatchOuter, VerwerkingsactieInBatch
from verwerkingenlogging_register._wire.idempotency_key import key_of
from verwerkingenlogging_register._wire.json_documents import NO_JSON, doubled_faults, read_document
from verwerkingenlogging_register._wire.openapi import IDEMPOTENCY_PARAMETERS, OIN_PARAMETERS, error_answers, json_body
from verwerkingenlogging_register._wire.problems import problem_content
from verwerkingenlogging_register._wire.validation import TOO_MANY, check, check_shape, context_of, faults_in
from verwerkingenlogging_register.settings import BASE_PATH

__all__ = ["router"]

router = APIRouter(prefix=f"{BASE_PATH}/verwerkingsacties", tags=["verwerkingsacties"], route_class=Operation)


_TOLD_MAX = 20_000
"""Most faults in one batch that are looked at one by one."""


@dataclass(frozen=True, slots=True)
class _Accepted:
    place: int
    append: Append


@router.post(
    "/_batch",
    summary="Leg tot duizend verwerkingsacties tegelijk vast",
    description=(
        "Elke verwerkingsactie wordt geheel opgeslagen of geheel niet; de uitkomst van elk staat in het antwoord. "
        "Dat komt pas als alles wat is opgeslagen blijvend is."
    ),
    response_description="De uitkomst van elke verwerkingsactie.",
    operation_id="verwerkingsactie_batch",
    response_model=BatchAnswer,
    responses=error_answers(409, 413, 415, 422),
    openapi_extra={"parameters": [*IDEMPOTENCY_PARAMETERS, *OIN_PARAMETERS], "requestBody": json_body(BatchIn)},
)
async def create_all(request: Request) -> Response:
    """Store what is right of a batch, in one commit, and say of each what became of it."""
    register = register_of(request)
    caller = await authenticated(request, register)
    key, faults = key_of(request, register.settings)
    body = await json_of(request, register.settings, register.settings.batch_body_limit)
    large = len(body) > LARGE_BODY
    outcomes, accepted, flags = await offloaded_if(large, request, lambda: _accepted(body, faults, key, caller, register))
    caller.check_oin(VNG.read(request.scope["headers"]))
    keys = {one.append.key.key for one in accepted if one.append.key is not None} | ({key} if key else set())
    with register.in_flight.claim(caller.client.name, keys):
        stored = (
            await register.repository.write(lambda connection: _store(connection, [one.append for one in accepted])) if accepted else []
        )
    register.flags.add(caller.client.name, flags)
    return await offloaded_if(large, request, lambda: _answer(register.answers, outcomes, accepted, stored))


def _accepted(
    body: bytes, faults: Sequence[Fault], key: str | None, caller: Caller, register: Register
) -> tuple[list[Answer], list[_Accepted], list[Flag]]:
    """The outcomes of a batch, by place, as far as they are known; what is to be stored of it, and what to be said of that."""
    check_shape(body, register.settings)
    items, doubled = _items(body, faults)
    outcomes: list[Answer] = [{}] * len(items)
    accepted: list[_Accepted] = []
    flags: list[Flag] = []
    for place, judged in enumerate(_judged(items, doubled, key, caller, register, flags)):
        if isinstance(judged, dict):
            outcomes[place] = judged
        else:
            accepted.append(_Accepted(place, judged))
    return outcomes, accepted, flags


def _answer(answers: Answers, outcomes: list[Answer], accepted: list[_Accepted], stored: list[VersionRows | None]) -> Response:
    for one, rows in zip(accepted, stored, strict=True):
        outcomes[one.place] = _refused(422) if rows is None else _stored(answers, rows)
    emptied(stored)
    emptied(accepted)
    return answers.response({"results": outcomes})


_Doubled = Mapping[int, Sequence[Fault]]
"""By place in the batch, the names that an actie there has twice."""


def _items(body: bytes, faults: Sequence[Fault]) -> tuple[list[Any], _Doubled]:
    """The acties as they were sent. Raises InvalidInput when there are none, or too many, or the batch itself has a name twice."""
    try:
        document, places = read_document(body)
    except ValueError:
        raise InvalidInput([*faults, NO_JSON]) from None
    within: dict[int, list[Place]] = {}
    around: list[Place] = []
    for place in places:
        match place:
            case ("acties", int(item), *inner) if inner:
                within.setdefault(item, []).append(tuple(inner))
            case _:
                around.append(place)
    faults = [*faults, *doubled_faults(around)]
    if faults:
        emptied(document)
    check(faults)
    try:
        outer = BatchOuter.model_validate(document)
    except ValidationError as error:
        faults = faults_in(error)
        emptied(document)
        raise InvalidInput(faults) from None
    return outer.acties, {item: doubled_faults(inner, f"acties.{item}") for item, inner in within.items()}


def _judged(
    items: list[Any], doubled: _Doubled, key: str | None, caller: Caller, register: Register, flags: list[Flag]
) -> Iterator[Append | Answer]:
    """Of each item what is to be stored, or why it is not. ``flags`` gets what is to be said of those that are stored.

    Raises InvalidInput when they have more faults than can be told.
    """
    context = context_of(register.settings)
    used: set[str] = set()
    told = 0
    for place, item in enumerate(items):
        items[place] = None  # it is of no use any more; to let go of all at once takes long
        if place in doubled:
            yield _refused(400, faults=doubled[place])
            continue
        try:
            body = VerwerkingsactieInBatch.model_validate(item, context=context)
            emptied(item)
            check_create(caller.scopes, body.vertrouwelijkheid)
            actie = body.to_model()
            offered = register.rules.offered(actie)
        except OutsideWindow as error:
            yield _refused(400, faults=error.faults)
            continue
        except ValidationError as error:
            told += error.error_count()
            if told > _TOLD_MAX:
                raise InvalidInput([TOO_MANY]) from None
            refused = _refused(400, faults=faults_in(error, f"acties.{place}"))
            emptied(item)
            yield refused
            continue
        except NotPermitted as error:
            yield _refused(403, str(error))
            continue
        own = body.idempotency_key
        faults = _faults_in_texts(own, actie) if register.settings.refuse_bsn_in_text else []
        if faults:
            yield _refused(400, faults=faults)
            continue
        register.spellings.stored(caller.client.name, [actie])
        if own in used:
            yield _refused(400, faults=[Fault("idempotencyKey", "invalid", "Komt in deze batch al voor.")])
            continue
        if own is not None:
            used.add(own)
            made_by: Key | None = Key(caller.client.name, own)
        else:
            made_by = None if key is None else Key(caller.client.name, key, place + 1, len(items))
        flags += offered.flags
        yield Append(ActieVersie.first(offered.actie, term_raised=offered.term_raised).rows(), made_by)


def _faults_in_texts(key: str | None, actie: Verwerkingsactie) -> list[Fault]:
    faults = faults_in_texts(actie)
    return [*faults, Fault("idempotencyKey", "invalid", BSN_IN_TEXT)] if key is not None and has_bsn(key) else faults


def _store(connection: Connection, appends: Sequence[Append]) -> list[VersionRows | None]:
    """A job for the writer: store them. Gives of each its rows, or None where its own key was used for another actie.

    Raises KeyUsed, and stores nothing, when the key of the batch was used for another batch.
    """
    earlier = append_all(connection, appends)
    found = versions_by_number(connection, [versie for versie in earlier if versie is not None and versie != OTHER_REQUEST])
    stored: list[VersionRows | None] = []
    for append, versie in zip(appends, earlier, strict=True):
        before = append.version if versie is None else found.get(versie)
        same = before is not None and append.version.says_the_same(before)
        if not same and append.key is not None and append.key.aantal:
            raise KeyUsed
        stored.append(before if same else None)
    return stored


def _stored(answers: Answers, rows: VersionRows) -> Answer:
    actie_id = rows.actie["actie_id"]
    return {"status": 201, "actieId": actie_id, "url": f"{answers.acties}/{actie_id}"}


def _refused(status: int, detail: str | None = None, *, faults: Sequence[Fault] = ()) -> Answer:
    return {"status": status, "problem": problem_content(status, detail, faults=faults)}
