"""What the answers of a register mean, for one verwerkingsactie and for a batch."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import msgspec

from verwerkingenlogging.errors import LogRefused, LogUnavailable

if TYPE_CHECKING:  # it needs the extra api; what stands here does not
    from verwerkingenlogging.logs._http.exchange import Answer

__all__ = ["REFUSED", "check", "check_delivery", "confirmation", "failure", "not_now", "outcomes"]

REFUSED = frozenset({400, 403, 413, 422})
"""Refusals of one record, which sending it again will not help. Others, such as 401 and 404, are about the client or the address."""
_CREATED = 201
_NOT_BELIEVED = 401
_RETRY_LATER = frozenset({408, 425, 429})
_OF_THE_CLIENT = frozenset({401, 404, 407, 429, 511})
"""Answers about who asks, or how often, or where, whatever it is that he sends."""
_RETRY_AFTER_MAX = 3600.0
_SECONDS = re.compile(r"[0-9]{1,9}")
_CLOCKS_DIFFER = 60.0
"""Seconds. The ``Date`` of an answer is whole seconds and some time under way; a register lets a token differ by less than this."""
_UNTIL_MENDED = {
    401: "; see to the client's id and secret",
    403: "; see to what the client may do",
    404: "; see to the address of the register",
}
_REASONS_MAX = 20
# Names of attributes and their places, never more: a foreign register might repeat a value in its answer.
_PARAM_NAME = re.compile(r"[A-Za-z]+([.\[]?(\d{1,4}\]?|[A-Za-z]+))*")


def check(answer: Answer) -> None:
    """Raise LogRefused or LogUnavailable unless the answer to one verwerkingsactie says that it was stored."""
    if answer.status != _CREATED:
        raise failure(answer)
    if not _is_acknowledgement(_object(answer.content).get("actieId")):
        raise LogUnavailable("the register answered 201 without an actieId, which acknowledges nothing")


def failure(answer: Answer) -> LogRefused | LogUnavailable:
    """The error for an answer that is no success: LogRefused, or LogUnavailable when another attempt may succeed."""
    reasons = _reasons(_object(answer.content))
    if not 400 <= answer.status < 500 or answer.status in _RETRY_LATER:  # noqa: PLR2004  # the range of client errors
        return _later(answer, reasons)
    return LogRefused(f"the register answered {answer.status}{reasons or _until_mended(answer)}", status=answer.status)


def check_delivery(answer: Answer) -> LogRefused | None:
    """Why one entry is refused for good, or None when it was kept. Raises LogUnavailable when it should be sent again."""
    try:
        check(answer)
    except LogRefused as error:
        if answer.status in REFUSED:
            return error
        raise not_now(answer) from None
    return None


def not_now(answer: Answer) -> LogUnavailable:
    """The error for an answer that says nothing about the delivered entries, with the remedy."""
    return _later(answer, _until_mended(answer))


def _later(answer: Answer, why: str) -> LogUnavailable:
    seconds = _seconds(answer.headers.get("retry-after", ""))
    asked = seconds is not None or answer.status in _OF_THE_CLIENT
    return LogUnavailable(f"the register answered {answer.status}{why}", retry_after=seconds, for_all=asked)


def _seconds(retry_after: str) -> float | None:
    """What ``Retry-After`` asks: a number of seconds, or a moment (RFC 9110, 10.2.3). Never more than an hour: it may be a mistake."""
    if _SECONDS.fullmatch(retry_after):
        return min(float(retry_after), _RETRY_AFTER_MAX)
    moment = _moment(retry_after)
    return None if moment is None else min(max(0.0, moment - time.time()), _RETRY_AFTER_MAX)


def _moment(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _until_mended(answer: Answer) -> str:
    """What may mend an answer that is about the client. A token is dated, so a clock that is wrong looks like a wrong secret."""
    if answer.status == _NOT_BELIEVED:
        moment = _moment(answer.headers.get("date", ""))
        ahead = 0.0 if moment is None else time.time() - moment
        if abs(ahead) > _CLOCKS_DIFFER:
            how = "ahead of" if ahead > 0 else "behind"
            return (
                f"; the clock of this machine is {abs(ahead):.0f} seconds {how} the register's, so its tokens are not valid; set it right"
            )
    return _UNTIL_MENDED.get(answer.status, "")


class _Outcome(msgspec.Struct, rename="camel", gc=False):
    status: int
    actie_id: str | None = None
    problem: dict[str, Any] | None = None


class _Outcomes(msgspec.Struct):
    results: list[_Outcome]


_DECODER = msgspec.json.Decoder(_Outcomes)


def outcomes(content: bytes, number: int) -> list[LogRefused | None]:
    """For each of ``number`` entries: why it is refused for good, or None. Raises LogUnavailable when any should be sent again."""
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
    """The keys that are not stored, with the reason for those that were refused. Raises LogUnavailable for any other answer."""
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
