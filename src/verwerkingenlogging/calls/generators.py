"""Annotated generator functions: recorded before the first step, or for each item before that item leaves.

They are generator functions again, so a framework that streams what an endpoint yields knows them as such. Nothing runs when one is
called, so nothing is recorded then: known persons are recorded before the first item is made, found ones before each item is given, of
which the annotation's function gets a list with that item. Each step runs in the context of its actie, and the code between the steps
in its own.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, ClassVar, ParamSpec, TypeVar, cast

from verwerkingenlogging.calls.recorded_call import Annotation, Begun
from verwerkingenlogging.context import Context, current, enter, leave
from verwerkingenlogging.errors import NotRecorded

__all__ = ["IN_STEPS", "InSteps", "wrapped_async_generator", "wrapped_generator"]

P = ParamSpec("P")
R = TypeVar("R")

IN_STEPS = "__verwerkingsactie_in_steps__"
"""An attribute of such a function: the answer that it is to make may not begin before its first step."""


class InSteps:
    """Whether this process has an annotated generator function. Most have none, and then no answer need be looked at."""

    any: ClassVar[bool] = False


def wrapped_generator(function: Callable[P, R], annotation: Annotation) -> Callable[P, R]:
    """``function``, a generator function, that records what ``annotation`` says."""
    call = cast("Callable[..., Generator[Any, Any, Any]]", function)

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        __traceback_hide__ = True  # what shows local variables, Django's debug page and Sentry, passes over this frame
        context, (actie, inside, args, kwargs) = _begun(annotation, args, kwargs)
        generator = call(*args, **kwargs)
        step: Callable[[Any], Any] = generator.send
        value: Any = None
        try:
            while True:
                token = enter(inside)
                try:
                    item = step(value)
                except StopIteration as end:
                    return end.value
                finally:
                    leave(token)
                if annotation.found:
                    item = _found(annotation, context, actie, item, args, kwargs)
                try:
                    value = yield item
                    step = generator.send
                except GeneratorExit:
                    raise
                except BaseException as error:  # for the generator to handle
                    value, step = error, generator.throw
                if annotation.found:
                    context, (actie, inside, _, _) = _begun(annotation, args, kwargs)
        finally:
            token = enter(inside)
            try:
                generator.close()
            finally:
                leave(token)

    setattr(wrapper, IN_STEPS, True)
    InSteps.any = True
    return cast("Callable[P, R]", wrapper)


def wrapped_async_generator(function: Callable[P, R], annotation: Annotation) -> Callable[P, R]:
    """``function``, an asynchronous generator function, that records what ``annotation`` says."""
    call = cast("Callable[..., AsyncGenerator[Any, Any]]", function)

    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        __traceback_hide__ = True  # as above
        context, (actie, inside, args, kwargs) = await _abegun(annotation, args, kwargs)
        generator = call(*args, **kwargs)
        step: Callable[[Any], Any] = generator.asend
        value: Any = None
        try:
            while True:
                token = enter(inside)
                try:
                    item = await step(value)
                except StopAsyncIteration:
                    return
                finally:
                    leave(token)
                if annotation.found:
                    (item,) = await annotation.afinish(context, actie, [item], args, kwargs)
                try:
                    value = yield item
                    step = generator.asend
                except GeneratorExit:
                    raise
                except BaseException as error:  # for the generator to handle
                    value, step = error, generator.athrow
                if annotation.found:
                    context, (actie, inside, _, _) = await _abegun(annotation, args, kwargs)
        finally:
            token = enter(inside)
            try:
                await generator.aclose()
            finally:
                leave(token)

    setattr(wrapper, IN_STEPS, True)
    InSteps.any = True
    return cast("Callable[P, R]", wrapper)


def _begun(annotation: Annotation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Context, Begun]:
    context = current()
    try:
        begun = annotation.begin(context, args, kwargs)
        if not annotation.found:
            context.recorder.record((begun[0],), annotation.safety)
    except NotRecorded as error:
        context.fail(error)
        raise
    return context, begun


async def _abegun(annotation: Annotation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Context, Begun]:
    context = current()
    try:
        if context.gebruiker is not None and (fetching := annotation.prepare(context)) is not None:
            await fetching
        begun = annotation.begin(context, args, kwargs)
        if not annotation.found:
            await context.recorder.arecord((begun[0],), annotation.safety)
    except NotRecorded as error:
        context.fail(error)
        raise
    return context, begun


def _found(annotation: Annotation, context: Context, actie: Any, item: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        found, (item,) = annotation.finish(context, actie, [item], args, kwargs)
        if found is not None:
            context.recorder.record((found,), annotation.safety)
    except NotRecorded as error:
        context.fail(error)
        raise
    return item
