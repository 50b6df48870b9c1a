"""Routing: the handler of an operation gets the request itself, and checks the ids in its address."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from verwerkingenlogging_register._errors import Fault, InvalidInput
from verwerkingenlogging_register._requests.admission import admission_in
from verwerkingenlogging_register._wire.fields import RequiredUuid

__all__ = ["KENMERK", "Operation", "id_in"]

KENMERK = "kenmerk"
"""The convertor of an id, as in ``/{actieId:kenmerk}``: no name that begins with ``_``, for those are operations of ours."""


class _Kenmerk(StringConvertor):
    regex = "[^/_][^/]*"


register_url_convertor(KENMERK, _Kenmerk())


class Operation(APIRoute):
    """An operation that FastAPI routes and describes, and whose handler reads the request and writes the answer itself.

    What it would do in between, solving dependencies and checking each answer against its model, costs as much as the rest.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app = _answering(self.operation())

    def operation(self) -> Callable[[Request], Awaitable[Response]]:
        """The handler of a request. A client that was revoked meanwhile gets no answer."""
        endpoint = self.endpoint

        async def answer(request: Request) -> Response:
            response: Response = await endpoint(request)
            admission = admission_in(request.scope)
            if admission is not None:
                await admission.renew()
            return response

        return answer


def _answering(operation: Callable[[Request], Awaitable[Response]]) -> ASGIApp:
    """The ASGI application of ``operation``. What it raises is answered by the application's own handlers, around all routes."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        response = await operation(Request(scope, receive, send))
        await response(scope, receive, send)

    return answer


def id_in(request: Request, name: str) -> UUID:
    """The id of that name in the address. Raises InvalidInput when it is not valid."""
    try:
        return _id.validate_python(request.path_params[name])
    except ValidationError as error:
        raise InvalidInput([Fault(name, item["type"], item["msg"]) for item in error.errors(include_input=False)]) from None


_id: TypeAdapter[UUID] = TypeAdapter(RequiredUuid)
