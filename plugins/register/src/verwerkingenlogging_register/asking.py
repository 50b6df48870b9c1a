"""What every question of the two APIs begins and ends with: who asks what, and a page of what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from verwerkingenlogging.doelbinding import VNG, Doelbinding
from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging_register.access import Caller, authenticated
from verwerkingenlogging_register.answers import Answer
from verwerkingenlogging_register.inputs import doelbinding_of, question_of
from verwerkingenlogging_register.inspection import log_inspection, personen_in
from verwerkingenlogging_register.paging import page_of
from verwerkingenlogging_register.problems import Fault
from verwerkingenlogging_register.query import Found, Persoon
from verwerkingenlogging_register.scopes import check_inspection
from verwerkingenlogging_register.searches import Paging
from verwerkingenlogging_register.services import Register, register_of
from verwerkingenlogging_register.versions import VersionRows

__all__ = ["Asked", "asked", "reader_of"]

Question = TypeVar("Question", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Generic[Question]):
    """A question that was put well, by somebody who may use this OIN."""

    request: Request
    register: Register
    caller: Caller
    doelbinding: Doelbinding
    question: Question
    paging: Paging

    async def page(
        self, address: str, search: Callable[[Connection], Found], answer_of: Callable[[VersionRows], Answer], persoon: Persoon | None
    ) -> Response:
        """The page of what ``search`` finds that is asked for, when the inspection of ``persoon``, or of all in it, is on record."""
        found = await self.register.store.read(search)
        results = [answer_of(rows) for rows in found.rows]
        page = page_of(self.request, address, self.paging, results, found.count)
        await log_inspection(self.register, self.doelbinding, [persoon] if persoon else personen_in(*found.rows))
        return self.register.answers.response(page)


def reader_of(request: Request, caller: Caller, *, mandatory: bool) -> tuple[Doelbinding, list[Fault]]:
    """What the headers of a read say of who reads, and what is wrong with them; with ``mandatory``, which of them miss.

    Raises NotPermitted when the inspection would be hidden from the citizen and the caller may not have that. A Vertrouwelijkheid
    that cannot be read counts as one that hides: else whoever may not hide would learn by trying what passes for normaal.
    """
    doelbinding, faults = doelbinding_of(request, mandatory=mandatory)
    unreadable = any(fault.name == VNG.vertrouwelijkheid for fault in faults)
    check_inspection(caller.scopes, confidential=unreadable or doelbinding.vertrouwelijkheid is Vertrouwelijkheid.VERTROUWELIJK)
    return doelbinding, faults


async def asked(request: Request, model: type[Question], *, mandatory: bool = False) -> Asked[Question]:
    """What ``request`` asks, as ``model``. With ``mandatory``, the headers of doelbinding must be there.

    Raises what ``authenticated``, ``reader_of`` and ``question_of`` raise, and NotPermitted for the OIN of another.
    """
    register = register_of(request)
    caller = await authenticated(request, register)
    doelbinding, faults = reader_of(request, caller, mandatory=mandatory)
    question, paging = await question_of(request, model, register.settings, other_faults=faults)
    doelbinding = caller.believed(doelbinding)
    register.spellings.asked(caller.client.name, getattr(question, "persoon", None))
    return Asked(request=request, register=register, caller=caller, doelbinding=doelbinding, question=question, paging=paging)
