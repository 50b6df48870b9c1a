"""One page of a result, with the addresses of the pages beside it (X56)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, WithJsonSchema
from starlette.requests import Request

from verwerkingenlogging_register.answers import Answer
from verwerkingenlogging_register.descriptions import describe
from verwerkingenlogging_register.problems import Problem
from verwerkingenlogging_register.searches import Paging

__all__ = ["Page", "page_of"]

T = TypeVar("T")
PageUrl = Annotated[str | None, WithJsonSchema({"type": ["string", "null"], "format": "uri"})]


class Page(BaseModel, Generic[T]):
    """Een bladzijde van het resultaat."""

    model_config = ConfigDict(json_schema_extra=describe)

    count: int
    next: PageUrl
    previous: PageUrl
    results: list[T]


def page_of(request: Request, address: str, paging: Paging, results: Sequence[Answer], count: int) -> Answer:
    """The page that ``paging`` asks for, of the collection at ``address``. Raises Problem 404 beyond the last page (D5)."""
    if not results and paging.page > 1:
        raise Problem(404, "Deze bladzijde bestaat niet.")
    more = paging.page * paging.page_size < count
    return {
        "count": count,
        "next": _url(request, address, paging.page + 1) if more else None,
        "previous": _url(request, address, paging.page - 1) if paging.page > 1 else None,
        "results": results,
    }


def _url(request: Request, address: str, page: int) -> str:
    """The same question for another page. The standard puts the identifier in it (X57)."""
    parameters = [(name, value) for name, value in request.query_params.multi_items() if name != "page"]
    return f"{address}?{urlencode([*parameters, ('page', page)])}"
