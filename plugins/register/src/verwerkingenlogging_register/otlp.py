"""``POST /v1/traces``: OTLP over HTTP. Logregels of Logboek Dataverwerkingen become verwerkingsacties. An extension.

A Collector drops what it is told not to send again, so what is told matters: a span that can never be stored is counted in a
partial success, and everything that another moment or a mended configuration makes good is 429 or 503, with ``Retry-After``.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from verwerkingenlogging.doelbinding import VNG
from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging_register.access import Caller, identified
from verwerkingenlogging_register.appending import Append, append_all
from verwerkingenlogging_register.inputs import bytes_of
from verwerkingenlogging_register.otlp_spans import Judge, Refusal, Unreadable, Verdict
from verwerkingenlogging_register.otlp_wire import Encoding, decoded, export_answer, status_answer
from verwerkingenlogging_register.problems import Problem, problem_content, route_of
from verwerkingenlogging_register.query import versions_by_number
from verwerkingenlogging_register.scopes import NotPermitted
from verwerkingenlogging_register.services import Register, register_of
from verwerkingenlogging_register.technical_log import place

__all__ = ["router"]

logger = logging.getLogger("verwerkingenlogging_register")

_AT_ONCE = 500
"""Most acties stored in one job: others wait for their turn no longer than that takes."""
_REASONS_MAX = 20
_KEY_SECONDS = 30
"""When to try again what waits for somebody who mends the configuration."""
_OTHER = Refusal("trace_id en span_id zijn al gebruikt voor een andere verwerkingsactie")


class Outcome(StrEnum):
    """What became of a span, as the metrics count it.

    ``part``: its actie's own span says it too. ``unreadable``: encrypted with a key that is not here, so it must come again.
    """

    STORED = "stored"
    REPEATED = "repeated"
    PART = "part"
    REFUSED = "refused"
    UNREADABLE = "unreadable"


class _OtlpRoute(APIRoute):
    """Answers errors as OTLP has it: google.rpc.Status, in the encoding of the request."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, and what makes answers of its errors."""
        handle = super().get_route_handler()

        async def handle_and_answer(request: Request) -> Response:
            try:
                return await handle(request)
            except Exception as error:
                return _error_answer(request, error)

        return handle_and_answer


router = APIRouter(route_class=_OtlpRoute, include_in_schema=False)


@router.post("/v1/traces")
async def export(
    request: Request,
    caller: Annotated[Caller, Depends(identified)],
    register: Annotated[Register, Depends(register_of)],
) -> Response:
    """Store the logregels among the spans; answers when they are on disk."""
    encoding = Encoding.of(request)
    caller.check_oin(VNG.read(request.scope["headers"]))
    body = await bytes_of(request, register.settings.batch_body_limit)
    gzip = request.headers.get("content-encoding", "").strip().lower() == "gzip"
    verdicts = await run_in_threadpool(_verdicts, register, caller, body, encoding, gzip=gzip)
    outcomes, refusals = await _stored(register, verdicts)
    register.metrics.spans(outcomes.items())
    _check_readable(verdicts)
    return export_answer(encoding, rejected=refusals.total(), message=_message(refusals))


def _verdicts(register: Register, caller: Caller, body: bytes, encoding: Encoding, *, gzip: bool) -> list[Verdict]:
    settings = register.settings
    request = decoded(body, encoding, gzip=gzip, limit=settings.batch_body_limit, depth_limit=settings.depth_limit)
    judge = Judge(
        client=caller.client.name,
        scopes=caller.scopes,
        objecttypen=settings.objecttypen,
        vertrouwelijkheid=settings.otlp_vertrouwelijkheid,
        decode=register.subject_keys.decode,
    )
    return list(judge.verdicts(request))


async def _stored(register: Register, verdicts: Sequence[Verdict]) -> tuple[Counter[Outcome], Counter[str]]:
    """Store what is to be stored. Gives how many spans had which outcome, and how many were refused for which reason."""
    outcomes: Counter[Outcome] = Counter()
    refusals: Counter[str] = Counter()
    appends: dict[str, Append] = {}
    for verdict in verdicts:
        if verdict is None:
            outcomes[Outcome.PART] += 1
        elif isinstance(verdict, Refusal):
            refusals[verdict.reason] += 1
        elif isinstance(verdict, Unreadable):
            outcomes[Outcome.UNREADABLE] += 1
        else:
            first = appends.setdefault(_key(verdict), verdict)
            if first is not verdict:
                _count(verdict.version.says_the_same(first.version), outcomes, refusals)
    waiting = list(appends.values())
    for start in range(0, len(waiting), _AT_ONCE):
        some = waiting[start : start + _AT_ONCE]
        for same in await register.store.write(lambda connection, some=some: _store(connection, some)):  # type: ignore[misc]  # some is bound
            _count(same, outcomes, refusals)
    outcomes[Outcome.REFUSED] += refusals.total()
    return outcomes, refusals


def _key(append: Append) -> str:
    assert append.key is not None  # noqa: S101  # the judge gives each a key
    return append.key.key


def _store(connection: Connection, appends: Sequence[Append]) -> list[bool | None]:
    """A job for the writer: store what is new. Gives of each None, or whether what was stored before says the same."""
    earlier = append_all(connection, appends)
    found = versions_by_number(connection, [versie for versie in earlier if versie is not None])
    # What the purge took away was stored, and kept for as long as it had to be.
    return [
        None if versie is None else versie not in found or append.version.says_the_same(found[versie])
        for append, versie in zip(appends, earlier, strict=True)
    ]


def _count(same: bool | None, outcomes: Counter[Outcome], refusals: Counter[str]) -> None:
    if same is False:
        refusals[_OTHER.reason] += 1
    else:
        outcomes[Outcome.STORED if same is None else Outcome.REPEATED] += 1


def _check_readable(verdicts: Sequence[Verdict]) -> None:
    """Raise Problem 503 when a span could not be read: it can be once its key is here. The others are stored by now."""
    missing = sorted({verdict.key_id for verdict in verdicts if isinstance(verdict, Unreadable)})
    if missing:
        logger.error("spans are encrypted with keys that are not in the file of subject_keys; add to it: %s", ", ".join(missing))
        detail = "Spans zijn versleuteld met een sleutel die het register niet heeft. Zij worden opgeslagen zodra die er is."
        raise Problem(503, detail, headers={"Retry-After": str(_KEY_SECONDS)})


def _message(refusals: Counter[str]) -> str:
    """How many spans were refused for which reason."""
    reasons = [f"{count} keer {reason}" for reason, count in refusals.most_common(_REASONS_MAX)]
    return f"{refusals.total()} spans geweigerd: {'; '.join(reasons)}" if reasons else ""


def _error_answer(request: Request, error: Exception) -> Response:
    """``error`` as an answer. One of ours is 503 too: a Collector drops what is answered with 500, and that would be a record."""
    headers: Mapping[str, str] | None = None
    if isinstance(error, Problem):
        status, detail, headers = error.status, error.detail, error.headers
    elif isinstance(error, NotPermitted):
        status, detail = 403, str(error)
    else:
        status, detail, headers = 503, None, {"Retry-After": "5"}
        _log(request, error)
    return status_answer(_encoding_for(request), status, detail or problem_content(status)["detail"], headers)


def _log(request: Request, error: Exception) -> None:
    instance, route = uuid4().urn, route_of(request.scope)
    if isinstance(error, LogUnavailable):
        logger.warning("503 %s %s %s: %s", request.method, route, instance, error)
    else:
        fields: dict[str, Any] = {"method": request.method, "route": route, "instance": instance, "error": place(error)}
        logger.error("503 %s %s %s: %s", request.method, route, instance, fields["error"], extra={"fields": fields})


def _encoding_for(request: Request) -> Encoding:
    try:
        return Encoding.of(request)
    except Problem:
        return Encoding.JSON
