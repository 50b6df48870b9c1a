"""Pages of a result, with the addresses of the pages beside each (X56)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, WithJsonSchema
from starlette.requests import Request

from verwerkingenlogging_register._errors import Fault, InvalidInput, Problem
from verwerkingenlogging_register._model.positions import Position
from verwerkingenlogging_register._model.results import Found
from verwerkingenlogging_register._wire.answers import Answer
from verwerkingenlogging_register._wire.cursors import NOT_OURS_FAULT, Cursor, Cursors, digest_of
from verwerkingenlogging_register._wire.descriptions import describe
from verwerkingenlogging_register._wire.search_parameters import Paging
from verwerkingenlogging_register._wire.validation import query_and_faults
from verwerkingenlogging_register.settings import Settings

__all__ = ["Page", "PageAsked", "page_asked"]

T = TypeVar("T")
PageUrl = Annotated[str | None, WithJsonSchema({"type": ["string", "null"], "format": "uri"})]


class Page(BaseModel, Generic[T]):
    """Een bladzijde van het resultaat."""

    model_config = ConfigDict(json_schema_extra=describe)

    count: int
    next: PageUrl
    previous: PageUrl
    results: list[T]


@dataclass(frozen=True, slots=True)
class PageAsked:
    """The page that is asked for: by its number, or by the cursor of an earlier answer."""

    cursors: Cursors
    paging: Paging
    cursor: Cursor | None

    def position(self, question: Callable[[], object]) -> Position | None:
        """The beginning of the page; None for one with a number. Raises InvalidInput when it is a page of another question."""
        if self.cursor is None:
            return None
        if self.cursor.question != digest_of(question()):
            raise InvalidInput([NOT_OURS_FAULT])
        return self.cursor.position

    def answer(
        self, found: Found, results: Sequence[Answer], question: Callable[[], object], asked: Callable[[], dict[str, Any] | None]
    ) -> Answer:
        """The page that was ``found``, of that question. Raises Problem 404 beyond the last page that has a number (D5).

        ``asked`` is what the address of a page beside it must hold to be asked for. Nearly always there is none.
        """
        if not results and self.paging.page > 1:
            raise Problem(404, "Deze bladzijde bestaat niet.")
        made = int(time.time()) if self.cursor is None else self.cursor.made

        def url(position: Position | None) -> str | None:
            if position is None:
                return None
            digest, size = digest_of(question()), self.paging.page_size
            return self.cursors.url(Cursor(made=made, question=digest, page_size=size, position=position, asked=asked()))

        return {"count": found.count, "next": url(found.next), "previous": url(found.previous), "results": results}


def page_asked(request: Request, settings: Settings, cursors: Cursors) -> tuple[PageAsked, list[Fault]]:
    """The page that ``request`` asks for, and the faults in that. With faults, do not use the page."""
    paging, faults = query_and_faults(request, Paging, settings)
    if paging.cursor is None:
        return PageAsked(cursors, paging, None), faults
    if "page" in paging.model_fields_set:
        faults.append(Fault("page", "invalid", "Mag niet samen met cursor."))
    cursor = cursors.opened(paging.cursor)
    if cursor is None:
        faults.append(NOT_OURS_FAULT)
    elif "page_size" not in paging.model_fields_set:
        paging = paging.model_copy(update={"page_size": cursor.page_size})
    return PageAsked(cursors, paging, cursor), faults
