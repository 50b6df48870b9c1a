"""Wraps a function so that it records: before its body runs, or before its result leaves.

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
from types import CoroutineType, FunctionType
from typing import Any, ParamSpec, TypeVar, cast

from verwerkingenlogging.calls._one_shot import ReadOnce, only_iterates
from verwerkingenlogging.calls.generators import wrapped_async_generator, wrapped_generator
from verwerkingenlogging.calls.recorded_call import Annotation
from verwerkingenlogging.context import Context, current, enter, leave
from verwerkingenlogging.errors import ConfigurationError, NotRecorded, not_recorded
from verwerkingenlogging.model import Verwerkingsactie

__all__ = ["wrapped"]

P = ParamSpec("P")
R = TypeVar("R")


_asynchronous: Callable[[Callable[..., Any]], bool] = (
    asyncio.iscoroutinefunction if sys.version_info < (3, 12) else inspect.iscoroutinefunction
)
"""Whether a function gives a coroutine: it is ``async def``, or marked as such, like the views that Django makes of classes."""


def wrapped(function: Callable[P, R], annotation: Annotation) -> Callable[P, R]:
    """``function`` that records what ``annotation`` says each time it runs. It has the same kind and signature."""
    wrapper: Callable[P, R]
    if inspect.isasyncgenfunction(function):
        wrapper = wrapped_async_generator(cast("Callable[P, R]", function), annotation)
    elif inspect.isgeneratorfunction(function):
        wrapper = wrapped_generator(cast("Callable[P, R]", function), annotation)
    else:
        wrapper = (_wrapped_async if _asynchronous(function) else _wrapped_sync)(function, annotation)
    if isinstance(function, FunctionType):  # functools.wraps leaves these out; its own signature has no place for them
        wrapper.__defaults__, wrapper.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
    return wrapper


def _wrapped_sync(function: Callable[P, R], annotation: Annotation) -> Callable[P, R]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        __traceback_hide__ = True  # what shows local variables, Django's debug page and Sentry, passes over this frame
        context = current()
        try:
            actie, inside, args, kwargs = annotation.begin(context, args, kwargs)
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
            if hasattr(type(result), "__await__") or hasattr(type(result), "__anext__"):
                return _later(annotation, context, actie, inside, result, args, kwargs)
            try:
                found, result = annotation.finish(context, actie, result, args, kwargs)
                if found is not None:
                    context.recorder.record((found,), annotation.safety)
            except NotRecorded as error:
                context.fail(error)
                raise
        return result

    return cast("Callable[P, R]", wrapper)


def _wrapped_async(function: Callable[P, R], annotation: Annotation) -> Callable[P, R]:
    call = cast("Callable[..., Coroutine[Any, Any, Any]]", function)

    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        __traceback_hide__ = True  # as above
        context = current()
        try:
            if context.gebruiker is not None and (fetching := annotation.prepare(context)) is not None:
                await fetching
            actie, inside, args, kwargs = annotation.begin(context, args, kwargs)
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
        if not annotation.found:
            return result
        if hasattr(type(result), "__anext__"):
            return _steps(annotation, context, result, args, kwargs)
        return await annotation.afinish(context, actie, result, args, kwargs)

    return cast("Callable[P, R]", wrapper)


def _later(
    annotation: Annotation,
    context: Context,
    actie: Verwerkingsactie,
    inside: Context,
    result: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """What a function without ``async`` gives in the place of its result: who is found in it is recorded when that comes."""
    if hasattr(type(result), "__anext__"):
        return _steps(annotation, context, result, args, kwargs)
    if not isinstance(result, CoroutineType):
        raise _refused(
            annotation, context, ConfigurationError(f"{type(result).__name__} is no result yet; annotate the function that makes it")
        )

    async def awaited() -> Any:
        __traceback_hide__ = True  # as above
        token = enter(inside)
        try:
            come = await result
        finally:
            leave(token)
        return await annotation.afinish(context, actie, come, args, kwargs)

    return awaited()


def _steps(annotation: Annotation, context: Context, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """An asynchronous iterator that was given as a result: each of its items is recorded before that goes on."""
    if not only_iterates(type(result)):
        raise _refused(annotation, context, ReadOnce(type(result)))
    (context.root or context).in_steps = True

    async def given(*_: Any, **__: Any) -> Any:
        async for item in result:
            yield item

    generator = result if inspect.isasyncgen(result) else given()
    return wrapped_async_generator(lambda *_, **__: generator, annotation)(*args, **kwargs)


def _refused(annotation: Annotation, context: Context, why: ConfigurationError) -> NotRecorded:
    error = not_recorded(annotation.where, why)
    context.fail(error)
    return error
