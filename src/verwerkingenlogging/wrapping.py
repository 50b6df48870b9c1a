"""When it is recorded: before the function's body runs, or before its result goes on.

The persons that are known beforehand are recorded first, and then the body runs; those that are found are recorded when it has
run, and then the result goes on. Whatever stops the record, NotRecorded is raised in the place of the rest (B7952), and the context
remembers it: code around the function may eat the error.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast
from uuid import UUID

from verwerkingenlogging.context import Context, current, enter, leave
from verwerkingenlogging.errors import NotRecorded, not_recorded
from verwerkingenlogging.logs.protocol import Safety
from verwerkingenlogging.model import Verwerkingsactie, VerwerktObject, filled
from verwerkingenlogging.recorder import Template

__all__ = ["Annotation", "wrapped"]

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Annotation:
    """What an annotated function records: the fixed part, and how the rest comes from its arguments and result."""

    where: str
    template: Template
    objecten: Callable[..., tuple[VerwerktObject, ...]]
    found: bool
    verwerking_id: Callable[..., Any] | None
    safety: Safety | None = None

    async def prepare(self, context: Context) -> None:
        """Fetch the user, in asynchronous code. Raises NotRecorded."""
        try:
            fetching = context.prepare()
            if fetching is not None:
                await fetching
        except Exception as error:
            raise not_recorded(self.where, error) from None

    def begin(self, context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Verwerkingsactie, Context]:
        """The actie as far as it is known before the body runs, and the context of that body.

        Raises NotRecorded. What a framework says against the request while its arguments are read, such as a body that is no
        JSON, passes unchanged: the body does not run for that either.
        """
        try:
            verwerking_id = None if self.verwerking_id is None else _uuid(context, self.verwerking_id(args, kwargs))
            objecten = () if self.found else self.objecten(args, kwargs)
            return context.begin(self.template, objecten, verwerking_id=verwerking_id)
        except Exception as error:
            if _blames_the_request(error):
                raise
            raise not_recorded(self.where, error) from None

    def finish(
        self, context: Context, actie: Verwerkingsactie, result: object, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Verwerkingsactie | None:
        """The actie with the persons in ``result``, or None when there are none. Raises NotRecorded."""
        try:
            objecten = context.recorder.each(self.objecten(result, args, kwargs))
            return filled(actie, verwerkte_objecten=objecten) if objecten else None
        except Exception as error:
            raise not_recorded(self.where, error) from None


def _blames_the_request(error: Exception) -> bool:
    """Whether it is a framework's own, for an answer 400 to 499; Django REST framework, Ninja, Starlette and FastAPI say so alike."""
    status = getattr(error, "status_code", None)
    return isinstance(status, int) and 400 <= status < 500  # noqa: PLR2004  # HTTP's own numbers


def _uuid(context: Context, value: object) -> UUID | None:
    """The verwerkingId that an argument holds. A malformed one does not stop the record: it gets a new id, and is counted."""
    if value is None or isinstance(value, UUID):
        return value
    try:
        return UUID(str(value))
    except ValueError:
        context.recorder.faults["verwerking_id: invalid"] += 1
        return None


_asynchronous: Callable[[Callable[..., Any]], bool] = (
    asyncio.iscoroutinefunction if sys.version_info < (3, 12) else inspect.iscoroutinefunction
)
"""Whether a function gives a coroutine: it is ``async def``, or marked as such, like the views that Django makes of classes."""


def wrapped(function: Callable[P, R], annotation: Annotation) -> Callable[P, R]:
    """``function``, recording what ``annotation`` says whenever it runs."""
    return (_wrapped_async if _asynchronous(function) else _wrapped_sync)(function, annotation)


def _wrapped_sync(function: Callable[P, R], annotation: Annotation) -> Callable[P, R]:
    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        __traceback_hide__ = True  # what shows local variables, Django's debug page and Sentry, passes over this frame
        context = current()
        try:
            actie, inside = annotation.begin(context, args, kwargs)
            if not annotation.found:
                context.recorder.record((actie,), annotation.safety)
        except NotRecorded as error:
            context.fail(error)
            raise
        token = enter(inside)
        try:
            result = function(*args, **kwargs)
        finally:
            leave(token)
        if annotation.found:
            try:
                found = annotation.finish(context, actie, result, args, kwargs)
                if found is not None:
                    context.recorder.record((found,), annotation.safety)
            except NotRecorded as error:
                context.fail(error)
                raise
        return result

    return wrapper


def _wrapped_async(function: Callable[P, R], annotation: Annotation) -> Callable[P, R]:
    call = cast("Callable[P, Coroutine[Any, Any, Any]]", function)

    @functools.wraps(function)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> Any:
        __traceback_hide__ = True  # as above
        context = current()
        try:
            if context.gebruiker is not None:
                await annotation.prepare(context)
            actie, inside = annotation.begin(context, args, kwargs)
            if not annotation.found:
                await context.recorder.arecord((actie,), annotation.safety)
        except NotRecorded as error:
            context.fail(error)
            raise
        token = enter(inside)
        try:
            result = await call(*args, **kwargs)
        finally:
            leave(token)
        if annotation.found:
            try:
                found = annotation.finish(context, actie, result, args, kwargs)
            except NotRecorded as error:
                context.fail(error)
                raise
            if found is not None:
                await _to_the_end(_recorded(context, found, annotation.safety))
        return result

    return cast("Callable[P, R]", wrapper)


async def _recorded(context: Context, actie: Verwerkingsactie, safety: Safety | None) -> None:
    try:
        await context.recorder.arecord((actie,), safety)
    except NotRecorded as error:  # heard here too when the request was cancelled meanwhile, and nobody waits for it
        context.fail(error)
        raise


_ending: set[asyncio.Task[None]] = set()


async def _to_the_end(record: Coroutine[Any, Any, None]) -> None:
    """Run ``record`` to its end even when the request is cancelled: what it describes has already happened."""
    try:
        task = asyncio.get_running_loop().create_task(record)
    except RuntimeError:  # another event loop than asyncio, which cannot be told to go on
        await record
        return
    _ending.add(task)  # the loop itself holds tasks weakly
    task.add_done_callback(_ending.discard)
    await asyncio.shield(task)
