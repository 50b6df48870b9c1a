"""What a register's answers mean, to who sends one verwerkingsactie and to who delivers many."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from verwerkingenlogging.errors import LogRefused, LogUnavailable

__all__ = ["REFUSED", "check", "check_delivery", "confirmation", "failure", "not_now", "outcomes"]

REFUSED = frozenset({400, 403, 413, 422})
"""Refusals of one record, which sending it again will not help. Others, such as 401 and 404, are about the client or the address."""
_CREATED = 201
_RETRY_LATER = frozenset({408, 425, 429})
_UNTIL_MENDED = {
    401: "; see to the client's id and secret",
    403: "; see to what the client may do",
    404: "; see to the address of the register",
}
_REASONS_MAX = 20
# Names of attributes and their places, never more: a foreign register might repeat a value in its answer.
_PARAM_NAME = re.compile(r"[A-Za-z]+([.\[]?(\d{1,4}\]?|[A-Za-z]+))*")


def check(status: int, content: bytes) -> None:
    """Raises LogRefused or LogUnavailable unless the answer to one verwerkingsactie says that it was kept."""
    if status != _CREATED:
        raise failure(status, content)
    if not _is_acknowledgement(_object(content).get("actieId")):
        raise LogUnavailable("the register answered 201 without an actieId, which acknowledges nothing")


def failure(status: int, content: bytes) -> LogRefused | LogUnavailable:
    """The error for an answer that is not the one that was hoped for: a refusal, or one that another attempt may change."""
    message = f"the register answered {status}{_reasons(_object(content)) or _UNTIL_MENDED.get(status, '')}"
    if 400 <= status < 500 and status not in _RETRY_LATER:  # noqa: PLR2004  # the range of client errors
        return LogRefused(message, status=status)
    return LogUnavailable(message)


def check_delivery(status: int, content: bytes) -> LogRefused | None:
    """Why one entry is refused for good, or None when it was kept. Raises LogUnavailable when it should be sent again."""
    try:
        check(status, content)
    except LogRefused as error:
        if status in REFUSED:
            return error
        raise not_now(status) from None
    return None


def not_now(status: int) -> LogUnavailable:
    """The error for an answer that says nothing about what was delivered, with what may mend it."""
    return LogUnavailable(f"the register answered {status}{_UNTIL_MENDED.get(status, '')}")


class _Outcome(msgspec.Struct, rename="camel", gc=False):
    status: int
    actie_id: str | None = None
    problem: dict[str, Any] | None = None


class _Outcomes(msgspec.Struct):
    results: list[_Outcome]


_DECODER = msgspec.json.Decoder(_Outcomes)


def outcomes(content: bytes, number: int) -> list[LogRefused | None]:
    """Of each of ``number`` entries in a batch, why it is refused for good. Raises LogUnavailable when any should be sent again."""
    try:
        results = _DECODER.decode(content).results
    except msgspec.MsgspecError:
        results = []
    if len(results) != number:
        raise LogUnavailable("the register did not say of each verwerkingsactie what became of it")
    return [None if result.status == _CREATED and result.actie_id else _outcome(result) for result in results]


def _outcome(result: _Outcome) -> LogRefused:
    if result.status in REFUSED:
        return LogRefused(f"the register answered {result.status}{_reasons(result.problem or {})}", status=result.status)
    raise LogUnavailable(f"the register answered {result.status} for a verwerkingsactie in a batch")


class _Weigering(msgspec.Struct, rename="camel", gc=False):
    idempotency_key: str
    status: int
    reason: str = ""


class _Bevestiging(msgspec.Struct):
    missing: list[str]
    refused: list[_Weigering]


_CONFIRMATION = msgspec.json.Decoder(_Bevestiging)
_FAULT = re.compile(r"[A-Za-z_.]{1,80} \([a-z-]{1,20}\)")


def confirmation(content: bytes) -> tuple[set[str], dict[str, LogRefused]]:
    """Which keys are not stored, and why those among them that were refused. Raises LogUnavailable when it does not say that."""
    try:
        answer = _CONFIRMATION.decode(content)
    except msgspec.MsgspecError:
        raise LogUnavailable("the register did not say what it has stored") from None
    return set(answer.missing), {
        each.idempotency_key: LogRefused(
            f"the register refused it with {each.status}{f' ({each.reason})' if _FAULT.fullmatch(each.reason) else ''}", status=each.status
        )
        for each in answer.refused
    }


def _is_acknowledgement(actie_id: object) -> bool:
    return isinstance(actie_id, str) and bool(actie_id)


def _reasons(body: dict[str, Any]) -> str:
    """Which attributes were refused and why, as far as names and codes say: `` (tijdstip: invalid)``."""
    params = body.get("invalidParams")
    pairs = [(param.get("name"), param.get("code")) for param in params if isinstance(param, dict)] if isinstance(params, list) else []
    named = [
        f"{name}: {code}"
        for name, code in pairs
        if isinstance(name, str) and isinstance(code, str) and _PARAM_NAME.fullmatch(name) and _PARAM_NAME.fullmatch(code.replace("-", "."))
    ]
    more = f", and {len(named) - _REASONS_MAX} more" if len(named) > _REASONS_MAX else ""
    return f" ({', '.join(named[:_REASONS_MAX])}{more})" if named else ""


def _object(content: bytes) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return {}
    return body if isinstance(body, dict) else {}
