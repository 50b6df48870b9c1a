"""``POST /v1/traces``: OTLP over HTTP. Logregels of Logboek Dataverwerkingen become verwerkingsacties. An extension.

A Collector drops what it is told not to send again, so what is told matters: a span that can never be stored is counted in a
partial success, and everything that another moment or a mended configuration makes good is 429 or 503, with ``Retry-After``.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging.requests.doelbinding_headers import VNG
from verwerkingenlogging_register._acties.append import Append
from verwerkingenlogging_register._errors import NotPermitted, Problem
from verwerkingenlogging_register._otlp.encodings import Encoding, decoded, export_answer, status_answer
from verwerkingenlogging_register._otlp.spans import Judge, Refusal, Unreadable, Verdict
from verwerkingenlogging_register._otlp.storage import Appends, Outcome, appends_in, results_of, store_all
from verwerkingenlogging_register._requests.authentication import Caller, identified
from verwerkingenlogging_register._requests.content import bytes_of, offloaded_if
from verwerkingenlogging_register._requests.offload import LARGE_BODY, emptied
from verwerkingenlogging_register._requests.recent_refusals import RecentRefusals
from verwerkingenlogging_register._requests.register import Register, register_of
from verwerkingenlogging_register._requests.routing import Operation
from verwerkingenlogging_register._technical_log import place
from verwerkingenlogging_register._wire.problems import method_of, problem_content, route_of

__all__ = ["router"]

logger = logging.getLogger("verwerkingenlogging_register")

_REASONS_MAX = 20
_KEY_SECONDS = 30
"""When to try again what waits for somebody who mends the configuration."""


class _OtlpOperation(Operation):
    """Answers errors as OTLP has it: google.rpc.Status, in the encoding of the request."""

    def operation(self) -> Callable[[Request], Awaitable[Response]]:
        """The operation, and what makes answers of its errors."""
        operation = super().operation()

        async def answer(request: Request) -> Response:
            try:
                return await operation(request)
            except Exception as error:
                return _error_answer(request, error)

        return answer


router = APIRouter(route_class=_OtlpOperation, include_in_schema=False)


@router.post("/v1/traces")
async def export(request: Request) -> Response:
    """Store the logregels among the spans; answers when they are on disk."""
    register = register_of(request)
    caller = await identified(request, register)
    encoding = Encoding.of(request)
    caller.check_oin(VNG.read(request.scope["headers"]))
    body = await bytes_of(request, register.settings.batch_body_limit)
    gzip = request.headers.get("content-encoding", "").strip().lower() == "gzip"
    large = gzip or len(body) > LARGE_BODY
    verdicts, appends = await offloaded_if(large, request, lambda: _judged(register, caller, body, encoding, gzip=gzip))
    outcomes = await store_all(register.repository, appends)
    return await offloaded_if(large, request, lambda: _answer(register, caller, encoding, verdicts, appends, outcomes))


def _answer(
    register: Register,
    caller: Caller,
    encoding: Encoding,
    verdicts: list[Verdict],
    appends: Appends,
    outcomes: Mapping[str, Outcome | Refusal],
) -> Response:
    results = results_of(verdicts, appends, outcomes)
    register.metrics.spans(Counter(Outcome.REFUSED if isinstance(result, Refusal) else result for result in results).items())
    refusals = [result for result in results if isinstance(result, Refusal)]
    _remember(register.refusals, caller.client.name, verdicts, refusals)
    try:
        _check_readable(verdicts)
    finally:
        appends.clear()  # verdicts holds each of them too
        emptied(verdicts)
    return export_answer(encoding, rejected=len(refusals), message=_message(refusals))


def _judged(register: Register, caller: Caller, body: bytes, encoding: Encoding, *, gzip: bool) -> tuple[list[Verdict], Appends]:
    settings = register.settings
    request = decoded(body, encoding, gzip=gzip, limit=settings.batch_body_limit, depth_limit=settings.depth_limit)
    judge = Judge(
        client=caller.client.name,
        scopes=caller.scopes,
        objecttypen=settings.objecttypen,
        vertrouwelijkheid=settings.otlp_vertrouwelijkheid,
        decode=register.subject_secrets.decode,
        rules=register.rules,
        refuse_bsn_in_text=settings.refuse_bsn_in_text,
        look=lambda actie: register.spellings.stored(caller.client.name, [actie]),
    )
    verdicts = list(judge.verdicts(request))
    register.flags.add(caller.client.name, judge.flags)
    return verdicts, appends_in(verdicts)


def _remember(recent: RecentRefusals, client: str, verdicts: Sequence[Verdict], refusals: Sequence[Refusal]) -> None:
    for verdict in verdicts:
        if isinstance(verdict, Append) and verdict.key is not None:
            recent.forget(client, verdict.key.key)
    for refusal in refusals:
        if refusal.key is not None:
            recent.add(client, refusal.key, refusal.refused)


def _check_readable(verdicts: Sequence[Verdict]) -> None:
    """Raise Problem 503 when a span could not be read: it can be once its key is here. The others are stored by now."""
    missing = sorted({verdict.key_id for verdict in verdicts if isinstance(verdict, Unreadable)})
    if missing:
        logger.error(
            "spans are encrypted with secrets that are not in the file of subject_secrets; add those with id: %s", ", ".join(missing)
        )
        detail = "Spans zijn versleuteld met een sleutel die het register niet heeft. Zij worden opgeslagen zodra die er is."
        raise Problem(503, detail, headers={"Retry-After": str(_KEY_SECONDS)})


def _message(refusals: Sequence[Refusal]) -> str:
    """How many spans were refused for which reason."""
    counted = Counter(refusal.refused.reason for refusal in refusals).most_common(_REASONS_MAX)
    return f"{len(refusals)} spans geweigerd: {'; '.join(f'{count} keer {reason}' for reason, count in counted)}"


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
        logger.warning("503 %s %s %s: %s", method_of(request.scope), route, instance, error)
    else:
        fields: dict[str, Any] = {"method": method_of(request.scope), "route": route, "instance": instance, "error": place(error)}
        logger.error("503 %s %s %s: %s", fields["method"], route, instance, fields["error"], extra={"fields": fields})


def _encoding_for(request: Request) -> Encoding:
    try:
        return Encoding.of(request)
    except Problem:
        return Encoding.JSON
