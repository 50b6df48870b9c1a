"""``Idempotency-Key``: a POST that is sent again after its answer got lost is not done twice (X58, D12).

What a key made is remembered, not what was said: the answer is built anew from the version that it made. So no second copy
of personal data is kept, and "the same request" is one that says the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request

from verwerkingenlogging_register._errors import Fault
from verwerkingenlogging_register._rules.bsn_places import BSN_IN_TEXT, has_bsn
from verwerkingenlogging_register._wire.fields import INVALID_KEY, KEY
from verwerkingenlogging_register.settings import Settings

__all__ = ["HEADER", "key_of"]

HEADER = "Idempotency-Key"


def key_of(request: Request, settings: Settings) -> tuple[str | None, Sequence[Fault]]:
    """The key of this request, and the faults in it."""
    given = request.headers.getlist(HEADER)
    if not given:
        return None, []
    if len(given) > 1:
        return None, [Fault(HEADER, "invalid", "Mag maar één keer voorkomen.")]
    if not KEY.fullmatch(given[0]):
        return None, [Fault(HEADER, "invalid", INVALID_KEY)]
    if settings.refuse_bsn_in_text and has_bsn(given[0]):
        return None, [Fault(HEADER, "invalid", BSN_IN_TEXT)]
    return given[0], []
