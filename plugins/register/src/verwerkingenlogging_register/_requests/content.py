"""The body of a request: read up to its limit, and checked in the offload thread when it is large."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from verwerkingenlogging_register._errors import Fault, InvalidInput, Problem
from verwerkingenlogging_register._requests.admission import admission_in
from verwerkingenlogging_register._requests.offload import LARGE_BODY
from verwerkingenlogging_register._requests.register import register_of
from verwerkingenlogging_register._wire.json_documents import NO_JSON, doubled_faults, read_document
from verwerkingenlogging_register._wire.validation import check, check_content_type, check_shape, context_of, faults_in
from verwerkingenlogging_register.settings import Settings

__all__ = ["body_of", "bytes_of", "json_of", "offloaded_if"]

Model = TypeVar("Model", bound=BaseModel)
Result = TypeVar("Result")


async def body_of(
    request: Request, model: type[Model], settings: Settings, *, other_faults: Sequence[Fault] = (), **context: object
) -> Model:
    """The JSON body, validated by ``model`` with ``context``.

    Raises Problem 415 for another media type and 413 for a body beyond the limit, InvalidInput for everything that is wrong
    in it, nesting beyond the limit included (D11), and ``other_faults``.
    """
    body = await json_of(request, settings, settings.body_limit)
    return await offloaded_if(len(body) > LARGE_BODY, request, lambda: _read(body, model, settings, other_faults, context))


def _read(body: bytes, model: type[Model], settings: Settings, other_faults: Sequence[Fault], context: Mapping[str, object]) -> Model:
    check_shape(body, settings)
    try:
        document, doubled = read_document(body)
    except ValueError:
        raise InvalidInput([*other_faults, NO_JSON]) from None
    if doubled:
        raise InvalidInput([*other_faults, *doubled_faults(doubled)])
    try:
        read = model.model_validate(document, context=context_of(settings, **context))
    except ValidationError as error:
        raise InvalidInput([*other_faults, *faults_in(error)]) from None
    check(other_faults)
    return read


async def json_of(request: Request, settings: Settings, limit: int) -> bytes:
    """The body. It must be declared as JSON and have at most ``limit`` bytes."""
    check_content_type(request)
    return await bytes_of(request, limit)


async def offloaded_if(large: bool, request: Request, work: Callable[[], Result]) -> Result:  # it is the question
    """The result of ``work``: done here, or when ``large`` in the offload thread, after which its client is checked again.

    Raises Problem 429 when that client has too much waiting already.
    """
    if not large:
        return work()
    admission = admission_in(request.scope)
    done = await register_of(request).offload.run(admission.client if admission else None, work)
    if admission is not None:
        await admission.renew()
    return done


async def bytes_of(request: Request, limit: int) -> bytes:
    """The body as it was sent. Raises Problem 413 when it has more than ``limit`` bytes.

    Whoever took long to send it is judged again, before anything is done with it.
    """
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > limit:
        raise Problem(413)
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise Problem(413)
            chunks.append(chunk)
    except ClientDisconnect:
        raise Problem(400) from None  # nobody is left to read it
    admission = admission_in(request.scope)
    if admission is not None:
        await admission.renew()
    return b"".join(chunks)
