"""Shared by the questions of both APIs: who asks what, and the page of results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging.model.doelbinding import Doelbinding
from verwerkingenlogging.requests.doelbinding_headers import VNG
from verwerkingenlogging_register._acties.search_statements import Search
from verwerkingenlogging_register._errors import Fault, InvalidInput
from verwerkingenlogging_register._model.positions import Position
from verwerkingenlogging_register._model.results import Found
from verwerkingenlogging_register._model.scopes import check_inspection
from verwerkingenlogging_register._model.versions import VersionRows
from verwerkingenlogging_register._requests.authentication import Caller, authenticated
from verwerkingenlogging_register._requests.content import body_of, offloaded_if
from verwerkingenlogging_register._requests.inspection import log_inspection, personen_in
from verwerkingenlogging_register._requests.offload import are_many, emptied
from verwerkingenlogging_register._requests.register import Register, register_of
from verwerkingenlogging_register._wire.answers import Answer
from verwerkingenlogging_register._wire.cursors import NOT_OURS_FAULT, Cursors
from verwerkingenlogging_register._wire.pages import PageAsked, page_asked
from verwerkingenlogging_register._wire.validation import check, context_of, doelbinding_of, parameters_of, query_and_faults
from verwerkingenlogging_register.settings import Settings

__all__ = ["Asked", "asked", "page_response", "reader_of"]

Question = TypeVar("Question", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Generic[Question]):
    """A valid question, by a client that may use this OIN."""

    request: Request
    register: Register
    caller: Caller
    doelbinding: Doelbinding
    question: Question
    page: PageAsked

    async def answer(
        self,
        search: Search,
        find: Callable[[Connection, Search, Position | None], Found],
        answer_of: Callable[[VersionRows], Answer],
    ) -> Response:
        """The page of what ``find`` finds by ``search``, after the inspection of the persons on it was recorded.

        Raises InvalidInput when the page is one of another question, or of a reader who may see more, or less.
        """
        position = self.page.position(search.question)
        found = await self.register.repository.read(lambda connection: find(connection, search, position))
        many = are_many(found.rows)
        results = await offloaded_if(many, self.request, lambda: [answer_of(rows) for rows in found.rows])
        page = self.page.answer(found, results, search.question, self._in_cursor)
        await log_inspection(self.register, self.doelbinding, [search.persoon] if search.persoon else personen_in(*found.rows))
        return await page_response(self.request, self.register, page, found)

    def _in_cursor(self) -> dict[str, Any] | None:
        """The question, where it would else stand in the address; None where the client says it again, in a body."""
        if self.request.method == "POST":
            return None
        # Without warnings: its types say what comes in.
        return self.question.model_dump(mode="json", by_alias=True, exclude_none=True, warnings=False)


async def page_response(request: Request, register: Register, page: Answer, found: Found) -> Response:
    """``page`` as an answer. A large one is made off the event loop, and what it was made of is let go of in short steps."""
    if not are_many(found.rows):
        return register.answers.response(page)

    def response() -> Response:
        answer = register.answers.response(page)
        emptied(page)
        emptied(found.rows)
        return answer

    return await offloaded_if(True, request, response)


def reader_of(request: Request, caller: Caller, *, mandatory: bool) -> tuple[Doelbinding, list[Fault]]:
    """The reader that the headers of a read name, and the faults in them; with ``mandatory`` also the missing ones.

    Raises NotPermitted when the inspection would be hidden from the citizen and the caller may not have that. A Vertrouwelijkheid
    that cannot be read counts as one that hides: else whoever may not hide would learn by trying what passes for normaal.
    """
    doelbinding, faults = doelbinding_of(request, mandatory=mandatory)
    unreadable = any(fault.name == VNG.vertrouwelijkheid for fault in faults)
    check_inspection(caller.scopes, confidential=unreadable or doelbinding.vertrouwelijkheid is Vertrouwelijkheid.VERTROUWELIJK)
    return doelbinding, faults


async def asked(request: Request, model: type[Question], address: str, *, mandatory: bool = False) -> Asked[Question]:
    """The question of ``request`` at ``address``, as ``model``. With ``mandatory``, the doelbinding headers must be there.

    The question stands in the query string of a GET, in the body of a POST; the page stands in the address. Raises what
    ``authenticated``, ``reader_of`` and ``body_of`` raise, InvalidInput with all that is wrong, and NotPermitted for the OIN of another.
    """
    register = register_of(request)
    caller = await authenticated(request, register)
    doelbinding, faults = reader_of(request, caller, mandatory=mandatory)
    page, page_faults = page_asked(request, register.settings, Cursors(register.repository.keys, caller.client.name, address))
    if request.method == "POST":
        question = await body_of(request, model, register.settings, other_faults=[*faults, *page_faults])
    else:
        question = _in_address(request, model, register.settings, page, faults, page_faults)
    doelbinding = caller.believed(doelbinding)
    register.spellings.asked(caller.client.name, getattr(question, "persoon", None))
    return Asked(request=request, register=register, caller=caller, doelbinding=doelbinding, question=question, page=page)


def _in_address(
    request: Request, model: type[Question], settings: Settings, page: PageAsked, faults: Sequence[Fault], page_faults: Sequence[Fault]
) -> Question:
    """The question in the query string; in the cursor when that is all there is. Raises InvalidInput with all that is wrong."""
    if not request.query_params.get("cursor") or any(name in request.query_params for name in parameters_of(model)):
        question, question_faults = query_and_faults(request, model, settings)
        check([*faults, *question_faults, *page_faults])
        return question
    check([*faults, *page_faults])
    try:
        return model.model_validate(page.cursor and page.cursor.asked, context=context_of(settings))
    except ValidationError:  # the settings of this register have changed
        raise InvalidInput([NOT_OURS_FAULT]) from None
