"""One call of an annotated function: what it records, from its arguments and its result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from verwerkingenlogging.calls._one_shot import ReadOnce, hold, hold_each
from verwerkingenlogging.context import Context
from verwerkingenlogging.errors import NotRecorded, not_recorded
from verwerkingenlogging.logs.protocol import Safety
from verwerkingenlogging.model import Verwerkingsactie, VerwerktObject, filled
from verwerkingenlogging.model.template import Template

__all__ = ["Annotation", "Begun", "to_the_end"]

Begun = tuple[Verwerkingsactie, Context, tuple[Any, ...], dict[str, Any]]
"""The actie as far as it is known before the body runs, the context of that body, and the arguments that it gets."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Annotation:
    """What an annotated function records: the fixed part, and how the rest comes from its arguments and result."""

    where: str
    template: Template
    objecten: Callable[..., tuple[VerwerktObject, ...]]
    found: bool
    verwerking_id: Callable[..., Any] | None
    safety: Safety | None = None

    def prepare(self, context: Context) -> Awaitable[None] | None:
        """In asynchronous code: an awaitable that fetches the user, or None when there is nothing to fetch. Raises NotRecorded."""
        try:
            fetching = context.prepare()
        except Exception as error:
            raise not_recorded(self.where, error) from None
        return None if fetching is None else self._fetched(fetching)

    async def _fetched(self, fetching: Awaitable[None]) -> None:
        try:
            await fetching
        except Exception as error:
            raise not_recorded(self.where, error) from None

    def begin(self, context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Begun:
        """Make the actie of a call before its body runs.

        Raises NotRecorded. What a framework says against the request while its arguments are read, such as a body that is no
        JSON, passes unchanged: the body does not run for that either.
        """
        try:
            verwerking_id = None if self.verwerking_id is None else _uuid(context, self.verwerking_id(args, kwargs))
            objecten: tuple[VerwerktObject, ...] = ()
            if not self.found:
                try:
                    objecten = self.objecten(args, kwargs)
                except ReadOnce:
                    held = hold_each(args, kwargs)
                    if held is None:
                        raise
                    objecten = self.objecten(*held.show())
                    args, kwargs = held.hand_on()
            actie, inside = context.begin(self.template, objecten, verwerking_id=verwerking_id)
        except Exception as error:
            if _blames_the_request(error):
                raise
            raise not_recorded(self.where, error) from None
        return actie, inside, args, kwargs

    def finish(
        self, context: Context, actie: Verwerkingsactie, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Verwerkingsactie | None, Any]:
        """The actie with the persons in ``result`` (None when there are none), and the result to return. Raises NotRecorded."""
        try:
            held = hold(result)
            try:
                objecten = context.recorder.each(self.objecten(result if held is None else held.show(), args, kwargs))
            except (LookupError, AttributeError, TypeError):
                if not _is_an_error(result):
                    raise
                objecten = ()  # it shows nobody at that place, which is where the answer would have them
            if held is not None:
                result = held.hand_on()
            return (filled(actie, verwerkte_objecten=objecten) if objecten else None), result
        except Exception as error:
            raise not_recorded(self.where, error) from None

    async def afinish(self, context: Context, actie: Verwerkingsactie, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """In asynchronous code: record the persons in ``result``, and give the result to return. Raises NotRecorded."""
        try:
            found, result = self.finish(context, actie, result, args, kwargs)
        except NotRecorded as error:
            context.fail(error)
            raise
        if found is not None:
            await to_the_end(_recorded(context, found, self.safety))
        return result


def _blames_the_request(error: Exception) -> bool:
    """Whether it is a framework's own, for an answer 400 to 499; Django REST framework, Ninja, Starlette and FastAPI say so alike."""
    status = getattr(error, "status_code", None)
    return isinstance(status, int) and 400 <= status < 500  # noqa: PLR2004  # HTTP's own numbers


def _is_an_error(result: object) -> bool:
    """Whether it is an answer of a framework that says that something went wrong: Django, REST framework and Starlette say so alike."""
    status = getattr(result, "status_code", None)
    return isinstance(status, int) and status >= 400  # noqa: PLR2004  # HTTP's own number


def _uuid(context: Context, value: object) -> UUID | None:
    """The verwerkingId that an argument holds. A malformed one does not stop the record: it gets a new id, and is counted."""
    if value is None or isinstance(value, UUID):
        return value
    try:
        return UUID(str(value))
    except ValueError:
        context.recorder.faults["verwerking_id: invalid"] += 1
        return None


async def _recorded(context: Context, actie: Verwerkingsactie, safety: Safety | None) -> None:
    try:
        await context.recorder.arecord((actie,), safety)
    except NotRecorded as error:  # heard here too when the request was cancelled meanwhile, and nobody waits for it
        context.fail(error)
        raise


_ending: set[asyncio.Task[None]] = set()


async def to_the_end(record: Coroutine[Any, Any, None]) -> None:
    """Finish ``record`` even when the request is cancelled, because the processing that it describes has already happened."""
    try:
        task = asyncio.get_running_loop().create_task(record)
    except RuntimeError:  # another event loop than asyncio, which cannot be told to go on
        await record
        return
    _ending.add(task)  # the loop itself holds tasks weakly
    task.add_done_callback(_ending.discard)
    await asyncio.shield(task)
