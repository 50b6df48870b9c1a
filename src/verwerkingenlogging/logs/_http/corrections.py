"""Changing what a register holds of a verwerking: the request, and what its answer means (F2969, F4415)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from verwerkingenlogging.errors import InvalidValue
from verwerkingenlogging.logs._http.answers import failure
from verwerkingenlogging.model import Vertrouwelijkheid, check_vertrouwelijkheid
from verwerkingenlogging.model.limits import check_bewaartermijn

if TYPE_CHECKING:  # it needs the extra api
    from verwerkingenlogging.logs._http.exchange import Answer

__all__ = ["change_request", "check_change"]

_CHANGED = 204


def change_request(
    verwerking_id: UUID, *, vertrouwelijkheid: Vertrouwelijkheid | None, bewaartermijn: str | None, of_afnemer: bool
) -> tuple[str, bytes]:
    """The query and the body of the request. Raises InvalidValue when nothing is to change, or a value is not valid."""
    wanted: dict[str, str] = {}
    if vertrouwelijkheid is not None:
        wanted["vertrouwelijkheid"] = check_vertrouwelijkheid("vertrouwelijkheid", vertrouwelijkheid).value
    if bewaartermijn is not None:
        wanted["bewaartermijn"] = check_bewaartermijn("bewaartermijn", bewaartermijn)
    if not wanted:
        raise InvalidValue("vertrouwelijkheid", "required", "this or bewaartermijn must be given: otherwise nothing changes")
    name = "verwerkingIdAfnemer" if of_afnemer else "verwerkingId"
    return urlencode({name: str(verwerking_id)}), msgspec.json.encode(wanted)


def check_change(answer: Answer) -> None:
    """Raise LogRefused or LogUnavailable unless the answer says that the change was made."""
    if answer.status != _CHANGED:
        raise failure(answer)
